"""Intervals of cause fractions: how far the true fraction of some deaths may lie from the one that
is estimated.

What an interval has to cover is learnt where truth is known. Many populations are made of rows
with out-of-fold probabilities, of several sizes, composed as the protocol says. The variance of
their fractions' errors is fitted to what is known of a population without its truth: its size, how
well its deaths tell causes apart, and how far it seems to differ from training. Quantiles of the
errors in units of that do the rest: they are not those of a normal distribution, and not symmetric
where a fraction is near 0.

Source: Papadopoulos et al. 2002, Inductive confidence machines for regression, ECML (normalised
conformal intervals).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import estimate, likelihood_of
from tuner_job.evaluation.information import resampling_error, unresolved
from tuner_job.evaluation.metrics import csmf
from tuner_job.evaluation.protocols import ScoringProtocol, draw_compositions, resample
from tuner_job.records import SHIFTS, CsmfEstimator, ResidualRecord
from tuner_job.types import Causes, Floats, Probabilities

SIZES = (50, 100, 200, 500, 1000, 2000)
"""Deaths of the populations that errors are learnt from."""
N_POOLS = 15
_POOL = 2 / 3
"""Share of each cause's rows that populations are drawn from, others each time: new deaths are
other deaths. By measurement: with all of them intervals were too short on large populations."""
_MOST_CELLS = 60_000_000
"""Deaths times causes of all populations: large data have fewer of them."""
TAILS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
MOST_LEVEL = 1 - 2 * TAILS[0]
"""Few errors lie further out than this."""
_N_RATIOS = 4
N_VARIANCES = 7
_LEAST_VARIANCE = 1e-8
_EDGES = (0.02, 0.1)
_RARER_COUNT_MORE = 0.7
"""Large fractions are rare among many causes, and those that matter."""


@dataclass(frozen=True, eq=False)
class Estimated:
    """Estimated fractions of some populations, and what tells how exact they are.

    Attributes
    ----------
    fractions
        (n_populations, n_classes)
    variances
        (n_populations, n_classes, N_VARIANCES): what the variance of an error may consist of.
    """

    fractions: Floats
    variances: Floats

    @classmethod
    def of(
        cls, P: Probabilities, counts: Floats, estimator: CsmfEstimator, calibration: Calibration
    ) -> "Estimated":
        """Estimate the fractions of populations `counts` (n_populations, n_rows) of deaths with
        probabilities `P` (n_rows, n_classes)."""
        fractions = estimate([estimator], P, counts, calibration)[0]
        likelihood = likelihood_of(P, calibration)
        blurred = unresolved(likelihood, counts, fractions)
        sampled = blurred / counts.sum(axis=1, keepdims=True)
        spread = fractions * (1 - fractions)
        change = fractions - calibration.training
        shift = np.abs(change).sum(axis=1, keepdims=True) / 2
        whole = np.broadcast_to(shift**2, fractions.shape)
        parts = [sampled, blurred, sampled * shift, blurred * shift, spread * shift, whole]
        return cls(fractions, np.stack([*parts, change**2], axis=-1))

    def errors(self, residual: ResidualRecord) -> Floats:
        """Standard errors of the fractions, (n_populations, n_classes)."""
        return np.asarray(np.sqrt(self.variances @ np.asarray(residual.variance) + _LEAST_VARIANCE))


def fit_residual(
    y: Causes,
    P: Probabilities,
    estimator: CsmfEstimator,
    protocol: ScoringProtocol,
    seed: int,
    n_pools: int = N_POOLS,
) -> ResidualRecord:
    """Learn how far estimated fractions lie from true ones.

    The calibration is fitted on the same rows, as that of the model that is kept.

    Parameters
    ----------
    y : (n_rows,)
    P : (n_rows, n_classes)
        Out-of-fold probabilities.
    protocol
        How far compositions differ from training: as it is stated, and wherever they may lie if
        nothing is.
    seed
        Of the populations.
    """
    n_cells = len(SIZES) * n_shifts(protocol) * P.size * _POOL
    pools = max(3, min(n_pools, int(_MOST_CELLS / n_cells)))
    counts, true = draw_populations(y, P.shape[1], protocol, pools, seed)
    estimated = Estimated.of(P, counts, estimator, Calibration.fit(y, P))
    return _record(true, estimated)


def interval(
    P: Probabilities,
    estimator: CsmfEstimator,
    calibration: Calibration,
    residual: ResidualRecord | None,
    level: float,
) -> tuple[Floats, Floats, Floats]:
    """Estimate what share of some deaths each cause has, with an interval of the share that it
    truly has among them.

    Parameters
    ----------
    P : (n_deaths, n_classes)
        At least one death.
    residual
        None: nothing is known of the estimator's errors, and the interval covers the chance of
        which deaths came in alone.
    level
        Nominal coverage, above 0 and at most `MOST_LEVEL`.

    Returns
    -------
    Fractions, lower and upper bounds, (n_classes,) each; every fraction lies within its bounds.

    Raises
    ------
    ValueError
        `level` is not one that can be had.
    """
    require_level(level)
    counts = np.ones((1, len(P)))
    if residual is None:
        found = estimate([estimator], P, counts, calibration)[0]
        error = resampling_error(P, counts, found, estimator, calibration)
        low, high = normal_bounds(found, error, level)
    else:
        estimated = Estimated.of(P, counts, estimator, calibration)
        found, (low, high) = estimated.fractions, bounds(estimated, residual, level)
    if len(P) < SIZES[0]:  # of so few, errors were not learnt
        least, most = _of_each_death(P, found[0], calibration, level)
        low, high = np.minimum(low, least), np.maximum(high, most)
    return found[0], low[0], high[0]


def _of_each_death(
    P: Probabilities, fractions: Floats, calibration: Calibration, level: float
) -> tuple[Floats, Floats]:
    """Bounds of a few deaths' fractions by the chance alone which cause each of them has."""
    n = len(P)
    held = (n * fractions + calibration.training) / (n + 1)
    Q = likelihood_of(P, calibration) * held
    Q /= Q.sum(axis=1, keepdims=True)
    chances = np.zeros((n + 1, P.shape[1]))  # of so many deaths of each cause: Poisson-binomial
    chances[0] = 1
    for q in Q:
        chances[1:] = chances[1:] * (1 - q) + chances[:-1] * q
        chances[0] *= 1 - q
    upto = chances.cumsum(axis=0)
    tail = (1 - level) / 2
    return (upto < tail).sum(axis=0) / n, (upto < 1 - tail).sum(axis=0) / n


