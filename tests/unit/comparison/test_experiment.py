"""`va-tuning compare FILE`: what is refused before anything is written, and what the sections of an
experiment file mean for a comparison."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.stored import KEPT, run, snapshot
from tuner_job.comparison.compare import place_of
from tuner_job.comparison.settings import Settings, document, validations
from tuner_job.comparison.store import ComparisonStore
from tuner_job.config.decisive import digest_of
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.data import load_dataset
from tuner_job.data.config import DataConfig
from tuner_job.errors import StoreError
from tuner_job.results.store import read_bytes

BASE: dict[str, Any] = {
    "name": "exp",
    "data": {"source": "data.csv", "label": "cause", "site": "site"},
    "models": ["xgboost", "random_forest"],
}
ROWS = "".join(f"{'AB'[i % 2]},{'xyz'[i % 3]},{i % 2},{i % 5}\n" for i in range(60))
SHIFT = {"scheme": "shift", "shift": {"x": 0.5}}
STORED = KEPT.with_name("0.2.0")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text(f"site,cause,fever,days\n{ROWS}")
    return tmp_path


def config(**changes: Any) -> ExperimentConfig:
    return ExperimentConfig.model_validate({**BASE, **changes})


def refused(folder: Path, *options: object, **changes: Any) -> str:
    """Run a comparison that must be refused; return what it says."""
    (folder / "exp.yaml").write_text(yaml.safe_dump({**BASE, **changes}))
    before = snapshot(folder)
    outcome = run("compare", "exp.yaml", *options)
    assert outcome.exit_code == 2, outcome.output
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("va-tuning: ")
    assert snapshot(folder) == before
    return outcome.stderr


SECTIONS: list[tuple[dict[str, Any], str]] = [
    ({"comparison": {"experimets": []}}, "comparison.experimets: is not a known key"),
    ({"comparison": []}, "comparison: must hold keys and values, got []"),
    ({"comparison": {"experiments": []}}, "comparison.experiments: "),
    ({"comparison": {"experiments": ["nope"]}}, "comparison.experiments.0: "),
    (
        {"comparison": {"experiments": ["in_domain", "in_domain"]}},
        "comparison.experiments: must be distinct, got ['in_domain', 'in_domain']",
    ),
    ({"comparison": {"training_sizes": [0.5, 2]}}, "comparison.training_sizes.1: "),
    ({"comparison": {"training_sizes": [0.5, 0.50]}}, "training_sizes: must be distinct"),
    ({"comparison": {"outer_folds": 1}}, "comparison.outer_folds: "),
    ({"comparison": {"n_bootstrap": True}}, "n_bootstrap: must not be true or false, got true"),
    ({"comparison": {"protocols": ["leave_one_site_out"]}}, "comparison.protocols.0: "),
    ({"comparison": {"protocols": ["shift"]}}, "protocols: shift needs validation.scheme: shift"),
    (
        {"comparison": {"tune": True, "tuned_params": "results/x"}},
        "comparison: tune and tuned_params both choose parameters: give one of them",
    ),
    ({"comparison": {"tuned_params": "ftp://x"}}, "comparison.tuned_params: must be a folder"),
    ({"comparison": {"tuned_params": "nowhere"}}, "nowhere: must be the address of an experiment"),
    (
        {"validation": {**SHIFT, "shift": {"w": 0.5}}},
        "validation.shift.w: must be one of the 3 causes",
    ),
    (
        {"comparison": {"experiments": ["cross_validation"], "outer_folds": 61}},
        "comparison.outer_folds: must not exceed the 60 rows, got 61",
    ),
    (
        {"data": {"source": "data.csv", "label": "cause"}},
        "comparison.experiments: leave_one_site_out needs at least two sites, but the data has 1",
    ),
    ({"data": {**BASE["data"], "label": "va34"}}, "data.label names va34, which is not there"),
    ({"data": {**BASE["data"], "drop": ["nope"]}}, "data.drop names nope, which is not there"),
]


@pytest.mark.parametrize(("changes", "message"), SECTIONS)
def test_what_cannot_be_compared(folder: Path, changes: dict[str, Any], message: str) -> None:
    assert message in refused(folder, **changes)


def test_all_problems_of_a_file_are_told_together(folder: Path) -> None:
    said = refused(
        folder, seed=-1, comparison={"outer_folds": 1, "more": 1}, tuning={"n_trials": 0}
    )
    assert said.startswith("va-tuning: exp.yaml: 4 problems\n")


def test_wrong_usage_is_told_as_everything_else(folder: Path) -> None:
    assert refused(folder, "--data-path", "data.csv").startswith(
        "va-tuning: no such option '--data-path'"
    )
    assert refused(folder, "--output", "ftp://x").startswith("va-tuning: --output: must be a fold")


def test_nothing_of_an_experiment_is_written_over(folder: Path) -> None:
    shutil.copytree(STORED / "finished", folder / "va-results" / "exp")
    assert "exp: holds experiment.yaml, which no comparison wrote here" in refused(folder)


def test_the_default_protocol_is_that_of_tune() -> None:
    assert validations(config()) == {"dirichlet": config().validation}
    for scheme in ("stratified", "leave_one_site_out"):
        (composition,) = validations(config(validation={"scheme": scheme}))
        assert composition == "natural"
    assert place_of(config(results="s3://bucket/x/")) == "s3://bucket/x/exp"


def test_each_protocol_is_tuned_for_as_validation_says() -> None:
    compared = config(
        validation={**SHIFT, "csmf_estimators": ["mean"], "n_draws": 7, "holdout": 0.2},
        comparison={"protocols": ["natural", "dirichlet", "shift"]},
    )
    found = validations(compared)
    assert [(v.scheme, v.shift) for v in found.values()] == [
        ("stratified", {}),
        ("dirichlet", {}),
        ("shift", {"x": 0.5}),
    ]
    assert {(*v.csmf_estimators, v.n_draws, v.holdout) for v in found.values()} == {("mean", 7, 0)}


def test_what_is_compared_decides_no_trial() -> None:
    compared = config(comparison={"tune": True, "n_bootstrap": 7})
    assert digest_of(compared.document()) == digest_of(config().document())
    assert compared.document() == config().document()


def test_what_decides_the_results_is_what_is_claimed(folder: Path) -> None:
    data = load_dataset(config().data, read_bytes)
    first = document(config(), data)
    same = config(results="elsewhere", budget={"timeout": "1h"}, tuning={"n_trials": 3})
    assert document(same, data) == first
    for changes in (
        {"seed": 1},
        {"models": ["xgboost"]},
        {"validation": SHIFT},
        {"comparison": {"protocols": ["natural"]}},
        {"models": ["xgboost", "random_forest", "ensemble"]},
        {"comparison": {"tune": True}},
    ):
        assert document(config(**changes), data) != first
    tuned = {"comparison": {"tune": True}}
    for changes in (
        {"budget": {"max_trials": 3}},
        {"budget": {"timeout": "1h"}},
        {"validation": {"n_draws": 3}},
        {"tuning": {"n_trials": 3}},
    ):
        assert document(config(**tuned, **changes), data) != document(config(**tuned), data)
    assert Settings.of(config(validation=SHIFT), data).protocols[0].ranges == ((0, 0.5, 0.5),)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A comparison that version 0.2.0 wrote, beside its data."""
    text = (STORED / "deaths.csv").read_text().replace("site,cause,", "site,va34,", 1)
    (tmp_path / "data.csv").write_text(text)
    return Path(shutil.copytree(STORED / "comparison", tmp_path / "comparison"))


