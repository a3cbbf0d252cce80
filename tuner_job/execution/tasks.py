"""Calls of functions that run side by side, here or in a cluster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tuner_job.failure import Failure


@dataclass(frozen=True)
class Ended:
    """A call that ended: with what the function returned, or with a failure.

    Attributes
    ----------
    known
        What its submitter wants to know at its end.
    retries
        How often it was begun again because its worker died.
    """

    known: Any
    value: Any
    failure: Failure | None = None
    retries: int = 0


class Tasks(Protocol):
    """Calls on one CPU each.

    A call whose worker dies is begun again, a few times at most. All methods are called from one
    thread.
    """

    def __len__(self) -> int:
        """Calls that were started and have not come back."""

    @property
    def n_slots(self) -> int:
        """Calls that can run at once now, at least 1."""

    def share(self, value: Any) -> Any:
        """Put where workers read it what many calls need; what is returned stands for it among
        their arguments."""

    def start(self, function: Callable[..., Any], arguments: Sequence[Any], known: Any) -> None:
        """Have a function of a module called in a worker."""

    def wait(self, timeout: float | None = None) -> list[Ended]:
        """Return calls that have ended.

        Waits for the first one at most `timeout` seconds; None: without a limit.
        """

    def cancel_all(self) -> None:
        """End what is running; its results are lost."""
