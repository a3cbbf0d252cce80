"""Judging a configuration by its out-of-fold probabilities: scores in each fold, and the CSMF
estimator that suits it.

An estimator that needs a calibration gets it, for each fold, from the other folds' held-out rows:
nothing is judged on predictions that its calibration was fitted on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import adjust, candidates, estimate
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
        Whether another estimator scored higher than `mean`, but not by more than noise.
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
    """Rows of causes y (n_rows,) with predictions P (n_rows, n_classes), and a calibration that was
    not fitted on these predictions."""

    y: Causes
    P: Probabilities
    calibration: Calibration | None

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
        """All metrics, (n_populations,) each, of populations made of these rows.

        Parameters
        ----------
        estimates : (n_populations, n_classes)
            CSMFs by `estimator`.
        """
        ranks = self.ranks(estimator, estimates)
        return score(self.y, samples.counts, samples.true, estimates, ranks)

    def ranks(self, estimator: CsmfEstimator, estimates: Floats) -> NDArray[np.intp]:
        """How many causes come before each death's true one, (n_populations or 1, n_rows).

        An estimator that takes the composition to differ from training has single deaths' causes
        adjusted to its estimates, (n_populations, n_classes), too.
        """
        if self.calibration is None or not estimator.needs_calibration:
            return rank_of_truth(self.y, self.P)[None]
        Q, prior = self.calibration.apply(self.P), self.calibration.prior
        return np.stack(
            [rank_of_truth(self.y, adjust(Q, prior, fractions)) for fractions in estimates]
        )


def assess(
    y: Causes,
    P: Probabilities,
    folds: FoldIds,
    protocol: ScoringProtocol,
    methods: Sequence[EstimatorName],
    probes: Sequence[tuple[Causes, Probabilities]] = (),
) -> Assessment:
    """Score every candidate estimator on every fold and choose one.

    Parameters
    ----------
    y : (n_samples,)
    P : (n_samples, n_classes)
        Out-of-fold probabilities.
    folds : (n_samples,)
    methods
        Kinds of estimators to choose from.
    probes
        Training rows of each fold: their causes, (n_probe,), and what that fold's model says of
        them, (n_probe, n_classes). They have no say in the choice. See `score_probes`.
    """
    tried = candidates(methods)
    parts = cross_fit(y, P, folds, tried)
    tested = [part.samples(protocol, fold, len(parts)) for fold, part in enumerate(parts)]
    found = [part.estimate(tried, samples) for part, samples in zip(parts, tested, strict=True)]
    accuracy = np.stack(
        [csmf_accuracy_of(s.true, f).mean(axis=1) for s, f in zip(tested, found, strict=True)]
    )
    chosen, fell_back = choose(tried, accuracy)
    estimator = tried[chosen]
    scores = [
        part.scores(estimator, samples, estimates[chosen])
        for part, samples, estimates in zip(parts, tested, found, strict=True)
    ]
    train = score_probes(probes, parts, estimator, protocol) if probes else []
    csmf = {str(one): accuracy[:, i].tolist() for i, one in enumerate(tried)}
    return Assessment(estimator, fell_back, scores, train, csmf)


def score_probes(
    probes: Sequence[tuple[Causes, Probabilities]],
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
    for fold, ((y, P), held_out) in enumerate(zip(probes, parts, strict=True)):
        part = Predictions(y, P, held_out.calibration)
        samples = part.samples(protocol, fold, len(parts))
        scores.append(part.scores(estimator, samples, part.estimate([estimator], samples)[0]))
    return scores


def cross_fit(
    y: Causes, P: Probabilities, folds: FoldIds, estimators: Sequence[CsmfEstimator]
) -> list[Predictions]:
    """Part out-of-fold probabilities by fold, each calibrated, if an estimator needs that, on
    the other folds."""
    fit = needs_calibration(estimators)
    return [
        Predictions(y[out], P[out], Calibration.fit(y[~out], P[~out]) if fit else None)
        for out in (folds == fold for fold in range(count_folds(folds)))
    ]


def needs_assessment(methods: Sequence[EstimatorName]) -> bool:
    """Whether a trial must be scored as a whole: with one method that needs no calibration,
    folds score alone."""
    return len(candidates(methods)) > 1


def needs_calibration(estimators: Sequence[CsmfEstimator]) -> bool:
    """Whether one of them does."""
    return any(estimator.needs_calibration for estimator in estimators)


def choose(tried: Sequence[CsmfEstimator], accuracy: Floats) -> tuple[int, bool]:
    """Choose the estimator with the highest mean accuracy, but `mean` where the gain over it may be
    noise.

    Parameters
    ----------
    accuracy : (n_folds, n_estimators)

    Returns
    -------
    The position of the chosen one, and whether another one scored higher: its mean paired
    difference to `mean` was not above its standard error over folds.
    """
    best = int(accuracy.mean(axis=0).argmax())
    if MEAN not in tried or tried[best] == MEAN:
        return best, False
    mean = list(tried).index(MEAN)
    gains = accuracy[:, best] - accuracy[:, mean]
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else 0.0
    return (best, False) if gains.mean() > error else (mean, True)
