"""Passwords and signatures of the data's address: read, and neither stored nor shown by anything
that holds them."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tests.unit.stored import run
from tuner_job.cli.main import main
from tuner_job.config.decisive import digest_of
from tuner_job.config.load import load_experiment
from tuner_job.data.config import DataConfig
from tuner_job.records import Provenance

ADDRESS = "https://me:h1dd3n@host.org/deaths.csv?X-Amz-Signature=h1dd3n"
SCRIPT = ["run-distributed-comparison", "--data-path"]
SHOWN = "https://host.org/deaths.csv"
STORED = Path(__file__).parents[1] / "stored" / "0.1.0" / "finished"


def write(folder: Path, **data: object) -> Path:
    path = folder / "experiment.yaml"
    path.write_text(
        yaml.safe_dump({"name": "exp", "models": ["xgboost"], "data": {"label": "cause", **data}})
    )
    return path


def test_an_experiment_keeps_its_address_and_writes_it_without_secrets(tmp_path: Path) -> None:
    config = load_experiment(write(tmp_path, source=ADDRESS))
    assert config.data.source == ADDRESS
    assert config.document()["data"]["source"] == SHOWN
    for written in (
        repr(config),
        str(config),
        config.model_dump_json(),
        repr(config.data),
        str(config.model_dump()),
    ):
        assert "h1dd3n" not in written


def test_the_address_does_not_decide_which_experiment_it_is(tmp_path: Path) -> None:
    digests = {
        digest_of(load_experiment(write(tmp_path, source=source)).document())
        for source in (ADDRESS, SHOWN, "x.csv")
    }
    assert len(digests) == 1


def test_home_and_the_experiments_folder_are_written_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/of/me")
    assert load_experiment(write(tmp_path, source="~/x.csv")).data.source == "/home/of/me/x.csv"
    assert load_experiment(write(tmp_path, source="x.csv")).data.source == str(tmp_path / "x.csv")


def test_an_older_record_is_read_without_its_secrets() -> None:
    record = {
        **{
            "experiment_digest": "a",
            "data_digest": "b",
            "data_source": ADDRESS,
            "seed": 1,
            "versions": {},
        },
        **{"image": None, "platform": "", "created_at": ""},
    }
    assert Provenance.model_validate(record).data_source == SHOWN


@pytest.mark.parametrize("source", ["C:\\deaths.csv", "s3://KEY:h1dd3n@bucket/x.csv", " x.csv"])
def test_a_model_is_loaded_wherever_its_data_once_stood(source: str) -> None:
    stored = {"source": source, "label": "cause"}
    assert "h1dd3n" not in DataConfig.model_validate(stored).model_dump_json()


@pytest.mark.parametrize(
    "data",
    [
        {"source": [ADDRESS]},
        {"source": ADDRESS, "format": ADDRESS},
        {"source": ADDRESS, ADDRESS: 1},
        {"source": "s3://KEY:h1dd3n@bucket/x.csv"},
        {"source": "s3://KEY:AB/h1dd3n@bucket/x.csv"},
        {"source": "https://me:h1dd3n/h1dd3n@host.org/x.csv"},
        {"source": f"HTTPS{ADDRESS[5:]}"},
        {"source": f"{ADDRESS}\n"},
        {"source": ADDRESS, "label": "a", "drop": ["a", ADDRESS]},
    ],
)
def test_a_refused_experiment_file_is_not_repeated_with_its_secrets(
    tmp_path: Path, data: dict[str, object]
) -> None:
    outcome = CliRunner().invoke(main, ["validate", str(write(tmp_path, **data))])
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("va-tuning: ")
    assert "h1dd3n" not in outcome.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "results", ADDRESS],
        ["show", ADDRESS],
        ["report", ADDRESS],
        ["tune", ADDRESS],
        [ADDRESS],
        ["show", f"--{ADDRESS}"],
        ["predict", ADDRESS, "x.csv"],
        ["predict", "s3://KEY:h1dd3n@bucket/x", "x.csv"],
        ["compare", ADDRESS],
        ["compare", "absent.yaml", "--output", ADDRESS],
        [*SCRIPT, "absent.csv", "--output-dir", ADDRESS],
        [*SCRIPT, "absent.csv", "--tuned-params", ADDRESS],
        [*SCRIPT, ADDRESS.replace("https:", "https:/"), "--experiments", "in_domain"],
        [*SCRIPT, "absent.csv", "--n-bootstrap", ADDRESS],
        [*SCRIPT, "absent.csv", ADDRESS],
    ],
)
def test_arguments_are_not_repeated_with_their_secrets(arguments: list[str]) -> None:
    outcome = run(*arguments)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("va-tuning: ")
    assert "h1dd3n" not in outcome.output


@pytest.mark.slow
def test_an_older_experiments_report_is_written_anew_without_its_secrets(tmp_path: Path) -> None:
    shutil.copytree(STORED, tmp_path / "old")
    provenance = tmp_path / "old" / "provenance.json"
    provenance.write_text(
        json.dumps({**json.loads(provenance.read_text()), "data_source": ADDRESS})
    )
    outcome = CliRunner().invoke(main, ["report", str(tmp_path / "old")])
    assert outcome.exit_code == 0, outcome.output
    page = (tmp_path / "old" / "report.html").read_text()
    assert f"<td>{SHOWN}</td>" in page
    assert "h1dd3n" not in page
