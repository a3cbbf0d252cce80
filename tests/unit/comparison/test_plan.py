from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner_job.comparison.plan import SiteTest, TrainingSet, experiment_id, plan
from tuner_job.config.comparison import EXPERIMENT_TYPES, ComparisonConfig
from tuner_job.data import DataConfig, VaDataset, load_dataset
from tuner_job.errors import ConfigError
from tuner_job.results.store import read_bytes

SIZES = (0.25, 0.5, 1.0)
EVERY = ComparisonConfig(experiments=list(EXPERIMENT_TYPES), training_sizes=list(SIZES))


@pytest.fixture(scope="module")
def data() -> VaDataset:
    size = {"n_samples": 600, "n_causes": 6, "n_symptoms": 5, "n_sites": 3}
    return load_dataset(
        DataConfig.model_validate({"format": "synthetic", "synthetic": size}), read_bytes
    )


@pytest.fixture(scope="module")
def sets(data: VaDataset) -> list[TrainingSet]:
    planned = plan(data, EVERY, seed=1)
    assert planned.notes == []
    return planned.sets


def with_sites(data: VaDataset, sizes: list[int]) -> VaDataset:
    """As many deaths at each site."""
    taken = data.take(np.arange(sum(sizes)))
    return replace(taken, site=np.repeat(np.arange(len(sizes)), sizes).astype(np.int32))


def sites_by_type(sets: list[TrainingSet]) -> dict[str, set[str]]:
    """Type of experiment → sites tested."""
    found: dict[str, set[str]] = {}
    for training in sets:
        for test in training.tests:
            found.setdefault(test.experiment_type, set()).add(test.test_site)
    return found


def test_no_test_row_is_ever_trained_on(sets: list[TrainingSet]) -> None:
    for training in sets:
        for test in training.tests:
            assert not set(training.rows) & set(test.rows), (training.name, test)


def test_each_type_has_its_experiments(data: VaDataset, sets: list[TrainingSet]) -> None:
    tests = [test for training in sets for test in training.tests]
    n_sites = len(data.sites)
    counts = {
        kind: sum(test.experiment_type == kind for test in tests) for kind in EXPERIMENT_TYPES
    }
    assert counts == {
        "in_domain": n_sites,
        "out_domain": n_sites * (n_sites - 1),
        "training_size": n_sites * len(SIZES),
        "leave_one_site_out": n_sites,
        "cross_validation": 5,
    }
    names = [experiment_id(test, "xgboost", tuned) for test in tests for tuned in (False, True)]
    assert len(set(names)) == len(names)


def test_one_fit_serves_all_tests_of_a_site(data: VaDataset, sets: list[TrainingSet]) -> None:
    full = next(training for training in sets if training.name == data.sites[0])
    assert {test.experiment_type for test in full.tests} == {
        "in_domain",
        "out_domain",
        "training_size",
    }
    assert (
        len(sets) == len(data.sites) * (len(SIZES) - 1 + 2) + 5
    )  # smaller sizes, the site, all but it; outer folds


def test_sizes_are_nested_and_keep_the_causes_proportions(
    data: VaDataset, sets: list[TrainingSet]
) -> None:
    site = data.sites[0]
    by_size = {t.tests[0].fraction: t.rows for t in sets if t.name.startswith(f"{site} ")}
    whole = next(training.rows for training in sets if training.name == site)
    assert set(by_size[0.25]) < set(by_size[0.5]) < set(whole)
    assert len(by_size[0.5]) == round(len(whole) / 2)
    share = [
        np.bincount(data.y[rows], minlength=data.n_causes) / len(rows)
        for rows in (by_size[0.5], whole)
    ]
    assert np.abs(share[0] - share[1]).max() < 0.05


def test_training_on_all_others_leaves_the_site_out(
    data: VaDataset, sets: list[TrainingSet]
) -> None:
    site = data.sites[1]
    training = next(t for t in sets if t.name == f"all but {site}")
    assert site not in {data.sites[i] for i in data.site[training.rows]}
    assert {data.sites[i] for i in data.site[training.tests[0].rows]} == {site}


