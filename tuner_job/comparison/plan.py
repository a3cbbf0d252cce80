"""What a comparison runs: training sets, each fitted once a model, and the tests that each fit
serves."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.comparison import ComparisonConfig, ExperimentType
from tuner_job.data.dataset import VaDataset
from tuner_job.errors import ConfigError
from tuner_job.evaluation.folds import stratified
from tuner_job.evaluation.protocols import Composition
from tuner_job.wording import counted, plain

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


def plan(data: VaDataset, config: ComparisonConfig, seed: int) -> list[TrainingSet]:
    """Lay out a comparison of all sites of the data.

    Each site is split once: 80 % to train on, 20 % to test on, each cause in that proportion.
    In-domain and out-domain share the fit on a site's training part: the first is tested on its
    test part, the second on all of each other site. The sizes of ``training_size`` are nested parts
    of the training part.
    ``cross_validation`` takes all sites together: each of ``outer_folds`` parts is tested on once.

    Raises
    ------
    ConfigError
        A site or a share of it is too small, or there are too few sites or rows.
    """
    types = set(config.experiments)
    sets: list[TrainingSet] = []
    if types != {"cross_validation"}:
        _check_sites(data, types)
        by_site = {
            site: np.flatnonzero(data.site == number) for number, site in enumerate(data.sites)
        }
        for site in data.sites:
            sets += _of_site(data, site, by_site, config, seed)
        if "leave_one_site_out" in types:
            sets += [_without(site, by_site) for site in data.sites]
    if "cross_validation" in types:
        sets += _outer_folds(data, config.outer_folds, seed)
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
    config: ComparisonConfig,
    seed: int,
) -> Iterator[TrainingSet]:
    types = config.experiments
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
    for size in sorted(config.training_sizes) if "training_size" in types else ():
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


def _outer_folds(data: VaDataset, n_folds: int, seed: int) -> Iterator[TrainingSet]:
    if n_folds > data.n_samples:
        raise ConfigError(
            f"comparison.outer_folds: must not exceed the {counted(data.n_samples, 'row')}, got "
            f"{n_folds}"
        )
    folds = stratified(data.y, n_folds, seed)
    for fold in range(n_folds):
        name = f"part {fold + 1} of {n_folds}"
        test = SiteTest("cross_validation", "all", name, 1.0, np.flatnonzero(folds == fold))
        yield TrainingSet(f"all but {name}", np.flatnonzero(folds != fold), (test,))


def _split(data: VaDataset, rows: Rows, seed: int) -> tuple[Rows, Rows]:
    held_out = stratified(data.y[rows], _TEST_FOLDS, seed) == 0
    return rows[~held_out], rows[held_out]


def _part(data: VaDataset, rows: Rows, size: float, seed: int) -> Rows:
    """The first rows of one fixed order, in which every beginning has about the proportions of
    the whole."""
    n = round(size * len(rows))
    if n < 1:
        raise ConfigError(
            f"comparison.training_sizes: must leave a row to train on, but {size:g} of a site's "
            f"{counted(len(rows), 'training row')} is none"
        )
    # each row its own fold: causes are spread evenly
    turn = stratified(data.y[rows], len(rows), seed)
    # the golden-ratio sequence: every beginning is spread evenly over 0 … n-1
    order = np.argsort((turn * 0.6180339887498949) % 1.0, kind="stable")
    return np.sort(rows[order[:n]])


def _check_sites(data: VaDataset, types: set[ExperimentType]) -> None:
    between = sorted(types & {"out_domain", "leave_one_site_out"})
    if between and len(data.sites) < 2:
        raise ConfigError(
            f"comparison.experiments: {between[0]} needs at least two sites, but the data has "
            f"{len(data.sites)}; name the site column in data.site, or leave it out"
        )
    counts = np.bincount(data.site, minlength=len(data.sites))
    for site, n_rows in zip(data.sites, counts, strict=True):
        if n_rows < _MIN_ROWS:
            raise ConfigError(
                f"data.sites: a site must have at least {_MIN_ROWS} rows to be split; "
                f"{plain(site, 60)} has {n_rows}"
            )