def require_level(level: float) -> None:
    """Raise ValueError unless intervals can be made at this nominal coverage."""
    if not 0 < level <= MOST_LEVEL:
        raise ValueError(f"level must be above 0 and at most {MOST_LEVEL}, got {level}")


def bounds(estimated: Estimated, residual: ResidualRecord, level: float) -> tuple[Floats, Floats]:
    """Lower and upper bounds of the true fractions, (n_populations, n_classes) each, within 0 and
    1."""
    from scipy.special import ndtri  # who validates or searches has no use for it

    errors, fractions = estimated.errors(residual), estimated.fractions
    ratios = fractions / errors
    tails = ndtri(np.asarray(residual.tails))
    at = ndtri((1 - level) / 2)
    ends = []
    for quantiles in (residual.low, residual.high):
        by_ratio = [np.interp(at, tails, one) for one in quantiles]
        reach = errors * np.interp(ratios, residual.ratios, by_ratio)
        ends.append(np.clip(fractions + reach, 0, 1))
    return ends[0], ends[1]


def normal_bounds(fractions: Floats, errors: Floats, level: float) -> tuple[Floats, Floats]:
    """Bounds by a normal distribution, cut at 0 and 1."""
    from scipy.special import ndtri  # as above

    reach = -ndtri((1 - level) / 2) * errors
    return np.clip(fractions - reach, 0, 1), np.clip(fractions + reach, 0, 1)


