"""Where fits run: processes of this machine, unless a cluster or Ray itself is asked for."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tuner_job.config.budget import Budget
from tuner_job.errors import RunError
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.local.launch import dismiss, launcher
from tuner_job.execution.local.machine import n_slots
from tuner_job.execution.place import ADDRESS
from tuner_job.execution.runner import Runner
from tuner_job.execution.tasks import Tasks
from tuner_job.models import ModelFamily

if TYPE_CHECKING:
    from tuner_job.execution.local.pool import Pool

_log = logging.getLogger(__name__)
T = TypeVar("T")
_RETRIES = 2  # of a call whose worker died


class Workers(Protocol):
    """What fits run on, for a while."""

    def runner(self, data: SharedData) -> Runner:
        """Make a runner of fits on these data."""

    def tasks(self) -> Tasks:
        """Make a submitter of calls."""

    def begin(self, function: Callable[..., T], *arguments: Any) -> Callable[[], T]:
        """Begin to call a function that takes long, or needs more libraries than this process has
        loaded; return what waits for its value."""


def needs_ray(on_ray_tune: bool = False) -> bool:
    """Whether fits run on Ray: RAY_ADDRESS says so, Ray Tune searches, or Ray runs in this process
    already."""
    ray = sys.modules.get("ray")
    running = getattr(ray, "is_initialized", bool)()
    return bool(on_ray_tune or os.environ.get(ADDRESS, "").strip() or running)


def load_ahead(families: Iterable[ModelFamily], on_ray_tune: bool = False) -> None:
    """Have what workers will need for families loaded while somebody reads the data."""
    if needs_ray(on_ray_tune):
        dismiss()
    else:
        launcher().load([library for family in families for library in family.libraries])


@contextmanager
def workers_running(
    budget: Budget, n_workers: int | None, data_bytes: int, on_ray_tune: bool = False
) -> Iterator[Workers]:
    """Have workers for a block.

    Parameters
    ----------
    n_workers
        At most so many on this machine; None: one a CPU. A cluster has its own size.
    data_bytes
        Size of the data set.

    Raises
    ------
    InputError
        They could never run what is asked for, or Ray cannot be reached.
    RunError
        Ray cannot be started.
    """
    memory = budget.memory_per_task
    if needs_ray(on_ray_tune):
        from tuner_job.execution.ray_start import ray_running  # importing Ray takes seconds

        with ray_running(n_workers, data_bytes):
            yield _OnRay(memory)
        return
    from tuner_job.execution.local.pool import Pool  # a reader of results has no use for it

    pool = Pool(n_slots(n_workers, memory))
    try:
        yield _OnThisMachine(pool)
    finally:
        pool.close()


@contextmanager
def workers_able(
    budget: Budget, n_workers: int | None, data_bytes: int, on_ray_tune: bool = False
) -> Iterator[None]:
    """Find out before the block whether workers could run what is asked for; where Ray had to be
    asked, it runs in the block.

    Raises
    ------
    InputError
    """
    if needs_ray(on_ray_tune):
        from tuner_job.execution.ray_start import ray_for  # as above

        with ray_for(budget, n_workers, data_bytes):
            yield
    else:
        n_slots(n_workers, budget.memory_per_task)
        yield


@dataclass(frozen=True)
class _OnThisMachine:
    pool: "Pool"

    def runner(self, data: SharedData) -> Runner:
        from tuner_job.execution.local.runner import LocalRunner

        return LocalRunner(data, self.tasks)

    def tasks(self) -> Tasks:
        from tuner_job.execution.local.tasks import PoolTasks

        return PoolTasks(self.pool, _RETRIES)

    def begin(self, function: Callable[..., T], *arguments: Any) -> Callable[[], T]:
        tasks = self.tasks()
        tasks.start(function, arguments, None)

        def value() -> T:
            try:
                (ended,) = tasks.wait()
                failure: object = ended.failure
            except RunError as error:  # there are no workers
                failure = error
            if failure is None:
                found: T = ended.value
                return found
            _log.info("what failed in a worker is done here: %s", failure)
            return function(*arguments)

        return value


@dataclass(frozen=True)
class _OnRay:
    memory_per_task: float | None

    def runner(self, data: SharedData) -> Runner:
        from tuner_job.execution.ray_runner import RayRunner  # as above

        return RayRunner(data, self.memory_per_task)

    def tasks(self) -> Tasks:
        from tuner_job.execution.ray_tasks import RayCalls  # as above

        return RayCalls(self.memory_per_task, _RETRIES)

    def begin(self, function: Callable[..., T], *arguments: Any) -> Callable[[], T]:
        return partial(function, *arguments)  # workers of a cluster have loaded no more
