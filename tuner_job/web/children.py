"""Processes that the server starts and waits for in a thread, and that end with it.

Not asyncio's own: a task that is cancelled while it starts one may never end.
"""

import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

_LONGEST = 900.0


class Children:
    """Processes that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    @contextmanager
    def started(
        self,
        command: Sequence[str],
        stdout: int = subprocess.DEVNULL,
        stderr: int | None = subprocess.DEVNULL,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Have a process for a block, a quarter of an hour at most.

        Raises
        ------
        OSError
            It cannot be started, or the server is ending.
        """
        with self._lock:
            if self._closed:
                raise OSError(0, "the server is ending")
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment
            )
            self._under_way.add(process)
        timer = threading.Timer(_LONGEST, process.kill)
        timer.daemon = True
        timer.start()
        try:
            with process:
                yield process
                process.wait()
        finally:
            timer.cancel()
            with self._lock:
                self._under_way.discard(process)

    def close(self) -> None:
        """End every process, and start none any more."""
        with self._lock:
            self._closed = True
            for process in self._under_way:
                with suppress(ProcessLookupError):
                    process.kill()
