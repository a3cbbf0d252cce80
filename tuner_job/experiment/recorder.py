"""Takes finished trials from the search to the results store."""

import heapq
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from tuner_job.config.tuning import HyperparameterSearchConfig
from tuner_job.evaluation.folds import FoldIds, in_row_order
from tuner_job.experiment.summarise import mean_validation
from tuner_job.failure import Failure
from tuner_job.models.base import PathPoint
from tuner_job.records import DEFAULT_TRIAL, TrialRecord
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.writer import BackgroundWriter
from tuner_job.search.trial import Trial
from tuner_job.types import Probabilities

_log = logging.getLogger(__name__)
KEPT_MATRICES = 10
"""Out-of-fold probabilities are kept of a trial that is among so many best ones when it finishes;
of every trial where one near the best is chosen, which may be any."""


class Searched(Protocol):
    """A search of one model."""

    @property
    def model(self) -> str:
        """Name of the model family."""


class Recorder:
    """Writes each finished trial, and the probabilities of the good ones before it.

    Parameters
    ----------
    fetch
        Brings what a fold predicted here.
    """

    def __init__(
        self,
        store: ExperimentStore,
        writer: BackgroundWriter,
        fetch: Callable[[Any], PathPoint],
        monitor: TuningMonitor,
        folds: FoldIds,
        tuning: HyperparameterSearchConfig,
    ):
        self._store, self._writer, self._fetch, self._monitor = store, writer, fetch, monitor
        self._folds, self._objectives = folds, tuning.objectives
        self._keep_all = tuning.selection != "best"
        self._known: set[tuple[str, int]] = set()
        """Models and trials that other experiments ran."""
        self._leaders: dict[tuple[str, str], list[float]] = {}  # heaps of the best scores so far

    def recall(self, model: str, records: Sequence[TrialRecord]) -> None:
        """Know of the trials that an earlier run wrote."""
        for record in records:
            self._is_leader(model, record)
            if record.source:
                self._known.add((model, record.trial))
                if record.trial != DEFAULT_TRIAL:
                    self._monitor.know(model, record, record.scores.get(self._objectives[0]))
            elif record.duplicate_of is None:  # duplicates come to `record` again
                self._monitor_trial(model, record, record.scores.get(self._objectives[0]))

    def record(self, study: Searched, trial: Trial) -> None:
        """Write one finished trial."""
        record = _as_record(trial)
        writes: list[tuple[Any, ...]] = [(self._store.save_trial, study.model, record)]
        if self._is_leader(study.model, record):
            # first, so that a trial that counts as finished never lacks them
            writes.insert(
                0, (self._store.save_oof, study.model, trial.number, self._assemble(trial))
            )
        if isinstance(trial.error, Failure) and record.duplicate_of is None:
            _log_failure(study.model, trial.number, trial.error)
            failure = (self._store.save_error, study.model, trial.number, trial.error.traceback)
            writes.insert(0, failure)
        self._writer.submit(_in_order, writes)
        score = trial.scores[0] if trial.state == "complete" else None
        if (study.model, trial.number) not in self._known:
            self._monitor_trial(study.model, record, score)
        trial.release()

    def _monitor_trial(self, model: str, record: TrialRecord, score: float | None) -> None:
        self._monitor.take_note(record)
        if record.trial != DEFAULT_TRIAL:
            number, seconds = f"{model}/{record.trial}", record.fit_seconds
            self._monitor.log_trial(number, record.params, score, record.state, seconds)

    def _is_leader(self, model: str, record: TrialRecord) -> bool:
        if not record.scores:  # given up, failed, or a duplicate
            return False
        if record.trial == DEFAULT_TRIAL or self._keep_all:
            return True
        leads = False
        for objective in self._objectives:
            heap, score = self._leaders.setdefault((model, objective), []), record.scores[objective]
            if len(heap) < KEPT_MATRICES:
                heapq.heappush(heap, score)
                leads = True
            elif score >= heap[0]:
                heapq.heapreplace(heap, score)
                leads = True
        return leads

    def _assemble(self, trial: Trial) -> Probabilities:
        """Put the folds' probabilities in the rows' order: (n_validated, n_classes)."""
        points = [self._fetch(trial.outcomes[f].point) for f in sorted(trial.outcomes)]
        return in_row_order([point.P_validation for point in points], self._folds)


def _log_failure(model: str, trial: int, failure: Failure) -> None:
    _log.info("%s: trial %d failed: %s", model, trial, failure)
    _log.debug("%s: traceback of trial %d\n%s", model, trial, failure.traceback)


def _in_order(writes: Sequence[tuple[Any, ...]]) -> None:
    for write, *args in writes:
        write(*args)


def _as_record(trial: Trial) -> TrialRecord:
    assert trial.state is not None
    original = trial.duplicate_of is None
    assessed = trial.assessment if original else None
    # some folds may have run ahead of the one that had the trial given up
    n_folds = len(trial.fold_scores) if original else 0
    folds = [trial.outcomes[fold].record for fold in range(n_folds)]
    return TrialRecord(
        trial=trial.number,
        batch=trial.batch,
        params=trial.params,
        state=trial.state,
        folds=folds,
        scores=mean_validation(folds) if folds and trial.state == "complete" else {},
        csmf_estimator=assessed.estimator if assessed else None,
        csmf=assessed.csmf if assessed else {},
        fell_back=bool(assessed and assessed.fell_back),
        duplicate_of=trial.duplicate_of,
        error=trial.error,
        finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        curve=list(trial.curve),
        schedule=list(trial.schedule),
    )
