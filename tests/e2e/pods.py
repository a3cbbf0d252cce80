"""Pods that tests run beside those of a release."""

import json

from tests.e2e.cluster import RELEASE, Namespace


def labels_of(component: str) -> dict[str, str]:
    """Labels of a release's pods of one kind."""
    return {
        "app.kubernetes.io/part-of": "va-tuning",
        "app.kubernetes.io/instance": RELEASE,
        "app.kubernetes.io/component": component,
    }


def start_pod(
    where: Namespace, release: Namespace, name: str, labels: dict[str, str], command: list[str]
) -> None:
    """Run a command in a pod that is like the release's head in all but its labels."""
    selector = ",".join(f"{key}={value}" for key, value in labels_of("head").items())
    head = release.list("pods", selector)[0]["spec"]
    container = {
        key: head["containers"][0][key] for key in ("image", "imagePullPolicy", "securityContext")
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": head["securityContext"],
            "containers": [{**container, "name": "try", "command": command}],
        },
    }
    where.kubectl("create", "--filename", "-", stdin=json.dumps(pod))
