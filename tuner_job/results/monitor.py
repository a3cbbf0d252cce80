"""TuningMonitor: how a search is going, while it runs."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ModelProgress:
    """How far the search of one model is."""

    planned: int | None
    """Trials that will be run; None while nobody knows."""
    done: int = 0
    free: int = 0
    """Trials that were not asked for and are complete; `done` and `states` leave them out."""
    states: Counter[str] = field(default_factory=Counter)
    best_score: float | None = None
    best_trial: int | None = None
    best_params: Mapping[str, Any] = field(default_factory=dict)
    convergence: list[tuple[int, float]] = field(default_factory=list)
    """(trials done, best score) each time that the best score rose."""


class TuningMonitor:
    """Takes note of finished trials and tells a listener.

    Parameters
    ----------
    planned
        Model → number of trials to come, if known.
    listener
        Called after each trial, for example to draw progress.
    """

    def __init__(
        self,
        planned: Mapping[str, int | None],
        listener: Callable[["TuningMonitor"], None] | None = None,
    ):
        self.models = {model: ModelProgress(n) for model, n in planned.items()}
        self.started = time.monotonic()
        self._listener = listener

    def log_trial(
        self,
        trial_id: str,
        params: Mapping[str, Any],
        score: float | None,
        state: str = "complete",
        free: bool = False,
    ) -> None:
        """Take note of a trial.

        Parameters
        ----------
        trial_id
            ``<model>/<trial number>``.
        score
            Its score; None if it has none, because it was given up or failed.
        free
            It was not asked for: the fit of another one goes through it.
        """
        model, _, number = trial_id.rpartition("/")
        progress = self.models.setdefault(model, ModelProgress(None))
        if free:
            progress.free += state == "complete"
        else:
            progress.done += 1
            progress.states[state] += 1
        if score is not None and (progress.best_score is None or score > progress.best_score):
            progress.best_score, progress.best_trial, progress.best_params = (
                score,
                int(number),
                params,
            )
            progress.convergence.append((progress.done, score))
        if self._listener:
            self._listener(self)

    @property
    def seconds(self) -> float:
        """Since the search began."""
        return time.monotonic() - self.started

    def seconds_left(self, timeout: float | None = None) -> float | None:
        """Estimate from the pace so far; None while there is none."""
        done = sum(p.done for p in self.models.values())
        planned = [p.planned for p in self.models.values()]
        if not done or None in planned:
            return None if timeout is None else max(0.0, timeout - self.seconds)
        left = sum(
            max(0, p.planned - p.done) for p in self.models.values() if p.planned is not None
        )
        estimate = self.seconds / done * left
        return estimate if timeout is None else min(estimate, max(0.0, timeout - self.seconds))
