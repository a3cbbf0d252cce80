"""The ensemble as one of the models of an experiment."""

import csv
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.experiments import run, tune
from tests.integration.test_holdout import FOREST, experiment
from tuner_job.config.load import load_experiment
from tuner_job.evaluation.assessment import assess
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.pooling import Pool
from tuner_job.prediction.predict import load_model
from tuner_job.problem import prepare
from tuner_job.records import DEFAULT_TRIAL
from tuner_job.results.experiment_store import open_experiment

pytestmark = pytest.mark.timeout(1500)

FAMILIES = ["random_forest", "logistic_regression"]
TUNING = {
    "search_method": "random",
    "n_trials": 2,
    "cv_folds": 3,
    "search_spaces": {"random_forest": FOREST, "logistic_regression": {"C": [0.01, 0.1, 1.0]}},
}


def write(folder: Path, models: list[str], **changes: Any) -> Path:
    return experiment(folder, **{"models": models, "tuning": TUNING, **changes})


def commits(results: Path) -> dict[str, list[str]]:
    return {
        folder.parent.name: sorted(path.name for path in folder.iterdir())
        for folder in results.glob("small/*/commits")
    }


def fits(results: Path) -> Mapping[Path, int]:
    """What only a fit makes, and when it was made."""
    kinds = ("trials", "oof", "holdout")
    return {
        path: path.stat().st_mtime_ns
        for path in results.glob("small/*/*/*")
        if path.parent.name in kinds or path.parts[-3] in FAMILIES
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An experiment file that had the ensemble added after its first run, and its results."""
    folder = tmp_path_factory.mktemp("made")
    results = folder / "results"
    tune(write(folder, FAMILIES), results)
    before = fits(results)
    path = write(folder, [*FAMILIES, "ensemble"])
    out = tune(path, results)
    assert fits(results) == before, "nothing is fitted"
    assert len([one for one in before if one.parent.name == "holdout"]) >= 2
    assert "ensemble" in out
    return path, results


@pytest.fixture
def again(made: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """A copy of both, on the same deaths: a model says where they were."""
    data = {"source": str(made[0].parent / "deaths.csv"), "label": "cause"}
    path = write(tmp_path, [*FAMILIES, "ensemble"], data=data)
    return path, Path(shutil.copytree(made[1], tmp_path / "results"))


def test_it_is_a_model_like_the_others(made: tuple[Path, Path], tmp_path: Path) -> None:
    path, results = made
    study = json.loads((results / "small" / "summary.json").read_text())["studies"][-1]
    assert study["model"] == "ensemble"
    assert study["n_trials"] == {"complete": 0, "pruned": 0, "failed": 0}
    assert set(study["members"]) == set(study["best"]["params"]) == set(FAMILIES)
    assert set(study["default"]["params"].values()) == {0.5}
    assert set(study["holdout"]) == {"default_counted", "default", "tuned", "copy_train"}
    assert study["holdout"]["default"] != study["holdout"]["default_counted"]
    assert "training fractions times" in (results / "small/report.html").read_text()
    code, out, _ = run("show", str(results / "small"))
    assert (code, "random_forest^" in out) == (0, True)
    assert run("check", str(results / "small"))[0] == 0
    output = tmp_path / "predicted.csv"
    code, _, err = run(
        "predict", str(results / "small"), path.parent / "deaths.csv", "--model", "ensemble",
        "--output", output, "--raw",
    )  # fmt: skip
    assert code == 0, err
    store = open_experiment(str(results))
    models = {model: load_model(store, model) for model in (*FAMILIES, "ensemble")}
    X = models["ensemble"].encode(str(path.parent / "deaths.csv"))
    parts = [models[model].predict_proba(X) for model in FAMILIES]
    pooled = models["ensemble"].predictor.pooled
    exponents = study["best"]["params"]
    assert models["ensemble"].params == exponents
    assert [exponents[model] for model in sorted(FAMILIES)] == list(pooled.exponents)
    expected = pooled.apply(parts[::-1])  # in the order of their names
    rows = list(csv.DictReader(output.read_text().splitlines()))
    told = [[float(row[cause]) for cause in models["ensemble"].causes] for row in rows]
    np.testing.assert_allclose(told, expected, atol=1e-6)


def test_it_has_the_steps_that_the_others_have(made: tuple[Path, Path]) -> None:
    path, results = made
    store, prepared = open_experiment(str(results)), prepare(load_experiment(path))
    summary = store.summary()
    *members, study = summary.studies
    counted, default, tuned = study.steps
    assert str(counted.csmf_estimator) == "count"
    assert (counted.scores, tuned.scores) == (study.default.scores, study.best.scores)
    P = Pool.equal(2, 4).apply([store.load_oof(model, DEFAULT_TRIAL) for model in FAMILIES])
    y, folds, protocol = prepared.validated_y, prepared.validated_folds, prepared.protocol
    expected = assess(Deaths(y), P, folds, protocol, prepared.config.validation.csmf_estimators)
    assert default.csmf_estimator == expected.estimator
    assert default.folds == expected.folds
    assert default.calibration == Calibration.fit(y, P).record()
    for member in members:
        pairs = [(gain.before, gain.after, gain.metric) for gain in member.gains]
        assert pairs == [(gain.before, gain.after, gain.metric) for gain in study.gains]
        assert set(member.holdout) == set(study.holdout)
        assert member.fitted_on == study.fitted_on
    known = [member.optimism for member in members]
    assert min(known) <= study.optimism <= max(known)
    assert "ensemble" in [one.model for one in summary.best_model.candidates]


def test_the_same_file_gives_the_same_commit(made: tuple[Path, Path], tmp_path: Path) -> None:
    path, results = made
    tune(path, tmp_path / "at-once")
    for one in (results / "small/ensemble").glob("*/*"):
        other = tmp_path / "at-once" / one.relative_to(results)
        if one.parent.name != "commits":
            assert one.read_bytes() == other.read_bytes()
        else:
            assert json.loads(one.read_text()) == json.loads(other.read_text())


def test_a_lost_model_is_made_again_at_no_fit(again: tuple[Path, Path]) -> None:
    path, results = again
    (model,) = (results / "small/ensemble/models").iterdir()
    whole, before = model.read_bytes(), fits(results)
    model.write_bytes(whole[:500])
    code, out, _ = run("check", str(results / "small"))
    assert (code, f"{model}: is damaged" in out) == (2, True)
    tune(path, results)
    assert model.read_bytes() == whole
    assert fits(results) == before
    assert commits(results)["ensemble"] == ["0001.json"]


def test_lost_probabilities_of_a_member_are_made_again(again: tuple[Path, Path]) -> None:
    path, results = again
    lost = results / "small/logistic_regression/oof/default.npz"
    whole = lost.read_bytes()
    lost.unlink()
    shutil.rmtree(results / "small/ensemble")
    tune(path, results)
    assert lost.read_bytes() == whole
    assert commits(results) == {model: ["0001.json"] for model in (*FAMILIES, "ensemble")}


@pytest.mark.long
def test_other_members_make_another_commit(again: tuple[Path, Path]) -> None:
    path, results = again
    study = open_experiment(str(results)).summary().studies[-1]
    tuning = {**TUNING, "n_trials": 6}
    tune(write(path.parent, [*FAMILIES, "ensemble"], tuning=tuning), results)
    after = open_experiment(str(results)).summary().studies[-1]
    assert after.members != study.members
    assert commits(results)["ensemble"] == ["0001.json", "0002.json"]


def test_without_a_member_there_is_none_and_it_is_said(again: tuple[Path, Path]) -> None:
    path, results = again
    for model in ("logistic_regression", "ensemble"):
        shutil.rmtree(results / "small" / model)
    budget = {"cpu_seconds": 1e-9}
    code, _, err = run(
        "tune", write(path.parent, [*FAMILIES, "ensemble"], budget=budget),
        "--results", str(results),
    )  # fmt: skip
    assert code == 1
    assert "ensemble: is made of all other models, and logistic_regression is missing" in err
    assert "committed: random_forest, see" in err
    assert not (results / "small/ensemble").exists()
