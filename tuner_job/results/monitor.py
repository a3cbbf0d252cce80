"""TuningMonitor: how an experiment is going, while it runs."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner_job.records import DEFAULT_TRIAL, RunStage, TrialRecord
from tuner_job.results.pace import Pace, StudyPace

_LOADING_SECONDS = 6.0
"""That Ray needs to start, on a machine that has nothing else to do. A slower start tells that what
follows here will be as much slower."""
_SLOWEST = 10.0
_WORKER_SECONDS = 4.0
"""To start workers anew, where a budget has ended those that were busy."""
_CHOICE_SECONDS = 1.5
"""To look at a model's choice and its default in full, and at what its parameters matter."""
_REPORT_SECONDS = 2.0
"""To draw the figures of a model, and to load what draws them."""


@dataclass
class ModelProgress:
    """How far the search of one model is."""

    planned: int | None
    """Trials that will be run; None while nobody knows."""
    done: int = 0
    states: Counter[str] = field(default_factory=Counter)
    best_score: float | None = None
    best_trial: int | None = None
    best_params: Mapping[str, Any] = field(default_factory=dict)
    best_fit_seconds: float | None = None
    """Of all its folds together."""
    convergence: list[tuple[int, float]] = field(default_factory=list)
    """(trials done, best score) each time that the best score rose."""


@dataclass(frozen=True)
class Limits:
    """What ends the search before all trials have run; None: nothing does."""

    timeout: float | None = None
    """Seconds of the search."""
    cpu_seconds: float | None = None
    """Seconds of workers."""


class TuningMonitor:
    """Takes note of stages and finished trials and tells a listener.

    Parameters
    ----------
    planned
        Model → number of trials to come, if known.
    listener
        Called after each trial and at each stage, for example to draw progress.
    limits
        Of the search.
    """

    def __init__(
        self,
        planned: Mapping[str, int | None],
        listener: Callable[["TuningMonitor"], None] | None = None,
        limits: Limits = Limits(),
    ):
        self.models = {model: ModelProgress(n) for model, n in planned.items()}
        """Models that are searched."""
        self.settled: dict[str, ModelProgress] = {}
        """Models that an earlier run has committed."""
        self.fit_seconds = 0.0
        """Of all trials that have ended, earlier runs' too."""
        self.last_trial: str | None = None
        """When the newest of them ended: UTC, ISO 8601."""
        self.started = time.monotonic()
        self._listener, self._limits = listener, limits
        self._pace = Pace()
        self._stage: RunStage = "loading"
        self._stage_began = self._search_began = self.started
        self._slow = 1.0
        self._tell()

    @property
    def stage(self) -> RunStage:
        """What is under way."""
        defaults = [one for one in self._pace.studies.values() if one.is_default]
        if self._stage == "search" and any(one.left for one in defaults):
            return "default"
        return self._stage

    def enter(self, stage: RunStage) -> None:
        """Take note that a stage begins."""
        if stage != self._stage:
            self._stage, self._stage_began = stage, time.monotonic()
            if stage == "search":
                self._search_began = self._stage_began
                loading = (self._search_began - self.started) / _LOADING_SECONDS
                self._slow = min(max(1.0, loading), _SLOWEST)
            self._tell()

    def follow(
        self, models: Collection[str], studies: Mapping[str, StudyPace], n_folds: int = 0
    ) -> None:
        """Know which models are left to do, and which studies run together, by name: the time left
        is theirs."""
        self.models = {name: one for name, one in self.models.items() if name in models}
        self._pace.studies.update(studies)
        self._pace.n_folds = n_folds

    def settle(self, model: str, records: Sequence[TrialRecord], metric: str) -> None:
        """Know of a model that is committed, so that nothing of it is searched.

        Parameters
        ----------
        metric
            The first objective.
        """
        searched = [record for record in records if record.trial != DEFAULT_TRIAL]
        own = [record for record in searched if record.source is None]
        found = ModelProgress(len(own), len(own), Counter(r.state for r in own))
        for record in records:
            if record.source is None:
                self.take_note(record)
        for record in searched:
            score = record.scores.get(metric)
            if score is not None and (found.best_score is None or score > found.best_score):
                found.best_score, found.best_trial = score, record.trial
        self.settled[model] = found

    def all_models(self) -> dict[str, ModelProgress]:
        """Every model, those that are settled too."""
        return {**self.settled, **self.models}

    def take_note(self, record: TrialRecord) -> None:
        """Take note of what a trial took, and when it ended; the untuned default's too."""
        self.fit_seconds += record.fit_seconds
        if record.finished_at > (self.last_trial or ""):
            self.last_trial = record.finished_at

    def log_task(self, study: str, seconds: float, n_slots: int) -> None:
        """Take note of a task of a study that ended; see `Pace.note`."""
        self._pace.note(study, seconds, n_slots, self._searching)

    def log_trial(
        self,
        trial_id: str,
        params: Mapping[str, Any],
        score: float | None,
        state: str = "complete",
        fit_seconds: float | None = None,
    ) -> None:
        """Take note of a trial.

        Parameters
        ----------
        trial_id
            ``<model>/<trial number>``.
        score
            Its score; None if it has none, because it was given up or failed.
        fit_seconds
            Of all its folds together; None: not known.
        """
        model, _, number = trial_id.rpartition("/")
        progress = self.models.setdefault(model, ModelProgress(None))
        progress.done += 1
        progress.states[state] += 1
        if score is not None and (progress.best_score is None or score > progress.best_score):
            progress.best_score, progress.best_trial, progress.best_params = (
                score,
                int(number),
                params,
            )
            progress.best_fit_seconds = fit_seconds
            progress.convergence.append((progress.done, score))
        self._tell()

    def know(self, model: str, record: TrialRecord, score: float | None) -> None:
        """Take note of a trial that another experiment ran: it may be the best one."""
        progress = self.models.setdefault(model, ModelProgress(None))
        if score is not None and (progress.best_score is None or score > progress.best_score):
            progress.best_score, progress.best_trial = score, record.trial
            progress.best_params, progress.best_fit_seconds = record.params, record.fit_seconds

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.started

    def seconds_left(self) -> float | None:
        """Estimate how long it takes to the end, the last fits and the report too; None while
        there is no telling."""
        in_stage = time.monotonic() - self._stage_began
        n = len(self.models)
        best = {model: one.best_fit_seconds for model, one in self.models.items()}
        last = self._pace.fits_left(best) + _CHOICE_SECONDS * n * self._slow
        if self._limits != Limits():
            last += _WORKER_SECONDS * self._slow
        report = _REPORT_SECONDS * (1 + n) * self._slow
        if self._stage == "loading":
            return None
        if self._stage == "last fits":
            return max(0.0, last - in_stage) + report
        if self._stage == "report":
            return max(0.0, report - in_stage)
        search = self._search_left()
        return None if search is None else search + last + report

    @property
    def _searching(self) -> float:
        return time.monotonic() - self._search_began

    def _search_left(self) -> float | None:
        """Until all trials have run, or a budget ends the search."""
        limits, now = self._limits, self._searching
        left = [self._pace.search_left(now)]
        if limits.timeout is not None:
            left.append(max(0.0, limits.timeout - now))
        if limits.cpu_seconds is not None:
            left.append(self._pace.budget_left(limits.cpu_seconds))
        return min((one for one in left if one is not None), default=None)

    def _tell(self) -> None:
        if self._listener:
            self._listener(self)
