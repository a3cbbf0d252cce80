"""`va-tuning compare`: what is refused in one sentence before anything is written, and what
counts once."""

from pathlib import Path

import pytest

from tests.unit.stored import copy, run, snapshot
from tuner_job.comparison.flags import parse
from tuner_job.comparison.plan import ACROSS_SITES
from tuner_job.errors import ConfigError

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
    outcome = run("compare", "--data-path", data, "--output-dir", output, *options)
    assert outcome.exit_code == 2, outcome.output
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("va-tuning: ")
    assert outcome.stderr.count("\n") == 1
    assert len(outcome.stderr) < 800
    assert snapshot(folder) == before
    return outcome.stderr


NUMBERS = [
    ("--random-seed", ["-1", "2147483648", "4294967296", "9" * 5000, "1.5", "nan", "", "1_0", "٣"]),
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
    for value in values:
        assert flag in refused(folder, f"{flag}={value}")


OTHERS = [
    (
        ["--modles", "xgboost"],
        "unrecognized arguments: --modles xgboost; see va-tuning compare --help",
    ),
    (["--models", "svm"], "invalid choice: 'svm'"),
    (["--models", "x" * 100_000], "invalid choice"),
    (["--models", "\x1b[31m\0"], "\\x1b"),
    (["--models"], "expected at least one argument"),
    (["--sites", "A", "Z"], "found Z"),
    (["--protocols", "shift"], "--shift and --protocols shift need each other"),
    (["--protocols", "shift", "--shift", "x=0.1", "x=0.2"], "--shift: must state each cause once"),
    (["--protocols", "shift", "--shift", "x=nan"], "--shift: x: "),
    (["--protocols", "shift", "--shift", "x=7"], "--shift: x: "),
    (["--protocols", "shift", "--shift", "x"], "--shift: must be CAUSE=SHARE"),
    (
        ["--protocols", "shift", "--shift", "w=0.1"],
        "validation.shift.w: must be one of the 3 causes",
    ),
    (
        ["--experiments", "cross_validation", "--outer-folds", "61"],
        "must lie between 2 and the 60 rows, got 61",
    ),
    (
        ["--tune-hyperparameters", "--search-spaces", "nowhere"],
        "lacks xgboost.yaml, random_forest.yaml",
    ),
    (["--tuned-params", "nowhere"], "nowhere: must be the address of an experiment; found none"),
    (["--tuned-params", "x", "--tune-hyperparameters"], "give one of them"),
]


@pytest.mark.parametrize(("options", "message"), OTHERS)
def test_options_that_cannot_be_used(folder: Path, options: list[str], message: str) -> None:
    assert message in refused(folder, *options)


FILES = [
    (b"", "the file is empty"),
    (b"site,va34,fever\n", "must have at least one row below its header; found none"),
    (b"PAR1" + bytes(50), "must be a whole Parquet file"),
    (b"x" * 140_000 + b",b\n1,2\n", "field larger than field limit"),
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


@pytest.mark.parametrize("data", ["nowhere.csv", "", ".", "/dev/zero"])
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


def test_what_is_named_twice_counts_once() -> None:
    options, notes = parse(
        ["--data-path", "x", "--sites", "A", "A", "B", "--sites", "A", "--models", "xgboost", "xgboost",
         "--training-sizes", "0.5", "0.50", "1", "--protocols", "natural"], "", "compare"
    )  # fmt: skip
    assert (options.sites, options.models, options.training_sizes) == (
        ["A", "B"],
        ["xgboost"],
        [0.5, 1.0],
    )
    assert options.experiments == list(ACROSS_SITES)
    assert notes == [
        "--sites: what is named more than once counts once: A",
        "--models: what is named more than once counts once: xgboost",
        "--training-sizes: what is named more than once counts once: 0.5",
    ]


@pytest.mark.parametrize("called", ["va-tuning compare", "run-distributed-comparison"])
def test_it_is_called_as_the_user_called_it(
    called: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match=f"see {called} --help"):
        parse([], "", called)
    with pytest.raises(SystemExit):
        parse(["--help"], "", called)
    assert capsys.readouterr().out.startswith(f"usage: {called} ")
