"""Faults from inside a process: it is told of each file operation before it is done, and may die or
fail there.

Python's audit events name every file that is opened, linked, renamed or removed, every process that
is started and every module that is imported; syncs are watched besides.
"""

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR
_LONGEST_PAUSE = 300.0
_CHANGES = {"os.link": 1, "os.rename": 1, "os.remove": 0, "os.mkdir": 0, "os.truncate": 0}
"""Event → which of its arguments is the file that changes."""


@dataclass(frozen=True)
class Plan:
    """What happens, and when.

    Attributes
    ----------
    below
        Only operations on files in this folder count.
    at
        The operation, counted from 1, at which it happens; 0: never, they are only counted.
    do
        ``kill``; ``tear``: lose half of what is being synced, then kill; ``pause``: make the file
        ``marker`` and wait until somebody who has sent a signal makes the file `sent_beside` it;
        or the number of an operating system's error, which is raised.
    event, text
        If given, only events of this name whose arguments hold the text count.
    again
        Whether the error is raised at every later operation too.
    """

    below: str = ""
    at: int = 0
    do: str | int = "kill"
    event: str = ""
    text: str = ""
    marker: str = ""
    again: bool = False

    def dump(self) -> str:
        """As text for `install_from`."""
        return json.dumps(asdict(self))


def sent_beside(marker: str) -> Path:
    """The file that tells who pauses that signals were sent."""
    return Path(f"{marker}-sent")


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + _LONGEST_PAUSE
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.005)


class _Watch:
    def __init__(self, plan: Plan):
        self.plan, self.seen, self.unsynced = plan, 0, []  # type: tuple[Plan, int, list[str]]
        self.synced: set[int] = set()
        self.inside = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.inside or not self._counts(event, arguments):
            return
        self.inside = True
        try:
            self._step(event, arguments)
        finally:
            self.inside = False

    def _counts(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if self.plan.event:
            return event == self.plan.event and self.plan.text in repr(arguments)
        if event == "open":
            path, _, flags = arguments
            return bool((flags or 0) & _WRITING) and self._below(path)
        return event in _CHANGES and self._below(arguments[_CHANGES[event]])

    def _below(self, path: object) -> bool:
        # not resolved: it need not be there yet
        return isinstance(path, str | os.PathLike) and str(Path.cwd() / path).startswith(
            self.plan.below
        )

    def _step(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.link", "os.rename") and not self.plan.event:
            state = Path(arguments[0]).stat()
            if stat.S_ISREG(state.st_mode) and state.st_size and state.st_ino not in self.synced:
                self.unsynced.append(f"{arguments[1]}")
        self._count()

    def _count(self, handle: int | None = None) -> None:
        plan = self.plan
        self.seen += 1
        if plan.marker and not plan.at:
            Path(plan.marker).write_text(json.dumps({"seen": self.seen, "unsynced": self.unsynced}))
        if plan.at == 0 or not (self.seen == plan.at or (plan.again and self.seen > plan.at)):
            return
        if plan.do == "pause":
            Path(plan.marker).write_text("here")
            _wait_for(sent_beside(plan.marker))
            time.sleep(0.5)  # in which it comes
        elif isinstance(plan.do, int):
            raise OSError(plan.do, os.strerror(plan.do))
        else:
            if plan.do == "tear" and handle is not None and stat.S_ISREG(os.fstat(handle).st_mode):
                os.ftruncate(handle, os.fstat(handle).st_size // 2)
            os.killpg(0, signal.SIGKILL)  # the process that works and the one that watches it

    def sync(self, original: Callable[[int], None]) -> Callable[[int], None]:
        """A sync that is counted, if it is of a file or folder that counts."""

        def sync(file: Any) -> None:
            handle = file if isinstance(file, int) else file.fileno()
            if self._below(Path(f"/proc/self/fd/{handle}").readlink()) and not self.plan.event:
                self.synced.add(os.fstat(handle).st_ino)
                self.inside = True
                try:
                    self._count(handle)
                finally:
                    self.inside = False
            original(file)

        return sync


def install(plan: Plan) -> None:
    """Watch this process from now on, for ever."""
    watch = _Watch(plan)
    os.fsync = watch.sync(os.fsync)
    os.fdatasync = watch.sync(os.fdatasync)
    sys.addaudithook(watch)


def plan_of(environment: Mapping[str, str] = os.environ) -> Plan | None:
    """The plan that the environment holds."""
    text = environment.get("VA_RELIABILITY_PLAN")
    return Plan(**json.loads(text)) if text else None


def main() -> None:
    """Run ``va-tuning`` as a plan says."""
    import runpy

    if plan := plan_of():
        install(plan)
    runpy.run_module("tuner_job", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
