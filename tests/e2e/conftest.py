"""What the end-to-end tests share: the cluster, a release in a restricted namespace, local runs
to compare with."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster import CHART, CONTEXT, RELEASE, Namespace, attempt
from tests.e2e.objects import KEY, RECEIVER, RETENTION
from tests.e2e.pods import start_pod
from tests.integration.experiments import trials_table, tune

NAMESPACE = os.environ.get("VA_TUNING_E2E_NAMESPACE", "va-tuning-e2e")


@pytest.fixture(scope="session")
def cluster() -> None:
    if attempt("kubectl", "--context", CONTEXT, "get", "crd", "rayjobs.ray.io").returncode == 0:
        return
    message = f"no cluster with KubeRay answers at {CONTEXT}: run make kind-up"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def namespace(cluster: None) -> Iterator[Namespace]:
    """An empty namespace that enforces restricted Pod Security."""
    here = Namespace(NAMESPACE)
    here.make()
    here.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    yield here
    here.delete()


@pytest.fixture(scope="session")
def release(namespace: Namespace) -> Iterator[Namespace]:
    """The chart, installed as its README says for kind."""
    values = CHART / "values-kind.yaml"
    namespace.helm("install", RELEASE, CHART, "--values", values, "--wait", "--timeout", "5m")
    provisioned = ("--for", "condition=RayClusterProvisioned", "--timeout", "480s")
    namespace.kubectl("wait", "raycluster", RELEASE, *provisioned, timeout=510)
    yield namespace
    if os.environ.get("VA_TUNING_E2E_KEEP") != "true":
        namespace.helm("uninstall", RELEASE, "--wait", "--timeout", "5m")


@pytest.fixture
def local_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], str]:
    """Run an experiment file on this machine; return its trials table.

    With the kernels of OpenBLAS that pods choose on the same processor: others round otherwise.
    """

    def run(experiment: Path) -> str:
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            monkeypatch.delenv(name, raising=False)
        tune(experiment, tmp_path / "local")
        return trials_table(tmp_path / "local")

    return run


@pytest.fixture
def fetched_table(tmp_path: Path, release: Namespace) -> Callable[[str], str]:
    """Bring an experiment's results out of the cluster; return its trials table."""

    def fetch(name: str) -> str:
        release.va_tuning("fetch", name, "--output", tmp_path / "fetched")
        return trials_table(tmp_path / "fetched" / name)

    return fetch


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write an experiment file whose fits take long enough to disturb them."""

    def experiment(name: str, **changes: Any) -> Path:
        content: dict[str, Any] = {
            "name": name,
            "data": {
                "format": "synthetic",
                "synthetic": {"n_samples": 600, "n_causes": 8, "n_symptoms": 40, "n_sites": 3},
            },
            "models": ["random_forest"],
            "tuning": {
                "search_method": "bayesian",
                "n_trials": 8,
                "cv_folds": 3,
                "lag": 2,
                "early_stopping": "none",
                "search_spaces": {
                    "random_forest": {
                        "n_estimators": [20, 50],
                        "max_depth": [None, 4, 8],
                        "min_samples_leaf": [1, 2],
                    }
                },
            },
            "results": "s3://va-results",
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**content, **changes}, sort_keys=False))
        return path

    return experiment


@pytest.fixture(scope="module")
def told(release: Namespace) -> Iterator[Namespace]:
    """The release, with a receiver that fails at times, and a short retention."""
    start_pod(release, release, "receiver", {"app": "receiver"}, ["python", "-c", RECEIVER])
    release.kubectl("wait", "pod/receiver", "--for", "condition=Ready", "--timeout", "240s")
    release.kubectl("create", "secret", "generic", "notify", f"--from-literal=key={KEY}")
    address = release.get("pod", "receiver")["status"]["podIP"]
    peers = [{"podSelector": {"matchLabels": {"app": "receiver"}}}]
    values = {
        "operator": {"retentionSeconds": RETENTION},
        "notification": {"url": f"http://{address}:8000/", "secret": {"name": "notify"}},
        "networkPolicy": {"notification": {"peers": peers, "ports": [8000]}},
    }
    kind = ["--values", CHART / "values-kind.yaml"]
    options = [f"--set-json={key}={json.dumps(value)}" for key, value in values.items()]
    release.helm("upgrade", RELEASE, CHART, *kind, *options, "--wait", "--timeout", "5m")
    yield release
    release.helm("upgrade", RELEASE, CHART, *kind, "--wait", "--timeout", "5m")
    release.kubectl("delete", "pod/receiver", "secret/notify", "--grace-period", "0")
