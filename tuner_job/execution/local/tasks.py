"""Calls in worker processes of this machine."""

import pickle
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from tuner_job.errors import RunError
from tuner_job.execution.local.pool import Call, Pool, Submitter
from tuner_job.execution.local.shared import Shared
from tuner_job.execution.local.worker import CALL, VALUE
from tuner_job.execution.tasks import Ended
from tuner_job.failure import Failure

_GO_ON = "what is finished is kept: run the same command again to go on from here"


class PoolTasks:
    """Calls of one submitter; see `Tasks`.

    Parameters
    ----------
    retries
        How often a call is begun again whose worker died.
    """

    def __init__(self, pool: Pool, retries: int):
        self._pool, self._submitter = pool, Submitter(retries)
        self._n_running = 0

    def __len__(self) -> int:
        return self._n_running

    @property
    def n_slots(self) -> int:
        """Calls that can run at once."""
        return self._pool.n_slots

    def share(self, value: Any) -> Shared:
        """Put a value where workers read it."""
        return self._pool.share(value)

    def start(self, function: Callable[..., Any], arguments: Sequence[Any], known: Any) -> None:
        """Have a function of a module called in a worker."""
        message = CALL + pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        shared = [one.number for one in arguments if isinstance(one, Shared)]
        self._pool.submit(Call(self._submitter, message, shared, known, self._submitter.round))
        self._n_running += 1

    def wait(self, timeout: float | None = None) -> list[Ended]:
        """Return calls that have ended, waiting for the first one.

        Raises
        ------
        RunError
            There is no worker any more.
        """
        if not self._n_running:
            return []
        pool, submitter = self._pool, self._submitter
        with pool.changed:
            pool.changed.wait_for(lambda: submitter.ended or pool.broken, timeout)
            ended, submitter.ended = submitter.ended, deque()
        if pool.broken and not ended:
            raise RunError(f"{pool.broken}; {_GO_ON}")
        self._n_running -= len(ended)
        return [_ended(call, answer) for call, answer in ended]

    def cancel_all(self) -> None:
        """End what is running; its results are lost."""
        self._pool.cancel(self._submitter)
        self._n_running = 0


def _ended(call: Call, answer: bytes | Failure) -> Ended:
    if isinstance(answer, Failure):
        return Ended(call.known, None, answer, call.retries)
    told = pickle.loads(answer[1:])
    if answer[:1] == VALUE:
        return Ended(call.known, told, None, call.retries)
    return Ended(call.known, None, told, call.retries)
