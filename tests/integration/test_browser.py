"""The pages in Debian's Chromium: live, by keyboard, on a telephone, printed."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.served import Served, serving
from tests.unit.stored import copy
from tests.unit.web.conftest import tell

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.timeout(600)
PATIENCE = 120_000
"""Milliseconds for what must happen."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def missing(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: run make setup")
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        missing("Chromium is not installed: run tests/install-tools.sh")
    with sync_playwright() as playwright:
        options: Any = {"executable_path": found, "args": ["--no-sandbox"]}
        started = playwright.chromium.launch(**options)
        yield started
        started.close()


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    copy(folder).rename(folder / "finished")
    copy(folder, "stopped").rename(folder / "halted")
    tell(folder / "halted", experiment="halted")
    return folder


@pytest.fixture
def served(results: Path) -> Iterator[Served]:
    with serving(results) as found:
        yield found


@pytest.fixture
def any_page(browser: "Browser", served: Served) -> Iterator["Page"]:
    with browser.new_context(base_url=served.origin) as context:
        opened = context.new_page()
        opened.set_default_timeout(PATIENCE)
        yield opened


@pytest.fixture
def page(any_page: "Page") -> Iterator["Page"]:
    """A page that may load nothing from elsewhere, and on which nothing may go wrong."""
    wrong: list[str] = []
    any_page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    any_page.on("pageerror", lambda error: wrong.append(str(error)))
    any_page.on("request", lambda asked: wrong.append(asked.url) if not _own(asked.url) else None)
    yield any_page
    assert wrong == []


def _own(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:"))


def focused(page: "Page") -> str:
    """What has the focus: its name for people, or its kind."""
    found: str = page.evaluate(
        "(document.activeElement.ariaLabel || document.activeElement.textContent"
        " || document.activeElement.tagName).trim()"
    )
    return found


def number(page: "Page") -> str:
    """Of the drawing that is shown."""
    found: str = page.evaluate("document.body.dataset.drawn")
    return found


def until_drawn_anew(page: "Page", before: str) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while number(page) == before:
        assert time.monotonic() < deadline, "no figures were drawn anew"
        page.wait_for_timeout(100)


def test_numbers_and_figures_follow_the_run_without_a_reload(page: "Page", results: Path) -> None:
    page.goto("/experiments/halted")
    page.get_by_text("3 of 8", exact=True).first.wait_for()
    page.locator("main figure svg").first.wait_for()
    page.evaluate("window.isTheSamePage = true")
    tell(results / "halted", experiment="halted", models={"xgboost": {"planned": 8, "done": 5}})
    page.get_by_text("5 of 8", exact=True).first.wait_for()
    drawn = number(page)
    shutil.copy(results / "finished" / "xgboost" / "trials" / "000003.json",
                results / "halted" / "xgboost" / "trials" / "000003.json")  # fmt: skip
    tell(results / "halted", experiment="halted", state="failed", reason="a made-up reason")
    page.get_by_text("a made-up reason").wait_for()
    until_drawn_anew(page, drawn)
    assert page.evaluate("window.isTheSamePage")


def test_what_a_reader_does_survives_new_figures(page: "Page", results: Path) -> None:
    page.goto("/experiments/halted")
    page.locator("main figure svg").first.wait_for()
    details = page.locator("main details").first
    details.locator("summary").click()
    page.locator("main figure .scroll").first.focus()
    label = focused(page)
    drawn = number(page)
    tell(results / "halted", experiment="halted", state="cancelled", reason="told to end")
    until_drawn_anew(page, drawn)
    assert details.evaluate("one => one.open")
    assert focused(page) == label


def test_the_list_follows_and_keeps_ticks_and_focus(page: "Page", results: Path) -> None:
    """Whatever happens to the rows around: other numbers, another order, one more, one less."""
    ticked = "finished side by side with others"
    began = [f"2026-01-0{day}T00:00:00+00:00" for day in range(1, 5)]
    tell(results / "finished", began=began[1])
    tell(results / "halted", experiment="halted", began=began[0])
    page.goto("/")
    page.get_by_label(ticked).check()

    def stays(wanted: list[str]) -> None:
        page.wait_for_function(
            "wanted => [...document.querySelectorAll('tr input')].map(one => one.value)"
            ".join() === wanted.join()",
            arg=wanted,
        )
        boxes = page.locator("tr input")
        assert [box.is_checked() for box in boxes.all()] == [one == "finished" for one in wanted]
        assert focused(page) == ticked

    stays(["finished", "halted"])
    told = {"experiment": "halted", "models": {"xgboost": {"planned": 8, "done": 6}}}
    tell(results / "halted", **told, began=began[0])
    page.get_by_text("6 of 8", exact=True).wait_for()
    stays(["finished", "halted"])
    tell(results / "halted", **told, began=began[2])
    stays(["halted", "finished"])
    tell(results / "newest", began=began[3])
    stays(["newest", "halted", "finished"])
    shutil.rmtree(results / "halted")
    stays(["newest", "finished"])


def test_experiments_are_put_side_by_side_by_keyboard(page: "Page") -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    seen = []
    while len(seen) < 20 and focused(page) != "Show side by side":
        page.keyboard.press("Tab")
        seen.append(focused(page))
        if seen[-1].endswith("side by side with others"):
            page.keyboard.press("Space")
    for name in ("va-tuning", "Experiments", "finished", "halted", "Show side by side"):
        assert name in seen
    page.keyboard.press("Enter")
    page.wait_for_url("**/side-by-side?*")
    page.get_by_text("Best score so far of several searches.").wait_for()
    assert page.locator("table tbody tr").count() >= 2


def test_the_skip_link_leads_to_the_content(page: "Page") -> None:
    page.goto("/experiments/finished")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    assert page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("path", ["/", "/experiments/finished", "/experiments/halted",
                                  "/side-by-side?e=finished&e=halted",
                                  "/experiments/finished/log"])  # fmt: skip
def test_pages_fit_a_telephone_and_have_what_readers_need(page: "Page", path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    answer = page.goto(path)
    assert answer
    if ("e" in path[1:3] and "log" not in path) or path.startswith("/side"):
        page.locator("main figure svg >> visible=true").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, button, a, progress, svg[role]')].filter("
        "one => !(one.ariaLabel || one.textContent.trim() || one.labels?.length)).length"
    )
    assert unnamed == 0


def test_a_page_prints_with_its_figures(page: "Page") -> None:
    page.goto("/experiments/finished")
    page.locator("main figure svg").nth(3).wait_for(state="attached")
    page.emulate_media(media="print")
    assert not page.get_by_role("link", name="Trials (CSV)").is_visible()
    assert page.locator("main figure svg >> visible=true").count() > 3
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_server_that_has_ended_is_told(any_page: "Page", served: Served) -> None:
    any_page.goto("/")
    deadline = time.monotonic() + PATIENCE / 1000
    while not any_page.evaluate("source?.readyState === EventSource.OPEN"):
        assert time.monotonic() < deadline, "the page hears nothing"
        any_page.wait_for_timeout(100)
    served.process.terminate()
    served.process.wait(timeout=60)
    any_page.get_by_text("No news from the server").wait_for()


def test_a_script_in_stored_results_does_not_run(any_page: "Page", results: Path) -> None:
    (results / "deaths.html").write_text(
        "<title>safe</title><script>document.title = 'run'</script>"
        "<body onload=\"document.title = 'run'\"><img src=x onerror=\"document.title = 'run'\">"
        '<p style="color: red">shown</p>'
    )
    any_page.goto("/pages/deaths.html")
    any_page.get_by_text("shown").wait_for()
    assert any_page.title() == "safe"