def draw_populations(
    y: Causes, n_classes: int, protocol: ScoringProtocol, n_pools: int, seed: int
) -> tuple[Floats, Floats]:
    """Draw populations of all `SIZES`, each from a part of the rows.

    Returns
    -------
    How often each row is in each population, (n_populations, n_rows), and what causes they truly
    have, (n_populations, n_classes).
    """
    rng = np.random.default_rng(seed)
    sizes = np.repeat(np.asarray(SIZES, dtype=np.intp), n_shifts(protocol))  # shifts take turns
    drawn = replace(protocol, n_draws=len(sizes))
    counts, true = [], []
    for _ in range(n_pools):
        pool = _part(y, rng)
        compositions = draw_compositions(drawn, csmf(y[pool], n_classes), rng)
        samples = resample(y[pool], compositions, rng, sizes)
        counts.append(np.zeros((len(sizes), len(y))))
        counts[-1][:, pool] = samples.counts
        true.append(samples.true)
    return np.concatenate(counts), np.concatenate(true)


def n_shifts(protocol: ScoringProtocol) -> int:
    """How many strengths of shift its compositions have; of stated fractions, as many draws."""
    return len(protocol.shifts) if protocol.composition == "dirichlet" else len(SHIFTS)


def size_class(true: Floats) -> NDArray[np.intp]:
    """0, 1, 2 for true fractions below 2 %, up to 10 %, and above."""
    return np.digitize(true, _EDGES)


def _part(y: Causes, rng: np.random.Generator) -> Causes:
    """Positions of `_POOL` of each cause's rows, at least one of each."""
    shuffled = rng.permutation(len(y))
    by_cause = shuffled[np.argsort(y[shuffled], kind="stable")]
    n_each = np.bincount(y)
    place = np.arange(len(y)) - np.repeat(np.cumsum(n_each) - n_each, n_each)
    kept = np.maximum(1, np.floor(_POOL * n_each + rng.random(len(n_each))))
    return np.sort(by_cause[place < np.repeat(kept, n_each)])


def _record(true: Floats, estimated: Estimated) -> ResidualRecord:
    """Fit the variance of errors, and their quantiles in units of it."""
    error = (true - estimated.fractions).ravel()
    parts = estimated.variances.reshape(-1, N_VARIANCES)
    weights = _fit_variance(parts, error**2)
    standard = np.sqrt(parts @ weights + _LEAST_VARIANCE)
    ratios = estimated.fractions.ravel() / standard
    classes = size_class(true).ravel()
    shares = np.bincount(classes, minlength=3) / len(classes)
    counted = np.maximum(shares, 0.01)[classes] ** -_RARER_COUNT_MORE
    centres, low, high = [], [], []
    for group in np.array_split(np.argsort(ratios, kind="stable"), _N_RATIOS):
        centres.append(float(np.median(ratios[group])))
        found = (error[group] / standard[group], counted[group])
        low.append(np.minimum(_quantiles(*found, np.asarray(TAILS)), 0).tolist())
        high.append(np.maximum(_quantiles(*found, 1 - np.asarray(TAILS)), 0).tolist())
    return ResidualRecord(
        variance=weights.tolist(), ratios=centres, tails=list(TAILS), low=low, high=high
    )


def _fit_variance(parts: Floats, squares: Floats) -> Floats:
    """Weights, not below 0, under which squared errors (n,) are most likely if errors are normal
    with variance `parts` (n, N_VARIANCES) @ weights."""
    from scipy.optimize import minimize  # takes half a second to import

    means = np.maximum(parts.mean(axis=0), _LEAST_VARIANCE)
    start = (squares.mean() + _LEAST_VARIANCE) / (N_VARIANCES * means)

    def loss(logs: Floats) -> tuple[float, Floats]:
        weights = start * np.exp(logs)
        variance = parts @ weights + _LEAST_VARIANCE
        slope = (1 / variance - squares / variance**2) / 2
        value = float(np.mean(np.log(variance) + squares / variance)) / 2
        return value, (slope @ parts) / len(squares) * weights

    found = minimize(
        loss, np.zeros(N_VARIANCES), jac=True, method="L-BFGS-B", bounds=[(-12, 6)] * N_VARIANCES
    )
    return np.asarray(start * np.exp(found.x))


def _quantiles(values: Floats, weights: Floats, shares: Floats) -> Floats:
    """Weighted quantiles of `values` (n,)."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weights[order])
    return np.interp(shares, (upto - weights[order] / 2) / upto[-1], values[order])