def test_outer_folds_test_on_every_death_once(data: VaDataset) -> None:
    sets = plan(data, ComparisonConfig(experiments=["cross_validation"], outer_folds=4), 1).sets
    tested = np.concatenate([training.tests[0].rows for training in sets])
    assert sorted(tested) == list(range(data.n_samples))
    assert [len(training.rows) + len(training.tests[0].rows) for training in sets] == [
        data.n_samples
    ] * 4
    with pytest.raises(ConfigError, match=r"outer_folds: must not exceed the 600 rows, got 601"):
        plan(data, ComparisonConfig(experiments=["cross_validation"], outer_folds=601), 1)


def test_names_hold_no_letter_that_a_file_or_url_minds() -> None:
    test = SiteTest("out_domain", "Dar es Salaam", "Übér/x", 1.0, np.arange(3))
    assert (
        experiment_id(test, "xgboost", tuned=False)
        == "out_domain-Dar_es_Salaam-Übér_x-xgboost-default"
    )


def test_what_cannot_be_laid_out_is_refused(data: VaDataset) -> None:
    one_site = data.take(np.flatnonzero(data.site == 0))
    one_site = replace(one_site, sites=data.sites[:1])
    with pytest.raises(
        ConfigError, match="out_domain needs at least two sites, but the data has 1"
    ):
        plan(one_site, ComparisonConfig(experiments=["in_domain", "out_domain"]), 1)
    few = data.take(np.arange(9))
    with pytest.raises(
        ConfigError, match=r"a site must have at least 10 different deaths .*; found Site 1 \("
    ):
        plan(few, ComparisonConfig(experiments=["in_domain"]), 1)
    one_left = with_sites(data, [9, 400, 1])
    with pytest.raises(ConfigError, match="nothing is left to test for out_domain: a site tested"):
        plan(one_left, ComparisonConfig(experiments=["out_domain"]), 1)
    with pytest.raises(
        ConfigError, match=r"training_sizes: must leave a row to train on, but 0\.001"
    ):
        plan(data, ComparisonConfig(training_sizes=[0.001, 1.0]), 1)


def test_a_cross_validation_needs_no_sites(data: VaDataset) -> None:
    together = replace(data, site=np.zeros_like(data.site), sites=("all",))
    sets = plan(together, ComparisonConfig(experiments=["cross_validation"]), 1).sets
    assert [len(training.tests) for training in sets] == [1] * 5


def test_small_sites_are_trained_on_with_all_others_and_not_tested(data: VaDataset) -> None:
    uneven = with_sites(data, [9, 200, 200])
    planned = plan(uneven, EVERY, 1)
    parts = {f"part {i} of 5" for i in range(1, 6)}
    small, *large = data.sites
    assert sites_by_type(planned.sets) == {
        **{kind: set(large) for kind in EXPERIMENT_TYPES if kind != "cross_validation"},
        "cross_validation": parts,
    }
    for training in planned.sets:
        trained = {data.sites[i] for i in uneven.site[training.rows]}
        assert (small in trained) is training.name.startswith("all but"), training.name
    assert planned.notes == [
        "1 site too small to be tested on, which takes at least 10 different deaths of at least 2 "
        "causes, so trained on together with all others only: Site 1 (9 deaths)"
    ]


def test_a_site_of_one_cause_is_too_small(data: VaDataset) -> None:
    one_cause = replace(data, y=np.where(data.site == 2, 0, data.y).astype(np.int32))
    planned = plan(one_cause, EVERY, 1)
    assert sites_by_type(planned.sets)["out_domain"] == set(data.sites[:2])
    assert "Site 3 (1 cause)" in planned.notes[0]


def test_types_without_a_test_are_said(data: VaDataset) -> None:
    planned = plan(with_sites(data, [3, 300, 1]), EVERY, 1)
    assert set(sites_by_type(planned.sets)) == {"in_domain", "training_size", "cross_validation"}
    assert planned.notes[1:] == ["nothing is left to test for out_domain, leave_one_site_out"]


