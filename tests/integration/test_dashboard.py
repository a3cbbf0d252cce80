"""An exported journal in optuna-dashboard, in Chromium: its studies, trials and plots."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.experiments import run
from tests.integration.test_browser import PATIENCE, browser
from tests.unit.experiment.test_export import RECORDS, SPACE
from tests.unit.results.conftest import STORED
from tuner_job.search.samplers.optuna import Searched, journal_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]  # a fixture, which pytest finds by its name here
pytestmark = pytest.mark.timeout(600)
PLOTS = (
    "[...document.querySelectorAll('.js-plotly-plot')].filter(e => e.data.length).map(e => e.id)"
)


def answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def dashboard(journal: Path) -> Iterator[str]:
    """Run optuna-dashboard over a journal; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).parent / "optuna-dashboard"
    command = [program, journal, "--port", str(port), "--server", "wsgiref"]
    with (journal.parent / "dashboard.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ})
        try:
            deadline = time.monotonic() + 120
            while not answers(port):
                assert process.poll() is None, (journal.parent / "dashboard.log").read_text()
                assert time.monotonic() < deadline, "the dashboard does not answer"
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/dashboard"
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def opened(browser: "Browser", journal: Path) -> Iterator["Page"]:
    """A page of the dashboard on which nothing may go wrong."""
    wrong: list[str] = []
    with dashboard(journal) as address, browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda got: wrong.append(got.url) if got.status >= 400 else None)
        page.goto(f"{address}/")
        yield page
    assert wrong == []


def drawn(page: "Page", path: str, *plots: str) -> None:
    """Go to a page of the study, and wait until these plots hold something."""
    page.goto(f"{page.url.split('/dashboard')[0]}/dashboard/studies/{path}")
    for plot in plots:
        page.wait_for_function(f"{PLOTS}.some(id => id.startsWith('{plot}'))")


def test_the_dashboard_shows_what_was_exported(browser: "Browser", tmp_path: Path) -> None:
    journal = tmp_path / "journal.log"
    code, out, err = run("export", STORED / "0.5.0" / "finished", "--to", journal)
    assert (code, out) == (0, f"{journal}: 12 trials\n"), err
    with opened(browser, journal) as page:
        for model in ("logistic_regression", "random_forest", "xgboost"):
            page.get_by_text(f"finished/{model}").first.wait_for()
        drawn(page, "0", "plot-history", "graph-timeline", "graph-intermediate-values",
              "graph-hyperparameter-importances")  # fmt: skip
        drawn(page, "0/analytics", "plot-slice", "graph-contour", "plot-edf")
        drawn(page, "0/trials")
        page.get_by_text("4 Trials").wait_for()
        page.get_by_text("CSMF by").first.wait_for()


@pytest.mark.parametrize("objectives", [("csmf_accuracy",), ("csmf_accuracy", "ccc")], ids=len)
def test_it_shows_trials_of_every_state_and_parameters_that_do_not_always_exist(
    browser: "Browser", tmp_path: Path, objectives: tuple[str, ...]
) -> None:
    journal = tmp_path / "journal.log"
    journal.write_bytes(journal_of([Searched("a/forest", objectives, SPACE, RECORDS)]))
    with opened(browser, journal) as page:
        page.get_by_text("a/forest").first.wait_for()
        front = "graph-pareto-front" if len(objectives) > 1 else "plot-history"
        drawn(page, "0", front, "graph-timeline")
        drawn(page, "0/analytics", "plot-slice", "graph-contour")
        drawn(page, "0/trials")
        page.get_by_text("5 Trials").wait_for()
        for state in ("Complete", "Pruned", "Fail"):
            page.get_by_text(state, exact=True).first.wait_for()
