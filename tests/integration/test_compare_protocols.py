"""Comparing under other compositions, nested, with an ensemble."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.integration.experiments import SCRIPT, run
from tests.integration.tables import synthetic_table
from tuner_job.evaluation.pooling import Pool

SPACES = {
    "random_forest": {"n_estimators": [10, 20], "max_depth": [None, 4], "min_samples_leaf": [1, 3]},
    "logistic_regression": {"C": [0.01, 0.1, 1.0], "penalty": ["l2"]},
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frame = synthetic_table("va34", n_samples=450, n_causes=5, n_symptoms=25, n_sites=3)
    path = tmp_path_factory.mktemp("data") / "table.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def compared(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output, spaces = tmp_path_factory.mktemp("output"), tmp_path_factory.mktemp("spaces")
    for model, space in SPACES.items():
        (spaces / f"{model}.yaml").write_text(yaml.safe_dump(space))
    code, out, err = run(
        SCRIPT, "--data-path", str(table), "--output-dir", str(output),
        "--models", *SPACES, "ensemble",
        "--experiments", "cross_validation", "leave_one_site_out", "--outer-folds", "2",
        "--protocols", "natural", "dirichlet", "--n-bootstrap", "20",
        "--tune-hyperparameters", "--tuning-trials", "3", "--tuning-cv-folds", "2",
        "--search-spaces", str(spaces),
    )  # fmt: skip
    assert code == 0, err
    assert out.count("tuning on ") == 2 * (2 + 3)
    return output


def test_every_test_has_a_row_in_every_protocol(compared: Path) -> None:
    full = pd.read_csv(compared / "full_results.csv")
    assert full.error.isna().all()
    models = full[~full.model.isin(("copy_train", "uniform", "majority"))]
    counts = models.groupby(["protocol", "model", "tuned"]).size()
    assert set(counts) == {5}
    assert len(counts) == 2 * 3 * 2
    assert set(models[~models.tuned].csmf_estimator) == {"count"}, "untuned models count"
    for _, row in models[(models.protocol != "natural") & models.tuned].iterrows():
        assert row.csmf_accuracy_ci_lower < row.csmf_accuracy < row.csmf_accuracy_ci_upper


def test_parameters_are_searched_in_the_given_spaces_and_validated_as_the_tests_are(
    compared: Path,
) -> None:
    schemes: dict[str, int] = {}
    for path in (compared / "tuning").glob("*/experiment.yaml"):
        experiment = yaml.safe_load(path.read_text())
        space = experiment["tuning"]["search_spaces"]["random_forest"]
        assert space["n_estimators"]["choices"] == [10, 20]
        scheme = experiment["validation"]["scheme"]
        schemes[scheme] = schemes.get(scheme, 0) + 1
    assert schemes == {"stratified": 2, "leave_one_site_out": 3, "dirichlet": 5}


def test_the_ensemble_is_the_pool_of_what_the_models_predicted(compared: Path) -> None:
    predictions = {path.stem: np.load(path) for path in (compared / "predictions").glob("*.npz")}
    name = next(name for name in predictions if name.endswith("ensemble-tuned-dirichlet"))
    parts = [predictions[name.replace("ensemble", model)]["P"].astype(float) for model in SPACES]
    choices = [
        json.loads(path.read_text())["tuned"]["params"]
        for path in (compared / "results").glob("*-ensemble-tuned-dirichlet.json")
    ]
    assert {tuple(sorted(choice)) for choice in choices} == {tuple(sorted(SPACES))}
    said = np.log(predictions[name]["P"])
    logs = dict(zip(SPACES, (np.log(np.maximum(P, 1e-6)) for P in parts), strict=True))
    left = [said - sum(choice[model] * logs[model] for model in SPACES) for choice in choices]
    spread = [np.std(one - one.mean(axis=1, keepdims=True), axis=0).max() for one in left]
    assert min(spread) < 1e-3, "beside what one of the searches weighs there is the prior alone"
    name = name.replace("tuned-dirichlet", "default")
    parts = [predictions[name.replace("ensemble", model)]["P"] for model in SPACES]
    expected = Pool.equal(2, 5).apply(parts)
    np.testing.assert_allclose(predictions[name]["P"], expected, atol=1e-5)


def test_the_ensemble_of_a_training_set_is_made_in_the_search_on_it(compared: Path) -> None:
    searches = list((compared / "tuning").glob("*/summary.json"))
    assert len(searches) == 10
    for path in searches:
        assert [s["model"] for s in json.loads(path.read_text())["studies"]][-1] == "ensemble"


def test_the_difference_is_that_of_the_tables_and_the_page_says_which_composition(
    compared: Path,
) -> None:
    full = pd.read_csv(compared / "full_results.csv")
    gains = pd.read_csv(compared / "tuned_vs_default.csv")
    assert len(gains) == 2 * 2 * 3 * 3 * 4, "protocols, types, models, steps, metrics"
    gains = gains[gains.step == "in_all"]
    one = gains[(gains.protocol == "dirichlet") & (gains.model == "random_forest")]
    one = one[(one.experiment_type == "cross_validation") & (one.metric == "csmf_accuracy")].iloc[0]
    own = full[(full.protocol == "dirichlet") & (full.model == "random_forest")]
    means = own[own.experiment_type == "cross_validation"].groupby("tuned").csmf_accuracy.mean()
    assert one.gain == pytest.approx(means[True] - means[False])
    assert one.low < one.gain < one.high
    page = (compared / "report.html").read_text()
    assert "dirichlet composition" in page
    groups = 2 * 2 * 3  # protocols, types, models
    for step in ("default, counted", "default, its estimator", "tuned, its estimator", "in all"):
        assert page.count(f"<td>{step}</td>") == groups


def test_tuned_choices_carry_what_predicting_needs(compared: Path) -> None:
    tuned = [
        json.loads(path.read_text())
        for path in (compared / "results").glob("*-tuned-dirichlet.json")
    ]
    assert tuned
    for result in tuned:
        choice = result["tuned"]
        assert len(choice["calibration"]["prior"]) == 5
        assert sum(choice["calibration"]["prior"]) == pytest.approx(1)
        assert result["csmf_estimator"].split("(")[0] == choice["csmf_estimator"]["method"]


def test_stated_compositions_are_what_is_tested(table: Path, tmp_path: Path) -> None:
    cause = pd.read_csv(table).va34.value_counts().index[-1]  # the rarest one
    compare = (
        SCRIPT,
        "--data-path",
        str(table),
        "--output-dir",
        str(tmp_path),
        "--models",
        "logistic_regression",
    )
    nested = (
        "--experiments",
        "cross_validation",
        "--outer-folds",
        "2",
        "--n-bootstrap",
        "20",
        "--no-plots",
    )
    code, _, err = run(
        *compare, *nested, "--protocols", "natural", "shift", "--shift", f"{cause}=0.9"
    )
    assert code == 0, err
    copied = (
        pd.read_csv(tmp_path / "full_results.csv")
        .query("model == 'copy_train'")
        .set_index("protocol")
    )
    assert copied.csmf_accuracy["natural"].min() > 0.95
    assert copied.csmf_accuracy["shift"].max() < 0.4, (
        "deaths nearly all of the rarest cause are not what was trained on"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--shift", "Malaria=0.2"), "--shift and --protocols shift need each other"),
        (
            ("--protocols", "shift", "--shift", "Malaria"),
            "must be CAUSE=SHARE or CAUSE=LEAST:LARGEST, got 'Malaria'",
        ),
        (
            ("--protocols", "shift", "--shift", "Nothing=0.2"),
            "--shift.Nothing: must be one of the 5 causes",
        ),
        (
            ("--experiments", "cross_validation", "--outer-folds", "1"),
            "--outer-folds: input should be greater than or equal to 2",
        ),
        (
            ("--tune-hyperparameters", "--search-spaces", "/nowhere"),
            "--search-spaces: /nowhere: must be a folder that holds <model>.yaml files",
        ),
    ],
)
def test_bad_input(table: Path, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = run(
        SCRIPT, "--data-path", str(table), "--output-dir", str(tmp_path / "o"), *arguments
    )
    assert (code, said in err, "Traceback" in err) == (2, True, False), err
    assert not (tmp_path / "o").exists()
