"""`show` and `report`: of an experiment that has ended, and of one that has not."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pa_parquet
import pytest

from tests.unit.stored import copy, run, snapshot
from tuner_job.records import TrialRecord
from tuner_job.results.wide import parquet, wide_csv


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    return copy(tmp_path / "results", "stopped")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    return copy(tmp_path / "results")


def test_what_has_not_ended_is_shown_and_said_to_be_so(stopped: Path) -> None:
    before = snapshot(stopped)
    outcome = run("show", stopped)
    assert outcome.exit_code == 0
    assert "stored: has not ended (" in outcome.stdout
    assert "nobody runs it; the same tune command goes on with it" in outcome.stdout
    assert "so far" in outcome.stdout
    assert snapshot(stopped) == before


@pytest.mark.parametrize("more", [[], ["--json"], ["--trials"]])
def test_what_ended_before_its_summary_was_written_is_shown(
    finished: Path, more: list[str]
) -> None:
    (finished / "summary.json").unlink()
    outcome = run("show", finished, *more)
    assert outcome.exit_code == 0
    assert "random_forest" in outcome.stdout


def test_a_holder_of_the_lease_is_named(stopped: Path) -> None:
    lease = {"who": "job 7 on far, since noon", "process": ["elsewhere", 7], "number": 3}
    (stopped / "lease.json").write_text(json.dumps(lease))
    assert "run by job 7 on far, since noon" in run("show", stopped).stdout


def test_json_of_what_has_not_ended_names_the_models(stopped: Path) -> None:
    summary = json.loads(run("show", stopped, "--json").stdout)
    assert summary["unfinished"]
    for study in summary["studies"]:
        if study["model"] in summary["unfinished"]:
            assert study["stopped_by"] == "unfinished"
            trials = list((stopped / study["model"] / "trials").glob("0*.json"))
            assert sum(study["n_trials"].values()) == len(trials)


def test_a_report_of_what_has_not_ended_is_marked_and_is_no_summary(
    stopped: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    outcome = run("report", stopped, "--output", page)
    assert (outcome.exit_code, outcome.stdout) == (0, f"{page}\n")
    assert "This experiment has not ended" in page.read_text()
    assert (stopped / "report.html").read_text() == page.read_text()
    assert not (stopped / "summary.json").exists()


@pytest.mark.slow
def test_a_report_of_what_has_ended_is_not_marked(finished: Path) -> None:
    assert run("report", finished).exit_code == 0
    assert "has not ended" not in (finished / "report.html").read_text()
    assert "has not ended" not in run("show", finished).stdout


def test_before_the_first_trial_there_is_little_to_show(stopped: Path) -> None:
    for trial in stopped.glob("*/trials/*.json"):
        trial.unlink()
    for best in (*stopped.glob("*/best.json"), *stopped.glob("*/commits/*")):
        best.unlink()
    assert "no trial has finished yet" in run("show", stopped).stdout
    assert run("report", stopped).exit_code == 0


def test_the_wide_table_has_a_column_a_parameter(finished: Path) -> None:
    canonical = list(csv.DictReader(io.StringIO(run("show", finished, "--trials").stdout)))
    wide = list(csv.DictReader(io.StringIO(run("show", finished, "--trials", "--wide").stdout)))
    assert len(wide) == len(canonical) > 0
    for one, row in zip(canonical, wide, strict=True):
        assert (one["model"], one["state"].split()[0]) == (row["model"], row["state"])
        for name, value in json.loads(one["params"]).items():
            told = row[f"params_{name}"]
            assert told == ("null" if value is None else str(value).lower()) or (
                float(told) == value
            )
        for metric, value in json.loads(one["scores"]).items():
            assert float(row[f"scores_{metric}"]) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("more", [(), ("--wide",)])
def test_the_ending_says_how_trials_are_written(
    finished: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    shown = run("show", finished, "--trials", *more).stdout
    outcome = run("show", finished, "--trials", *more, "--output", tmp_path / "trials.csv")
    assert outcome.stdout == f"{tmp_path}/trials.csv: {shown.count(chr(10)) - 1} trials\n"
    assert (tmp_path / "trials.csv").read_text() == shown
    run("show", finished, "--trials", *more, "--output", tmp_path / "trials.parquet")
    table = pa_parquet.read_table(tmp_path / "trials.parquet")
    assert table.num_rows == shown.count("\n") - 1
    assert {"model", "trial", "state", "fit_seconds", "scores_csmf_accuracy"} <= set(
        table.column_names
    )
    assert any(name.startswith("params_") for name in table.column_names)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--wide",), "--wide needs --trials; see "),
        (("--output", "t.csv"), "--output needs --trials; see "),
        (("--json", "--trials"), "--json and --trials cannot be used together; see "),
        (("--trials", "--output", "t.xlsx"), "--output: must end in .csv or .parquet"),
        (("--trials", "--output", "t"), "; got t\n"),
        (("--trials", "--output", "no/such/t.csv"), "--output: no/such/t.csv"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    finished: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(finished.parent)
    before = snapshot(finished.parent)
    outcome = run("show", finished, *arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert said in outcome.stderr
    assert snapshot(finished.parent) == before


def test_trials_are_never_written_over_results(finished: Path) -> None:
    outcome = run("show", finished, "--trials", "--output", finished / "xgboost" / "t.csv")
    assert outcome.exit_code == 2
    assert "is part of the experiment's results" in outcome.stderr


def test_values_of_several_kinds_become_text(make_trial: Callable[[Any], TrialRecord]) -> None:
    values = ["sqrt", 0.5, None, True, 2**70]
    records = [make_trial(value) for value in values]
    table = pa_parquet.read_table(io.BytesIO(parquet({"m": records})))
    assert table["params_p"].to_pylist() == ["sqrt", "0.5", None, "true", str(2**70)]
    huge = pa_parquet.read_table(io.BytesIO(parquet({"m": [make_trial(2**70)]})))
    assert huge["params_p"].to_pylist() == [str(2**70)]
    rows = list(csv.DictReader(io.StringIO(wide_csv({"m": records}))))
    assert [row["params_p"] for row in rows] == ["sqrt", "0.5", "null", "true", str(2**70)]


@pytest.fixture
def make_trial() -> Callable[[Any], TrialRecord]:
    """Make a trial whose only parameter has a value."""
    return lambda value: TrialRecord(
        trial=0, batch=0, params={"p": value}, state="failed", folds=[]
    )
