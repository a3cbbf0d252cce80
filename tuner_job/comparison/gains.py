"""What tuning gives: counted default, default with its CSMF estimator and tuned model on the same
test rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tuner_job.comparison.plan import SiteTest, TrainingSet, experiment_id
from tuner_job.comparison.result import ExperimentResult, TunedChoice
from tuner_job.comparison.score import COUNT, calibration_of
from tuner_job.comparison.settings import Settings
from tuner_job.comparison.store import ComparisonStore, predictions_name
from tuner_job.config.comparison import EXPERIMENT_TYPES, ExperimentType
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.assessment import Predictions
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.intervals import bootstrap_counts
from tuner_job.evaluation.protocols import Composition, Samples, ScoringProtocol, draw_samples
from tuner_job.evaluation.steps import PAIRS, SAID, SHOWN, verdict
from tuner_job.records import CsmfEstimator, Scores, StepName
from tuner_job.types import Floats

StepOfGain = Literal["estimator", "parameters", "in_all"]
_STEPS: Mapping[StepOfGain, tuple[StepName, StepName]] = dict(
    zip(("estimator", "parameters", "in_all"), PAIRS, strict=True)
)
_DRAWS = 10
"""Compositions drawn for each bootstrap resample of the test rows."""


@dataclass(frozen=True)
class Gain:
    """How much a step of tuning gives, for one model, experiment type and protocol.

    Attributes
    ----------
    step
        estimator: the untuned default with the CSMF estimator that suits it, over counting its most
        probable causes; parameters: the tuned model, with its estimator, over that; in_all: over
        the counted default.
    before, after
        Means over experiments.
    gain, low, high
        `after` less `before`, and its 95 % paired bootstrap interval: predictions for the same test
        rows are resampled together, compositions drawn anew for each resample.
    relative
        `gain` as a share of `before`; NaN where that is not above 0.
    improved
        Share of experiments in which the step scores higher.
    claimed
        Of CSMF accuracy: whether the gain is the 10 to 30 % that is often claimed, by its interval;
        else empty.
    """

    experiment_type: str
    protocol: str
    model: str
    step: StepOfGain
    metric: str
    n_experiments: int
    before: float
    after: float
    gain: float
    low: float
    high: float
    relative: float
    improved: float
    claimed: str = ""


def tuned_gains(
    data: VaDataset,
    sets: Sequence[TrainingSet],
    settings: Settings,
    results: Sequence[ExperimentResult],
    store: ComparisonStore,
) -> list[Gain]:
    """Compare the steps, from the results and the stored predictions."""
    finished = {result.experiment_id: result for result in results if result.csmf_accuracy}
    models = dict.fromkeys(result.model for result in results if result.tuned)
    gains: list[Gain] = []
    for protocol in settings.protocols:
        for model in models:
            tests = list(_tests(data, sets, protocol, model, finished, store))
            for kind in EXPERIMENT_TYPES:
                if of_kind := [test for test in tests if test.kind == kind]:
                    gains += _gains(protocol, model, of_kind, settings.n_bootstrap, settings.seed)
    order = {kind: i for i, kind in enumerate(EXPERIMENT_TYPES)}
    return sorted(gains, key=lambda gain: order[gain.experiment_type])  # type: ignore[index]


@dataclass(frozen=True)
class _Way:
    """A way to predict the rows of a test: P (n_test, n_classes) and what is made of it."""

    P: NDArray[np.float32]
    estimator: CsmfEstimator
    calibration: Calibration | None

    def score(self, y: NDArray[np.int32], samples: Samples) -> dict[str, Floats]:
        """Every metric in each population made of all rows."""
        return self.score_rows(y, np.arange(len(y)), samples)

    def score_rows(
        self, y: NDArray[np.int32], rows: NDArray[np.intp], samples: Samples
    ) -> dict[str, Floats]:
        """Every metric in each population made of some rows."""
        part = Predictions(Deaths(y[rows]), self.P[rows], self.calibration)
        found = part.estimate([self.estimator], samples)[0]
        return part.score_each(self.estimator, samples, found)


@dataclass(frozen=True)
class _Test:
    """One test: its steps, and what each scores."""

    kind: ExperimentType
    y: NDArray[np.int32]
    ways: Mapping[StepName, _Way]
    scores: Mapping[StepName, Scores]


def _tests(
    data: VaDataset,
    sets: Sequence[TrainingSet],
    protocol: ScoringProtocol,
    model: str,
    finished: dict[str, ExperimentResult],
    store: ComparisonStore,
) -> Iterator[_Test]:
    for training in sets:
        with_ids = [(test, _ids(test, model, protocol.composition)) for test in training.tests]
        tests = [(test, ids) for test, ids in with_ids if all(i in finished for i in ids)]
        names = [
            predictions_name(training, model, composition)
            for composition in (None, protocol.composition)
        ]
        stored = [store.load_predictions(name) for name in names] if tests else []
        if any(one is None for one in stored):
            continue
        for test, (untuned, tuned) in tests:
            (rows, untuned_P), (_, tuned_P) = (one for one in stored if one)
            at = np.searchsorted(rows, test.rows)
            y, choice = data.y[test.rows], finished[tuned].tuned
            ways = _ways(untuned_P[at], tuned_P[at], choice or TunedChoice(params={}, method=""))
            scores: dict[StepName, Scores] = {
                "default_counted": _scores(finished[untuned]),
                "tuned": _scores(finished[tuned]),
            }
            if "default" in ways:
                samples = protocol.samples(y, data.n_causes)
                found = ways["default"].score(y, samples)
                scores["default"] = {metric: float(found[metric].mean()) for metric in SHOWN}
            yield _Test(test.experiment_type, y, ways, scores)


def _ways(
    untuned: NDArray[np.float32], tuned: NDArray[np.float32], choice: TunedChoice
) -> dict[StepName, _Way]:
    """The steps that a search has told of; earlier versions' did not of the second."""
    ways: dict[StepName, _Way] = {
        "default_counted": _Way(untuned, COUNT, None),
        "tuned": _Way(tuned, choice.csmf_estimator, calibration_of(choice.calibration)),
    }
    if choice.default_csmf_estimator:
        calibration = calibration_of(choice.default_calibration)
        ways["default"] = _Way(untuned, choice.default_csmf_estimator, calibration)
    return ways


