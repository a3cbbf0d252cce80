"""Who runs an experiment: an advisory lease, so that two runs of one experiment do not do the same
work.

What is committed is right without it. Its holder writes a number that grows; who wants it watches
that number by a clock of its own, so that no two clocks need to agree.
"""

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from tuner_job.errors import Interrupted, RunError, StoreError, UnreadableError
from tuner_job.process.command import command_pid
from tuner_job.results.store import Store
from tuner_job.wording import plain

DEAD_AFTER = 30.0
"""Seconds without a new number after which its holder counts as dead."""
_BEAT = 3.0
_LOOK = 0.5
_LATE_WRITES = 2
"""Of whoever held it before that are written over: it had read the lease before it was taken, and
stops at its next look."""
_PATIENCE = timedelta(seconds=10)  # with storage: a beat that fails is no reason to stop
_log = logging.getLogger(__name__)


RAYJOB_UID = "rayjob-uid"
"""File beside an experiment file in a cluster, which says of which RayJob it is a part."""


def rayjob_of(experiment: Path) -> str | None:
    """Return the uid of the RayJob whose ConfigMap brought an experiment file; None on a laptop."""
    try:
        return experiment.with_name(RAYJOB_UID).read_text(encoding="utf-8").strip() or None
    except (OSError, ValueError):
        return None


@dataclass(frozen=True)
class Owner:
    """A run.

    Attributes
    ----------
    name
        The same for a run that goes on after a fault: a RayJob's uid or Ray's job; else this
        process alone.
    who
        For people.
    process
        Machine and process that can be looked for from the same machine.
    """

    name: str
    who: str
    process: tuple[str, int]

    @classmethod
    def here(cls, job: str | None = None) -> "Owner":
        """This process, as part of a job that goes on after a fault, if it is."""
        job = job or _ray_job()
        host, pid = socket.gethostname(), command_pid()
        since = datetime.now(UTC).isoformat(timespec="seconds")
        who = f"{f'job {job}' if job else f'process {pid}'} on {host}, since {since}"
        return cls(job or uuid4().hex, who, (_machine(host), pid))


@contextmanager
def leased(
    store: Store,
    experiment: str,
    take_over: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    job: str | None = None,
) -> Iterator[Callable[[], bool]]:
    """Hold the lease of an experiment for a block.

    Parameters
    ----------
    take_over
        Take it from whoever has it; a run that loses it stops.
    should_stop
        Asked while waiting.
    job
        Uid of the RayJob that runs it, if one does: the same one goes on at once.

    Yields
    ------
    Whether somebody has taken the lease over.

    Raises
    ------
    StoreError
        Somebody runs the experiment.
    Interrupted
        `should_stop` said so.
    RunError
        Somebody has taken the lease over, which ended the block.
    """
    lease = _Lease(store, experiment, Owner.here(job))
    lease.take(take_over, should_stop)
    _log.debug("%s: the lease is taken", lease.where)
    lease.keep()
    try:
        yield lease.lost.is_set
    except Interrupted:
        if not lease.lost.is_set():
            raise
    finally:
        lease.end()
    if lease.lost.is_set():
        raise RunError(
            f"{lease.where}: was taken over by {lease.holder}; the trials that this run finished "
            "are kept"
        )


def holder(store: Store, experiment: str) -> str | None:
    """Say who holds the lease of an experiment; None if nobody does, or a process of this machine
    that is no more."""
    lease = _Lease(store, experiment, Owner.here())
    return lease.seen()


