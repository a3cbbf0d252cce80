"""What no node could ever give is refused; of nodes that are still to come, nothing is known."""

from typing import Any

import pytest

from tuner_job.errors import ConfigError
from tuner_job.execution import ray_start

GI = 2**30
HEAD: dict[str, float] = {"CPU": 0, "memory": 64 * GI}
WORKER: dict[str, float] = {"CPU": 2, "memory": 4 * GI}
GONE: dict[str, float] = {}


def nodes(monkeypatch: pytest.MonkeyPatch, *resources: dict[str, float]) -> None:
    found: list[dict[str, Any]] = [{"Resources": one} for one in resources]
    monkeypatch.setattr(ray_start.ray, "nodes", lambda: found)


def test_what_fits_on_a_worker_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes(monkeypatch, HEAD, GONE, WORKER)
    ray_start.require_cpus(2)
    ray_start.require_memory(4 * GI)


def test_what_fits_on_no_worker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes(monkeypatch, HEAD, WORKER)
    with pytest.raises(ConfigError, match=r"the largest has 2; got 3"):
        ray_start.require_cpus(3)
    with pytest.raises(ConfigError, match=r"the largest has 4\.0 Gi for tasks; got 5\.0 Gi"):
        ray_start.require_memory(5 * GI)


@pytest.mark.parametrize("here", [(HEAD,), (HEAD, GONE)])
def test_workers_that_are_still_to_come_may_be_of_any_size(
    monkeypatch: pytest.MonkeyPatch, here: tuple[dict[str, float], ...]
) -> None:
    nodes(monkeypatch, *here)
    ray_start.require_cpus(3)
    ray_start.require_memory(100 * GI)
