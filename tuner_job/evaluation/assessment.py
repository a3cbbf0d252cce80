"""Judging a configuration by its out-of-fold probabilities: scores in each fold, and the CSMF
estimator that suits it.

An estimator that needs a calibration gets it, for each fold, from the other folds' held-out rows:
nothing is judged on predictions that its calibration was fitted on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import adjust, candidates, estimate
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.folds import FoldIds, count_folds
from tuner_job.evaluation.metrics import csmf_accuracy_of, rank_of_truth, score
from tuner_job.evaluation.protocols import Samples, ScoringProtocol
from tuner_job.records import CsmfEstimator, EstimatorName, Scores
from tuner_job.types import Causes, Floats, Probabilities

MEAN = CsmfEstimator(method="mean")


@dataclass(frozen=True)
class Assessment:
    """A configuration judged by its out-of-fold probabilities.

    Attributes
    ----------
    estimator
        The CSMF estimator that suits it best under the protocol.
    fell_back
        Whether another estimator scored higher, but by no more than noise; see `choose`.
    folds
        All metrics of each fold's held-out rows, CSMF accuracies by `estimator`.
    train
        All metrics of each fold's training rows, made in the same way; empty if none were given.
    csmf
        Estimator → its CSMF accuracy in each fold, of every candidate.
    """

    estimator: CsmfEstimator
    fell_back: bool
    folds: list[Scores]
    train: list[Scores]
    csmf: dict[str, list[float]]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Deaths (n_rows) with predictions P (n_rows, n_classes), and a calibration that was not fitted
    on these predictions."""

    deaths: Deaths
    P: Probabilities
    calibration: Calibration | None

    @property
    def y(self) -> Causes:
        """(n_rows,): their causes."""
        return self.deaths.y

    def samples(self, protocol: ScoringProtocol, fold: int = 0, n_folds: int = 1) -> Samples:
        """Make the protocol's populations out of these rows."""
        return protocol.samples(self.y, self.P.shape[1], fold, n_folds)

    def estimate(self, estimators: Sequence[CsmfEstimator], samples: Samples) -> Floats:
        """Estimated CSMFs, (n_estimators, n_populations, n_classes), of populations made of these
        rows."""
        return estimate(estimators, self.P, samples.counts, self.calibration)

    def scores(self, estimator: CsmfEstimator, samples: Samples, estimates: Floats) -> Scores:
        """All metrics, each as its mean over populations; see `score_each`."""
        by_population = self.score_each(estimator, samples, estimates)
        return {metric: float(values.mean()) for metric, values in by_population.items()}

    def score_each(
        self, estimator: CsmfEstimator, samples: Samples, estimates: Floats
    ) -> dict[str, Floats]:
        """All metrics, the user's own too, (n_populations,) each, of populations made of these
        rows.

        Parameters
        ----------
        estimates : (n_populations, n_classes)
            CSMFs by `estimator`.
        """
        ranks = self.ranks(estimator, estimates)
        scores = score(self.y, samples.counts, samples.true, estimates, ranks)
        if own := self.deaths.own:
            adjusted = self._adjusted(estimator, estimates) or repeat(self.P, len(estimates))
            scores |= own.score(self.y, self.deaths.site, samples.counts, adjusted)
        return scores

    def ranks(self, estimator: CsmfEstimator, estimates: Floats) -> NDArray[np.intp]:
        """How many causes come before each death's true one, (n_populations or 1, n_rows).

        An estimator that takes the composition to differ from training has single deaths' causes
        adjusted to its estimates, (n_populations, n_classes), too.
        """
        by_population = self._adjusted(estimator, estimates) or [self.P]
        return np.stack([rank_of_truth(self.y, P) for P in by_population])

    def _adjusted(
        self, estimator: CsmfEstimator, estimates: Floats
    ) -> Iterator[Probabilities] | None:
        """P adjusted to each population's estimate; None where it stays as it is in all."""
        if self.calibration is None or not estimator.needs_calibration:
            return None
        Q, prior = self.calibration.apply(self.P), self.calibration.prior
        return (adjust(Q, prior, fractions) for fractions in estimates)


