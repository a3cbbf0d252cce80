"""Scoring protocols: which compositions a model is tested on, made out of the rows that were
held out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.metrics import csmf
from tuner_job.evaluation.shifts import draw_shifted
from tuner_job.records import SHIFTS, Shift
from tuner_job.types import Causes, Floats

Composition = Literal["natural", "dirichlet", "shift"]
CauseRange = tuple[int, float, float]
"""A cause's number, its least and its largest fraction."""

_KEPT_CELLS = 500_000  # of a fold's populations that a process keeps for the next trial


@dataclass(frozen=True, eq=False)
class Samples:
    """Populations made of the same rows.

    Attributes
    ----------
    counts
        (n_populations, n_rows): how often each row is in each population.
    true
        (n_populations, n_classes) its true CSMF.
    """

    counts: Floats
    true: Floats


@dataclass(frozen=True)
class ScoringProtocol:
    """How held-out rows become test populations. The same rows always give the same populations.

    Attributes
    ----------
    composition
        natural: the rows as they are, one population; dirichlet: fractions drawn from Dirichlet
        distributions; shift: fractions within `ranges`, the other causes keeping their proportions.
    n_draws
        Populations in all; folds share them evenly. Natural has one a fold.
    ranges
        Of shift: the causes whose fraction is stated.
    seed
        Of the draws.
    shifts
        Of dirichlet: how far compositions differ from that of the rows; populations take turns.
    sizes
        Fewest and most deaths of a population; sizes between them are spread evenly on a
        logarithmic scale, and none has more deaths than there are rows. None: as many as rows.

    Source: Murray et al. 2011, Population Health Metrics 9:28 (test sets of Dirichlet composition,
    resampled with replacement within each cause).
    """

    composition: Composition = "natural"
    n_draws: int = 100
    ranges: tuple[CauseRange, ...] = ()
    seed: int = 42
    shifts: tuple[Shift, ...] = ("any",)
    sizes: tuple[int, int] | None = None

    @property
    def stated_shift(self) -> Shift | None:
        """How far compositions differ from training, where there is one answer."""
        return self.shifts[0] if self.composition == "dirichlet" and len(self.shifts) == 1 else None

    def samples(self, y: Causes, n_classes: int, fold: int = 0, n_folds: int = 1) -> Samples:
        """Make the populations of one fold out of its held-out rows.

        Every trial gets the same ones, so that differences between trials are paired.

        Parameters
        ----------
        y : (n_rows,)
        """
        if self.n_draws * len(y) > _KEPT_CELLS * n_folds:
            return _fold_samples(self, y, n_classes, fold, n_folds)
        return _kept_samples(
            self, np.ascontiguousarray(y, dtype=np.int32).tobytes(), n_classes, fold, n_folds
        )


@lru_cache(maxsize=64)
def _kept_samples(
    protocol: ScoringProtocol, content: bytes, n_classes: int, fold: int, n_folds: int
) -> Samples:
    return _fold_samples(protocol, np.frombuffer(content, dtype=np.int32), n_classes, fold, n_folds)


