"""Bad input, each: exit code 2, one message that says what and where, no traceback, nothing
written."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tuner_job.cli.main import main

GOOD_CSV = "cause,site,fever,cough\n" + "".join(
    f"{'xyz'[i % 3]},{'AB'[i % 2]},{i % 2},{i // 3 % 3}\n" for i in range(30)
)
BASE: dict[str, Any] = {
    "name": "exp",
    "data": {"source": "data.csv", "label": "cause", "site": "site"},
    "models": ["random_forest"],
}


def tune(folder: Path, content: Any, data: str | bytes | None = GOOD_CSV) -> tuple[int, str]:
    """Run an experiment file in a folder; return exit code and error output."""
    if data is not None:
        (folder / "data.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
    path = folder / "experiment.yaml"
    path.write_text(
        content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
    )
    results = folder / "results"
    outcome = CliRunner().invoke(main, ["tune", str(path), "--results", str(results)])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    assert not results.exists(), "nothing is written"
    return outcome.exit_code, outcome.stderr


def with_tuning(**tuning: Any) -> dict[str, Any]:
    return {**BASE, "tuning": tuning}


def with_space(**space: Any) -> dict[str, Any]:
    return with_tuning(search_spaces={"random_forest": space})


def with_validation(**validation: Any) -> dict[str, Any]:
    return {**BASE, "validation": validation}


def with_shift(shift: dict[str, Any]) -> dict[str, Any]:
    return with_validation(scheme="shift", shift=shift)


CONFIGURATIONS: list[tuple[Any, list[str]]] = [
    ({**BASE, "modles": 1}, ["modles: is not a known key"]),
    (with_tuning(n_trails=5), ["tuning.n_trails: is not a known key"]),
    (with_tuning(n_trials="many"), ["tuning.n_trials: ", "got 'many'"]),
    (with_tuning(early_stopping=None),
     ["tuning.early_stopping: must hold keys and values, got None"]),
    (with_tuning(n_trials=True), ["tuning: n_trials: must not be true or false, got true"]),
    ({**BASE, "seed": False}, ["seed: must not be true or false, got false"]),
    ({**BASE, "budget": {"timeout": True}},
     ["budget: timeout: must not be true or false, got true"]),
    ('name: "\\UFFFFFFFF"', ["experiment.yaml: is not valid YAML: an escape"]),
    (
        with_tuning(n_trials=0),
        ["tuning.n_trials: input should be greater than or equal to 1, got 0"],
    ),
    (
        with_tuning(scoring_metric="accuracy"),
        ["tuning.scoring_metric", "must be among csmf_accuracy", "got accuracy"],
    ),
    (
        with_tuning(scoring_metric=["csmf_accuracy", "ccc"], early_stopping="median"),
        ["early_stopping: median judges one objective; for several use paired or none"],
    ),
    (
        with_tuning(scoring_metric=["csmf_accuracy", "ccc"], search_method="optuna", sampler="gp"),
        ["sampler: gp searches one objective only"],
    ),
    (with_tuning(sampler="nsgaii"), ["sampler: nsgaii needs search_method: optuna"]),
    (
        with_tuning(early_stopping={"rule": "race", "level": 0.05}),
        [
            "tuning.early_stopping.rule: race was removed in version 0.3.0; write paired, with a "
            "smaller level to stop less"
        ],
    ),
    (
        with_tuning(scheduler="asha"),
        [
            "tuning: scheduler: was removed in version 0.3.0; leave it out; search_method: asha "
            "stops"
        ],
    ),
    (
        with_tuning(free_knowledge=False),
        [
            "tuning: free_knowledge: was removed in version 0.3.0; leave it out; nothing takes "
            "its place"
        ],
    ),
    ({**BASE, "name": "Adult_XGB"}, ["name: ", "got 'Adult_XGB'"]),
    ({**BASE, "name": "a" * 41}, ["name: ", "at most 40"]),
    ({**BASE, "models": []}, ["models: "]),
    ({**BASE, "models": ["svm"]}, ["models: must be among xgboost, ", "got 'svm'"]),
    (
        {**BASE, "models": ["xgboost", "ensemble"]},
        ["models: ensemble is made of two or more other models, got ['xgboost', 'ensemble']"],
    ),
    (
        {**BASE, "models": ["ensemble"]},
        ["models: ensemble is made of two or more other models, got ['ensemble']"],
    ),
    (
        with_tuning(search_spaces={"ensemble": {"C": [1.0]}}),
        ["tuning.search_spaces: ensemble has nothing to search"],
    ),
    (
        {**BASE, "comparison": {"ensemble": True}},
        ["comparison: ensemble: was removed in version 0.5.0; leave it out, and name ensemble"],
    ),
    ({k: v for k, v in BASE.items() if k != "name"}, ["name: is required"]),
    ({**BASE, "budget": {"timeout": "soon"}},
     ["budget.timeout: must be a number with a unit, such as 90s, 30m or 2h"]),
    ({**BASE, "budget": {"memory_per_task": "2 apples"}},
     ["budget.memory_per_task: must be a number with a unit"]),
    (with_space(max_depth=[]), ["tuning.search_spaces.random_forest.max_depth", "at least 1 item"]),
    (with_space(), ["tuning.search_spaces.random_forest: the space is empty"]),
    (with_space(depth=[1]),
     ["random_forest.depth: is not a parameter of this model; did you mean max_depth?"]),
    (with_space(max_depth=["deep"]), ["random_forest.max_depth: ", "got 'deep'"]),
    (with_space(n_estimators={"low": 300, "high": 100}),
     ["low must be below high", "low=300, high=100"]),
    (with_space(n_estimators=[0, 10]), ["random_forest.n_estimators: ", "got 0"]),
    (
        with_space(
            max_depth=[3, 5], min_samples_leaf={"choices": [1, 2], "when": {"max_depth": 4}}),
        ["min_samples_leaf.when: max_depth never is 4; it has [3, 5]"],
    ),
    (
        with_space(max_depth=[3], forbid=[{"max_depth": 3}]),
        ["random_forest: `forbid` excludes every configuration"],
    ),
    (
        {**with_tuning(search_spaces={"xgboost": {"max_depth": [3]}})},
        ["tuning.search_spaces: xgboost is not among models ['random_forest']"],
    ),
    (
        with_tuning(
            search_method="grid",
            search_spaces={"random_forest": {"max_features": {"low": 0.1, "high": 0.9}}}
        ),
        ["a grid needs lists or ranges with a step, but max_features has neither"],
    ),
    (
        {**BASE, "models": ["logistic_regression"],
         "tuning": {"n_trials": 1, "search_spaces": {
             "logistic_regression": {"penalty": ["l2"], "l1_ratio": [0.5]}}}},
        ["logistic_regression", "l1_ratio is for penalty elasticnet only"],
    ),
    (with_tuning(cv_folds=31),
     ["tuning.cv_folds: must not exceed the 30 rows of the data, got 31"]),
    (with_tuning(search_spaces="none"),
     ["tuning.search_spaces: ",
      "/none: must be a folder that holds <model>.yaml files: No such file or directory"]),
    (
        {**BASE, "data": {"source": "data.csv", "label": "cause"},
         "validation": {"scheme": "leave_one_site_out"}},
        ["validation.scheme: leave_one_site_out needs at least two sites"],
    ),
    (with_validation(scheme="shift"),
     ["validation: scheme shift and the key shift need each other"]),
    (with_validation(shift={"x": 0.5}),
     ["validation: scheme shift and the key shift need each other"]),
    (with_shift({"injry": 0.5}),
     ["validation.shift.injry: must be one of the 3 causes; they are x, y, z"]),
    (with_shift({"x": [0.6, 0.2]}),
     ["validation: shift.x: must be [least, largest], got [0.6, 0.2]"]),
    (with_shift({"x": 0.7, "y": [0.4, 0.5]}),
     ["shift: the least fractions must sum to at most 1, got 1.1"]),
    (with_shift({"x": 0.1, "y": [0.1, 0.3], "z": 0.2}),
     ["validation.shift: states every cause, so the largest fractions must sum to at least 1, got "
      "0.6"]),
    (with_shift({"x": 1.5}), ["validation.shift.x", "less than or equal to 1, got 1.5"]),
    (with_validation(shift="nea"),
     ["validation.shift: must be near, moderate or any, or fractions of causes, got 'nea'"]),
    (with_validation(shift={"x": 0.2}), ["scheme shift and the key shift need each other"]),
    (with_validation(scheme="shift", shift="near"),
     ["scheme shift and the key shift need each other"]),
    (with_validation(scheme="stratified", shift="near"),
     ["validation: shift and population_size must be left out with scheme stratified"]),
    (with_validation(scheme="leave_one_site_out", population_size=200),
     ["shift and population_size must be left out with scheme leave_one_site_out"]),
    (with_validation(population_size=[500, 50]),
     ["validation: population_size: must be [fewest, most], got [500, 50]"]),
    (with_validation(population_size=3), ["validation.population_size", "got 3"]),
    (with_validation(population_size="most"), ["validation.population_size", "got 'most'"]),
    (with_validation(csmf_estimators=["em", "em"]),
     ["csmf_estimators must be distinct, got ['em', 'em']"]),
    (with_validation(csmf_estimators=["emq"]), ["validation.csmf_estimators.0: ", "got 'emq'"]),
    (with_validation(csmf_estimators=[]), ["validation.csmf_estimators: "]),
    (with_validation(holdout=0.6),
     ["validation.holdout: input should be less than or equal to 0.5, got 0.6"]),
    (with_validation(scheme="leave_one_site_out", holdout=0.2),
     ["holdout does not test other sites: with leave_one_site_out use `va-tuning compare`"]),
    ("name: [unclosed", ["experiment.yaml: is not valid YAML"]),
    ("- a list", ["experiment.yaml: must hold keys and values, got list"]),
]  # fmt: skip

DATA: list[tuple[str | bytes | None, dict[str, Any], list[str]]] = [
    (None, {}, ["data.csv: cannot be read: No such file or directory"]),
    ("", {}, ["data.csv", "empty"]),
    (GOOD_CSV + "x,A,1", {}, ["data.csv", "row 32", "4 columns"]),
    (b"\x89PNG\r\n\x1a\n" + bytes(100), {}, ["data.csv"]),
    (GOOD_CSV.replace("cause,", "kause,"), {}, ["data.csv", "cause", "kause"]),
    (GOOD_CSV.replace("cause,site", "cause,place"), {}, ["data.csv", "site"]),
    ("cause,site,fever\n" + "x,A,1\nx,B,0\n" * 10, {}, ["data.csv", "cause", "at least 2 causes"]),
    (GOOD_CSV.replace("x,A,0,0", "x,A,inf,0", 1), {}, ["data.csv", "inf", "fever"]),
    (GOOD_CSV.replace("fever,cough", "fever,fever"), {}, ["data.csv", "fever"]),
    (GOOD_CSV, {"sites": ["Mexico"]}, ["data.csv", "Mexico", "A (15 rows), B (15 rows)"]),
    ("cause,site\n" + "x,A\ny,B\n" * 5, {}, ["data.csv"]),
    (
        "cause,site,fever\n",
        {},
        ["data.csv: must have at least one row below its header; found none"],
    ),
    ("a\n1\n2\n", {}, ["data.csv: columns must be there", "cause"]),
    (
        GOOD_CSV + "x,A,\0,1\n",
        {},
        ["data.csv", "row 32 (the header is row 1) holds a NUL character"],
    ),
    (
        GOOD_CSV.encode() + b"x,\xc3\xa9,1,1\nx,\xe9,1,1\n",
        {},
        ["must be UTF-8 throughout", "byte 0xE9 in row 33"],
    ),
    (GOOD_CSV.encode("utf-16-le") + b"\0", {}, ["NUL character"]),
    (b"x" * 140_000 + b",cause,site\n1,2,3\n", {}, ["names must have at most 5,000 characters"]),
    (b"\x1f\x8b" + bytes(50), {}, ["must be whole gzip-compressed data"]),
    (b"PAR1" + bytes(50), {}, ["must be a whole Parquet file"]),
    ("<!DOCTYPE html>\n<p>a,b</p>\n", {}, ["found HTML or XML"]),
    (bytes(range(1, 256)) * 20, {}, ["must be text in UTF-8 or Windows-1252"]),
]


@pytest.mark.parametrize(("content", "expected"), CONFIGURATIONS)
def test_experiment_files(tmp_path: Path, content: Any, expected: list[str]) -> None:
    code, said = tune(tmp_path, content)
    assert code == 2
    assert said.startswith("va-tuning: ")
    assert "Traceback" not in said
    for part in expected:
        assert part in said


@pytest.mark.parametrize(("data", "changes", "expected"), DATA)
def test_data(
    tmp_path: Path, data: str | None, changes: dict[str, Any], expected: list[str]
) -> None:
    code, said = tune(tmp_path, {**BASE, "data": {**BASE["data"], **changes}}, data)
    assert code == 2
    assert said.count("va-tuning: ") == 1
    for part in expected:
        assert part in said


@pytest.mark.parametrize("source", ["/dev/zero", "pipe", ".", "nowhere.csv"])
def test_what_is_no_file_is_neither_waited_for_nor_read(tmp_path: Path, source: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    code, said = tune(tmp_path, {**BASE, "data": {**BASE["data"], "source": source}})
    assert code == 2
    assert "cannot be read: " in said


@pytest.mark.parametrize(
    "data",
    [
        GOOD_CSV.encode("utf-8-sig"),
        GOOD_CSV.encode("utf-16"),
        GOOD_CSV.replace("\n", "\r\n").encode(),
        GOOD_CSV.replace("\n", "\r").encode(),
        GOOD_CSV.replace("\n", "\r\n", 9).encode() + b"\n\n",
    ],
    ids=["byte order mark", "UTF-16", "CR LF", "CR", "mixed line ends"],
)
def test_every_way_of_writing_text_is_read_alike(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "data.csv").write_bytes(data)
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(BASE))
    outcome = CliRunner().invoke(main, ["validate", str(tmp_path / "experiment.yaml")])
    assert outcome.exit_code == 0, outcome.stderr
    assert "30 deaths, 3 causes, 2 sites, 2 features" in outcome.stdout


def test_counts_agree_with_their_nouns(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("cause,x\n" + "a,1\nb,0\n" * 5)
    space = {"random_forest": {"max_depth": [3]}}
    content = {
        "name": "exp", "data": {"source": "data.csv", "label": "cause"},
        "models": ["random_forest"], "tuning": {"n_trials": 1, "search_spaces": space},
    }  # fmt: skip
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(content))
    said = CliRunner().invoke(main, ["validate", str(tmp_path / "experiment.yaml")]).stdout
    assert "10 deaths, 2 causes, 1 site, 1 feature; 5 folds" in said
    assert "1 trial in a space of 1 configuration\n" in said


def test_a_cause_that_is_misspelt_is_guessed(tmp_path: Path) -> None:
    data = GOOD_CSV.replace("\nx,", "\nStroke,").replace("\ny,", "\nMalaria,")
    code, said = tune(tmp_path, with_shift({"malaria": 0.5}), data)
    assert code == 2
    assert "validation.shift.malaria: must be one of the 3 causes; did you mean Malaria?" in said


def test_all_problems_are_said_together(tmp_path: Path) -> None:
    content = {
        **BASE,
        "modles": 1,
        "seed": -1,
        "tuning": {"n_trials": 0, "search_spaces": {"random_forest": "no.yaml"}},
    }
    code, said = tune(tmp_path, content)
    assert code == 2
    assert "4 problems" in said
    for part in (
        "modles",
        "seed",
        "tuning.n_trials",
        "tuning.search_spaces.random_forest: ",
        "no.yaml: cannot be read",
    ):
        assert part in said


def test_an_absent_experiment_file(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(main, ["tune", str(tmp_path / "no.yaml")])
    assert outcome.exit_code == 2
    assert (
        outcome.stderr
        == f"va-tuning: {tmp_path}/no.yaml: cannot be read: No such file or directory\n"
    )


@pytest.fixture
def good(tmp_path: Path) -> Path:
    (tmp_path / "data.csv").write_text(GOOD_CSV)
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(BASE))
    return path


def test_results_locations_are_found_out_before_the_search(good: Path) -> None:
    outcome = CliRunner().invoke(main, ["tune", str(good), "--results", "/proc/none/results"])
    assert outcome.exit_code == 2
    assert (
        outcome.stderr
        == "va-tuning: /proc/none/results: cannot be written: No such file or directory\n"
    )


@pytest.mark.parametrize(
    ("results", "shown"),
    [
        ("", "''"),
        ("ftp://host/x", "'ftp://host/x'"),
        ("https://user:hidden@host/x?sig=hidden", "'https://host/x'"),
        ("s3://KEY:hidden@bucket/x", "'s3://bucket/x'"),
    ],
)
def test_what_cannot_hold_results_is_refused_with_its_key(
    good: Path, results: str, shown: str
) -> None:
    by_flag = CliRunner().invoke(main, ["tune", str(good), "--results", results])
    good.write_text(yaml.safe_dump({**BASE, "results": results}))
    by_key = CliRunner().invoke(main, ["validate", str(good)])
    for outcome, key in ((by_flag, "va-tuning: --results: must "), (by_key, "\n  results: must ")):
        assert outcome.exit_code == 2
        assert key in outcome.stderr
        assert outcome.stderr.endswith(f"; got {shown}\n")
        assert "hidden" not in outcome.output


def test_a_file_where_the_folder_should_be(good: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    outcome = CliRunner().invoke(main, ["tune", str(good), "--results", str(tmp_path / "taken")])
    assert outcome.exit_code == 2
    assert f"{tmp_path}/taken" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_validate_writes_nothing_and_says_what_will_run(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    outcome = CliRunner().invoke(main, ["validate", str(good)])
    assert outcome.exit_code == 0, outcome.stderr
    assert "30 deaths, 3 causes, 2 sites" in outcome.stdout
    assert "random_forest: 50 trials in a space of 576 configurations" in outcome.stdout
    assert sorted(tmp_path.rglob("*")) == before
