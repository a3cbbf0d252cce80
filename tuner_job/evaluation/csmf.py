"""CSMF estimators: how the probabilities of single deaths become cause-specific mortality
fractions.

Each takes many populations at once: `counts` (n_populations, n_rows) says how often each row is
in each of them. So five hundred resampled populations cost a few matrix products.
"""

from collections.abc import Sequence

import numpy as np

from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.likelihood import log_evidence, most_likely
from tuner_job.evaluation.shifts import expected
from tuner_job.records import ESTIMATORS, CsmfEstimator, EstimatorName, Shift
from tuner_job.types import Floats, Probabilities

_LEAST_PRIOR = 1e-4
_MOST_AT_ONCE = 2**17
"""Numbers in the largest array of a step: populations of few deaths are taken together."""
_GROWTH = 0.75
"""By measurement: with 1 a large sample would count for no more than `limit`."""
LIMITS = (300.0, 100.0, 1000.0)
"""Deaths from which on more of them count for clearly less each; the number that mostly suits
first."""

_GRID: dict[EstimatorName, list[CsmfEstimator]] = {
    "count": [CsmfEstimator(method="count")],
    "mean": [CsmfEstimator(method="mean")],
    "em": [
        *(CsmfEstimator(method="em", shrinkage=s) for s in (0.0, 0.5, 1.0, 2.0, 4.0)),
        *(CsmfEstimator(method="em", shrinkage=s, towards="mean") for s in (1.0, 4.0, 16.0)),
    ],
    "mixture": [CsmfEstimator(method="mixture", shrinkage=s) for s in (0.0, 0.5, 1.0)],
    "bayes": [CsmfEstimator(method="bayes", limit=limit) for limit in LIMITS],
}


def candidates(methods: Sequence[EstimatorName], shift: Shift | None = None) -> list[CsmfEstimator]:
    """Return every estimator that is tried for these methods: each with its shrinkages.

    Parameters
    ----------
    shift
        How far compositions differ from training, as far as it is stated.
    """
    tried = [estimator for method in ESTIMATORS if method in methods for estimator in _GRID[method]]
    return [
        one.model_copy(update={"shift": shift}) if one.method == "bayes" else one for one in tried
    ]


def estimate(
    estimators: Sequence[CsmfEstimator],
    P: Probabilities,
    counts: Floats,
    calibration: Calibration | None,
) -> Floats:
    """Estimate the CSMF of each population in each way.

    Parameters
    ----------
    P : (n_rows, n_classes)
        Uncalibrated probabilities.
    counts : (n_populations, n_rows)
        How often each row is in each population; none is empty.
    calibration
        Of the model that gave `P`; None is enough for count and mean.

    Returns
    -------
    (n_estimators, n_populations, n_classes); the last axis sums to 1.

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
        elif method == "bayes":
            found[at] = _bayes_each(chosen, P, counts, calibration)
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
    """Share of deaths whose most probable cause it is, (n_populations, n_classes): "classify and
    count"."""
    assigned = np.zeros(P.shape)
    assigned[np.arange(len(P)), P.argmax(axis=1)] = 1
    return mean(assigned, counts)


def mean(P: Probabilities, counts: Floats) -> Floats:
    """Mean probability, (n_populations, n_classes).

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
    counts : (n_populations, n_rows)
    prior : (n_classes,)
        The composition for which `Q` is calibrated.
    pseudo : (n_variants, n_populations, n_classes)
        Pseudo-deaths.

    Returns
    -------
    (n_variants, n_populations, n_classes)

    Source: Saerens, Latinne and Decaestecker 2002, Neural Computation 14(1), without the
    pseudo-deaths.
    """
    held = np.maximum(prior, _LEAST_PRIOR)
    return most_likely(counts, Q / held, pseudo, held / held.sum())