def assess(
    deaths: Deaths,
    P: Probabilities,
    folds: FoldIds,
    protocol: ScoringProtocol,
    methods: Sequence[EstimatorName],
    probes: Sequence[tuple[Deaths, Probabilities]] = (),
) -> Assessment:
    """Score every candidate estimator on every fold and choose one.

    Parameters
    ----------
    deaths : (n_samples)
    P : (n_samples, n_classes)
        Out-of-fold probabilities.
    folds : (n_samples,)
    methods
        Kinds of estimators to choose from.
    probes
        Training rows of each fold, (n_probe), and what that fold's model says of them,
        (n_probe, n_classes). They have no say in the choice. See `score_probes`.
    """
    tried = candidates(methods, protocol.stated_shift)
    parts = cross_fit(deaths, P, folds, tried)
    tested = [part.samples(protocol, fold, len(parts)) for fold, part in enumerate(parts)]
    found = [part.estimate(tried, samples) for part, samples in zip(parts, tested, strict=True)]
    accuracy = np.stack(
        [csmf_accuracy_of(s.true, f).mean(axis=1) for s, f in zip(tested, found, strict=True)]
    )
    chosen, fell_back = choose(tried, accuracy, _plain(tried, protocol))
    estimator = tried[chosen]
    scores = [
        part.scores(estimator, samples, estimates[chosen])
        for part, samples, estimates in zip(parts, tested, found, strict=True)
    ]
    train = score_probes(probes, parts, estimator, protocol) if probes else []
    csmf = {str(one): accuracy[:, i].tolist() for i, one in enumerate(tried)}
    return Assessment(estimator, fell_back, scores, train, csmf)


def score_probes(
    probes: Sequence[tuple[Deaths, Probabilities]],
    parts: Sequence[Predictions],
    estimator: CsmfEstimator,
    protocol: ScoringProtocol,
) -> list[Scores]:
    """Score training rows of each fold just as its held-out rows are scored.

    The estimator is the same, with the same shrinkage; so is its calibration: the very one that
    the fold's held-out rows have, fitted on what the *other* folds' models say of the rows that
    those held out. No prediction that is scored, of training or held-out rows, is among those
    that it was fitted on. So a difference of the two scores is the model's, not the estimator's.

    Parameters
    ----------
    probes
        See `assess`.
    parts
        Each fold's held-out rows.
    """
    scores = []
    for fold, ((deaths, P), held_out) in enumerate(zip(probes, parts, strict=True)):
        part = Predictions(deaths, P, held_out.calibration)
        samples = part.samples(protocol, fold, len(parts))
        scores.append(part.scores(estimator, samples, part.estimate([estimator], samples)[0]))
    return scores


def cross_fit(
    deaths: Deaths, P: Probabilities, folds: FoldIds, estimators: Sequence[CsmfEstimator]
) -> list[Predictions]:
    """Part out-of-fold probabilities by fold, each calibrated, if an estimator needs that, on
    the other folds."""
    fit, y = needs_calibration(estimators), deaths.y
    return [
        Predictions(deaths.take(out), P[out], Calibration.fit(y[~out], P[~out]) if fit else None)
        for out in (folds == fold for fold in range(count_folds(folds)))
    ]


def needs_assessment(methods: Sequence[EstimatorName]) -> bool:
    """Whether a trial must be scored as a whole: with one method that needs no calibration,
    folds score alone."""
    return len(candidates(methods)) > 1


def needs_calibration(estimators: Sequence[CsmfEstimator]) -> bool:
    """Whether one of them does."""
    return any(estimator.needs_calibration for estimator in estimators)


def choose(
    tried: Sequence[CsmfEstimator], accuracy: Floats, plain: CsmfEstimator = MEAN
) -> tuple[int, bool]:
    """Choose the estimator with the highest mean accuracy, but `plain` where the gain over it may
    be noise.

    Parameters
    ----------
    accuracy : (n_folds, n_estimators)

    Returns
    -------
    The position of the chosen one, and whether another one scored higher: its mean paired
    difference to `plain` was not above its standard error over folds; where `plain` is by `bayes`,
    twice that, since folds are small and ask for more restraint than larger populations need.
    """
    best = int(accuracy.mean(axis=0).argmax())
    if plain not in tried or tried[best] == plain:
        return best, False
    position = list(tried).index(plain)
    gains = accuracy[:, best] - accuracy[:, position]
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else 0.0
    needed = 2 * error if plain.method == "bayes" else error
    return (best, False) if gains.mean() > needed else (position, True)


def _plain(tried: Sequence[CsmfEstimator], protocol: ScoringProtocol) -> CsmfEstimator:
    """The estimator that is kept where another one's lead may be noise: the first by `bayes` for
    populations that differ from training, else the mean."""
    if protocol.composition == "natural":
        return MEAN
    return next((one for one in tried if one.method == "bayes"), MEAN)
