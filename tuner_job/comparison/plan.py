"""What a comparison runs: training sets, each fitted once a model, and the tests that each fit
serves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.dataset import VaDataset
from tuner_job.errors import ConfigError
from tuner_job.evaluation.folds import stratified
from tuner_job.evaluation.protocols import Composition
from tuner_job.wording import counted, listed, plain

ExperimentType = Literal[
    "in_domain", "out_domain", "training_size", "leave_one_site_out", "cross_validation"
]
EXPERIMENT_TYPES: tuple[ExperimentType, ...] = get_args(ExperimentType)
ACROSS_SITES = EXPERIMENT_TYPES[:4]
"""Those that are run unless others are asked for."""
Rows = NDArray[np.intp]

_TEST_FOLDS = 5
"""One of so many parts of a site is held out for testing: 20 %."""
_MIN_ROWS = 10  # of a site: fewer cannot be split


@dataclass(frozen=True)
class SiteTest:
    """One experiment, whichever model: a training set and the rows it is tested on.

    Attributes
    ----------
    train_site, test_site
        ``all but X`` where training took every other site, ``all`` where it took a part of every
        site.
    fraction
        Share of the training rows that were used.
    """

    experiment_type: ExperimentType
    train_site: str
    test_site: str
    fraction: float
    rows: Rows


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Rows that a model is fitted on, and all tests of that fit.

    Attributes
    ----------
    name
        Unique within a comparison.
    rows
        (n_train,) row numbers, ascending; none of them is a row of a test.
    unseen_site
        Whether the tests are of a site that training does not have.
    """

    name: str
    rows: Rows
    tests: tuple[SiteTest, ...]
    unseen_site: bool = False

    @property
    def digest(self) -> str:
        """Identifies the rows, by their numbers in the data."""
        return sha256(self.rows.astype(np.int64).tobytes()).hexdigest()[:12]


def plan(
    data: VaDataset,
    sites: Sequence[str],
    types: Sequence[ExperimentType],
    sizes: Sequence[float],
    seed: int,
    outer_folds: int = 5,
) -> list[TrainingSet]:
    """Lay out a comparison.

    Each site is split once: 80 % to train on, 20 % to test on, each cause in that proportion.
    In-domain and out-domain share the fit on a site's training part: the first is tested on its
    test part, the second on all of each other site. The sizes of ``training_size`` are nested parts
    of the training part.
    ``cross_validation`` takes all sites together: each of `outer_folds` parts is tested on once.

    Parameters
    ----------
    sites
        Those compared; others in the data are left out of everything.
    sizes
        Shares of a site's training part, each above 0 and at most 1.

    Raises
    ------
    ConfigError
        A site is not there or too small, or there are too few sites.
    """
    _check(data, sites, types)
    by_site = {site: np.flatnonzero(data.site == data.sites.index(site)) for site in sites}
    sets = [
        training
        for site in sites
        for training in _of_site(data, site, by_site, set(types), sorted(set(sizes)), seed)
    ]
    if "leave_one_site_out" in types:
        sets += [_without(site, by_site) for site in sites]
    if "cross_validation" in types:
        sets += _outer_folds(
            data, np.sort(np.concatenate(list(by_site.values()))), outer_folds, seed
        )
    return [training for training in sets if training.tests]


def experiment_id(
    test: SiteTest, model: str, tuned: bool, composition: Composition = "natural"
) -> str:
    """Name of one experiment, the same at every run."""
    fraction = "" if test.experiment_type != "training_size" else f"-{test.fraction:g}"
    kind = (
        f"{'tuned' if tuned else 'default'}{'' if composition == 'natural' else f'-{composition}'}"
    )
    words = f"{test.experiment_type}-{test.train_site}-{test.test_site}{fraction}-{model}-{kind}"
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in words)


def _of_site(
    data: VaDataset,
    site: str,
    by_site: dict[str, Rows],
    types: set[ExperimentType],
    sizes: Sequence[float],
    seed: int,
) -> Iterator[TrainingSet]:
    train, test = _split(data, by_site[site], seed)
    tests = []
    if "in_domain" in types:
        tests.append(SiteTest("in_domain", site, site, 1.0, test))
    if "out_domain" in types:
        tests += [
            SiteTest("out_domain", site, other, 1.0, rows)
            for other, rows in by_site.items()
            if other != site
        ]
    smaller = []
    for size in sizes if "training_size" in types else ():
        of_size = SiteTest("training_size", site, site, size, test)
        if size == 1:
            tests.append(of_size)
        else:
            smaller.append(
                TrainingSet(f"{site} {size:g}", _part(data, train, size, seed), (of_size,))
            )
    yield TrainingSet(site, train, tuple(tests))
    yield from smaller


def _without(site: str, by_site: dict[str, Rows]) -> TrainingSet:
    others = np.sort(np.concatenate([rows for other, rows in by_site.items() if other != site]))
    name = f"all but {site}"
    test = SiteTest("leave_one_site_out", name, site, 1.0, by_site[site])
    return TrainingSet(name, others, (test,), unseen_site=True)


def _outer_folds(data: VaDataset, rows: Rows, n_folds: int, seed: int) -> Iterator[TrainingSet]:
    if n_folds < 2 or n_folds > len(rows):
        raise ConfigError(
            f"--outer-folds: must lie between 2 and the {counted(len(rows), 'row')}, got {n_folds}"
        )
    folds = stratified(data.y[rows], n_folds, seed)
    for fold in range(n_folds):
        test = SiteTest(
            "cross_validation", "all", f"part {fold + 1} of {n_folds}", 1.0, rows[folds == fold]
        )
        yield TrainingSet(f"all but part {fold + 1} of {n_folds}", rows[folds != fold], (test,))


def _split(data: VaDataset, rows: Rows, seed: int) -> tuple[Rows, Rows]:
    held_out = stratified(data.y[rows], _TEST_FOLDS, seed) == 0
    return rows[~held_out], rows[held_out]


def _part(data: VaDataset, rows: Rows, size: float, seed: int) -> Rows:
    """The first rows of one fixed order, in which every beginning has about the proportions of
    the whole."""
    n = max(1, round(size * len(rows)))
    turn = stratified(
        data.y[rows], len(rows), seed
    )  # each row its own fold: causes are spread evenly
    return np.sort(rows[np.argsort(_spread(turn), kind="stable")[:n]])


def _spread(turn: NDArray[np.int32]) -> NDArray[np.float64]:
    """Order positions 0 … n-1 so that every beginning is spread evenly over them (golden-ratio
    sequence)."""
    return np.asarray((turn * 0.6180339887498949) % 1.0)


def _check(data: VaDataset, sites: Sequence[str], types: Sequence[ExperimentType]) -> None:
    for site in sites:
        if site not in data.sites:
            raise ConfigError(f"--sites: must be among {listed(data.sites)}; got {plain(site, 60)}")
        n_rows = int((data.site == data.sites.index(site)).sum())
        if n_rows < _MIN_ROWS:
            raise ConfigError(
                f"--sites: a site must have at least {_MIN_ROWS} rows to be split; {site} has "
                f"{n_rows}"
            )
    between = [kind for kind in types if kind in ("out_domain", "leave_one_site_out")]
    if between and len(sites) < 2:
        raise ConfigError(f"--sites: {between[0]} needs at least two sites, got {', '.join(sites)}")
