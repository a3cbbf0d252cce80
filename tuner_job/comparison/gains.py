"""Whether tuning helped: tuned against default on the same test rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.comparison.plan import SiteTest, TrainingSet, experiment_id
from tuner_job.comparison.result import ExperimentResult, TunedChoice
from tuner_job.comparison.score import estimator_of, predictions_of
from tuner_job.comparison.settings import Settings
from tuner_job.comparison.store import ComparisonStore, predictions_name
from tuner_job.config.comparison import EXPERIMENT_TYPES, ExperimentType
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.intervals import bootstrap_counts
from tuner_job.evaluation.protocols import Composition, Samples, ScoringProtocol, draw_samples

METRICS = ("csmf_accuracy", "cod_accuracy")
_DRAWS = 10
"""Compositions drawn for each bootstrap resample of the test rows."""


@dataclass(frozen=True)
class Gain:
    """How much tuned beats default, for one model, experiment type and protocol.

    Attributes
    ----------
    gain, low, high
        Mean over experiments of tuned minus default, and its 95 % paired bootstrap interval: both
        models' predictions for the same test rows are resampled together, compositions drawn anew
        for each resample.
    relative
        `gain` as a share of the default's mean.
    improved
        Share of experiments in which tuned scores higher.
    """

    experiment_type: str
    protocol: str
    model: str
    metric: str
    n_experiments: int
    default: float
    tuned: float
    gain: float
    low: float
    high: float
    relative: float
    improved: float


def tuned_gains(
    data: VaDataset,
    sets: Sequence[TrainingSet],
    settings: Settings,
    results: Sequence[ExperimentResult],
    store: ComparisonStore,
) -> list[Gain]:
    """Compare tuned with default, from the results and the stored predictions."""
    finished = {result.experiment_id: result for result in results if result.csmf_accuracy}
    models = dict.fromkeys(result.model for result in results if result.tuned)
    gains: list[Gain] = []
    for protocol in settings.protocols:
        for model in models:
            pairs = list(_pairs(data, sets, protocol, model, finished, store))
            for kind in EXPERIMENT_TYPES:
                if of_kind := [pair for pair in pairs if pair.kind == kind]:
                    gains += _gains(protocol, model, of_kind, settings.n_bootstrap, settings.seed)
    order = {kind: i for i, kind in enumerate(EXPERIMENT_TYPES)}
    return sorted(gains, key=lambda gain: order[gain.experiment_type])  # type: ignore[index]


@dataclass(frozen=True)
class _Pair:
    """One test: its default's and its tuned model's results, and P (n_test, n_classes) of both."""

    kind: ExperimentType
    y: NDArray[np.int32]
    results: tuple[ExperimentResult, ExperimentResult]
    P: tuple[NDArray[np.float32], NDArray[np.float32]]

    def values(self, metric: str) -> tuple[float, float]:
        """What the tables say of both."""
        default, tuned = (getattr(result, metric).estimate for result in self.results)
        return default, tuned


def _pairs(
    data: VaDataset,
    sets: Sequence[TrainingSet],
    protocol: ScoringProtocol,
    model: str,
    finished: dict[str, ExperimentResult],
    store: ComparisonStore,
) -> Iterator[_Pair]:
    for training in sets:
        with_ids = [(test, _ids(test, model, protocol.composition)) for test in training.tests]
        tests = [(test, ids) for test, ids in with_ids if ids and all(i in finished for i in ids)]
        names = [
            predictions_name(training, model, composition)
            for composition in (None, protocol.composition)
        ]
        stored = [store.load_predictions(name) for name in names] if tests else []
        if any(one is None for one in stored):
            continue
        for test, (default, tuned) in tests:
            (rows, untuned_P), (_, tuned_P) = (one for one in stored if one)
            at = np.searchsorted(rows, test.rows)
            yield _Pair(
                test.experiment_type,
                data.y[test.rows],
                (finished[default], finished[tuned]),
                (untuned_P[at], tuned_P[at]),
            )


def _ids(test: SiteTest, model: str, composition: Composition) -> tuple[str, str]:
    return experiment_id(test, model, False, composition), experiment_id(
        test, model, True, composition
    )


def _gains(
    protocol: ScoringProtocol, model: str, pairs: Sequence[_Pair], n_bootstrap: int, seed: int
) -> Iterator[Gain]:
    rng = np.random.default_rng(seed)
    drawn = [_bootstrapped(pair, protocol, n_bootstrap, rng) for pair in pairs]
    for metric in METRICS:
        values = np.array([pair.values(metric) for pair in pairs])
        default, tuned = map(float, values.mean(axis=0))
        gain = tuned - default
        reach = 1.96 * float(np.mean([one[metric] for one in drawn], axis=0).std(ddof=1))
        yield Gain(
            experiment_type=pairs[0].kind,
            protocol=protocol.composition,
            model=model,
            metric=metric,
            n_experiments=len(pairs),
            default=default,
            tuned=tuned,
            gain=gain,
            low=gain - reach,
            high=gain + reach,
            relative=gain / default if default else float("nan"),
            improved=float((values[:, 1] > values[:, 0]).mean()),
        )


def _bootstrapped(
    pair: _Pair, protocol: ScoringProtocol, n_bootstrap: int, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Tuned minus default, (n_bootstrap,), in test rows drawn with replacement."""
    n_rows, n_classes = pair.P[0].shape
    if protocol.composition == "natural":
        counts = bootstrap_counts(n_rows, n_bootstrap, rng)
        populations = Samples(counts, counts @ np.eye(n_classes)[pair.y] / n_rows)
        return _differences(pair, np.arange(n_rows), populations)
    few = replace(protocol, n_draws=_DRAWS)
    drawn = []
    for _ in range(n_bootstrap):
        rows = np.asarray(rng.integers(n_rows, size=n_rows))
        found = _differences(pair, rows, draw_samples(few, pair.y[rows], n_classes, rng))
        drawn.append({metric: values.mean() for metric, values in found.items()})
    return {metric: np.array([one[metric] for one in drawn]) for metric in METRICS}


def _differences(
    pair: _Pair, rows: NDArray[np.intp], samples: Samples
) -> dict[str, NDArray[np.float64]]:
    """Tuned minus default in each population made of these test rows."""
    scores: list[dict[str, NDArray[Any]]] = []
    for P, result in zip(pair.P, pair.results, strict=True):
        tuned: TunedChoice | None = result.tuned
        part, estimator = predictions_of(pair.y[rows], P[rows], tuned), estimator_of(tuned)
        found = part.estimate([estimator], samples)[0]
        scores.append(part.score_each(estimator, samples, found))
    return {metric: scores[1][metric] - scores[0][metric] for metric in METRICS}
