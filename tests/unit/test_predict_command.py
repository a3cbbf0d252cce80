"""`predict` and `report` with a stored experiment: what they write, and what they refuse before
they work."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from tests.unit.stored import DEATHS, KEPT, copy, run, snapshot

pytestmark = pytest.mark.slow

MODEL = "logistic_regression"


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_bytes(DEATHS.read_bytes())
    return copy(tmp_path / "results")


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_it_writes_what_version_0_1_0_wrote(experiment: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("\n".join(DEATHS.read_text().split("\n")[:11]))
    outcome = run("predict", "results", "new.csv", "--model", MODEL, "--csmf", "csmf.csv")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert outcome.stdout == (
        "predictions.csv: 10 rows\ncsmf.csv: the CSMF of all of them\n"
        "deaths.html: the page to show\n"
        "10 deaths with a known cause: CSMF accuracy 0.893, COD accuracy 0.800\n"
        "whether some of them are among the deaths that the model was fitted on cannot be told "
        "here; of those that are, the figures are in-sample and too good\n"
    )
    before = rows(KEPT / f"predictions-{MODEL}.csv")
    for now, then in zip(rows(tmp_path / "predictions.csv"), before, strict=True):
        assert now["cause"] == then["cause"]
        assert now["doubtful_answers"] == "0"
        assert [float(now[name]) for name in list(then)[1:]] == pytest.approx(
            [float(p) for p in list(then.values())[1:]], abs=2e-6
        )
    assert sum(float(row["fraction"]) for row in rows(tmp_path / "csmf.csv")) == pytest.approx(
        1, abs=1e-5
    )


def test_three_files_stand_beside_the_predictions_and_each_can_have_another_place(
    experiment: Path, tmp_path: Path
) -> None:
    (tmp_path / "may").mkdir()
    three = {"csmf.csv", "deaths.html", "predictions.csv"}
    assert run("predict", "results", "new.csv", "--model", MODEL).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == three | {"results", "new.csv", "may"}
    options = ("--output", "may/predictions.csv")
    assert run("predict", "results", "new.csv", "--model", MODEL, *options).exit_code == 0
    assert {path.name for path in (tmp_path / "may").iterdir()} == three
    for name in three:
        assert (tmp_path / "may" / name).read_bytes() == (tmp_path / name).read_bytes()
    options = (*options, "--csmf", "f.csv", "--page", "p.html")
    assert run("predict", "results", "new.csv", "--model", MODEL, *options).exit_code == 0
    assert (tmp_path / "p.html").read_bytes() == (tmp_path / "deaths.html").read_bytes()


def test_the_tables_name_deaths_first_causes_and_groups(experiment: Path, tmp_path: Path) -> None:
    outcome = run("predict", "results", "new.csv", "--model", MODEL, "--by", "site", "s0")
    assert outcome.exit_code == 0, outcome.stderr
    given, predicted = rows(tmp_path / "new.csv"), rows(tmp_path / "predictions.csv")
    assert [row["id"] for row in predicted] == [str(2 + i) for i in range(len(given))]
    assert [row["site"] for row in predicted] == [row["site"] for row in given]
    for row in predicted:
        causes = [row[name] for name in ("cause", "cause_2", "cause_3")]
        found = [float(row[name]) for name in ("probability", "probability_2", "probability_3")]
        assert found == [float(row[cause]) for cause in causes]
        assert found == sorted(map(float, list(row.values())[9:]), reverse=True)[:3]
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows(tmp_path / "csmf.csv"):
        groups.setdefault((row["by"], row["group"]), []).append(row)
    sites = sorted({row["site"] for row in given})
    assert list(groups)[: 1 + len(sites)] == [("all", "all"), *(("site", one) for one in sites)]
    assert {by for by, _ in groups} == {"all", "site", "s0"}
    for (by, group), of_group in groups.items():
        n = len(given) if by == "all" else sum(row[by] == group for row in given)
        assert {row["n"] for row in of_group} == {str(n)} or group == "not known"
        assert {row["few_deaths"] for row in of_group} == {"yes" if int(row["n"]) < 50 else "no"
            for row in of_group}  # fmt: skip
        assert sum(float(row["fraction"]) for row in of_group) == pytest.approx(1, abs=1e-5)
        for row in of_group:
            assert float(row["lower"]) <= float(row["fraction"]) <= float(row["upper"])
    assert "groups by site need not add up to all deaths: at most by " in outcome.stdout


REFUSED = [
    (["--output", "new.csv"], "--output: new.csv cannot be written: it is the input new.csv"),
    (["--output", "./results/../new.csv"], "it is the input new.csv"),
    (["--csmf", "new.csv"], "--csmf: new.csv cannot be written: it is the input new.csv"),
    (["--csmf", "predictions.csv"], "--output and --csmf: must be two files"),
    (["--page", "new.csv"], "--page: new.csv cannot be written: it is the input new.csv"),
    (["--page", "csmf.csv"], "--csmf and --page: must be two files"),
    (["--page", "results/stored/report.html"], "is part of the experiment's results"),
    (["--by", "sight"], "new.csv: --by sight: the file has no such column (near: site)"),
    (["--by", "age_group"], "--by age_group: needs a column of ages"),
    (["--by"], "option '--by' requires an argument"),
    (["--output", "results"], "--output: results cannot be written: it is a folder"),
    (["--output", "no/x.csv"], "there is no folder"),
    (["--csmf", "no/x.csv"], "--csmf: no/x.csv cannot be written: there is no folder"),
    (["--output", "/dev/null"], "it is a device"),
    (["--output", "x" * 300], "File name too long"),
    (["--output", ""], "--output: "),
    (["--output", "results/stored/summary.json"], "is part of the experiment's results"),
    (["--output", f"results/stored/{MODEL}/best.json"], "is part of the experiment's results"),
    (["--csmf", f"results/stored/{MODEL}/new.csv"], "is part of the experiment's results"),
    (
        ["--model", "svm"],
        "the experiment has no model svm; it has random_forest, xgboost, logistic_regression",
    ),
    (["--model", ""], "the experiment has no model without a name; it has random_forest"),
    (["--model", "../stored/xgboost"], "the experiment has no model ../stored/xgboost; it has"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_it_refuses_before_it_works(
    experiment: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    before = snapshot(tmp_path)
    model = [] if "--model" in options else ["--model", MODEL]
    outcome = run("predict", "results", "new.csv", *model, *options)
    assert outcome.exit_code == 2
    assert outcome.stderr.count("va-tuning: ") == 1
    assert message in outcome.stderr
    assert snapshot(tmp_path) == before


def test_the_best_of_several_models_predicts_and_is_named_with_the_reason(
    experiment: Path, tmp_path: Path
) -> None:
    outcome = run("predict", "results", "new.csv")
    assert outcome.exit_code == 0
    assert outcome.stdout.startswith(
        "model: logistic_regression: simpler than xgboost, which leads in CSMF accuracy (0.787"
    )
    assert "; that is not above the standard error" in outcome.stdout.split("\n")[0]
    named = run("predict", "results", "new.csv", "--model", MODEL, "--output", "named.csv")
    assert "model:" not in named.stdout
    assert (tmp_path / "predictions.csv").read_bytes() == (tmp_path / "named.csv").read_bytes()


def test_a_model_that_is_missing_is_said_and_the_best_of_the_others_is_taken(
    experiment: Path,
) -> None:
    (experiment / "logistic_regression" / "best.json").unlink()
    outcome = run("predict", "results", "new.csv")
    assert outcome.exit_code == 0
    assert "logistic_regression has no result, so this is the best of the others" in outcome.stdout
    for model in ("random_forest", "xgboost"):
        (experiment / model / "best.json").unlink()
    outcome = run("predict", "results", "new.csv")
    assert outcome.exit_code == 2
    assert "has no model yet: its search has not finished" in outcome.stderr


def test_a_model_whose_search_has_not_finished_is_told_from_one_that_never_was(
    tmp_path: Path,
) -> None:
    copy(tmp_path / "results", "stopped")
    unfinished = run(
        "predict",
        tmp_path / "results",
        DEATHS,
        "--model",
        "xgboost",
        "--output",
        tmp_path / "x.csv",
    )
    assert unfinished.exit_code == 2
    assert "xgboost: has no model yet: its search has not finished" in unfinished.stderr
    never = run(
        "predict", tmp_path / "results", DEATHS, "--model", "svm", "--output", tmp_path / "x.csv"
    )
    assert "the experiment has no model svm" in never.stderr


def parquet(**columns: list[object]) -> bytes:
    buffer = io.BytesIO()
    pa_parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


HEADER = "site,cause," + ",".join(f"s{i}" for i in range(10))
DATA = [
    (b"", "the file is empty"),
    (HEADER.encode(), "must have at least one row below its header; found none"),
    (
        parquet(**{name: pa.array([], pa.string()) for name in HEADER.split(",")}),
        "at least one row",
    ),
    (parquet(s0=["yes"])[:-9], "must be a whole Parquet file"),
    (b"s0,s1\nyes,no\n", "missing: s2, s3"),
    (f"{HEADER},s1\n".encode() + b"a," * 13, "column names must differ; found s1 (2 times)"),
    (f"{HEADER}\nA,x,{'yes,' * 9}maybe\n".encode(), "found column s9: maybe in row 2"),
    (
        f"{HEADER}\nA,é,{'yes,' * 9}yes\nA,".encode() + b"\xe9," + b"yes," * 9 + b"yes\n",
        "must be UTF-8 throughout",
    ),
    (
        f"{HEADER}\nA,\0,{'yes,' * 9}yes\n".encode(),
        "row 2 (the header is row 1) holds a NUL character",
    ),
    (b"x" * 140_000 + b",b\n1,2\n", "column names must have at most 5,000 characters"),
    (b"PK\x03\x04" + bytes(100), "must be an Excel workbook (.xlsx)"),
    (b"<!DOCTYPE html><p>404", "found HTML"),
    (bytes(range(1, 256)) * 20, "must be text"),
]


@pytest.mark.parametrize(("content", "message"), DATA)
def test_data_that_do_not_fit_are_one_sentence(
    experiment: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "predictions.csv").write_text("of yesterday")
    (tmp_path / "new.csv").write_bytes(content)
    before = snapshot(tmp_path)
    outcome = run("predict", "results", "new.csv", "--model", MODEL)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("va-tuning: new.csv: ")
    assert message in outcome.stderr
    assert len(outcome.stderr) < 800
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "data", ["/dev/zero", "results", "nowhere.csv", "", "file:///nowhere/x.csv"]
)
def test_what_is_no_file_is_neither_waited_for_nor_read(
    experiment: Path, tmp_path: Path, data: str
) -> None:
    before = snapshot(tmp_path)
    outcome = run("predict", "results", data, "--model", MODEL)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("va-tuning: ")
    assert snapshot(tmp_path) == before


def test_cells_that_cannot_be_read_are_told_once_each_column(
    experiment: Path, tmp_path: Path
) -> None:
    text = DEATHS.read_text().split("\n", 2)
    (tmp_path / "new.csv").write_text(
        "\n".join([text[0], text[1].rpartition(",")[0] + ",maybe", text[2]])
    )
    outcome = run("predict", "results", "new.csv", "--model", MODEL)
    assert outcome.exit_code == 0
    assert outcome.stderr == (
        "note: Answers that training did not know are read as none of the known ones, in 1 column: "
        "s9: maybe in row 2 (training: numbers).\n"
    )


@pytest.mark.parametrize("cause", ["=HYPERLINK(1)", "+1-555", "-cmd", "@SUM(A1)"])
def test_no_cause_runs_as_a_formula(experiment: Path, tmp_path: Path, cause: str) -> None:
    _rename_cause(experiment, "Malaria", cause)
    outcome = run("predict", "results", "new.csv", "--model", MODEL, "--csmf", "csmf.csv")
    assert outcome.exit_code == 0, outcome.stderr
    (safe,) = {row["cause"] for row in rows(tmp_path / "csmf.csv")} - {
        "Drowning",
        "Road traffic",
        "Stroke",
    }
    assert safe == f"'{cause}"
    predicted = rows(tmp_path / "predictions.csv")
    assert safe in predicted[0]
    assert safe in {row["cause"] for row in predicted}


def _rename_cause(experiment: Path, old: str, new: str) -> None:
    """Give a stored model's cause another name, as if it had been trained so."""
    import zipfile
    from hashlib import sha256

    path = experiment / MODEL / "model.bin"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    description = json.loads(parts["description.json"])
    description["causes"] = [new if cause == old else cause for cause in description["causes"]]
    parts["description.json"] = json.dumps(description).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    best = json.loads((experiment / MODEL / "best.json").read_text())
    best["summary"]["model_sha256"] = sha256(path.read_bytes()).hexdigest()
    (experiment / MODEL / "best.json").write_text(json.dumps(best))


