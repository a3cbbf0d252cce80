"""The life of a release: what an upgrade changes, what an uninstallation leaves."""

import pytest
import yaml

from tests.e2e.cluster import CHART, RELEASE, Namespace, attempt, wait_until

KINDS = "all,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,rayclusters"


@pytest.fixture
def elsewhere(cluster: None):  # type: ignore[no-untyped-def]
    """A namespace of its own, for a release that comes and goes."""
    here = Namespace("va-tuning-e2e-release")
    here.kubectl("delete", "namespace", here.name, "--ignore-not-found", "--wait", "--timeout", "180s")
    here.kubectl("create", "namespace", here.name)
    yield here
    here.kubectl("delete", "namespace", here.name, "--wait", "--timeout", "180s")


def test_upgrade_takes_effect_and_uninstallation_leaves_nothing(elsewhere: Namespace) -> None:
    values = ["--values", CHART / "values-kind.yaml", "--set", "cluster.enabled=false"]
    before = _objects(elsewhere)
    elsewhere.helm("install", RELEASE, CHART, *values, "--wait", "--timeout", "5m")
    keys = elsewhere.get("secret", f"{RELEASE}-store")["data"]
    space = "searchSpaces.xgboost.max_depth={2,3}"
    elsewhere.helm("upgrade", RELEASE, CHART, *values, "--set", space, "--wait", "--timeout", "5m")
    changed = yaml.safe_load(elsewhere.get("configmap", f"{RELEASE}-space-xgboost")["data"]["xgboost.yaml"])
    assert changed["max_depth"] == [2, 3]
    assert elsewhere.get("secret", f"{RELEASE}-store")["data"] == keys  # an upgrade must not lock anybody out
    elsewhere.helm("uninstall", RELEASE, "--wait", "--timeout", "3m")
    wait_until("the end of all its objects", lambda: _objects(elsewhere) == before, 60)
    assert elsewhere.list("persistentvolumeclaims") == []  # values-kind.yaml does not ask to keep it


def test_the_results_volume_is_kept_where_that_is_asked(elsewhere: Namespace) -> None:
    values = ["--values", CHART / "values-kind.yaml", "--set", "cluster.enabled=false"]
    elsewhere.helm("install", RELEASE, CHART, *values, "--set", "store.embedded.persistence.keep=true", "--wait")
    elsewhere.helm("uninstall", RELEASE, "--wait", "--timeout", "3m")
    assert [claim["metadata"]["name"] for claim in elsewhere.list("persistentvolumeclaims")] == [f"{RELEASE}-store"]


def test_a_cluster_without_the_operator_is_told_what_to_do() -> None:
    done = attempt("helm", "template", RELEASE, CHART, "--kube-version", "1.34.0")
    assert done.returncode != 0
    assert "the KubeRay operator is not installed" in done.stderr


def _objects(namespace: Namespace) -> set[str]:
    return set(namespace.kubectl("get", KINDS, "--output", "name").split())
