"""The drawer: has pages drawn by processes that end, a few at a time, and keeps what they drew."""

import asyncio
import json
import logging
import os
import shutil
import sys
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any, Literal

from tuner_job.process.output import debugging
from tuner_job.web.children import Children
from tuner_job.web.job import CONTENT, FACTS, Job, Target
from tuner_job.web.place import Place
from tuner_job.web.row import Row

_log = logging.getLogger(__name__)
_AT_ONCE = 1
_REST = 10.0
"""Seconds between two drawings of what changes, at least."""
_SHARE = 5.0
"""A drawing that took long rests so many times as long."""
_AFTER_ERROR = 30.0
_MOST_KEPT = 40
"""Drawings, and experiments' trials, that are kept on this machine though nobody looks at them."""
_LOOKED_AT = 60.0
"""Seconds for which nobody has asked for what nobody looks at: an open page asks every second."""


@dataclass
class Drawing:
    """What is drawn of one or several experiments.

    Attributes
    ----------
    version
        Of what is drawn; empty while nothing is.
    doing
        How far the process is, for people; empty while none is at work.
    problem
        Why the last try failed.
    facts
        What the last process found out: damaged trials.
    wanted
        When somebody last asked for it.
    """

    folder: Path
    version: str = ""
    number: int = 0
    doing: str = ""
    problem: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    tried: str = ""
    rests_until: float = 0.0
    wanted: float = 0.0
    task: "asyncio.Task[None] | None" = None

    @property
    def under_way(self) -> bool:
        """Whether a process is at work on it, or waits for its turn."""
        return self.task is not None and not self.task.done()

    def text(self, name: str = CONTENT) -> str | None:
        """Read what is drawn; None while nothing is."""
        if not self.version:
            return None
        with suppress(FileNotFoundError):
            return (self.folder / name).read_text(encoding="utf-8")
        return None


class Drawer:
    """Keeps drawings as new as they are asked for, in a folder of this machine."""

    def __init__(self, folder: Path, children: Children):
        self._folder, self._children = folder, children
        self._drawings: OrderedDict[str, Drawing] = OrderedDict()
        self._kept: OrderedDict[Path, float] = OrderedDict()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def want(
        self,
        kind: Literal["experiment", "several"],
        rows: Sequence[Row],
        places: dict[str, Place],
    ) -> Drawing:
        """Return the drawing of some experiments; have it drawn anew if they have changed since.

        What is under way, or rests after its last turn, is returned as it is.
        """
        key = "\n".join([kind, *(row.id for row in rows)])
        drawing = self._drawings.get(key)
        if drawing is None:
            drawing = self._drawings[key] = Drawing(self._folder / _digest(key))
        self._drawings.move_to_end(key)
        now = drawing.wanted = time.monotonic()
        targets = [self._target(row, places[row.place], now) for row in rows]
        version = "\n".join(f"{row.version} {row.state}" for row in rows)
        fresh = version == (drawing.tried if drawing.problem else drawing.version)
        due = now >= drawing.rests_until
        if due and not drawing.under_way and (not fresh or drawing.problem):
            job = Job(kind=kind, targets=targets, out=drawing.folder)
            drawing.doing, drawing.tried = "waiting for its turn", version
            drawing.task = asyncio.create_task(self._draw(drawing, job, version))
        self._forget(now)
        return drawing

    def _target(self, row: Row, place: Place, now: float) -> Target:
        kept = self._folder / "trials" / _digest(f"{row.address}\n{row.claim}")
        self._kept[kept] = now
        self._kept.move_to_end(kept)
        return Target(name=row.name, url=place.store.url, path=row.path, kept=kept)

    async def _draw(self, drawing: Drawing, job: Job, version: str) -> None:
        async with self._turns:
            began = time.monotonic()
            drawing.problem = await self._run(drawing, job)
            drawing.doing = ""
            took = time.monotonic() - began
        rest = _AFTER_ERROR if drawing.problem else _REST
        drawing.rests_until = time.monotonic() + max(rest, _SHARE * took)
        if drawing.problem:
            return
        with suppress(OSError, ValueError):
            drawing.facts = json.loads((drawing.folder / FACTS).read_bytes())
        drawing.version = version
        drawing.number += 1

    async def _run(self, drawing: Drawing, job: Job) -> str:
        """Run the process; return what went wrong, or nothing."""
        return await asyncio.to_thread(self._stay_with, drawing, job)

    def _stay_with(self, drawing: Drawing, job: Job) -> str:
        """Take note of what the process says until it ends."""
        drawing.doing = "starting to draw"
        command = [sys.executable, "-m", "tuner_job.web.drawing", job.model_dump_json()]
        stderr = None if debugging() else DEVNULL
        problem = ""
        try:
            with self._children.started(command, PIPE, stderr, _environment()) as process:
                assert process.stdout
                for line in process.stdout:
                    said = _said(line)
                    problem = str(said.get("error", problem))
                    drawing.doing = str(said.get("doing", drawing.doing))
                    if "read" in said:
                        drawing.doing = f"reading trials: {said['read']:,} of {said['of']:,}"
        except OSError as error:
            return f"no process can be started: {error.strerror}"
        if process.returncode and not problem:
            code = process.returncode
            return f"the process that draws ended with code {code}; perhaps memory ran out"
        return problem

    def _forget(self, now: float) -> None:
        """Keep what somebody looks at, however much it is; of all else, the newest."""
        for key, drawing in list(self._drawings.items())[:-_MOST_KEPT]:
            if not drawing.under_way and now - drawing.wanted > _LOOKED_AT:
                del self._drawings[key]
                shutil.rmtree(drawing.folder, ignore_errors=True)
        for kept, wanted in list(self._kept.items())[:-_MOST_KEPT]:
            if now - wanted > _LOOKED_AT:
                del self._kept[kept]
                shutil.rmtree(kept, ignore_errors=True)


def _environment() -> dict[str, str]:
    """One thread for what computes: a search beside it goes first."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _said(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _digest(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:24]
