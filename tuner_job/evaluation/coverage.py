"""Whether intervals of fractions hold: tested on deaths that they were not fitted on.

Fold by fold: errors are learnt from the other folds' rows, and populations made of the fold's own
rows are tested. A fold has few rows of a rare cause, and a large population has each of them many
times; so what is measured on populations as large as a fold is worse than new deaths would be.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.assessment import Predictions
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.folds import FoldIds, count_folds
from tuner_job.evaluation.fractions import (
    Estimated,
    bounds,
    fit_residual,
    n_shifts,
    normal_bounds,
    size_class,
)
from tuner_job.evaluation.information import resampling_error
from tuner_job.evaluation.metrics import csmf
from tuner_job.evaluation.protocols import Samples, ScoringProtocol, draw_compositions, resample
from tuner_job.records import CoverageRecord, CsmfEstimator, ResidualRecord
from tuner_job.types import Causes, Floats, Probabilities

Ends = tuple[Floats, Floats]
"""Lower and upper bounds."""
LEVELS = (0.8, 0.95)
SIZES = ("50", "200", "1000", "all")
FRACTIONS = ("small", "middle", "large")
_N_EACH = 30
"""Populations of each size, all folds together, for each strength of shift."""
_N_POOLS = 25
"""All folds together: errors are learnt once a fold."""


@dataclass(frozen=True, eq=False)
class Tested:
    """Fractions of one size of population and one fold, (n_populations, n_classes) each.

    Attributes
    ----------
    ends
        Method and level → lower and upper bounds.
    """

    size: str
    true: Floats
    found: Floats
    ends: dict[tuple[str, float], Ends]


def measure_coverage(
    y: Causes,
    P: Probabilities,
    folds: FoldIds,
    estimator: CsmfEstimator,
    protocol: ScoringProtocol,
    seed: int,
) -> list[CoverageRecord]:
    """Test intervals fold by fold, beside those from resampling deaths and those of one width.

    Parameters
    ----------
    y : (n_rows,)
    P : (n_rows, n_classes)
        Out-of-fold probabilities.
    folds : (n_rows,)
    protocol, seed
        See `tuner_job.evaluation.fractions.fit_residual`.

    Returns
    -------
    One record for each method, level, size and class of true fraction that was met, and for all
    sizes and fractions together.
    """
    n_folds = count_folds(folds)
    if n_folds < 2:
        return []
    n_draws = -(-_N_EACH // n_folds) * n_shifts(protocol)
    drawn = replace(protocol, n_draws=n_draws)
    n_pools = max(3, _N_POOLS // n_folds)
    tested: list[Tested] = []
    for fold in range(n_folds):
        out = folds == fold
        residual = fit_residual(y[~out], P[~out], estimator, protocol, seed, n_pools)
        part = Predictions(Deaths(y[out]), P[out], Calibration.fit(y[~out], P[~out]))
        rng = np.random.default_rng([seed, fold])
        tested += check_intervals(part, estimator, residual, drawn, rng)
    return [record for level in LEVELS for record in summarise(tested, level)]


def check_intervals(
    part: Predictions,
    estimator: CsmfEstimator,
    residual: ResidualRecord,
    protocol: ScoringProtocol,
    rng: np.random.Generator,
) -> list[Tested]:
    """Make intervals of populations of each size, `protocol.n_draws` each, out of rows that nothing
    was fitted on."""
    made = _populations(part, protocol, rng)
    return [_test(part, estimator, residual, size, samples) for size, samples in made]


def _populations(
    part: Predictions, protocol: ScoringProtocol, rng: np.random.Generator
) -> Iterator[tuple[str, Samples]]:
    """Populations of each size that the rows are enough for."""
    n_rows, n_classes = part.P.shape
    for size in SIZES:
        n_deaths = n_rows if size == "all" else int(size)
        if n_deaths <= n_rows:
            compositions = draw_compositions(protocol, csmf(part.y, n_classes), rng)
            sizes = np.full(protocol.n_draws, n_deaths, dtype=np.intp)
            yield size, resample(part.y, compositions, rng, sizes)


def _test(
    part: Predictions,
    estimator: CsmfEstimator,
    residual: ResidualRecord,
    size: str,
    samples: Samples,
) -> Tested:
    """Make all intervals of some populations."""
    assert part.calibration is not None  # they were given one
    one = Estimated.of(part.P, samples.counts, estimator, part.calibration)
    found = one.fractions
    error = resampling_error(part.P, samples.counts, found, estimator, part.calibration)
    ends = {("interval", level): bounds(one, residual, level) for level in LEVELS}
    ends |= {("resampling", level): normal_bounds(found, error, level) for level in LEVELS}
    return Tested(size, samples.true, found, ends)


def summarise(tested: Sequence[Tested], level: float) -> Iterator[CoverageRecord]:
    """Yield all records of one level."""
    true, found = _joined([one.true for one in tested]), _joined([one.found for one in tested])
    sizes = np.concatenate([np.full(one.true.size, SIZES.index(one.size)) for one in tested])
    ends: dict[str, Ends] = {}
    for method in ("interval", "resampling"):
        low, high = zip(*(one.ends[method, level] for one in tested), strict=True)
        ends[method] = _joined(low), _joined(high)
    reach = np.quantile(np.abs(true - found), _inside(true, *ends["interval"]).mean())
    ends["constant"] = np.clip(found - reach, 0, 1), np.clip(found + reach, 0, 1)
    for method, (lower, upper) in ends.items():
        for size, fraction, chosen in _cells(sizes, size_class(true)):
            at = true[chosen], lower[chosen], upper[chosen]
            yield _record(method, level, size, fraction, at)


def _joined(each: Sequence[Floats]) -> Floats:
    return np.concatenate([one.ravel() for one in each])


def _cells(
    sizes: NDArray[np.intp], classes: NDArray[np.intp]
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    yield "every", "every", np.ones(len(sizes), dtype=bool)
    for i, size in enumerate(SIZES):
        for j, fraction in enumerate(FRACTIONS):
            chosen = (sizes == i) & (classes == j)
            if chosen.any():
                yield size, fraction, chosen


def _record(
    method: str, level: float, size: str, fraction: str, tested: tuple[Floats, Floats, Floats]
) -> CoverageRecord:
    true, low, high = tested
    return CoverageRecord.model_validate(
        {
            "method": method,
            "level": level,
            "size": size,
            "fraction": fraction,
            "n": len(true),
            "coverage": float(_inside(true, low, high).mean()),
            "width": float((high - low).mean()),
            "score": float(interval_score(true, low, high, level).mean()),
        }
    )


def _inside(true: Floats, low: Floats, high: Floats) -> NDArray[np.bool_]:
    slack = 1e-12  # a bound of 0 or 1 may be off by rounding
    return (low - slack <= true) & (true <= high + slack)


def interval_score(true: Floats, low: Floats, high: Floats, level: float) -> Floats:
    """Interval scores, lower is better.

    Source: Gneiting and Raftery 2007, JASA 102(477), equation 43.
    """
    outside = np.maximum(low - true, 0) + np.maximum(true - high, 0)
    return np.asarray(high - low + 2 / (1 - level) * outside)
