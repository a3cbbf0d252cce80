"""CSMF estimators: how the probabilities of single deaths become cause-specific mortality
fractions.

Each takes many samples at once: `counts` (n_samples, n_rows) says how often each row is in each
sample. So five hundred resampled populations cost a few matrix products.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.metrics import Probabilities
from tuner_job.schema import Closed

Floats = NDArray[np.float64]
EstimatorName = Literal["count", "mean", "em", "mixture"]
ESTIMATORS: tuple[EstimatorName, ...] = ("count", "mean", "em", "mixture")

TOLERANCE = 1e-5
"""Largest change of a fraction at which an iteration has converged."""
MAX_ITERATIONS = 500
_LEAST_PRIOR = 1e-4


class CsmfEstimator(Closed):
    """One way to estimate a CSMF: a method and how far it is held back."""

    method: EstimatorName
    """count: share of deaths whose most probable cause it is; mean: mean probability; em: the
    composition under which the calibrated probabilities are most likely; mixture: the mixture of
    causes' mean probabilities that explains the sample's."""
    shrinkage: Annotated[float, Field(ge=0)] = 0.0
    """Pseudo-deaths a cause that are added to the sample (em, mixture)."""
    towards: Literal["uniform", "mean"] = "uniform"
    """How the pseudo-deaths are composed: equally, or like the sample's mean probabilities."""

    def __str__(self) -> str:
        if self.method in ("count", "mean"):
            return self.method
        return f"{self.method}({self.shrinkage:g}{', mean' if self.towards == 'mean' else ''})"

    @property
    def needs_calibration(self) -> bool:
        """Whether it needs to know how the model's probabilities behave on held-out deaths.

        Those that do take the composition to differ from training; so must the causes of single
        deaths.
        """
        return self.method in ("em", "mixture")


_GRID: dict[EstimatorName, list[CsmfEstimator]] = {
    "count": [CsmfEstimator(method="count")],
    "mean": [CsmfEstimator(method="mean")],
    "em": [
        *(CsmfEstimator(method="em", shrinkage=s) for s in (0.0, 0.5, 1.0, 2.0, 4.0)),
        *(CsmfEstimator(method="em", shrinkage=s, towards="mean") for s in (1.0, 4.0, 16.0)),
    ],
    "mixture": [CsmfEstimator(method="mixture", shrinkage=s) for s in (0.0, 0.5, 1.0)],
}


def candidates(methods: Sequence[EstimatorName]) -> list[CsmfEstimator]:
    """Return every estimator that is tried for these methods: each with its shrinkages."""
    return [estimator for method in ESTIMATORS if method in methods for estimator in _GRID[method]]


def estimate(
    estimators: Sequence[CsmfEstimator],
    P: Probabilities,
    counts: Floats,
    calibration: Calibration | None,
) -> Floats:
    """Estimate the CSMF of each sample in each way.

    Parameters
    ----------
    P : (n_rows, n_classes)
        Uncalibrated probabilities.
    counts : (n_samples, n_rows)
        How often each row is in each sample; no sample is empty.
    calibration
        Of the model that gave `P`; None is enough for count and mean.

    Returns
    -------
    (n_estimators, n_samples, n_classes); the last axis sums to 1.

    Raises
    ------
    ValueError
        `calibration` is needed and missing.
    """
    found = np.empty((len(estimators), len(counts), P.shape[1]))
    for method in {estimator.method for estimator in estimators}:
        at = [i for i, estimator in enumerate(estimators) if estimator.method == method]
        chosen = [estimators[i] for i in at]
        if method == "count":
            found[at] = count(P, counts)
        elif method == "mean":
            found[at] = mean(P, counts)
        elif calibration is None:
            raise ValueError(f"the CSMF estimator {chosen[0]} needs a calibration")
        else:
            Q = calibration.apply(P)
            average = mean(Q, counts)
            pseudo = np.stack([_pseudo_deaths(estimator, average) for estimator in chosen])
            found[at] = (
                em(Q, counts, calibration.prior, pseudo)
                if method == "em"
                else mixture(average, counts.sum(axis=1), calibration.matrix, pseudo)
            )
    return found


