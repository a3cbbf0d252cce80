"""`run-distributed-comparison`: what is refused in one message before anything is written, and
which experiment the flags describe."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.stored import copy, run, snapshot
from tuner_job.cli.run_distributed_comparison import experiment_of, main
from tuner_job.config.experiment import ExperimentConfig

ROWS = "".join(f"{'AB'[i % 2]},{'xyz'[i % 3]},{i % 2},{i % 5}\n" for i in range(60))
GOOD = f"site,va34,fever,days\n{ROWS}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text(GOOD)
    return tmp_path


def refused(
    folder: Path, *options: object, data: object = "data.csv", output: object = "out"
) -> str:
    """Run a comparison that must be refused; return what it says."""
    before = snapshot(folder)
    places = ("--data-path", data, "--output-dir", output)
    outcome = run("run-distributed-comparison", *places, *options)
    assert outcome.exit_code == 2, outcome.output
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("va-tuning: ")
    assert outcome.stderr.count("\nva-tuning: ") == 0
    assert len(outcome.stderr) < 800
    assert snapshot(folder) == before
    return outcome.stderr


NUMBERS = [
    ("--random-seed", ["-1", "2147483648", "4294967296", "9" * 5000, "1.5", "nan", "", "٣"]),
    ("--n-bootstrap", ["0", "1", "-5", "100001", "inf"]),
    ("--outer-folds", ["0", "1", "1e3", "9" * 30]),
    ("--n-workers", ["0", "-1", "100000"]),
    ("--batch-size", ["0", "-1", "nan"]),
    ("--checkpoint-interval", ["0", "x"]),
    ("--tuning-trials", ["0", "-1", "9" * 30]),
    ("--tuning-cv-folds", ["1", "-3", "two"]),
    ("--training-sizes", ["0", "-0.5", "1.1", "nan", "inf", "half", "9" * 5000]),
    ("--tuning-timeout", ["-1s", "0s", "nan", "9" * 30 + "d", "9" * 400 + "s", "soon"]),
    ("--memory-per-worker", ["-1Gi", "0M", "inf", "9" * 30 + "Gi", "lots"]),
]


@pytest.mark.parametrize(("flag", "values"), NUMBERS)
def test_numbers_out_of_their_range(folder: Path, flag: str, values: list[str]) -> None:
    tuned = () if flag in ("--n-workers", "--batch-size") else ("--tune-hyperparameters",)
    for value in values:
        assert flag in refused(folder, *tuned, f"{flag}={value}")


OTHERS = [
    (
        ["--modles", "xgboost"],
        "va-tuning: no such option '--modles'; did you mean '--models'?\n",
    ),
    (["--models", "svm"], "--models: 'svm' is not one of 'xgboost', "),
    (["--models", "x" * 100_000], "--models: 'xxx"),
    (["--models", "\x1b[31m\0"], "\\x1b"),
    (["--models"], "option '--models' requires an argument"),
    (["--models", "--no-plots"], "--models: must have a value"),
    (["--data-path", ""], "source must name a file"),
    (
        ["more"],
        "got unexpected extra argument (more); see run-distributed-comparison --help\n",
    ),
    (["--sites", "A", "Z"], "found Z"),
    (["--protocols", "shift"], "--shift and --protocols shift need each other"),
    (["--shift", "x=0.1"], "--shift and --protocols shift need each other"),
    (["--protocols", "shift", "--shift", "x=0.1", "x=0.2"], "--shift: must state each cause once"),
    (["--protocols", "shift", "--shift", "x=nan"], "  --shift.x.0: "),
    (["--protocols", "shift", "--shift", "x=7"], "  --shift.x.0: "),
    (["--protocols", "shift", "--shift", "x"], "--shift: must be CAUSE=SHARE"),
    (
        ["--protocols", "shift", "--shift", "w=0.1"],
        "--shift.w: must be one of the 3 causes",
    ),
    (
        ["--experiments", "cross_validation", "--outer-folds", "61"],
        "--outer-folds: must not exceed the 60 rows, got 61",
    ),
    (
        ["--tune-hyperparameters", "--search-spaces", "nowhere"],
        "--search-spaces: nowhere: must be a folder that holds <model>.yaml files",
    ),
    (["--tuned-params", "nowhere"], "nowhere: must be the address of an experiment; found none"),
    (["--tuned-params", "x", "--tune-hyperparameters"], "give one of them"),
    (
        ["--training-sizes", "2", "--n-bootstrap", "1", "--random-seed", "x"],
        "va-tuning: the command line: 3 problems\n",
    ),
]


@pytest.mark.parametrize(("options", "message"), OTHERS)
def test_options_that_cannot_be_used(folder: Path, options: list[str], message: str) -> None:
    assert message in refused(folder, *options)


FILES = [
    (b"", "the file is empty"),
    (b"site,va34,fever\n", "must have at least one row below its header; found none"),
    (b"PAR1" + bytes(50), "must be a whole Parquet file"),
    (b"x" * 140_000 + b",b\n1,2\n", "column names must have at most 5,000 characters"),
    (GOOD.encode() + b"A,\0,1,1\n", "row 62 (the header is row 1) holds a NUL character"),
    (GOOD.encode() + "A,é,1,1\n".encode() + b"A,\xe9,1,1\n", "must be UTF-8 throughout"),
    (b"<html>,", "found HTML"),
    (b"a\n1\n2\n", "columns must be there to be used"),
    (GOOD.replace("fever", "site").encode(), "column names must differ; found site (2 times)"),
    (bytes(range(1, 256)) * 9, "must be text"),
]


@pytest.mark.parametrize(("content", "message"), FILES)
def test_files_that_cannot_be_used(folder: Path, content: bytes, message: str) -> None:
    (folder / "data.csv").write_bytes(content)
    assert message in refused(folder)


@pytest.mark.parametrize("data", ["nowhere.csv", ".", "/dev/zero"])
def test_places_where_no_data_are(folder: Path, data: str) -> None:
    assert "cannot be read" in refused(folder, data=data)


@pytest.mark.parametrize("name", ["report.html", "full_results.csv", "in_domain_results.csv"])
def test_nothing_of_others_is_written_over(folder: Path, name: str) -> None:
    (folder / "out").mkdir()
    (folder / "out" / name).write_text("mine")
    assert f"holds {name}, which no comparison wrote here" in refused(folder)
    (folder / "out" / name).write_text(GOOD)
    (folder / "link.csv").symlink_to(folder / "out" / name)
    (folder / "out" / "comparison.json").write_text("{}")
    assert "link.csv: would be written over" in refused(folder, data="link.csv")


def test_an_experiment_is_no_place_for_a_comparison(folder: Path) -> None:
    copy(folder / "results")
    assert "holds experiment.yaml, which no comparison wrote" in refused(
        folder, output="results/stored"
    )


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\0"])
def test_a_damaged_claim_is_named(folder: Path, content: str) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "comparison.json").write_text(content)
    assert "out/comparison.json: is damaged: " in refused(folder, "--resume")


def described(*arguments: str) -> ExperimentConfig:
    """The experiment that a command line describes, before its data are looked at."""
    given = dict(main.make_context("x", ["--data-path", "x.csv", *arguments]).params)
    for name in ("n_workers", "batch_size", "checkpoint_interval", "no_plots", "resume"):
        del given[name]
    del given["clear_checkpoints"]
    return experiment_of(given)


def test_what_is_named_twice_counts_once() -> None:
    config = described(
        *("--sites", "A", "A", "B", "--sites", "A", "--models", "xgboost", "xgboost"),
        *("--training-sizes", "0.5", "0.50", "1", "--protocols", "natural", "natural"),
    )
    assert config.data.sites == ["A", "B"]
    assert config.models == ["xgboost"]
    assert config.comparison.training_sizes == [0.5, 1.0]
    assert config.comparison.protocols == ["natural"]


def test_flags_that_are_left_out_have_the_defaults_of_an_experiment_file() -> None:
    stated: dict[str, Any] = {
        "name": "comparison",
        "data": {"source": str(Path("x.csv").absolute()), "label": "va34", "site": "site"},
        "models": ["xgboost", "random_forest", "logistic_regression", "naive_bayes"],
        "comparison": {"protocols": ["natural"]},
        "results": "comparison-results",
    }
    assert described() == ExperimentConfig.model_validate(stated)
    stated["comparison"]["tune"] = True
    assert described("--tune-hyperparameters") == ExperimentConfig.model_validate(stated)


def test_every_flag_sets_its_key() -> None:
    config = described(
        *("--models", "xgboost", "random_forest", "ensemble"),
        *("--sites", "A", "--label-type", "cod5"),
        *("--experiments", "in_domain", "cross_validation", "--outer-folds", "3"),
        *("--protocols", "natural", "shift", "--shift", "a=0.1:0.4", "b=0.2"),
        *("--n-bootstrap", "7", "--random-seed", "1", "--output-dir", "s3://bucket/x"),
        *("--tune-hyperparameters", "--tuning-method", "random", "--tuning-trials", "3"),
        *("--tuning-timeout", "10m", "--tuning-metric", "ccc", "--tuning-cv-folds", "4"),
        *("--selection", "one_standard_error", "--memory-per-worker", "2Gi"),
    )
    assert config == ExperimentConfig.model_validate({
        "name": "comparison",
        "data": {
            "source": str(Path("x.csv").absolute()), "label": "cod5", "site": "site", "sites": ["A"]
        },
        "models": ["xgboost", "random_forest", "ensemble"],
        "tuning": {
            "search_method": "random", "n_trials": 3, "scoring_metric": "ccc", "cv_folds": 4,
            "selection": "one_standard_error",
        },
        "validation": {"scheme": "shift", "shift": {"a": [0.1, 0.4], "b": [0.2, 0.2]}},
        "budget": {"timeout": "10m", "memory_per_task": "2Gi"},
        "seed": 1,
        "results": "s3://bucket/x",
        "comparison": {
            "experiments": ["in_domain", "cross_validation"], "outer_folds": 3,
            "protocols": ["natural", "shift"], "n_bootstrap": 7, "tune": True,
        },
    })  # fmt: skip


def test_the_flag_of_earlier_ensembles_says_what_to_write(folder: Path) -> None:
    said = refused(folder, "--ensemble")
    assert "ensemble: was removed in version 0.5.0; leave it out, and name ensemble among" in said


def test_columns_of_other_labels_and_raw_phmrc_are_known(folder: Path) -> None:
    (folder / "data.csv").write_text(GOOD.replace("days", "cod5").replace("fever", "gs_text34"))
    assert "at least one column must tell deaths apart" in refused(folder)
    (folder / "data.csv").write_text(GOOD.replace("days", "module").replace("fever", "gs_text34"))
    assert "must have columns of the PHMRC files such as a2_01" in refused(folder)
