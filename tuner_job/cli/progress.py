"""Showing how a search is going: a live table on a terminal, a line now and then in a log."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tuner_job.results.monitor import ModelProgress, TuningMonitor
from tuner_job.units import human_duration

_LINE_SECONDS = 15.0
_DRAW_SECONDS = 0.25


class ProgressDisplay:
    """Listens to a `TuningMonitor`; as a context manager it leaves the last state on the screen."""

    def __init__(self, console: Console, timeout: float | None = None):
        self._console, self._timeout = console, timeout
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._monitor: TuningMonitor | None = None
        self._shown = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._monitor:
            self._show(self._monitor)
        self._live.stop()

    def __call__(self, monitor: TuningMonitor) -> None:
        """Show the state, unless that was done a moment ago."""
        self._monitor = monitor
        pause = _DRAW_SECONDS if self._console.is_terminal else _LINE_SECONDS
        if time.monotonic() - self._shown > pause:
            self._show(monitor)

    def _show(self, monitor: TuningMonitor) -> None:
        self._shown = time.monotonic()
        if self._console.is_terminal:
            self._live.update(self._table(monitor), refresh=True)
        else:
            self._console.print(self._line(monitor), soft_wrap=True)

    def _table(self, monitor: TuningMonitor) -> Table:
        table = Table(
            title=f"running {human_duration(monitor.seconds)}, {self._left(monitor)}", box=None
        )
        table.add_column("model")
        for column in ("trials", "stopped early", "failed", "best score"):
            table.add_column(column, justify="right")
        for model, progress in monitor.models.items():
            table.add_row(
                model,
                _done(progress),
                str(progress.states["pruned"]),
                str(progress.states["failed"]),
                _score(progress),
            )
        return table

    def _line(self, monitor: TuningMonitor) -> str:
        states = [
            f"{model} {_done(p)} trials, best {_score(p)}" for model, p in monitor.models.items()
        ]
        return f"[{human_duration(monitor.seconds)}] {'; '.join(states)}; {self._left(monitor)}"

    def _left(self, monitor: TuningMonitor) -> str:
        left = monitor.seconds_left(self._timeout)
        return "time left not known yet" if left is None else f"about {human_duration(left)} left"


def _done(progress: ModelProgress) -> str:
    asked = f"{progress.done} of {progress.planned}" if progress.planned else str(progress.done)
    return asked + (f" (and {progress.free} at no fit)" if progress.free else "")


def _score(progress: ModelProgress) -> str:
    return "–" if progress.best_score is None else f"{progress.best_score:.4f}"