def _scores(result: ExperimentResult) -> Scores:
    """What the tables say of a test."""
    csmf, cod = result.csmf_accuracy, result.cod_accuracy
    found = {
        "csmf_accuracy": csmf.estimate if csmf else None,
        "cccsmf_accuracy": result.cccsmf,
        "cod_accuracy": cod.estimate if cod else None,
        "ccc": result.ccc,
    }
    return {metric: np.nan if one is None else one for metric, one in found.items()}


def _ids(test: SiteTest, model: str, composition: Composition) -> tuple[str, str]:
    return experiment_id(test, model, False, composition), experiment_id(
        test, model, True, composition
    )


def _gains(
    protocol: ScoringProtocol, model: str, tests: Sequence[_Test], n_bootstrap: int, seed: int
) -> Iterator[Gain]:
    rng = np.random.default_rng(seed)
    drawn = [_bootstrapped(test, protocol, n_bootstrap, rng) for test in tests]
    for step, (before, after) in _STEPS.items():
        with_both = [i for i, test in enumerate(tests) if {before, after} <= test.ways.keys()]
        for metric in SHOWN if with_both else ():
            values = np.array([
                [tests[i].scores[name][metric] for name in (before, after)] for i in with_both
            ])  # fmt: skip
            differences = [drawn[i][after][metric] - drawn[i][before][metric] for i in with_both]
            reach = 1.96 * float(np.mean(differences, axis=0).std(ddof=1))
            named = Gain(
                tests[0].kind, protocol.composition, model, step, metric, *_summed(values, reach)
            )
            yield replace(named, claimed=_claimed(named))


def _summed(
    values: NDArray[np.float64], reach: float
) -> tuple[int, float, float, float, float, float, float, float]:
    """What a `Gain` says of values (n_experiments, 2) before and after a step."""
    before, after = map(float, values.mean(axis=0))
    gain = after - before
    relative = gain / before if before > 0 else float("nan")
    improved = float((values[:, 1] > values[:, 0]).mean())
    return len(values), before, after, gain, gain - reach, gain + reach, relative, improved


def _claimed(gain: Gain) -> str:
    if gain.metric != "csmf_accuracy" or not gain.before > 0:
        return ""
    return SAID[verdict(gain.relative, gain.low / gain.before, gain.high / gain.before)]


def _bootstrapped(
    test: _Test, protocol: ScoringProtocol, n_bootstrap: int, rng: np.random.Generator
) -> dict[StepName, dict[str, NDArray[np.float64]]]:
    """Step → metric → (n_bootstrap,) scores in test rows drawn with replacement, the same rows for
    every step."""
    n_rows, n_classes = test.ways["tuned"].P.shape
    if protocol.composition == "natural":
        counts = bootstrap_counts(n_rows, n_bootstrap, rng)
        populations = Samples(counts, counts @ np.eye(n_classes)[test.y] / n_rows)
        return {name: way.score(test.y, populations) for name, way in test.ways.items()}
    few = replace(protocol, n_draws=_DRAWS)
    drawn: dict[StepName, list[dict[str, Any]]] = {name: [] for name in test.ways}
    for _ in range(n_bootstrap):
        rows = np.asarray(rng.integers(n_rows, size=n_rows))
        samples = draw_samples(few, test.y[rows], n_classes, rng)
        for name, way in test.ways.items():
            found = way.score_rows(test.y, rows, samples)
            drawn[name].append({metric: found[metric].mean() for metric in SHOWN})
    return {
        name: {metric: np.array([one[metric] for one in of_way]) for metric in SHOWN}
        for name, of_way in drawn.items()
    }
