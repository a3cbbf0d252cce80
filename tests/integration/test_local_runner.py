"""The runner on processes of this machine keeps the contract."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.contracts.runner import WorkersContract
from tuner_job.config.budget import Budget
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.local.launch import Launcher, Spawner, launcher
from tuner_job.execution.local.pool import Pool
from tuner_job.execution.local.runner import LocalRunner
from tuner_job.execution.local.tasks import PoolTasks
from tuner_job.execution.runner import Runner
from tuner_job.execution.workers import workers_running


def only_in(pid: int) -> int:
    if os.getpid() != pid:
        raise OSError("not here")
    return pid


def killed_but_in(pid: int) -> int:
    if os.getpid() != pid:
        os.kill(os.getpid(), signal.SIGKILL)
    return pid


def test_what_is_begun_runs_elsewhere_and_what_fails_there_is_done_here() -> None:
    here = os.getpid()
    with workers_running(Budget(), 2, 0) as workers:
        begun = [workers.begin(os.getpid) for _ in range(3)]
        lost = [workers.begin(function, here) for function in (only_in, killed_but_in)]
        assert here not in [value() for value in begun]
        assert [value() for value in lost] == [here, here]


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
