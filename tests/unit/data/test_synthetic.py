import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold

from tuner_job.data import DataConfig, SyntheticConfig, VaDataset, load_dataset


def generate(**config: float) -> VaDataset:
    section = DataConfig(format="synthetic", synthetic=SyntheticConfig.model_validate(config))
    return load_dataset(section, no_file)


def no_file(source: str) -> bytes:
    raise AssertionError(f"synthetic data reads no file, but {source} was asked for")


def test_equal_configuration_gives_equal_deaths() -> None:
    assert generate(seed=3).digest == generate(seed=3).digest
    assert generate(seed=3).digest != generate(seed=4).digest


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"n_samples": 80, "n_causes": 40, "n_symptoms": 1, "n_sites": 1},
        {"n_samples": 200, "n_causes": 2, "n_sites": 100, "missing": 0.9},
    ],
)
def test_size_and_composition_are_as_asked(config: dict[str, float]) -> None:
    wanted, data = SyntheticConfig.model_validate(config), generate(**config)
    assert data.X.shape == (wanted.n_samples, wanted.n_symptoms + 3)
    assert [array.dtype.name for array in (data.X, data.y, data.site)] == [
        "float32",
        "int32",
        "int32",
    ]
    assert len(data.causes) == len(set(data.causes)) == wanted.n_causes
    assert np.bincount(data.y, minlength=wanted.n_causes).min() >= 2
    assert np.bincount(data.site, minlength=wanted.n_sites).min() >= 1
    assert len(data.sites) == wanted.n_sites
    assert len({feature.name for feature in data.features}) == data.X.shape[1]
    assert list(data.causes) == sorted(data.causes)


@pytest.mark.parametrize("missing", [0.0, 0.1, 0.5])
def test_the_share_of_missing_answers_is_as_asked(missing: float) -> None:
    assert np.isnan(generate(missing=missing).X).mean() == pytest.approx(missing, abs=0.05)


def test_a_left_out_site_is_harder_than_a_random_fold_and_neither_is_trivial() -> None:
    data = generate()
    random = list(StratifiedKFold(4, shuffle=True, random_state=0).split(data.X, data.y))
    by_site = [(np.flatnonzero(data.site != s), np.flatnonzero(data.site == s)) for s in range(4)]
    majority = np.bincount(data.y).max() / data.n_samples
    within, across = accuracy(data, random), accuracy(data, by_site)
    assert majority + 0.05 < across < within - 0.03
    assert within < 0.6


def accuracy(data: VaDataset, folds: list[tuple[np.ndarray, np.ndarray]]) -> float:
    hits = []
    for train, test in folds:
        forest = RandomForestClassifier(40, random_state=0).fit(data.X[train], data.y[train])
        hits.append((forest.predict(data.X[test]) == data.y[test]).mean())
    return float(np.mean(hits))
