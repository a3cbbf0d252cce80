"""How well fractions can be estimated, by how many deaths there are and how far they differ from
training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner_job.evaluation.assessment import MEAN, Predictions
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import count
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.evaluation.protocols import Samples, ScoringProtocol
from tuner_job.records import SHIFTS, CsmfEstimator, Interval, PopulationScore, Shift
from tuner_job.types import Causes, Floats, Probabilities

SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
N_DRAWS = 30
"""Populations of each size and shift."""
_FEWEST_DRAWS = 10
_MOST_CELLS = 2_000_000
"""Deaths times causes of all populations of a size: of large ones there are fewer."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Rows with out-of-fold probabilities: of the model, and of its untuned default.

    Attributes
    ----------
    y
        (n_rows,)
    P, P_default
        (n_rows, n_classes)
    """

    y: Causes
    P: Probabilities
    P_default: Probabilities


def by_population(rows: OutOfFold, estimator: CsmfEstimator, seed: int) -> list[PopulationScore]:
    """CSMF accuracy in populations of several sizes and strengths of shift, made of all rows that
    have out-of-fold probabilities.

    The calibration is fitted on the same rows, as that of the model that is kept.

    Returns
    -------
    One score a size and shift, from small to large and from near training to any composition.
    """
    part = Predictions(Deaths(rows.y), rows.P, Calibration.fit(rows.y, rows.P))
    return [
        _score(rows, part, estimator, _protocol(size, shift, rows, seed), shift)
        for size in sizes_up_to(len(rows.y))
        for shift in SHIFTS
    ]


def sizes_up_to(n_rows: int) -> list[int]:
    """Sizes of populations that rows are enough for: those below, and all rows."""
    return [*(size for size in SIZES if size < n_rows), n_rows]


def expected_accuracy(
    scores: Sequence[PopulationScore], n_deaths: int, shift: Shift
) -> float | None:
    """CSMF accuracy to expect of so many deaths, between the sizes that were tested.

    Returns
    -------
    None where none was tested. More deaths than were tested, or fewer, are taken for as many as
    were: of fewer it is the most that can be expected.
    """
    tested = sorted(
        (one.n_deaths, one.csmf_accuracy.estimate) for one in scores if one.shift == shift
    )
    if not tested:
        return None
    sizes, values = zip(*tested, strict=True)
    return float(np.interp(np.log(n_deaths), np.log(sizes), values))


def _protocol(size: int, shift: Shift, rows: OutOfFold, seed: int) -> ScoringProtocol:
    n_draws = max(_FEWEST_DRAWS, min(N_DRAWS, _MOST_CELLS // (size * rows.P.shape[1])))
    return ScoringProtocol("dirichlet", n_draws, seed=seed, shifts=(shift,), sizes=(size, size))


def _score(
    rows: OutOfFold,
    part: Predictions,
    estimator: CsmfEstimator,
    protocol: ScoringProtocol,
    shift: Shift,
) -> PopulationScore:
    samples = part.samples(protocol)
    found, mean = part.estimate([estimator, MEAN], samples)
    copied = csmf(rows.y, rows.P.shape[1])
    return PopulationScore(
        n_deaths=int(samples.counts[0].sum()),
        shift=shift,
        csmf_accuracy=_spread(csmf_accuracy_of(samples.true, found)),
        default_counted=_mean(samples, count(rows.P_default, samples.counts)),
        counted=_mean(samples, count(rows.P, samples.counts)),
        mean=_mean(samples, mean),
        copy_train=_mean(samples, copied),
    )


def _mean(samples: Samples, fractions: Floats) -> float:
    return float(csmf_accuracy_of(samples.true, fractions).mean())


def _spread(values: Floats) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(estimate=float(values.mean()), low=float(low), high=float(high))
