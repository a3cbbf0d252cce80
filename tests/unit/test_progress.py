"""What is shown of an experiment while it runs."""

import io

import pytest
from rich.console import Console

from tuner_job.cli.progress import ProgressDisplay
from tuner_job.results.monitor import TuningMonitor


def shown(terminal: bool) -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(file=written, force_terminal=terminal, width=120), written


def go_through(display: ProgressDisplay, models: dict[str, int | None]) -> None:
    """Take a monitor through the stages of a run of some models, each with one trial; another
    one was committed before."""
    with display:
        monitor = TuningMonitor({**models, "committed": 8}, display)
        monitor.follow(list(models), {})
        monitor.enter("search")
        for model in models:
            monitor.log_trial(f"{model}/0", {}, 0.5)
        monitor.enter("last fits")
        monitor.enter("report")


def test_a_log_has_a_line_a_stage_and_no_time_left_at_the_end() -> None:
    console, written = shown(terminal=False)
    go_through(ProgressDisplay(console), {"xgboost": 8})
    lines = written.getvalue().splitlines()
    stages = [line.partition("] ")[2].partition(":")[0] for line in lines]
    assert stages == ["loading", "search", "last fits", "report", "ended"]
    assert "left" not in lines[-1]
    assert all("xgboost" in line for line in lines[1:])


def test_a_terminal_has_a_table_that_stays() -> None:
    console, written = shown(terminal=True)
    go_through(ProgressDisplay(console), {"xgboost": 8, "random_forest": None})
    assert "1 of 8" in written.getvalue()
    assert "ended" in written.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_is_shown_where_everything_was_committed(terminal: bool) -> None:
    console, written = shown(terminal)
    go_through(ProgressDisplay(console), {})
    stages = ("search", "last fits", "report", "ended")
    assert not any(stage in written.getvalue() for stage in stages)
