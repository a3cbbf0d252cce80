"""Showing how an experiment is going: a live table on a terminal, a line now and then in a log."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from tuner_job.records import RunStage
from tuner_job.results.monitor import ModelProgress, TuningMonitor
from tuner_job.results.progress import time_left
from tuner_job.units import human_duration

_LINE_SECONDS = 15.0
_DRAWN_A_SECOND = 2


class ProgressDisplay:
    """Listens to a `TuningMonitor`; as a context manager it leaves the last state on the screen."""

    def __init__(self, console: Console):
        self._console = console
        self._monitor: TuningMonitor | None = None
        self._stage: RunStage | None = None
        self._written = 0.0
        self._ended = False
        # by a thread of its own: a fit may take minutes, and the time goes on
        self._live = Live(
            console=console, get_renderable=self._drawn, refresh_per_second=_DRAWN_A_SECOND
        )

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
        self._ended = True
        if self._monitor and self._monitor.models and not self._console.is_terminal:
            self._write(self._monitor)
        self._live.stop()

    def __call__(self, monitor: TuningMonitor) -> None:
        """Take note of the state; in a log, write it unless that was done a moment ago."""
        self._monitor = monitor
        if self._console.is_terminal or not monitor.models:
            return
        if monitor.stage != self._stage or time.monotonic() - self._written > _LINE_SECONDS:
            self._write(monitor)

    def _write(self, monitor: TuningMonitor) -> None:
        self._written, self._stage = time.monotonic(), monitor.stage
        self._console.print(self._line(monitor), soft_wrap=True)

    def _drawn(self) -> Table | Group:
        monitor = self._monitor
        if monitor is None or not monitor.models:
            return Group()
        table = Table(title=", ".join(self._now(monitor)), title_justify="left", box=None)
        table.add_column("model")
        for column in ("trials", "stopped early", "failed", "best score"):
            table.add_column(column, justify="right")
        for model, progress in list(monitor.models.items()):
            table.add_row(
                model,
                _done(progress),
                str(progress.states["pruned"]),
                str(progress.states["failed"]),
                _score(progress),
            )
        return table

    def _line(self, monitor: TuningMonitor) -> str:
        stage, ran, *left = self._now(monitor)
        states = [
            f"{model} {_done(p)} trials, best {_score(p)}" for model, p in monitor.models.items()
        ]
        told = [] if monitor.stage == "loading" else states
        return f"[{ran}] {stage}: " + "; ".join([*told, *left])

    def _now(self, monitor: TuningMonitor) -> list[str]:
        """Stage, time so far, and time left unless it has ended."""
        so_far = human_duration(monitor.seconds)
        if self._ended:
            return ["ended", so_far]
        return [monitor.stage, so_far, time_left(monitor.seconds_left())]


def _done(progress: ModelProgress) -> str:
    return f"{progress.done} of {progress.planned}" if progress.planned else str(progress.done)


def _score(progress: ModelProgress) -> str:
    return "–" if progress.best_score is None else f"{progress.best_score:.4f}"
