import numpy as np
import pytest

from tuner_job.comparison.plan import EXPERIMENT_TYPES, SiteTest, TrainingSet, experiment_id, plan
from tuner_job.data import DataConfig, VaDataset, load_dataset
from tuner_job.errors import ConfigError
from tuner_job.results.store import read_bytes

SIZES = (0.25, 0.5, 1.0)


@pytest.fixture(scope="module")
def data() -> VaDataset:
    size = {"n_samples": 600, "n_causes": 6, "n_symptoms": 5, "n_sites": 3}
    return load_dataset(
        DataConfig.model_validate({"format": "synthetic", "synthetic": size}), read_bytes
    )


@pytest.fixture(scope="module")
def sets(data: VaDataset) -> list[TrainingSet]:
    return plan(data, data.sites, EXPERIMENT_TYPES, SIZES, seed=1)


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
    sets = plan(data, data.sites, ["cross_validation"], [], 1, outer_folds=4)
    tested = np.concatenate([training.tests[0].rows for training in sets])
    assert sorted(tested) == list(range(data.n_samples))
    assert [len(training.rows) + len(training.tests[0].rows) for training in sets] == [
        data.n_samples
    ] * 4
    with pytest.raises(
        ConfigError, match=r"--outer-folds: must lie between 2 and the 600 rows, got 1"
    ):
        plan(data, data.sites, ["cross_validation"], [], 1, outer_folds=1)


def test_names_hold_no_letter_that_a_file_or_url_minds() -> None:
    test = SiteTest("out_domain", "Dar es Salaam", "Übér/x", 1.0, np.arange(3))
    assert (
        experiment_id(test, "xgboost", tuned=False)
        == "out_domain-Dar_es_Salaam-Übér_x-xgboost-default"
    )


def test_what_cannot_be_laid_out_is_refused(data: VaDataset) -> None:
    with pytest.raises(ConfigError, match=r"must be among .*; got Nowhere"):
        plan(data, ["Nowhere"], ["in_domain"], SIZES, 1)
    with pytest.raises(ConfigError, match="out_domain needs at least two sites"):
        plan(data, data.sites[:1], ["out_domain"], SIZES, 1)
