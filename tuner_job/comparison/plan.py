"""What a comparison runs: training sets, each fitted once a model, and the tests that each fit
serves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.comparison import ComparisonConfig, ExperimentType
from tuner_job.data.dataset import VaDataset
from tuner_job.errors import ConfigError
from tuner_job.evaluation.folds import group_copies, stratified
from tuner_job.evaluation.protocols import Composition
from tuner_job.evaluation.sites import NEEDED, too_small
from tuner_job.problem import in_deaths, in_sites
from tuner_job.wording import counted, listed, plain

Rows = NDArray[np.intp]

_TEST_FOLDS = 5
"""One of so many parts of a site is held out for testing: 20 %."""


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
        (n_train,) row numbers, ascending; no row of a test is among them, nor a copy of one.
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


@dataclass(frozen=True, eq=False)
class Plan:
    """What a comparison runs, and what it leaves out and why, one sentence each."""

    sets: list[TrainingSet]
    notes: list[str]


def plan(data: VaDataset, config: ComparisonConfig, seed: int) -> Plan:
    """Lay out a comparison of all sites of the data.

    Each site is split once: 80 % to train on, 20 % to test on, each cause in that proportion.
    In-domain and out-domain share the fit on a site's training part: the first is tested on its
    test part, the second on all of each other site. The sizes of ``training_size`` are nested parts
    of the training part.
    ``cross_validation`` takes all sites together: each of ``outer_folds`` parts is tested on once.

    Copies of a death stand together in all parts of a site or of all sites. A test between sites
    leaves out deaths of which a copy is trained on. A site too small to be tested on (`too_small`)
    is trained on together with all others only.

    Raises
    ------
    ConfigError
        No site, or no share of one, is large enough, or there are too few sites or rows.
    """
    types = set(config.experiments)
    sets: list[TrainingSet] = []
    notes: list[str] = []
    if types != {"cross_validation"}:
        untested = _check_sites(data, types)
        by_site = {
            site: np.flatnonzero(data.site == number) for number, site in enumerate(data.sites)
        }
        tested = {site: by_site[site] for i, site in enumerate(data.sites) if i not in untested}
        for site in tested:
            sets += _of_site(data, site, tested, config, seed)
        if "leave_one_site_out" in types:
            without = [_without(site, by_site) for site in tested]
            sets += [
                one for one in without if not too_small(data.y[one.rows], data.copies[one.rows])
            ]
        notes += _untested(data, untested)
    if "cross_validation" in types:
        sets += _outer_folds(data, config.outer_folds, seed)
    _check_names(sets)
    sets, left_out = _without_copies(data, [one for one in sets if one.tests])
    return Plan(sets, [*notes, *left_out, *_without_tests(sets, config)])


def _check_names(sets: Sequence[TrainingSet]) -> None:
    """Refuse sites and sizes of which two experiments would have one name, and so one result."""
    named: dict[str, SiteTest] = {}
    for test in (test for one in sets for test in one.tests):
        before = named.setdefault(experiment_id(test, "model", tuned=False), test)
        if before is not test:
            said = [
                f"{plain(one.train_site, 60)} → {plain(one.test_site, 60)}"
                + (f" with {one.fraction!r} of the rows" if one.fraction != 1 else "")
                for one in (before, test)
            ]
            raise ConfigError(
                f"comparison: experiments must have names that differ; {said[0]} and {said[1]} "
                "have the same: rename a site, or change comparison.training_sizes"
            )


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
    of_length = {len(train): tests}
    smaller = []
    for size in sorted(config.training_sizes) if "training_size" in types else ():
        part = train if size == 1 else _part(data, train, size, seed)
        if len(part) not in of_length:  # in a small site, sizes that are near are one
            of_length[len(part)] = []
            smaller.append((f"{site} {size:g}", part))
        of_length[len(part)].append(SiteTest("training_size", site, site, size, test))
    yield TrainingSet(site, train, tuple(tests))
    for name, part in smaller:
        yield TrainingSet(name, part, tuple(of_length[len(part)]))


def _without(site: str, by_site: dict[str, Rows]) -> TrainingSet:
    others = np.sort(np.concatenate([rows for other, rows in by_site.items() if other != site]))
    name = f"all but {site}"
    test = SiteTest("leave_one_site_out", name, site, 1.0, by_site[site])
    return TrainingSet(name, others, (test,), unseen_site=True)


def _outer_folds(data: VaDataset, n_folds: int, seed: int) -> Iterator[TrainingSet]:
    if n_folds > data.n_different:
        raise ConfigError(
            f"comparison.outer_folds: must not exceed the {in_deaths(data)}, got {n_folds}"
        )
    folds = stratified(data.y, n_folds, seed, data.copies)
    for fold in range(n_folds):
        name = f"part {fold + 1} of {n_folds}"
        test = SiteTest("cross_validation", "all", name, 1.0, np.flatnonzero(folds == fold))
        yield TrainingSet(f"all but {name}", np.flatnonzero(folds != fold), (test,))


def _split(data: VaDataset, rows: Rows, seed: int) -> tuple[Rows, Rows]:
    held_out = stratified(data.y[rows], _TEST_FOLDS, seed, data.copies[rows]) == 0
    return rows[~held_out], rows[held_out]


def _part(data: VaDataset, rows: Rows, size: float, seed: int) -> Rows:
    """The first rows of one fixed order, in which every beginning has about the proportions of
    the whole and copies follow one another."""
    n = round(size * len(rows))
    if n < 1:
        raise ConfigError(
            f"comparison.training_sizes: must leave a row to train on, but {size:g} of a site's "
            f"{counted(len(rows), 'training row')} is none"
        )
    first, sizes, group = group_copies(data.copies[rows])
    # each death its own fold: causes are spread evenly
    turn = stratified(data.y[rows[first]], len(first), seed)
    # the golden-ratio sequence: every beginning is spread evenly over 0 … n-1
    order = np.argsort((turn * 0.6180339887498949) % 1.0, kind="stable")
    n_deaths = max(1, int(np.searchsorted(np.cumsum(sizes[order]), n, side="right")))
    return rows[np.isin(group, order[:n_deaths])]


def _without_copies(
    data: VaDataset, sets: Sequence[TrainingSet]
) -> tuple[list[TrainingSet], list[str]]:
    """Leave out of each test the deaths of which a copy is trained on, and tests that then are too
    small; say how many."""
    apart, n_deaths, n_tests, n_small = [], 0, 0, 0
    for training in sets:
        tests = []
        for test in training.tests:
            rows = test.rows[~np.isin(data.copies[test.rows], data.copies[training.rows])]
            n_left_out = len(test.rows) - len(rows)
            if n_left_out and too_small(data.y[rows], data.copies[rows]):
                n_small += 1
                continue
            n_deaths, n_tests = n_deaths + n_left_out, n_tests + (n_left_out > 0)
            tests.append(replace(test, rows=rows) if n_left_out else test)
        if tests:
            apart.append(replace(training, tests=tuple(tests)))
    notes = []
    if n_tests:
        notes.append(
            f"{counted(n_deaths, 'row is', 'rows are')} left out of {counted(n_tests, 'test')}, "
            "because the model is trained on a copy"
        )
    if n_small:
        notes.append(
            f"{counted(n_small, 'test is', 'tests are')} left out: too few deaths have no copy "
            "among those that the model is trained on"
        )
    return apart, notes


def _untested(data: VaDataset, untested: Mapping[int, str]) -> list[str]:
    if not untested:
        return []
    return [
        f"{counted(len(untested), 'site')} too small to be tested on, which takes {NEEDED}, so "
        f"trained on together with all others only: {in_sites(data, untested)}"
    ]


def _without_tests(sets: Sequence[TrainingSet], config: ComparisonConfig) -> list[str]:
    """Say which types of experiments have nothing to test.

    Raises
    ------
    ConfigError
        None has.
    """
    there = {test.experiment_type for training in sets for test in training.tests}
    if not there:
        raise ConfigError(
            f"comparison.experiments: nothing is left to test for {listed(config.experiments)}: "
            f"a site tested on must have {NEEDED} without copies among those trained on"
        )
    missing = [kind for kind in config.experiments if kind not in there]
    return [f"nothing is left to test for {listed(missing)}"] if missing else []


def _check_sites(data: VaDataset, types: set[ExperimentType]) -> dict[int, str]:
    """Find the sites that cannot be tested on, each with why."""
    between = sorted(types & {"out_domain", "leave_one_site_out"})
    if between and len(data.sites) < 2:
        raise ConfigError(
            f"comparison.experiments: {between[0]} needs at least two sites, but the data has "
            f"{len(data.sites)}; name the site column in data.site, or leave it out"
        )
    of_site = [data.site == number for number in range(len(data.sites))]
    reasons = {i: too_small(data.y[rows], data.copies[rows]) for i, rows in enumerate(of_site)}
    untested = {number: why for number, why in reasons.items() if why}
    if len(untested) == len(data.sites) and "cross_validation" not in types:
        raise ConfigError(
            f"data.sites: a site must have {NEEDED} to be tested on; found "
            f"{in_sites(data, untested)}"
        )
    return untested