class _Lease:
    def __init__(self, store: Store, experiment: str, owner: Owner):
        self._store, self._path, self._owner = (
            Store(store.url, _PATIENCE),
            f"{experiment}/lease.json",
            owner,
        )
        self.where = f"{store.url}/{experiment}"
        self.holder = ""
        self.lost = threading.Event()
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._number = 0
        self._found: list[object] = []
        self._predecessor: list[object] | None = None

    def seen(self) -> str | None:
        """Who holds it at one look."""
        content = self._there()
        found = _read(content) if content else {}
        return plain(found["who"]) if "who" in found and not self._is_free(found) else None

    def take(self, take_over: bool, should_stop: Callable[[], bool]) -> None:
        """Get the lease, at once or after its holder has been watched."""
        if take_over:
            self._take_from(self._there())
            return
        seen, since = None, 0.0
        while not self._store.create(self._path, self._content()):
            content = self._there()
            if content is None:
                continue
            holder = _read(content)
            if self._is_free(holder):
                break
            self.holder = plain(holder.get("who", "somebody"))
            if seen is None:
                _log.warning(
                    f"{self.where}: {self.holder} ran this experiment; looking whether it still "
                    "does"
                )
                seen, since = content, time.monotonic()
            elif content != seen:
                raise StoreError(
                    f"{self.where}: is being run by {self.holder}; wait for it to end, or stop it "
                    "and take over with --takeover"
                )
            elif time.monotonic() - since > DEAD_AFTER:
                break
            if should_stop():
                raise Interrupted
            time.sleep(_LOOK)
        else:
            return
        self._take_from(content)

    def _take_from(self, content: bytes | None) -> None:
        """Write over what somebody holds, who may be about to write once more."""
        self._predecessor = _run(_read(content or b""))
        self._write()

    def keep(self) -> None:
        """Write a new number every few seconds from now on."""
        self._keeper.start()

    def end(self) -> None:
        """Give the lease back."""
        self._ended.set()
        self._keeper.join()
        with suppress(StoreError):
            if not self.lost.is_set() and self._is_ours():
                self._store.delete(self._path)

    def _beat(self) -> None:
        late = 0
        while not self._ended.wait(_BEAT):
            with suppress(StoreError):  # storage that is away is the search's own concern
                if not self._is_ours():
                    late += 1
                    if self._found != self._predecessor or late > _LATE_WRITES:
                        self.lost.set()
                        return
                self._write()

    def _is_ours(self) -> bool:
        content = self._there()
        holder = _read(content) if content else {}
        self.holder = plain(holder.get("who", "somebody"))
        self._found = _run(holder)
        ours = [self._owner.name, list(self._owner.process)]  # a process may run it twice
        return not content or self._found == ours

    def _there(self) -> bytes | None:
        """The lease; one that cannot be read keeps nobody out, and its number never moves."""
        try:
            return self._store.get(self._path)
        except UnreadableError:
            return b""

    def _is_free(self, holder: dict[str, Any]) -> bool:
        """Whether its holder is this run before a fault, or a process of this machine that is no
        more."""
        if holder.get("owner") == self._owner.name:
            return True
        process = holder.get("process")
        return (
            isinstance(process, list)
            and len(process) == 2
            and _is_dead(self._owner.process[0], *process)
        )

    def _write(self) -> None:
        self._number += 1
        self._store.put(self._path, self._content())

    def _content(self) -> bytes:
        owner = self._owner
        lease = {
            "owner": owner.name,
            "who": owner.who,
            "process": owner.process,
            "number": self._number,
        }
        return json.dumps(lease).encode()


def _run(lease: dict[str, Any]) -> list[object]:
    """Tell the run that a lease is of from every other one."""
    return [lease.get("owner"), lease.get("process")]


def _read(content: bytes) -> dict[str, Any]:
    try:
        lease = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return lease if isinstance(lease, dict) else {}


def _is_dead(machine: str, of: object, pid: object) -> bool:
    if of != machine or not isinstance(pid, int) or pid <= 0 or os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def _machine(host: str) -> str:
    """Tell machines apart that have one name, and containers that count their processes each for
    itself."""
    parts = [host]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _ray_job() -> str | None:
    """The submission id of the Ray job that this process is: a lost head runs it again under the
    same one."""
    try:
        metadata = (
            json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")).get("metadata") or {}
        )
        job = metadata.get("job_submission_id")
    except (ValueError, AttributeError):
        return None
    return str(job) if job else None