def adjust(Q: Floats, prior: Floats, fractions: Floats) -> Floats:
    """Probabilities of single deaths where causes are composed as in `fractions` and not as in
    training.

    Parameters
    ----------
    Q : (n_rows, n_classes)
        Calibrated probabilities.
    prior, fractions : (n_classes,)
        The composition for which `Q` is calibrated, and the one that is estimated.

    Source: Saerens, Latinne and Decaestecker 2002, equation 2.4.
    """
    weighed = Q * (fractions / np.maximum(prior, _LEAST_PRIOR))
    return np.asarray(
        weighed / np.maximum(weighed.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    )


def count(P: Probabilities, counts: Floats) -> Floats:
    """Share of deaths whose most probable cause it is, (n_samples, n_classes): "classify and
    count"."""
    assigned = np.zeros(P.shape)
    assigned[np.arange(len(P)), P.argmax(axis=1)] = 1
    return mean(assigned, counts)


def mean(P: Probabilities, counts: Floats) -> Floats:
    """Mean probability, (n_samples, n_classes).

    Source: Bella et al. 2010, Quantification via probability estimators, ICDM ("probability
    average").
    """
    return np.asarray(counts @ P / counts.sum(axis=1, keepdims=True))


def em(Q: Floats, counts: Floats, prior: Floats, pseudo: Floats) -> Floats:
    """Composition that makes the sample most likely if only the composition differs from training.

    Maximises ``sum_i counts_i log sum_j pi_j Q_ij / prior_j + sum_j pseudo_j log pi_j`` by
    expectation maximisation; `pseudo` is a Dirichlet prior on the composition.

    Parameters
    ----------
    Q : (n_rows, n_classes)
        Calibrated probabilities, none of them 0.
    counts : (n_samples, n_rows) prior : (n_classes,)
        The composition for which `Q` is calibrated.
    pseudo : (n_variants, n_samples, n_classes)
        Pseudo-deaths.

    Returns
    -------
    (n_variants, n_samples, n_classes)

    Source: Saerens, Latinne and Decaestecker 2002, Neural Computation 14(1), without the
    pseudo-deaths.
    """
    held = np.maximum(prior, _LEAST_PRIOR)
    return _most_likely(counts, Q / held, pseudo, held / held.sum())


def mixture(average: Floats, n_rows: Floats, matrix: Floats, pseudo: Floats) -> Floats:
    """Mixture of the causes' mean probabilities that comes closest to the sample's, by
    Kullback-Leibler distance.

    Parameters
    ----------
    average : (n_samples, n_classes)
        Mean calibrated probabilities of each sample.
    n_rows : (n_samples,)
        Deaths in each sample.
    matrix : (n_classes, n_classes)
        Mean calibrated probabilities of the deaths of each cause (rows).
    pseudo : (n_variants, n_samples, n_classes)
        Pseudo-deaths.

    Returns
    -------
    (n_variants, n_samples, n_classes)

    Source: the maximum likelihood form of probabilistic adjusted counting (Bella et al. 2010);
    Firat 2016, Unified framework for quantification, arXiv:1606.00868.
    """
    n_classes = len(matrix)
    return _most_likely(
        average * n_rows[:, None], matrix.T, pseudo, np.full(n_classes, 1 / n_classes)
    )


def _most_likely(counts: Floats, likelihood: Floats, pseudo: Floats, start: Floats) -> Floats:
    """Maximise ``sum_i counts_i log sum_j pi_j likelihood_ij + sum_j pseudo_j log pi_j`` over
    compositions pi.

    `counts` is (n_samples, n_items), `likelihood` (n_items, n_classes), up to a factor; the rest is
    as in `em`.
    """
    n_variants, _, n_classes = pseudo.shape
    seen, added = np.tile(counts, (n_variants, 1)), pseudo.reshape(-1, n_classes)
    total = seen.sum(axis=1, keepdims=True) + added.sum(axis=1, keepdims=True)
    fractions = np.tile(start, (len(added), 1))
    moving = np.arange(len(added))
    for _ in range(MAX_ITERATIONS):
        now = fractions[moving]
        shares = seen[moving] / (now @ likelihood.T)
        after = (now * (shares @ likelihood) + added[moving]) / total[moving]
        fractions[moving] = after
        moving = moving[np.abs(after - now).max(axis=1) > TOLERANCE]
        if not len(moving):
            break
    return fractions.reshape(pseudo.shape)


def _pseudo_deaths(estimator: CsmfEstimator, average: Floats) -> Floats:
    """(n_samples, n_classes)."""
    n_classes = average.shape[1]
    target = average if estimator.towards == "mean" else np.full_like(average, 1 / n_classes)
    return np.asarray(estimator.shrinkage * n_classes * target)
