"""From the fit to the record, without Ray: the overfitting gap is the model's and not the CSMF
estimator's."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tests.contracts.in_process import InProcessRunner
from tests.unit.evaluation import oracle
from tuner_job.config.budget import Budget
from tuner_job.config.tuning import HyperparameterSearchConfig
from tuner_job.data import DataConfig, load_dataset
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.folds import stratified, train_probe
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.evaluation.screening import screen, screened
from tuner_job.execution.drive import Driver
from tuner_job.execution.fold_task import SharedData
from tuner_job.execution.ray_tune import trainable
from tuner_job.execution.ray_tune.reporting import Reporter
from tuner_job.execution.ray_tune.trainable import SearchSettings, TrialTrainable
from tuner_job.experiment.recorder import Recorder
from tuner_job.models import FAMILIES
from tuner_job.models.base import FoldData, PathPoint
from tuner_job.records import EstimatorName, FoldRecord, TrialRecord
from tuner_job.results.experiment_store import ExperimentStore
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.store import Store
from tuner_job.results.writer import BackgroundWriter
from tuner_job.search.early_stopping import NeverStop
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.fixed import FixedSampler
from tuner_job.search.study import Study

MODEL, SEED, N_FOLDS = "random_forest", 7, 3
DEEP = (
    FAMILIES[MODEL].Parameters.model_validate({"n_estimators": 25, "max_depth": None}).model_dump()
)
PROTOCOL = ScoringProtocol("dirichlet", n_draws=15)
OBJECTIVES = ["csmf_accuracy", "cod_accuracy"]
METHODS: list[EstimatorName] = ["count", "em"]


@pytest.fixture(scope="module")
def rows() -> Any:
    synthetic = {"n_samples": 240, "n_causes": 5, "n_symptoms": 12, "n_sites": 1, "seed": 2}
    config = DataConfig.model_validate({"format": "synthetic", "synthetic": synthetic})
    return load_dataset(config, lambda _: b"")


def shared(rows: Any, methods: Sequence[EstimatorName]) -> SharedData:
    folds = stratified(rows.y, N_FOLDS, SEED)
    return SharedData(
        f"training {methods}", rows.X, rows.y, folds, rows.n_causes, SEED, PROTOCOL,
        tuple(methods), tuple(OBJECTIVES),
    )  # fmt: skip


def by_the_driver(data: SharedData, recorder: Recorder) -> None:
    study = Study(
        StudyPlan(
            name=MODEL,
            model=MODEL,
            objectives=OBJECTIVES,
            path="n_estimators",
            n_folds=N_FOLDS,
            lag=1,
            max_trials=1,
            assessed=len(data.methods) > 1,
        ),
        FixedSampler([DEEP]),
        NeverStop(),
    )
    Driver([study], cast(Any, InProcessRunner(data)), Budget(), recorder.record).run()


def by_ray_tune(data: SharedData, recorder: Recorder) -> None:
    searched = SimpleNamespace(model=MODEL)
    reporter = Reporter(
        OBJECTIVES[0], lambda point: point, lambda trial: recorder.record(searched, trial)
    )
    config = {"trial": {"number": 0, "params": DEEP, "checkpoint": None}}
    place = SearchSettings(
        data=[], model=MODEL, objective=OBJECTIVES[0], step=10, cpus=1, staged=False,
        folder=cast(Any, None),
    )  # fmt: skip
    actor = TrialTrainable.__new__(TrialTrainable)
    actor.setup(config, place)
    trial = SimpleNamespace(trial_id="t", config=config)
    reporter.on_trial_start(0, [], trial)
    for _ in range(3):  # 10, 20 and 25 trees
        result = actor.step()
        reporter.on_trial_result(0, [], trial, result)
    assert result["done"]


@pytest.fixture(params=[by_the_driver, by_ray_tune])
def search(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def recorded_by(rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Search in a way with these kinds of estimators; return the data and the stored record."""

    def run(search: Any, methods: Sequence[EstimatorName]) -> tuple[SharedData, TrialRecord]:
        data = shared(rows, methods)
        monkeypatch.setattr(trainable, "shared_data", lambda handle: data)
        store = ExperimentStore(Store(str(tmp_path / search.__name__)), "deep")
        tuning = HyperparameterSearchConfig()
        with BackgroundWriter() as writer:
            fetch, monitor = InProcessRunner(data).fetch, TuningMonitor({MODEL: 1})
            search(data, Recorder(store, writer, fetch, monitor, data.folds, tuning))
        (record,) = store.load_trials(MODEL)
        return data, record

    return run


