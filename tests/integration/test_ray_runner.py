"""The runner on real Ray keeps the contract."""

from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from tests.contracts.runner import WorkersContract
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.ray_runner import RayRunner
from tuner_job.execution.ray_start import ray_running
from tuner_job.execution.runner import Runner


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    with ray_running(2, 10_000):
        yield


@pytest.mark.usefixtures("ray")
class TestRayRunner(WorkersContract):
    @pytest.fixture
    def runner(self, data: SharedData) -> Runner:
        return RayRunner(data)

    def kill_workers(self, runner: Runner) -> int:
        killed = 0
        for one in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if " ".join(one.cmdline()[:1]).startswith("ray::_score"):
                    one.kill()
                    killed += 1
        return killed
