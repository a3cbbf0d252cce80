"""The runner on processes of this machine keeps the contract."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.contracts.runner import WorkersContract
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.local.launch import Launcher, Spawner, launcher
from tuner_job.execution.local.pool import Pool
from tuner_job.execution.local.runner import LocalRunner
from tuner_job.execution.local.tasks import PoolTasks
from tuner_job.execution.runner import Runner


@pytest.fixture(params=["copies", "interpreters"])
def how(request: pytest.FixtureRequest) -> Launcher:
    """Both ways in which workers start: on one system there is one."""
    return launcher() if request.param == "copies" else Spawner()


class TestLocalRunner(WorkersContract):
    @pytest.fixture
    def pool(self, how: Launcher) -> Iterator[Pool]:
        pool = Pool(2, how)
        yield pool
        pool.close()

    @pytest.fixture
    def runner(self, pool: Pool, data: SharedData) -> Runner:
        self.pool = pool
        return LocalRunner(data, lambda: PoolTasks(pool, 2))

    def kill_workers(self, runner: Runner) -> int:
        pids = self.pool.pids()
        for pid in pids:
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(pid, signal.SIGKILL)
        return len(pids)