@pytest.mark.parametrize(
    "output", ["no/r.html", "results", "/dev/null", "results/stored/summary.json", "x" * 300]
)
def test_report_refuses_before_it_works(experiment: Path, tmp_path: Path, output: str) -> None:
    before = snapshot(tmp_path)
    outcome = run("report", "results", "--output", output)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("va-tuning: --output: ")
    assert snapshot(tmp_path) == before


def test_report_writes_the_page_beside_the_results_and_where_it_is_asked(
    experiment: Path, tmp_path: Path
) -> None:
    for output in ("page.html", "results/stored/report.html"):
        outcome = run("report", "results/", "--output", output)
        assert (outcome.exit_code, outcome.stdout) == (0, f"{output}\n"), outcome.stderr
    assert (tmp_path / "page.html").read_bytes() == (experiment / "report.html").read_bytes()


ADDRESSES = [
    "results",
    "results/",
    "results//",
    "./results",
    "results/stored",
    "results/stored/",
    "results/stored/.",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_experiment_is_found_by_every_way_of_writing_its_address(
    experiment: Path, address: str
) -> None:
    outcome = run("show", address)
    assert outcome.exit_code == 0, outcome.stderr
    assert "stored: default and tuned" in outcome.stdout


@pytest.mark.parametrize("folder", ["res[1]", "a b", "50%20", "é–ü", "[/b]", "r'\"s", "*", "(x)"])
def test_an_experiment_is_found_in_folders_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    copy(tmp_path / folder)
    for address in (folder, f"{folder}/stored", tmp_path / folder):
        outcome = run("show", address)
        assert outcome.exit_code == 0, outcome.stderr
    assert run("report", folder).stdout.strip().endswith(f"{folder}/stored/report.html")
    predicted = run(
        "predict", folder, DEATHS, "--model", MODEL, "--output", tmp_path / folder / "x.csv"
    )
    assert predicted.exit_code == 0, predicted.stderr


def test_the_experiments_own_folder_is_an_address_too(
    experiment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(experiment)
    for address in (".", "./", "../stored", experiment):
        assert run("show", address).exit_code == 0
