"""Which sites can be tested on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner_job.evaluation.folds import NEVER, Copies, FoldIds
from tuner_job.wording import counted

LEAST_DEATHS, LEAST_CAUSES = 10, 2
NEEDED = f"at least {LEAST_DEATHS} different deaths of at least {LEAST_CAUSES} causes"
"""What it takes to test on a site: of less, neither fractions nor ranks say anything."""


@dataclass(frozen=True, eq=False)
class SiteFolds:
    """One fold a site that can be tested on.

    Attributes
    ----------
    folds
        (n_samples,); `NEVER` for rows that are trained on in every fold.
    untested
        Site that cannot be tested on → why.
    n_elsewhere
        Deaths of the other sites that are not tested on, because another site has a copy.
    """

    folds: FoldIds
    untested: dict[int, str]
    n_elsewhere: int


def leave_one_site_out(
    y: NDArray[np.integer], site: NDArray[np.integer], copies: Copies
) -> SiteFolds:
    """One fold a site, in the order of the sites: train on all others, validate on this one.

    What is trained on and not tested on, in any fold: sites that are too small; and deaths of which
    another site has a copy, as the fit that is tested on them would have seen it.

    Parameters
    ----------
    y, site, copies : (n_samples,)
    """
    elsewhere = _at_several_sites(site, copies)
    folds = np.full(len(y), NEVER, dtype=np.int32)
    untested, n_folds = {}, 0
    for one in np.unique(site).tolist():
        rows = np.flatnonzero((site == one) & ~elsewhere)
        why = too_small(y[rows], copies[rows])
        if why:
            untested[one] = f"{why} without a copy elsewhere" if _any(elsewhere, site, one) else why
            continue
        folds[rows] = n_folds
        n_folds += 1
    tested = ~np.isin(site, list(untested))
    return SiteFolds(folds, untested, int((elsewhere & tested).sum()))


def too_small(y: NDArray[np.integer], copies: Copies) -> str | None:
    """Say what deaths (n_rows,) lack to be tested on, as in ``1 cause``; None if nothing.

    Copies count once.
    """
    n_deaths, n_causes = len(np.unique(copies)), len(np.unique(y))
    if n_causes < LEAST_CAUSES and n_deaths > 1:
        return counted(n_causes, "cause")
    if n_deaths < LEAST_DEATHS:
        return counted(n_deaths, "death" if n_deaths == len(y) else "different death")
    return None


def _at_several_sites(site: NDArray[np.integer], copies: Copies) -> NDArray[np.bool_]:
    """Whether a row, (n_samples,), has a copy at another site."""
    pairs = np.unique(np.column_stack([copies, site]), axis=0)
    group, n_sites = np.unique(pairs[:, 0], return_counts=True)
    return np.isin(copies, group[n_sites > 1])


def _any(rows: NDArray[np.bool_], site: NDArray[np.integer], one: int) -> bool:
    return bool((rows & (site == one)).any())
