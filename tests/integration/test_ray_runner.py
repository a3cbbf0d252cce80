"""The runner on real Ray keeps the contract."""

from collections.abc import Iterator

import pytest

from tests.contracts.runner import RunnerContract
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.ray_runner import RayRunner
from tuner_job.execution.ray_start import ray_running
from tuner_job.execution.runner import Runner


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    with ray_running(2, 10_000):
        yield


@pytest.mark.usefixtures("ray")
class TestRayRunner(RunnerContract):
    @pytest.fixture
    def runner(self, data: SharedData) -> Runner:
        return RayRunner(data)
