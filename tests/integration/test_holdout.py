"""Deaths that are held out of a whole search."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.integration.experiments import SMALL, run, trials_table, tune, write
from tuner_job.config.load import load_experiment
from tuner_job.problem import prepare

pytestmark = pytest.mark.timeout(1500)

FOREST = {"n_estimators": [10, 30], "max_depth": [None, 4], "min_samples_leaf": [1, 2, 4]}


def experiment(folder: Path, **changes: Any) -> Path:
    """An experiment on a table of its own, and the table: 240 deaths, 4 causes."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(5)
    cause = rng.integers(0, 4, 240)
    profile = rng.uniform(0.1, 0.9, (4, 10))
    table = pd.DataFrame(
        (rng.random((240, 10)) < profile[cause]).astype(int), columns=[f"s{i}" for i in range(10)]
    )
    table.insert(0, "cause", [f"cause {c}" for c in cause])
    table["planted"] = rng.integers(0, 2, 240)
    table.to_csv(folder / "deaths.csv", index=False)
    content = {
        "data": {"source": "deaths.csv", "label": "cause"},
        "models": ["random_forest"],
        "tuning": {**SMALL["tuning"], "n_trials": 5, "search_spaces": {"random_forest": FOREST}},
        "validation": {"holdout": 0.25, "n_draws": 30},
    }
    return write(folder, **{**content, **changes})


def plant(path: Path, shuffled: bool) -> None:
    """Let a column tell the cause of held-out deaths, and say nothing of the others."""
    prepared = prepare(load_experiment(path))
    table = pd.read_csv(path.parent / "deaths.csv")
    told = prepared.dataset.y[prepared.held_out]
    table["planted"] = 0
    table.loc[prepared.held_out, "planted"] = (
        np.random.default_rng(1).permutation(told) if shuffled else told
    )
    table.to_csv(path.parent / "deaths.csv", index=False)


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results" / "small" / "summary.json").read_text())["studies"][0]


def test_the_search_never_sees_them_and_default_and_tuned_are_scored_on_them(
    tmp_path: Path,
) -> None:
    tables = []
    for shuffled in (False, True):
        folder = tmp_path / str(shuffled)
        path = experiment(folder)
        plant(path, shuffled)
        tune(path, folder / "results")
        tables.append(trials_table(folder / "results"))
        held_out = summary(folder)["holdout"]
        assert set(held_out) == {"default_counted", "default", "tuned", "copy_train"}
        assert (
            set(held_out["default"]) == set(held_out["tuned"]) >= {"csmf_accuracy", "cod_accuracy"}
        )
        assert all(0 < scores["csmf_accuracy"] <= 1 for scores in held_out.values())
        with np.load(
            folder / "results" / "small" / "random_forest" / "oof" / "default.npz"
        ) as kept:
            assert kept["P"].shape == (180, 4), "of the deaths that were searched"
    assert tables[0] == tables[1]
    code, out, _ = run("show", str(tmp_path / "True" / "results"))
    assert code == 0
    assert "The models that are kept are fitted on 240 deaths, the 60 of the hold-out too" in out
    assert "what tuning gives" in out
    code, out, _ = run(
        *("predict", str(tmp_path / "True" / "results"), str(tmp_path / "True" / "deaths.csv")),
        *("--output", str(tmp_path / "predictions.csv")),
    )
    assert code == 0
    assert "the model was fitted on these very 240 deaths" in out


def test_a_simpler_trial_than_the_ten_best_can_be_chosen(tmp_path: Path) -> None:
    space = {"n_estimators": [10, 15, 20, 25, 30, 40], "min_samples_leaf": [1, 2, 3, 30]}
    tuning = {
        **SMALL["tuning"], "search_method": "grid", "selection": "one_standard_error",
        "early_stopping": "none",
        "search_spaces": {"random_forest": space},
    }  # fmt: skip
    path = experiment(tmp_path, tuning=tuning, validation={"csmf_estimators": ["mean"]})
    tune(path, tmp_path / "results")
    study = summary(tmp_path)
    counted, default, tuned = study["steps"]
    methods = [step["csmf_estimator"]["method"] for step in (counted, default, tuned)]
    assert methods == ["count", "mean", "mean"], "counting is looked at though it is no candidate"
    assert len(counted["folds"]) == len(default["folds"]) == len(tuned["folds"]) == 3
    of_default = json.loads(
        (tmp_path / "results/small/random_forest/trials/default.json").read_text()
    )
    assert default["scores"] == pytest.approx(of_default["scores"])
    assert tuned["scores"] == study["best"]["scores"]
    whole = json.loads((tmp_path / "results/small/summary.json").read_text())
    assert whole["best_model"]["model"] == "random_forest"
    assert study["selection"] == "one_standard_error"
    assert study["n_trials"]["complete"] == 24
    assert len(list((tmp_path / "results" / "small" / "random_forest" / "oof").iterdir())) == 25
