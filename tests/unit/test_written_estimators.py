"""Estimators given as objects of Python, written as an experiment file has them."""

from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.preprocessing import Binarizer

from tuner_job import Experiment
from tuner_job.api.estimators import written
from tuner_job.api.rows import as_csv
from tuner_job.errors import ConfigError

BERNOULLI = "sklearn.naive_bayes:BernoulliNB"


def test_classes_are_named_and_parameters_of_instances_fixed_unless_searched() -> None:
    assert written({"a": BernoulliNB}) == {"a": {"class": BERNOULLI}}
    assert written({"a": BernoulliNB(alpha=2.0, binarize=0.5)}, {"a": {"alpha": [1]}}) == {
        "a": {"class": BERNOULLI, "fixed": {"binarize": 0.5}}
    }
    section = {"class": HistGradientBoostingClassifier(max_iter=3), "path": "max_iter"}
    found = written({"a": section}, {"a": {"max_iter": [3, 6]}})["a"]
    assert (found["path"], found["fixed"]) == ("max_iter", {})
    assert written({"a": {"class": [Binarizer, BERNOULLI]}})["a"]["class"][1] == BERNOULLI
    assert written({"a": {"class": "x.Y", "path": "n"}}) == {"a": {"class": "x.Y", "path": "n"}}


def test_what_other_processes_cannot_find_is_refused() -> None:
    class Local(BernoulliNB):
        pass

    with pytest.raises(ConfigError, match=r"estimators.a.class: .* put it into a module"):
        written({"a": Local})
    for given in (GaussianNB(priors=np.ones(2) / 2), VotingClassifier([("b", BernoulliNB())])):
        with pytest.raises(ConfigError, match=r"estimators.a.fixed.\w+: of an instance must be"):
            written({"a": given})


def test_an_experiment_takes_them() -> None:
    content = {
        "name": "e",
        "data": {"format": "synthetic"},
        "models": ["a"],
        "estimators": {"a": BernoulliNB(binarize=0.5)},
        "tuning": {"search_spaces": {"a": {"alpha": [0.1, 1.0]}}},
    }
    config = Experiment.from_dict(content).config
    assert config.document()["estimators"]["a"]["class"] == BERNOULLI
    searched = config.family("a").Parameters().model_dump()
    assert searched["alpha"] == 1.0
    assert "binarize" not in searched


class Family(StrEnum):
    BAYES = "naive_bayes"


def test_paths_and_numbers_of_numpy_are_what_a_file_would_hold(tmp_path: Path) -> None:
    (tmp_path / "deaths.csv").write_text("cause,fever\n")
    content: dict[str, Any] = {
        "name": "plain",
        "data": {"source": tmp_path / "deaths.csv", "label": "cause"},
        "models": [Family.BAYES],
        "seed": np.int64(3),
        np.str_("tuning"): {"n_trials": np.array(5)},
    }
    config = Experiment.from_dict(content).config
    assert (config.seed, config.data.source) == (3, str(tmp_path / "deaths.csv"))
    assert (config.models, config.tuning.n_trials) == (["naive_bayes"], 5)
    assert yaml.safe_load(yaml.safe_dump(config.document()))["models"] == ["naive_bayes"]
    for wrong in (
        {("a", "b"): 1}, {"n_trials": pd.Timestamp("2020-01-01")},
        {"n_trials": np.datetime64("2020-01-01T00:00", "ns")}, {"n_trials": np.complex128(1)},
    ):  # fmt: skip
        with pytest.raises(ConfigError, match="must be text, a number"):
            Experiment.from_dict({**content, "tuning": wrong})
    with pytest.raises(ConfigError, match=r"tuning\.n_trials: must be text, a number, .* got set"):
        Experiment.from_dict({**content, "tuning": {"n_trials": {1}}})


def test_a_column_row_of_the_codebook_is_not_made_up() -> None:
    frame = pd.DataFrame({"x": [1, 2]})
    assert as_csv(frame, ["row", "x"]) == b"x,row_\n1,1\n2,2\n"