def mixture(average: Floats, n_deaths: Floats, matrix: Floats, pseudo: Floats) -> Floats:
    """Mixture of the causes' mean probabilities that comes closest to the sample's, by
    Kullback-Leibler distance.

    Parameters
    ----------
    average : (n_populations, n_classes)
        Mean calibrated probabilities of each population.
    n_deaths : (n_populations,)
        Deaths in each population.
    matrix : (n_classes, n_classes)
        Mean calibrated probabilities of the deaths of each cause (rows).
    pseudo : (n_variants, n_populations, n_classes)
        Pseudo-deaths.

    Returns
    -------
    (n_variants, n_populations, n_classes)

    Source: the maximum likelihood form of probabilistic adjusted counting (Bella et al. 2010);
    Firat 2016, Unified framework for quantification, arXiv:1606.00868.
    """
    n_classes = len(matrix)
    return most_likely(
        average * n_deaths[:, None], matrix.T, pseudo, np.full(n_classes, 1 / n_classes)
    )


def bayes(
    likelihood: Floats, counts: Floats, alphas: Floats, weights: Floats, limits: Sequence[float]
) -> Floats:
    """Composition averaged over how far it may differ from training.

    Each hypothesis is a Dirichlet distribution of compositions. Under each the most likely one is
    found, and they are averaged by how likely the sample is under the hypothesis. Deaths do not
    look quite as the model expects, and that error does not become less with more of them: each of
    *N* deaths counts for ``(1 + N / limit) ** -0.75``.

    Parameters
    ----------
    likelihood : (n_rows, n_classes)
        Of each death under each cause, up to a factor a death.
    counts : (n_populations, n_rows)
    alphas : (n_hypotheses, n_classes)
    weights : (n_hypotheses,)
        How likely each hypothesis is beforehand.
    limits
        Deaths from which on more of them count for clearly less each.

    Returns
    -------
    (n_limits, n_populations, n_classes)

    Source: Hoeting et al. 1999, Statistical Science 14(4) (Bayesian model averaging); what deaths
    count for: Miller and Dunson 2019, JASA 114(527) (coarsened posterior).
    """
    n_limits, (n_hypotheses, n_classes) = len(limits), alphas.shape
    variants = np.tile(alphas, (n_limits, 1))
    start = alphas.mean(axis=0) / alphas.mean(axis=0).sum()
    found = np.empty((n_limits, len(counts), n_classes))
    at_once = max(1, _MOST_AT_ONCE // (len(variants) * likelihood.size))
    for first in range(0, len(counts), at_once):
        block = counts[first : first + at_once]
        there = block.any(axis=0)
        deaths, seen = block[:, there], likelihood[there]
        each = (1 + deaths.sum(axis=1) / np.asarray(limits)[:, None]) ** -_GROWTH
        powers = np.repeat(each, n_hypotheses, axis=0)
        # the same maximum as with a power of the likelihood
        pseudo = variants[:, None] / powers[:, :, None]
        fractions = np.maximum(most_likely(deaths, seen, pseudo, start), np.finfo(float).tiny)
        evidence = log_evidence(deaths, seen, variants, powers, fractions)
        logs = evidence.reshape(n_limits, n_hypotheses, -1) + np.log(weights)[:, None]
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        by_limit = fractions.reshape(n_limits, n_hypotheses, len(block), n_classes)
        found[:, first : first + at_once] = (shares[..., None] * by_limit).sum(axis=1)
    return found


def likelihood_of(P: Probabilities, calibration: Calibration) -> Floats:
    """Likelihood of each death under each cause, (n_rows, n_classes), up to a factor a death."""
    return np.asarray(calibration.apply(P) / np.maximum(calibration.prior, _LEAST_PRIOR))


def _bayes_each(
    estimators: Sequence[CsmfEstimator], P: Probabilities, counts: Floats, calibration: Calibration
) -> Floats:
    """(n_estimators, n_populations, n_classes) of estimators by `bayes`."""
    likelihood = likelihood_of(P, calibration)
    found = np.empty((len(estimators), len(counts), P.shape[1]))
    for shift in {estimator.shift for estimator in estimators}:
        at = [i for i, estimator in enumerate(estimators) if estimator.shift == shift]
        alphas, weights = expected(shift, calibration.training)
        limits = [estimators[i].limit or LIMITS[0] for i in at]
        found[at] = bayes(likelihood, counts, alphas, weights, limits)
    return found


def _pseudo_deaths(estimator: CsmfEstimator, average: Floats) -> Floats:
    """(n_populations, n_classes)."""
    n_classes = average.shape[1]
    target = average if estimator.towards == "mean" else np.full_like(average, 1 / n_classes)
    return np.asarray(estimator.shrinkage * n_classes * target)
