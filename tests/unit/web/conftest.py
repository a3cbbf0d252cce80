"""Results to be shown, and a client of the application over them."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.unit.stored import copy
from tuner_job.records import utc
from tuner_job.web import pages, site
from tuner_job.web.app import application
from tuner_job.web.drawer import Drawer, Drawing
from tuner_job.web.job import CONTENT, FACTS, PAGE, Job
from tuner_job.web.place import places

Open = Callable[..., TestClient]
DRAWN = "<header><h1>drawn</h1></header>\n<main><p>figures of {}</p></main>"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page does without what a folder answers, however busy the machine is."""
    for module, name in ((pages, "_PATIENCE"), (site, "_PATIENCE"), (site, "_FIRST")):
        monkeypatch.setattr(module, name, 120.0)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A finished experiment and one that was stopped, of a version that kept no progress."""
    folder = tmp_path / "results"
    copy(folder).rename(folder / "finished")
    copy(folder, "stopped").rename(folder / "halted")
    return folder


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """What was asked of the process that draws, which is not started."""
    asked: list[Job] = []

    async def draw(self: Drawer, drawing: Drawing, job: Job) -> str:
        asked.append(job)
        job.out.mkdir(parents=True, exist_ok=True)
        names = ", ".join(target.path for target in job.targets)
        for name in (CONTENT, PAGE):
            (job.out / name).write_text(DRAWN.format(names))
        (job.out / FACTS).write_text(json.dumps({"n_damaged": 0, "damaged": []}))
        return ""

    monkeypatch.setattr(Drawer, "_run", draw)
    return asked


@pytest.fixture
def open_pages(tmp_path: Path, drawn: list[Job]) -> Iterator[Open]:
    """Open the pages over some addresses."""
    with ExitStack() as stack:

        def opened(*addresses: object, token: str | None = None, **more: Any) -> TestClient:
            folder = tmp_path / "drawn"
            app = application(places([str(one) for one in addresses]), folder, token)
            more = {"base_url": "http://127.0.0.1:8765", "follow_redirects": False, **more}
            client = stack.enter_context(TestClient(app, **more))
            stack.callback(app.state.site.close)
            return client

        yield opened


def progress(name: str, **changes: Any) -> dict[str, Any]:
    """Write how an experiment goes, as a run does."""
    now = utc(datetime.now(UTC))
    model = {"planned": 8, "done": 3, "states": {"complete": 2, "pruned": 1}}
    return {
        "experiment": name,
        "state": "running",
        "stage": "search",
        "metric": "csmf_accuracy",
        "models": {"xgboost": {**model, "best_score": 0.81234, "best_trial": 1}},
        "best": {"model": "xgboost", "trial": 1, "score": 0.81234},
        "seconds_left": 75.0,
        "began": now,
        "written": now,
        "fit_seconds": 12.0,
        "run_by": "process 7 on here",
        "owner": "A. Person",
        "last_trial": now,
        **changes,
    }


def tell(folder: Path, **changes: Any) -> Path:
    """Have an experiment in a folder tell how it goes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "progress.json").write_text(json.dumps(progress(folder.name, **changes)))
    return folder
