"""The plain runner of the tests keeps the contract, so what it shows holds for any."""

import pytest

from tests.contracts.in_process import InProcessRunner
from tests.contracts.runner import RunnerContract
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.runner import Runner


class TestInProcessRunner(RunnerContract):
    @pytest.fixture
    def runner(self, data: SharedData) -> Runner:
        return InProcessRunner(data)
