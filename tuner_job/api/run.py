"""Run: one experiment that runs, has ended or was stopped; the same face wherever it is."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner_job.api.model import Model
from tuner_job.api.report import Report
from tuner_job.api.tables import Prediction
from tuner_job.errors import RunError, StoreError
from tuner_job.experiment.export import export
from tuner_job.experiment.page import write_report
from tuner_job.experiment.so_far import summary_so_far
from tuner_job.models.estimators.trust import trusting
from tuner_job.prediction.predict import load_model, predict_deaths
from tuner_job.records import ExperimentSummary, ProgressRecord, StudySummary
from tuner_job.results.choose import models_of
from tuner_job.results.experiment_store import ExperimentStore, open_experiment
from tuner_job.results.trial_table import trial_columns

if TYPE_CHECKING:
    import pandas as pd

OnProgress = Callable[[ProgressRecord], None]
_LOOK = 1.0
"""Seconds between two looks at a run that is waited for."""


@dataclass(frozen=True)
class Best:
    """The best trial of a model, so far or at the end.

    Attributes
    ----------
    trial
        Its number; -1 is the untuned default.
    scores
        Metric → mean over folds.
    """

    model: str
    trial: int
    params: Mapping[str, Any]
    scores: Mapping[str, float]


class Run(ABC):
    """One experiment, wherever it runs; made by `Experiment.run`, `Experiment.submit` and
    `open_results`.

    Attributes
    ----------
    name
        Of the experiment.
    trust, allow_pickle
        Whose code its models may run, beside what `model` is told.
    """

    def __init__(self, name: str):
        self.name = name
        self.trust: tuple[str, ...] = ()
        self.allow_pickle = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}: {self.state})"

    @abstractmethod
    def _opened(self) -> AbstractContextManager[ExperimentStore]:
        """Reach the results for a while."""

    @property
    def state(self) -> str:
        """``running``, ``done``, ``failed`` or ``cancelled``; ``lost`` where nobody can be running
        it any more, ``unknown`` where nothing says so."""
        progress = self.progress()
        if progress is not None:
            return _state_of(progress)
        with self._opened() as store:
            return "done" if store.finished() else "unknown"

    def progress(self) -> ProgressRecord | None:
        """How it is going, at most some seconds old; None where nothing says so yet."""
        with self._opened() as store:
            return store.progress()

    def wait(self, timeout: float | None = None, on_progress: OnProgress | None = None) -> "Run":
        """Wait until it has ended; return it.

        Parameters
        ----------
        timeout
            Seconds after which `TimeoutError` is raised; None: never.
        on_progress
            Called with each new `ProgressRecord`.

        Raises
        ------
        RunError
            It failed or was cancelled; the message says why.
        """
        limit = None if timeout is None else time.monotonic() + timeout
        told = ""
        while True:
            ended = self._has_ended()
            progress = self.progress() if on_progress else None
            if on_progress and progress and progress.written != told:
                told = progress.written
                on_progress(progress)
            if ended:
                return self
            if limit is not None and time.monotonic() > limit:
                raise TimeoutError(f"{self.name} has not ended within {timeout:g} s")
            time.sleep(_LOOK)

    @abstractmethod
    def _has_ended(self) -> bool:
        """Whether it came to its end; raises `RunError` where it ended in another way."""

    @abstractmethod
    def cancel(self) -> None:
        """Stop it; finished trials are kept, and the same experiment run again goes on."""

    def logs(self) -> str:
        """What it has said so far."""
        with self._opened() as store:
            return "\n".join(store.read_log())

    @property
    def summary(self) -> ExperimentSummary:
        """What ``summary.json`` holds; of an experiment that has not ended, what there is."""
        with self._opened() as store:
            return summary_so_far(store)

    def trials(self, model: str | None = None) -> "pd.DataFrame":
        """A row a trial, the untuned default (-1) among them, and a column a parameter.

        Parameters
        ----------
        model
            None: all.
        """
        import pandas as pd  # takes half a second

        with self._opened() as store:
            models = [model] if model else models_of(store)
            records = {one: store.load_trials(one) for one in models}
        return pd.DataFrame(trial_columns(records))

    def export(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the trials into a file for other programs; return its path.

        Parameters
        ----------
        path
            Its ending says what is written: ``.log``, a journal of Optuna's with a study a model,
            which optuna-dashboard shows; ``.parquet`` or ``.csv``, the table of `trials`.
        overwrite
            Replace the file if it is there.

        Raises
        ------
        InputError
            The file cannot be written, or is there.
        StoreError
            No trial has finished yet.
        """
        path = Path(path)
        with self._opened() as store:
            export(store, path, overwrite)
        return path

    def best(self, model: str | None = None) -> Best:
        """The best trial.

        Parameters
        ----------
        model
            None: of the best model, as the report has it.

        Raises
        ------
        StoreError
            No trial has finished yet.
        """
        with self._opened() as store:
            study = _study(summary_so_far(store), model)
            if study is None:
                whose = f"{store.url}/{model}" if model else store.url
                raise StoreError(f"{whose}: no trial has finished yet")
        best = study.best
        return Best(study.model, best.trial, dict(best.params), dict(best.scores))

    def model(
        self, name: str | None = None, *, trust: Sequence[str] = (), allow_pickle: bool = False
    ) -> Model:
        """The tuned model; None: the best one. Whose code may run is said as to
        `tuner_job.load_model`.

        Raises
        ------
        StoreError
            Its search has not finished, or it needs code that is not trusted.
        """
        with self._opened() as store:
            trusted = (*self.trust, *trust)
            return Model(load_model(store, name, trusted, allow_pickle or self.allow_pickle))

    def predict(
        self,
        data: str | Path,
        model: str | None = None,
        *,
        by: Sequence[str] = (),
        trust: Sequence[str] = (),
        allow_pickle: bool = False,
    ) -> Prediction:
        """Predict for a file of new deaths, as ``va-tuning predict`` does; for arrays and data
        frames see `Model`.

        Parameters
        ----------
        data
            A path or URL, coded like the training data.
        model
            None: the best one.
        by
            Groups whose cause fractions are estimated too: site, sex, age, year or a column.
        trust, allow_pickle
            As in `model`.

        Raises
        ------
        InputError
            The file cannot be read, or does not fit the model; or that needs code that is not
            trusted.
        """
        trusted = trusting((*self.trust, *trust), allow_pickle or self.allow_pickle)
        with self._opened() as store:
            return Prediction(predict_deaths(store, model, str(data), by, False, trusted))

    def report(self) -> Report:
        """The report, of what there is so far if it has not ended; in a notebook it shows
        itself."""
        with self._opened() as store:
            page = write_report(store, summary_so_far(store))
            return Report(page, f"{store.url}/report.html")


