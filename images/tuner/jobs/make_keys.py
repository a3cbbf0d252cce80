"""Keep the embedded store's keys in their Secret: ``make_keys.py NAMESPACE SECRET GENERATION``.

A Secret that is absent is created; one that has keys keeps them, until a higher generation is asked
for. The AWS_… variables of this process, by which clients find the store, go into the Secret beside
the keys.
"""

import base64
import os
import secrets
import string
import sys
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

KEYS = {"AWS_ACCESS_KEY_ID": 20, "AWS_SECRET_ACCESS_KEY": 40}  # name: characters
ADDRESS = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ALLOW_HTTP")
GENERATION = "va-tuning/key-generation"
# The Secret is no part of the release: neither an upgrade from a chart that made it itself may
# delete it, nor a sync.
KEPT = {"helm.sh/resource-policy": "keep", "argocd.argoproj.io/sync-options": "Prune=false"}

Secret = dict[str, Any]


def new_keys() -> dict[str, str]:
    """Return fresh keys, of letters and digits."""
    characters = string.ascii_letters + string.digits
    return {
        name: "".join(secrets.choice(characters) for _ in range(length))
        for name, length in KEYS.items()
    }


def change(found: Secret | None, generation: int) -> tuple[Secret, str]:
    """Return what to write into the Secret as it was found (None: absent), and what that does,
    in words."""
    metadata = (found or {}).get("metadata") or {}
    data = (found or {}).get("data") or {}
    said = (metadata.get("annotations") or {}).get(GENERATION, "")
    keyed = int(said) if said.isdecimal() else 1  # a Secret of before there were generations
    annotations = KEPT | {GENERATION: str(max(generation, keyed))}
    if all(data.get(name) for name in KEYS) and keyed >= generation:
        return {"metadata": {"annotations": annotations}}, f"keeps its keys of generation {keyed}"
    content = new_keys() | {name: os.environ[name] for name in ADDRESS}
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in content.items()}
    return {
        "metadata": {"annotations": annotations},
        "data": encoded,
    }, f"has new keys of generation {generation}"


def keep(api: client.CoreV1Api, namespace: str, name: str, generation: int) -> str:
    """Create or change the Secret; return what was done."""
    try:
        found = api.api_client.sanitize_for_serialization(
            api.read_namespaced_secret(name, namespace)
        )
    except ApiException as error:
        if error.status != 404:
            raise
        found = None
    body, done = change(found, generation)
    if found is None:
        # Without the label that Argo CD may take for its own.
        labels = {"app.kubernetes.io/part-of": "va-tuning", "app.kubernetes.io/component": "store"}
        body["metadata"] |= {"name": name, "labels": labels}
        api.create_namespaced_secret(namespace, body | {"type": "Opaque"})
    else:
        api.patch_namespaced_secret(name, namespace, body)
    return done


def main(namespace: str, name: str, generation: str) -> None:
    """Say in one sentence what became of the keys, never the keys."""
    try:
        config.load_incluster_config()
        done = keep(client.CoreV1Api(), namespace, name, int(generation))
    except ApiException as error:
        sys.exit(
            f"Secret {name} in namespace {namespace} cannot be kept: {error.status} {error.reason}"
        )
    except config.ConfigException as error:
        sys.exit(f"this program must run in a pod with a token of the Kubernetes API: {error}")
    except urllib3.exceptions.HTTPError as error:
        why = type(error).__name__
        sys.exit(
            f"the Kubernetes API does not answer ({why}); does networkPolicy.apiServer name its "
            "address?"
        )
    print(f"Secret {name} in namespace {namespace} {done}")


if __name__ == "__main__":
    main(*sys.argv[1:])
