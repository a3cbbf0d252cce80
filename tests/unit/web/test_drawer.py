"""The drawer: what somebody looks at is drawn once, however much it is."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from tuner_job.web import drawer
from tuner_job.web.children import Children
from tuner_job.web.drawer import Drawer
from tuner_job.web.job import Job
from tuner_job.web.place import places
from tuner_job.web.row import Row

_PAGES = 50
"""More than are kept while nobody looks at them."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The drawer's time, which stands still until a test moves it."""
    found = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(drawer, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


async def _look(at: Drawer, folder: Path, numbers: range) -> None:
    (place,) = places([str(folder)])
    for number in numbers:
        row = Row(str(number), str(number), "here", str(number), f"{folder}/{number}")
        drawing = at.want("experiment", [row], {"here": place})
        if drawing.task:
            await drawing.task


def test_more_open_pages_than_are_kept_are_each_drawn_once(
    tmp_path: Path, drawn: list[Job], clock: SimpleNamespace
) -> None:
    async def looks() -> None:
        at = Drawer(tmp_path / "drawn", Children())
        for _ in range(3):
            await _look(at, tmp_path, range(_PAGES))
            clock.now += 30
        assert len(drawn) == _PAGES

    asyncio.run(looks())


def test_what_nobody_looks_at_any_more_goes(
    tmp_path: Path, drawn: list[Job], clock: SimpleNamespace
) -> None:
    async def looks() -> None:
        at = Drawer(tmp_path / "drawn", Children())
        await _look(at, tmp_path, range(_PAGES))
        clock.now += 61
        await _look(at, tmp_path, range(_PAGES, _PAGES + 1))
        left = [job.out.exists() for job in drawn]
        assert left == [False] * (_PAGES - 39) + [True] * 40

    asyncio.run(looks())