EARLIER: dict[str, Any] = {
    "models": ["logistic_regression"],
    "tuning": {"search_method": "random", "n_trials": 2, "cv_folds": 2},
    "validation": {"scheme": "shift", "shift": {"Malaria": [0.1, 0.4], "Stroke": 0.02}},
    "budget": {"timeout": "10m"},
    "comparison": {
        "experiments": ["in_domain", "cross_validation"],
        "outer_folds": 2,
        "protocols": ["natural", "shift"],
        "n_bootstrap": 5,
        "tune": True,
    },
}


def test_a_comparison_of_an_earlier_version_goes_on(earlier: Path) -> None:
    source = DataConfig(source=str(earlier.with_name("data.csv")), label="va34", site="site")
    data, store = load_dataset(source, read_bytes), ComparisonStore(str(earlier))
    store.claim(document(config(**EARLIER), data), resume=True)
    assert len(store.load()) == 40
    with pytest.raises(StoreError, match="holds results of this comparison; go on"):
        store.claim(document(config(**EARLIER), data), resume=False)
    for changes, key in (
        ({"seed": 1}, "seed"),
        ({"budget": {"timeout": "11m"}}, "tuning_timeout"),
        ({"validation": {**SHIFT, "shift": {"Stroke": 0.02}}}, "shift"),
        ({"tuning": {**EARLIER["tuning"], "n_trials": 3}}, "tuning"),
    ):
        with pytest.raises(StoreError, match=rf"holds another comparison \({key} differ\)"):
            store.claim(document(config(**{**EARLIER, **changes}), data), resume=True)


def test_a_comparison_with_an_earlier_ensemble_says_what_to_write(earlier: Path) -> None:
    source = DataConfig(source=str(earlier.with_name("data.csv")), label="va34", site="site")
    data, claim = load_dataset(source, read_bytes), earlier / "comparison.json"
    claim.write_text(claim.read_text().replace('"ensemble": false', '"ensemble": true'))
    with pytest.raises(StoreError, match=r"comparison\.ensemble, .* name ensemble among models"):
        ComparisonStore(str(earlier)).claim(document(config(**EARLIER), data), resume=True)


def test_settings_that_cannot_be_read_any_more_are_named(earlier: Path) -> None:
    source = DataConfig(source=str(earlier.with_name("data.csv")), label="va34", site="site")
    claim = json.loads((earlier / "comparison.json").read_text())
    claim["tuning"] |= {"search_method": "annealing"}
    (earlier / "comparison.json").write_text(json.dumps(claim))
    with pytest.raises(StoreError, match=r"holds another comparison \(tuning differ\)"):
        ComparisonStore(str(earlier)).claim(
            document(config(**EARLIER), load_dataset(source, read_bytes)), resume=True
        )
