"""Writing in the background, so that a slow store does not keep workers waiting."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

_WRITERS = 4
_MAX_PENDING = 256  # then the search waits for storage


class BackgroundWriter:
    """Runs writes on a few threads; as a context manager it leaves when all are done.

    A write that fails raises its error at the next call or at the end.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_WRITERS, thread_name_prefix="results")
        self._pending: deque[Future[Any]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None or not self._failed():
                self.drain()
        finally:
            self._pool.shutdown()

    def submit(self, write: Callable[..., Any], *args: Any) -> None:
        """Run ``write(*args)`` soon."""
        self._pending.append(self._pool.submit(write, *args))
        while self._pending and (self._pending[0].done() or len(self._pending) > _MAX_PENDING):
            self._pending.popleft().result()

    def drain(self) -> None:
        """Wait until everything is written."""
        while self._pending:
            self._pending.popleft().result()

    def _failed(self) -> bool:
        return any(future.done() and future.exception() for future in self._pending)