def _state_of(progress: ProgressRecord) -> str:
    return "lost" if progress.is_silent(datetime.now(UTC)) else progress.state


def _study(summary: ExperimentSummary, model: str | None) -> StudySummary | None:
    if model is None and summary.best_model:
        model = summary.best_model.model
    found = [one for one in summary.studies if model in (None, one.model)]
    metric = found[0].objectives[0] if found else ""
    return max(found, key=lambda one: one.best.scores.get(metric, 0.0), default=None)


class StoredRun(Run):
    """An experiment whose results were opened; who runs it, if anybody, is elsewhere."""

    def __init__(self, store: ExperimentStore):
        super().__init__(store.experiment)
        self.store = store

    def _opened(self) -> AbstractContextManager[ExperimentStore]:
        return nullcontext(self.store)

    def _has_ended(self) -> bool:
        progress = self.store.progress()
        if progress is None:
            return self.store.finished() is not None
        state = _state_of(progress)
        if state in ("failed", "cancelled", "lost"):
            why = progress.reason or "its run has not been heard of for a while"
            raise RunError(f"{self.store.url}: {state}: {why}")
        return state == "done"

    def cancel(self) -> None:
        """Refused: it is stopped where it was started."""
        raise RunError(f"{self.store.url}: was opened, not started here; stop it where it runs")


def open_results(url: str, *, trust: Sequence[str] = (), allow_pickle: bool = False) -> Run:
    """Open the results of an experiment, of the command line or a cluster too.

    Parameters
    ----------
    url
        ``RESULTS/NAME``: a folder, or an s3://, gs:// or az:// URL.
    trust, allow_pickle
        Whose code its models may run; see `tuner_job.load_model`.

    Raises
    ------
    StoreError
        There is no experiment.
    """
    run = StoredRun(open_experiment(url))
    run.trust, run.allow_pickle = tuple(trust), allow_pickle
    return run