@pytest.fixture
def recorded(search: Any, recorded_by: Any) -> Any:
    """Search with these kinds of estimators; return the data and the stored record."""
    return partial(recorded_by, search)


def fitted(data: SharedData, fold: int) -> tuple[np.ndarray, PathPoint]:
    """The training rows that are scored, and what the fold's model says of these and of the
    others."""
    train = np.flatnonzero(data.folds != fold)
    probe = train_probe(data.y, train, int((data.folds == fold).sum()), SEED)
    X = data.X
    parts = FoldData(X[train], data.y[train], X[data.folds == fold], X[probe], data.n_classes)
    (point,) = FAMILIES[MODEL].fit_path(parts, DEEP, [DEEP["n_estimators"]], SEED)
    return probe, point


def test_training_and_validation_scores_are_made_in_the_same_way(recorded: Any) -> None:
    data, record = recorded(METHODS)
    assert record.csmf_estimator.method == "em", "or the test shows nothing"
    assert len(record.folds) == N_FOLDS
    points = [fitted(data, fold) for fold in range(N_FOLDS)]
    P = np.empty((len(data.y), data.n_classes))
    for fold, (_, point) in enumerate(points):
        P[data.folds == fold] = point.P_validation
    for found, (probe, point) in zip(record.folds, points, strict=True):
        out = data.folds == found.fold
        others = Calibration.fit(data.y[~out], P[~out])
        for scores, y, said in (
            (found.validation, data.y[out], point.P_validation),
            (found.train, data.y[probe], point.P_probe),
        ):
            samples = PROTOCOL.samples(y, data.n_classes, found.fold, N_FOLDS)
            expected = oracle.scores_by(record.csmf_estimator, y, said, samples, others)
            assert scores == pytest.approx(expected, abs=1e-9)


def test_a_calibration_from_the_training_rows_themselves_would_flatter_them(
    recorded: Any,
) -> None:
    data, record = recorded(METHODS)
    for found in record.folds:
        probe, point = fitted(data, found.fold)
        samples = PROTOCOL.samples(data.y[probe], data.n_classes, found.fold, N_FOLDS)
        own = screen(data.deaths(probe), point.P_probe, samples, screened(["em"]))["em"]
        assert own["csmf_accuracy"] > found.train["csmf_accuracy"] + 0.01


def test_without_a_choice_of_estimators_folds_score_both_alone(recorded: Any) -> None:
    data, record = recorded(["mean"])
    assert record.csmf_estimator is None
    nothing = Calibration.fit(data.y, np.full((len(data.y), data.n_classes), 0.2))
    for found in record.folds:
        probe, point = fitted(data, found.fold)
        samples = PROTOCOL.samples(data.y[probe], data.n_classes, found.fold, N_FOLDS)
        expected = oracle.scores_by(
            screened(["mean"])[0], data.y[probe], point.P_probe, samples, nothing
        )
        assert found.train == pytest.approx(expected, abs=1e-9)


def test_what_early_stopping_looked_at_is_in_the_record(recorded: Any) -> None:
    _, record = recorded(METHODS)
    found: FoldRecord
    for found in record.folds:
        em, count, cod = found.judged
        assert em != count
        assert 0 < cod < 1


@pytest.mark.parametrize("methods", [METHODS, ["mean"]])
def test_a_record_does_not_tell_who_ran_the_trial(recorded_by: Any, methods: Any) -> None:
    own, ray_tune = (recorded_by(way, methods)[1] for way in (by_the_driver, by_ray_tune))
    differs = {"finished_at": True, "curve": True, "folds": {"__all__": {"fit_seconds"}}}
    assert own.model_dump(exclude=differs) == ray_tune.model_dump(exclude=differs)
    assert [size for size, _ in ray_tune.curve] == [10, 20, 25]
