"""What a sample of deaths itself says of how exactly its cause fractions can be known."""

import numpy as np

from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import likelihood_of, mean
from tuner_job.records import CsmfEstimator
from tuner_job.types import Floats, Probabilities

_PSEUDO = 0.5
"""Pseudo-deaths a cause (Jeffreys): a cause that no death points to is not known to be absent."""


def unresolved(likelihood: Floats, counts: Floats, fractions: Floats) -> Floats:
    """How little deaths tell causes apart: variance of each cause's fraction among the deaths
    themselves, times their number.

    By the information of the likelihood at the fractions found. From the variance of the
    population's fraction, that of drawing so many deaths of known cause is taken away; so it is 0
    where each death's cause is certain.

    Parameters
    ----------
    likelihood : (n_rows, n_classes)
        Of each death under each cause, up to a factor a death.
    counts : (n_populations, n_rows)
    fractions : (n_populations, n_classes)

    Returns
    -------
    (n_populations, n_classes), not below 0.

    Source: Louis 1982, JRSS B 44(2) (observed and missing information).
    """
    found = np.empty(fractions.shape)
    for population, row in enumerate(counts):
        held = _held(fractions[population], row.sum())
        covariance, _ = _curvature(likelihood, row, held)
        drawn = held * (1 - held) / (row.sum() + _PSEUDO * len(held))
        found[population] = np.maximum(np.diag(covariance) - drawn, 0) * row.sum()
    return found


def resampling_error(
    P: Probabilities,
    counts: Floats,
    fractions: Floats,
    estimator: CsmfEstimator,
    calibration: Calibration | None,
) -> Floats:
    """Standard error of fractions over resamples of the deaths, by the delta method.

    It leaves out all that other deaths of the same composition would not show: an estimator that is
    held back, a model that errs. An inferred composition is taken for the most likely one, by em;
    resamples of bayes, which is held back, differ by 40 to 85 % of this.

    Parameters
    ----------
    P : (n_rows, n_classes)
    counts : (n_populations, n_rows)
    fractions : (n_populations, n_classes)
        By `estimator`.

    Returns
    -------
    (n_populations, n_classes)

    Source: Efron 1982, The jackknife, the bootstrap and other resampling plans (infinitesimal
    jackknife).
    """
    total = counts.sum(axis=1, keepdims=True)
    if estimator.method == "count":
        return np.asarray(np.sqrt(fractions * (1 - fractions) / total))
    if estimator.method == "mean" or calibration is None:
        return np.asarray(np.sqrt(np.maximum(mean(P**2, counts) - fractions**2, 0) / total))
    likelihood = likelihood_of(P, calibration)
    errors = np.empty(fractions.shape)
    for population, row in enumerate(counts):
        held = _held(fractions[population], row.sum())
        covariance, seen = _curvature(likelihood, row, held)
        errors[population] = np.sqrt(np.maximum(np.diag(covariance @ seen @ covariance), 0))
    return errors


def _held(fractions: Floats, n_deaths: float) -> Floats:
    """Fractions of one population with pseudo-deaths added."""
    return np.asarray((fractions * n_deaths + _PSEUDO) / (n_deaths + _PSEUDO * len(fractions)))


def _curvature(likelihood: Floats, row: Floats, held: Floats) -> tuple[Floats, Floats]:
    """Posterior covariance of the fractions, which sum to 1, and information of the deaths, both
    (n_classes, n_classes).

    Parameters
    ----------
    row : (n_rows,)
        How often each death is there.
    held : (n_classes,)
        The fractions, none 0.
    """
    there = row > 0
    seen = held * likelihood[there]
    seen /= seen.sum(axis=1, keepdims=True)
    information = seen.T @ (seen * row[there, None])
    inverse = np.linalg.inv(information + _PSEUDO * np.eye(len(held)))
    covariance = held[:, None] * inverse * held
    along = covariance.sum(axis=1)
    covariance -= np.outer(along, along) / along.sum()
    return covariance, information / np.outer(held, held)
