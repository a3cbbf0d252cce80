"""The life of a release: what an upgrade changes, what an uninstallation leaves."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.cluster import CHART, RELEASE, SECOND, Namespace, attempt, wait_until

Write = Callable[..., Path]

KINDS = (
    "all,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies,"
    "poddisruptionbudgets,rayclusters"
)


@pytest.fixture
def elsewhere(cluster: None) -> Iterator[Namespace]:
    """A namespace of its own, for a release that comes and goes."""
    here = Namespace("va-tuning-e2e-release")
    here.make()
    yield here
    here.delete()


def test_upgrade_takes_effect_and_uninstallation_leaves_nothing_but_the_keys(
    elsewhere: Namespace,
) -> None:
    values = ["--values", CHART / "values-kind.yaml", "--set", "cluster.enabled=false", *SECOND]
    before = _objects(elsewhere)
    elsewhere.helm("install", RELEASE, CHART, *values, "--wait", "--timeout", "5m")
    keys = _keys(elsewhere)
    space = "searchSpaces.xgboost.max_depth={2,3}"
    elsewhere.helm("upgrade", RELEASE, CHART, *values, "--set", space, "--wait", "--timeout", "5m")
    changed = yaml.safe_load(
        elsewhere.get("configmap", f"{RELEASE}-space-xgboost")["data"]["xgboost.yaml"]
    )
    assert changed["max_depth"] == [2, 3]
    assert _keys(elsewhere) == keys  # an upgrade must not lock anybody out
    elsewhere.helm("uninstall", RELEASE, "--wait", "--timeout", "5m")
    left = before | {f"secret/{RELEASE}-store", f"secret/{RELEASE}-store-accounts"}
    wait_until("the end of all its other objects", lambda: _objects(elsewhere) == left)
    wait_until(  # a claim goes after the pod that had it; values-kind.yaml does not keep it
        "the end of its claim", lambda: not elsewhere.list("persistentvolumeclaims")
    )


def test_new_keys_replace_the_store_s_pod_and_a_rollback_keeps_them(elsewhere: Namespace) -> None:
    values = [
        "--values",
        CHART / "values-kind.yaml",
        "--set",
        "cluster.enabled=false",
        *SECOND,
        "--wait",
        "--timeout",
        "5m",
    ]
    store_works = ["test", RELEASE, "--filter", f"name={RELEASE}-test-store", "--timeout", "6m"]
    elsewhere.helm("install", RELEASE, CHART, *values)
    old, pod = _keys(elsewhere), _store_pod(elsewhere)
    elsewhere.helm("upgrade", RELEASE, CHART, *values, "--set", "store.keyGeneration=2")
    new = _keys(elsewhere)
    assert set(new) == set(old) > {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"}
    assert new["AWS_SECRET_ACCESS_KEY"] != old["AWS_SECRET_ACCESS_KEY"]
    assert _store_pod(elsewhere) != pod
    elsewhere.helm(*store_works)
    elsewhere.helm("rollback", RELEASE, "1", "--wait", "--timeout", "5m")
    assert _keys(elsewhere) == new
    elsewhere.helm(*store_works)
    rules = elsewhere.kubectl("get", "roles,rolebindings,serviceaccounts", "--output", "name")
    assert f"{RELEASE}-store-keys" not in rules  # what made the keys is gone


def test_an_archive_of_the_store_can_be_restored(release: Namespace) -> None:
    program = ["python", "/opt/va-tuning/jobs/archive_store.py"]
    label = f"ray.io/cluster={RELEASE},ray.io/node-type=head"
    head = release.list("pods", label)[0]["metadata"]["name"]

    def names(url: str) -> list[str]:
        listing = (
            "import obstore; print([m['path'] for b in "
            f"obstore.list(obstore.store.from_url('{url}')) for m in b])"
        )
        return sorted(
            ast.literal_eval(
                release.kubectl("exec", head, "-c", "ray-head", "--", "python", "-c", listing)
            )
        )

    write = (
        "import obstore; s = obstore.store.from_url('s3://va-results'); obstore.put(s, "
        "'archived/a/b.json', b'{}')"
    )
    release.kubectl("exec", head, "-c", "ray-head", "--", "python", "-c", write)
    shell = (
        f"{' '.join(program)} save s3://va-results/archived | {' '.join(program)} restore "
        "s3://va-results/restored"
    )
    release.kubectl("exec", head, "-c", "ray-head", "--", "bash", "-o", "pipefail", "-c", shell)
    assert names("s3://va-results/archived") == names("s3://va-results/restored") == ["a/b.json"]


@pytest.mark.long
def test_the_results_volume_is_kept_where_that_is_asked(elsewhere: Namespace) -> None:
    values = ["--values", CHART / "values-kind.yaml", "--set", "cluster.enabled=false", *SECOND]
    elsewhere.helm(
        "install",
        RELEASE,
        CHART,
        *values,
        "--set",
        "store.embedded.persistence.keep=true",
        "--wait",
    )
    elsewhere.helm("uninstall", RELEASE, "--wait", "--timeout", "5m")
    assert [claim["metadata"]["name"] for claim in elsewhere.list("persistentvolumeclaims")] == [
        f"{RELEASE}-store"
    ]


def test_a_cluster_without_the_operator_is_told_what_to_do() -> None:
    done = attempt("helm", "template", RELEASE, CHART, "--kube-version", "1.34.0")
    assert done.returncode != 0
    assert "the KubeRay operator is not installed" in done.stderr


def _keys(namespace: Namespace) -> dict[str, str]:
    found: dict[str, str] = namespace.get("secret", f"{RELEASE}-store")["data"]
    return found


def _store_pod(namespace: Namespace) -> str:
    running = namespace.list("pods", "app.kubernetes.io/component=store")
    (uid,) = [
        pod["metadata"]["uid"] for pod in running if "deletionTimestamp" not in pod["metadata"]
    ]
    return str(uid)


def _objects(namespace: Namespace) -> set[str]:
    return set(namespace.kubectl("get", KINDS, "--output", "name").split())


@pytest.mark.long
def test_workers_come_for_an_experiment_and_go_afterwards_and_schedules_run(
    elsewhere: Namespace, write: Write, tmp_path: Path
) -> None:
    data = {
        "format": "synthetic",
        "synthetic": {"n_samples": 200, "n_causes": 4, "n_symptoms": 10, "n_sites": 2},
    }
    tuning = {"search_method": "random", "n_trials": 2, "cv_folds": 2}
    nightly = {"data": data, "models": ["logistic_regression"], "tuning": tuning}
    values = {
        "autoscaling": {"enabled": True, "idleTimeoutSeconds": 60},  # in which they are looked at
        "workers": {"replicas": 0, "minReplicas": 0, "maxReplicas": 2},
        "schedules": [{"name": "nightly", "schedule": "0 3 * * *", "experiment": nightly}],
    }
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    both = ["--values", CHART / "values-kind.yaml", "--values", file, *SECOND]
    elsewhere.helm("install", RELEASE, CHART, *both, "--wait", "--timeout", "5m")
    assert elsewhere.list("pods", "ray.io/node-type=worker") == []
    said = elsewhere.va_tuning("submit", write("autoscaled"), "--follow")
    assert "experiment autoscaled: succeeded" in said
    assert len(elsewhere.list("pods", "ray.io/node-type=worker")) > 0
    elsewhere.kubectl("create", "job", "nightly-1", f"--from=cronjob/{RELEASE}-nightly")
    elsewhere.kubectl("wait", "job/nightly-1", "--for", "condition=complete", "--timeout", "280s")
    assert "nightly-1/report.html" in elsewhere.kubectl("logs", "job/nightly-1")
    wait_until(
        "the end of idle workers",
        lambda: not elsewhere.list("pods", "ray.io/node-type=worker"),
        300,
    )
    elsewhere.helm("uninstall", RELEASE, "--wait", "--timeout", "5m")
