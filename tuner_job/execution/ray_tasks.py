"""Plain Ray tasks that are under way: the one place that waits for them and ends them."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import ray

from tuner_job.execution.ray_start import ray_logs, require_memory
from tuner_job.execution.tasks import Ended
from tuner_job.failure import Failure, describe_failure

_FEW = 16  # tasks that are not worth a second look at which of them have ended
_CAPACITY_SECONDS = 5.0  # how often the cluster's size is looked at


class RayTasks:
    """Tasks on one CPU each, with what their submitter wants to know when they end.

    Parameters
    ----------
    memory_per_task
        Bytes that Ray reserves for a task; None: no limit.
    retries
        How often Ray runs a task again whose worker died.
    """

    def __init__(self, memory_per_task: float | None, retries: int):
        options: dict[str, Any] = {"num_cpus": 1, "max_retries": retries}
        if memory_per_task:
            require_memory(memory_per_task)
            options["memory"] = memory_per_task
        self._options = options
        self._running: dict[Any, Any] = {}
        self._capacity = (-_CAPACITY_SECONDS, 0)

    def __len__(self) -> int:
        return len(self._running)

    @property
    def n_slots(self) -> int:
        """Tasks that the cluster can run at once, at least 1."""
        checked, slots = self._capacity
        if time.monotonic() - checked > _CAPACITY_SECONDS:
            slots = max(1, int(ray.cluster_resources().get("CPU", 0)))
            self._capacity = (time.monotonic(), slots)
        return slots

    def remote(self, function: Callable[..., Any]) -> Any:
        """Make a function one that Ray runs as such a task."""
        return ray.remote(**self._options)(function)

    def add(self, ref: Any, known: Any) -> None:
        """Take note of a task by its first result."""
        self._running[ref] = known

    def wait(self, timeout: float | None = None) -> list[tuple[Any, Any]]:
        """Return tasks that have ended, each with what is known of it.

        Waits for the first one at most `timeout` seconds; None: without a limit.
        """
        ready, rest = ray.wait(list(self._running), num_returns=1, timeout=timeout)
        if ready and len(rest) > _FEW:
            ready += ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        return [(ref, self._running.pop(ref)) for ref in ready]

    def cancel_all(self) -> None:
        """End what is running; its results are lost."""
        for ref in self._running:
            ray.cancel(ref, force=True)
        self._running.clear()


class RayCalls:
    """Calls as `Tasks` has them, on Ray.

    Tries are counted here and not by Ray, so that they can be told.

    Parameters
    ----------
    memory_per_task
        As in `RayTasks`.
    retries
        How often a call is begun again whose worker died.
    """

    def __init__(self, memory_per_task: float | None, retries: int):
        self._tasks, self._retries = RayTasks(memory_per_task, 0), retries

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def n_slots(self) -> int:
        """Calls that the cluster can run at once, at least 1."""
        return self._tasks.n_slots

    def share(self, value: Any) -> Any:
        """Put a value in the object store."""
        return ray.put(value)

    def start(self, function: Callable[..., Any], arguments: Sequence[Any], known: Any) -> None:
        """Have a function called in a worker."""
        self._start(function, arguments, known, 0)

    def wait(self, timeout: float | None = None) -> list[Ended]:
        """Return calls that have ended, waiting for the first one."""
        if not len(self):
            return []
        ended = []
        for ref, (function, arguments, known, retries) in self._tasks.wait(timeout):
            try:
                ended.append(Ended(known, ray.get(ref), None, retries))
            except ray.exceptions.RayError as error:
                if retries < self._retries and not isinstance(error, ray.exceptions.RayTaskError):
                    self._start(function, arguments, known, retries + 1)
                else:
                    ended.append(Ended(known, None, failure_reason(error), retries))
        return ended

    def cancel_all(self) -> None:
        """End what is running; its results are lost."""
        self._tasks.cancel_all()

    def _start(
        self, function: Callable[..., Any], arguments: Sequence[Any], known: Any, retries: int
    ) -> None:
        ref = self._tasks.remote(function).remote(*arguments)
        self._tasks.add(ref, (function, arguments, known, retries))


def failure_reason(error: Exception) -> Failure:
    """Say why a task or an actor failed: its own error, or what Ray says and where it says more."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return describe_failure(error.cause, str(error))
    said = str(error).strip()
    first = said.split("\n")[0]
    whole = f"{said}\n\nRay's own logs are in {ray_logs()}\n"
    return Failure(f"{type(error).__name__}: {first}", whole)