def _fold_samples(
    protocol: ScoringProtocol, y: Causes, n_classes: int, fold: int, n_folds: int
) -> Samples:
    shared = replace(protocol, n_draws=max(1, -(-protocol.n_draws // n_folds)))
    return draw_samples(shared, y, n_classes, np.random.default_rng([protocol.seed, fold]))


def draw_samples(
    protocol: ScoringProtocol, y: Causes, n_classes: int, rng: np.random.Generator
) -> Samples:
    """Make as many populations as the protocol says out of rows of causes `y` (n_rows,)."""
    natural = csmf(y, n_classes)
    if protocol.composition == "natural":
        return Samples(np.ones((1, len(y))), natural[None])
    drawn = draw_compositions(protocol, natural, rng)
    return resample(y, drawn, rng, _sizes(protocol, len(y)))


def draw_compositions(
    protocol: ScoringProtocol, natural: Floats, rng: np.random.Generator
) -> Floats:
    """Draw what causes populations have, (n_draws, n_classes), out of rows composed as `natural`
    (n_classes,). Natural draws wherever it may lie: all strengths of shift take turns."""
    if protocol.composition == "shift":
        return draw_within(natural, protocol.ranges, protocol.n_draws, rng)
    shifts = protocol.shifts if protocol.composition == "dirichlet" else SHIFTS
    return draw_shifted(natural, shifts, protocol.n_draws, rng)


def _sizes(protocol: ScoringProtocol, n_rows: int) -> NDArray[np.intp]:
    """Deaths of each population, (n_draws,); each strength of shift has small and large ones."""
    if protocol.sizes is None:
        return np.full(protocol.n_draws, n_rows)
    least, most = (min(n, n_rows) for n in protocol.sizes)
    n_each = -(-protocol.n_draws // len(protocol.shifts))
    spread = np.geomspace(least, most, n_each).round().astype(np.intp)
    return np.repeat(spread, len(protocol.shifts))[: protocol.n_draws]


def draw_within(
    natural: Floats, ranges: Sequence[CauseRange], n_draws: int, rng: np.random.Generator
) -> Floats:
    """Draw compositions, (n_draws, n_classes), whose stated fractions lie within their ranges.

    Stated causes are drawn one after another, in random order, each uniformly from what its own
    range and the others' leave to it. Causes that are not stated share what is left in the
    proportions of `natural` (n_classes,); a stated cause that has no rows gets nothing. Where the
    ranges do not fill a composition, because nobody is there to share what is left, the stated
    fractions are scaled to sum to 1.
    """
    stated = [r for r in ranges if natural[r[0]] > 0]
    rest = natural.copy()
    rest[[cause for cause, _, _ in stated]] = 0
    shared = float(rest.sum())
    drawn = np.zeros((n_draws, len(natural)))
    for draw in drawn:
        left, least, most = (
            1.0,
            sum(low for _, low, _ in stated),
            sum(high for _, _, high in stated),
        )
        for position in rng.permutation(len(stated)):
            cause, low, high = stated[position]
            least, most = least - low, most - high
            top = min(high, left - least)
            bottom = low if shared else max(low, left - most)
            draw[cause] = rng.uniform(min(bottom, top), top)
            left -= draw[cause]
        if shared:
            draw += max(0.0, left) * rest / shared
        draw /= draw.sum()
    return drawn


def resample(
    y: Causes,
    compositions: Floats,
    rng: np.random.Generator,
    sizes: NDArray[np.intp] | None = None,
) -> Samples:
    """Draw rows with replacement within each cause, for each composition.

    Parameters
    ----------
    y : (n_rows,)
    compositions : (n_draws, n_classes)
        0 for a cause that has no rows.
    sizes : (n_draws,)
        Deaths of each population; None: as many as there are rows.

    Returns
    -------
    Populations of which each cause's deaths are within one of its composition; their true CSMF is
    that of the rows drawn.
    """
    n_draws, n_classes = compositions.shape
    n_rows = len(y)
    n_deaths = np.full(n_draws, n_rows) if sizes is None else sizes
    upto = np.cumsum(compositions, axis=1)
    upto /= upto[:, -1:]  # exactly 1 from the last cause on that has rows
    edges = np.floor(upto * n_deaths[:, None] + rng.random((n_draws, 1))).astype(np.intp)
    deaths: NDArray[np.intp] = np.diff(edges, prepend=0)
    by_cause = np.argsort(y, kind="stable")
    available = np.bincount(y, minlength=n_classes)
    first = np.cumsum(available) - available
    cause = np.repeat(np.tile(np.arange(n_classes), n_draws), deaths.ravel())
    picked = by_cause[first[cause] + (rng.random(len(cause)) * available[cause]).astype(np.intp)]
    draw = np.repeat(np.arange(n_draws), n_deaths)
    counts = np.bincount(draw * n_rows + picked, minlength=n_draws * n_rows).reshape(
        n_draws, n_rows
    )
    return Samples(counts.astype(np.float64), deaths / n_deaths[:, None])
