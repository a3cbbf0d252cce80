"""Predicting with a tuned model."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner_job.data.new_rows import NewDeaths
from tuner_job.errors import DataError, StoreError
from tuner_job.evaluation.curve import expected_accuracy
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.models.estimators.trust import Trust, trusting
from tuner_job.own_code.sources import digests
from tuner_job.prediction.groups import CsmfByGroup, csmf_by_group
from tuner_job.prediction.seen import seen
from tuner_job.prediction.tuned_model import TunedModel, unpack_model
from tuner_job.public import public
from tuner_job.records import SHIFTS, ExperimentSummary, FittedRows, StudySummary
from tuner_job.results.choose import Choice, choose_model
from tuner_job.results.claim import read_document
from tuner_job.results.commits import Commits
from tuner_job.results.damage import Damage, DamagedError
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.types import Probabilities
from tuner_job.wording import counted, plain

_log = logging.getLogger(__name__)


def load_model(
    store: ExperimentStore,
    model: str | None = None,
    trust: Sequence[str] = (),
    allow_pickle: bool = False,
) -> TunedModel:
    """Load the tuned model of a finished experiment.

    Parameters
    ----------
    model
        Its family; None: the best one, see `tuner_job.evaluation.best`. Which one that is, and
        why, is logged as a warning where the experiment has several.
    trust
        Modules whose code may run, of a model that is an estimator of another package or an own
        module; the error says which it needs. An own module is imported from the current folder
        or ``sys.path``, never from what is stored.
    allow_pickle
        Read a model that is kept as a pickle, which can run anything: only where everybody who can
        write the results is trusted.

    Raises
    ------
    StoreError
        There is none, it is not clear which one, or it is not the one that was committed.
    """
    choice = choose_model(store, model)
    if choice.reason:
        _log.warning("%s: takes %s: %s", store.url, choice.model, choice.reason)
    return _load(store, choice.model, trusting(trust, allow_pickle))[0]


def _load(
    store: ExperimentStore, model: str, trust: Trust
) -> tuple[TunedModel, StudySummary | None]:
    commit = Commits(store.store, store.experiment, model).newest()
    if commit is None:
        raise StoreError(f"{store.url}/{model}: has no model yet: its search has not finished")
    content = store.committed_model(model, commit.summary)
    if isinstance(content, Damage):
        raise DamagedError(content)
    _tell_changed(store, trust)
    name = (commit.summary and commit.summary.model_object) or "model.bin"
    return unpack_model(content, f"{store.url}/{model}/{name}", model, trust), commit.summary


def _tell_changed(store: ExperimentStore, trust: Trust) -> None:
    """Say which own modules differ here from those of the experiment."""
    here = digests(trust.own_modules())
    code = (read_document(store) or {}).get("code") if here else None
    for name, digest in code.items() if isinstance(code, dict) else ():
        if name in here and here[name] != digest:
            _log.warning("%s.py differs from the one that the model was fitted with", name)


@dataclass(frozen=True, eq=False)
class Predicted:
    """What was predicted of a file of deaths.

    Attributes
    ----------
    source
        The file, as it may be shown.
    tuned, study
        The model that predicted, and its search; ``None`` of a version that did not keep it.
    trained
        The experiment that it comes from; ``None`` where its summary is not there.
    choice
        Its name, and why it was taken.
    deaths
        As the model read them.
    calibrated, shown
        (n_rows, n_causes) calibrated probabilities, and those that were asked for.
    csmf
        Cause fractions, of groups too.
    scores
        ``n_samples`` (deaths with a cause that the model knows), ``csmf_accuracy`` and
        ``cod_accuracy`` on them; empty where the file has no causes.
    seen
        Which of the deaths that are scored the model was fitted on, in words; empty where none are
        scored.
    """

    source: str
    tuned: TunedModel
    study: StudySummary | None
    trained: ExperimentSummary | None
    choice: Choice
    deaths: NewDeaths
    calibrated: Probabilities
    shown: Probabilities
    csmf: CsmfByGroup
    scores: Mapping[str, float]
    seen: str

    @property
    def n_rows(self) -> int:
        """Number of deaths."""
        return len(self.shown)

    @property
    def expected(self) -> str:
        """How good their CSMF will be, in words: by how many they are; empty where it is not
        known."""
        return _expected(self.study, self.n_rows)


def predict_deaths(
    store: ExperimentStore,
    model: str | None,
    source: str,
    by: Sequence[str] = (),
    raw: bool = False,
    trust: Trust = Trust(),  # noqa: B008 (frozen)
) -> Predicted:
    """Predict for a file of deaths.

    Parameters
    ----------
    by
        Groups whose CSMF is estimated too; see `tuner_job.data.labels.read_labels`.
    raw
        Show the model's own probabilities, not the calibrated ones.
    trust
        Whose code may run; see `load_model`.

    Raises
    ------
    InputError
        The file cannot be read, or does not fit the model.
    """
    choice = choose_model(store, model)
    tuned, study = _load(store, choice.model, trust)
    if tuned.data.format == "synthetic":
        raise DataError(
            f"{store.url}: was tuned on synthetic data, so there is no coding to read "
            f"{plain(public(source))} by"
        )
    deaths = tuned.read(source, _log.warning, by)
    P = tuned.predict_proba(deaths.X)
    _log.info("%s: the model of %s predicts %d deaths", public(source), store.url, len(P))
    calibrated = tuned.calibrate(P)
    return Predicted(
        source=public(source),
        tuned=tuned,
        study=study,
        trained=_trained(store),
        choice=choice,
        deaths=deaths,
        calibrated=calibrated,
        shown=P if raw else calibrated,
        csmf=csmf_by_group(tuned, P, deaths.labels.groups),
        scores=_score(tuned, P, deaths),
        seen=_seen(tuned, study.fitted_on if study else None, deaths),
    )


def _trained(store: ExperimentStore) -> ExperimentSummary | None:
    try:
        return store.summary()
    except StoreError as error:  # not every experiment with a model has come to its end
        _log.info("%s", error)
        return None


def _expected(study: StudySummary | None, n_deaths: int) -> str:
    """Say how good the CSMF of so many deaths will be, as far as the search has tested that."""
    tested = study.by_population if study else []
    words = {"near": "composed nearly as in training", "moderate": "moderately otherwise"}
    least = min((one.n_deaths for one in tested), default=0)
    below = "below " if n_deaths < least else ""
    found = [
        f"{below}{value:.2f} {words.get(shift, 'in any other way')}"
        for shift in SHIFTS
        if (value := expected_accuracy(tested, n_deaths, shift)) is not None
    ]
    if not found:
        return ""
    most = max(one.n_deaths for one in tested)
    beyond = f", as for {most:,} deaths, the most that were tested" if n_deaths > most else ""
    if below:
        beyond = f", which are fewer than the {least:,} that were tested"
    return (
        f"CSMF accuracy to expect of {counted(n_deaths, 'death')} like those of training{beyond}: "
        f"{'; '.join(found)}"
    )


def _seen(tuned: TunedModel, fitted_on: FittedRows | None, deaths: NewDeaths) -> str:
    known = np.flatnonzero(deaths.y >= 0) if deaths.y is not None else np.empty(0, np.intp)
    if deaths.y is None or not len(known):
        return ""
    return seen(tuned, fitted_on, deaths.X[known], deaths.y[known])


def _score(tuned: TunedModel, P: Probabilities, deaths: NewDeaths) -> dict[str, float]:
    """Accuracies on the deaths that have a cause which the model knows; empty without any."""
    known = np.flatnonzero(deaths.y >= 0) if deaths.y is not None else np.empty(0, np.intp)
    if deaths.y is None or not len(known):
        return {}
    y, Q = deaths.y[known], tuned.calibrate(P[known])
    truth = csmf(y, len(tuned.causes))
    return {
        "n_samples": len(known),
        "csmf_accuracy": float(csmf_accuracy_of(truth, tuned.estimate_csmf(P[known]))),
        "cod_accuracy": float((Q.argmax(axis=1) == y).mean()),
    }