def test_cross_validation_runs_where_no_site_can_be_tested_on(data: VaDataset) -> None:
    config = ComparisonConfig(experiments=["in_domain", "cross_validation"])
    planned = plan(with_sites(data, [9, 8, 7]), config, 1)
    assert set(sites_by_type(planned.sets)) == {"cross_validation"}
    assert planned.notes[-1] == "nothing is left to test for in_domain"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 99), st.integers(50, 400))
def test_no_model_is_tested_on_a_copy_of_what_it_was_trained_on(
    data: VaDataset, seed: int, n_deaths: int
) -> None:
    drawn = np.random.default_rng(seed).integers(0, n_deaths, size=data.n_samples)
    y = data.y[:n_deaths][drawn]
    planned = plan(replace(data, y=y, copies=drawn.astype(np.int32)), EVERY, seed)
    sizes: dict[str, set[int]] = {}
    for training in planned.sets:
        trained = set(drawn[training.rows].tolist())
        for test in training.tests:
            assert not trained & set(drawn[test.rows].tolist()), (training.name, test)
            assert len(test.rows)
        if training.tests[0].experiment_type == "training_size":
            outside = np.setdiff1d(np.flatnonzero(data.site == data.site[training.rows[0]]),
                                   training.rows)  # fmt: skip
            assert not trained & set(drawn[outside].tolist()), "a part of a death's copies"
            sizes.setdefault(training.name.split(" 0")[0], set()).add(len(training.rows))
    assert all(len(found) == 2 for found in sizes.values())


def test_what_copies_take_from_tests_between_sites_is_said(data: VaDataset) -> None:
    first, second = (np.flatnonzero(data.site == site) for site in (0, 1))
    copies = np.arange(data.n_samples, dtype=np.int32)
    copies[second[:5]] = copies[first[:5]]
    same_cause = data.y.copy()
    same_cause[second[:5]] = same_cause[first[:5]]
    between = ComparisonConfig(experiments=["leave_one_site_out"])
    planned = plan(replace(data, copies=copies, y=same_cause), between, 1)
    assert [len(one.tests[0].rows) for one in planned.sets] == [
        len(first) - 5, len(second) - 5, int((data.site == 2).sum())
    ]  # fmt: skip
    assert planned.notes == [
        "10 rows are left out of 2 tests, because the model is trained on a copy"
    ]
    copies[second[: len(first)]] = copies[first][: len(second)]
    planned = plan(replace(data, copies=copies), between, 1)
    assert planned.notes[-1].startswith(("1 test is left out: too few", "2 tests are left out"))


def test_fewer_different_deaths_than_outer_folds_are_refused(data: VaDataset) -> None:
    copied = replace(data, copies=(np.arange(600) % 4).astype(np.int32))
    with pytest.raises(ConfigError, match=r"not exceed the 4 different deaths \(600 rows\), got 5"):
        plan(copied, ComparisonConfig(experiments=["cross_validation"]), 1)


def test_sizes_of_a_small_site_that_are_the_same_deaths_share_a_fit(data: VaDataset) -> None:
    small = with_sites(data, [12, 40])
    sizes = [0.5, 0.505, 0.95, 1.0]
    config = ComparisonConfig(experiments=["out_domain", "training_size"], training_sizes=sizes)
    sets = plan(small, config, 1).sets
    assert len({one.digest for one in sets}) == len(sets)
    tests = [test for one in sets for test in one.tests]
    for size in sizes[:-1]:
        assert sum(test.fraction == size for test in tests) == 2


@pytest.mark.parametrize(
    ("sites", "fractions"),
    [
        (("A/B", "A B", "C"), [1.0]),
        (("North", "North-East", "East-North"), [1.0]),
        (("A", "B", "C"), [0.1234567, 0.1234568]),
    ],
)
def test_experiments_that_would_share_a_name_are_refused(
    data: VaDataset, sites: tuple[str, ...], fractions: list[float]
) -> None:
    config = ComparisonConfig(experiments=["out_domain", "training_size"], training_sizes=fractions)
    with pytest.raises(ConfigError, match="experiments must have names that differ"):
        plan(replace(data, sites=sites), config, 1)
