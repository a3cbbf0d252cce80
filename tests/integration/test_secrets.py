"""A whole experiment on data behind a password and a signature: neither is in any result,
message or record of Ray."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.integration.experiments import SCRIPT, SMALL, run, write
from tests.integration.s3_server import S3Server
from tests.integration.web_server import web

PASSWORD, SIGNATURE, KEY = "h1dd3n-password", "h1dd3n-signature", "h1dd3n-key"
DEATHS = "cause,site,fever,cough\n" + "".join(
    f"{'xyz'[i % 3]},{'AB'[i % 2]},{i % 2},{i % 5}\n" for i in range(60)
)
ONE_MODEL = {
    **SMALL,
    "models": ["random_forest"],
    "tuning": {
        **SMALL["tuning"],
        "n_trials": 3,
        "search_spaces": {"random_forest": {"n_estimators": [5, 10], "max_depth": [2, 4]}},
    },
}


def without_trace(folder: Path) -> None:
    """Nothing hidden stands in any file of a folder, nor in what archives hold."""
    for file in filter(Path.is_file, folder.rglob("*")):
        contents = [file.read_bytes()]
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                contents += [archive.read(name) for name in archive.namelist()]
        assert not [content for content in contents if b"h1dd3n" in content], file


@pytest.mark.parametrize("method", ["asha", pytest.param("random", marks=pytest.mark.long)])
def test_no_secret_of_an_address_is_stored_or_told(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    results, tuning = tmp_path / "results", {**ONE_MODEL["tuning"], "search_method": method}
    with web(lambda asked: (200, {}, DEATHS.encode())) as (server, seen):
        address = f"http://me:{PASSWORD}@{server}/deaths.csv?sig={SIGNATURE}"
        data = {"source": address, "label": "cause", "site": "site"}
        path = write(tmp_path, ONE_MODEL, data=data, tuning=tuning, results=str(results))
        said = [run(*command) for command in (
            ("validate", path),
            ("tune", path),
            ("tune", path),
            ("report", results),
            ("predict", results, address, "--output", tmp_path / "predictions.csv"),
        )]  # fmt: skip
    assert [code for code, _, _ in said] == [0] * 5, said
    assert all(asked.authorization and SIGNATURE in asked.path for asked in seen)
    assert "h1dd3n" not in repr(said)
    stored = yaml.safe_load((results / "small" / "experiment.yaml").read_text())
    assert stored["data"]["source"] == f"http://{server}/deaths.csv"
    assert f"<td>http://{server}/deaths.csv</td>" in (results / "small" / "report.html").read_text()
    without_trace(results)


def test_no_secret_of_a_comparison_is_stored_or_told(tmp_path: Path) -> None:
    output = tmp_path / "comparison"
    with web(lambda asked: (200, {}, DEATHS.replace("cause", "va34").encode())) as (server, _):
        address = f"http://me:{PASSWORD}@{server}/deaths.csv?sig={SIGNATURE}"
        done = run(
            *(SCRIPT, "--data-path", address, "--models", "random_forest"),
            *("--experiments", "in_domain", "--n-bootstrap", "10", "--output-dir", output),
        )
    assert done[0] == 0, done
    assert "h1dd3n" not in repr(done)
    without_trace(output)


def test_ray_keeps_no_secret_of_the_command_line() -> None:
    """Its dashboard shows the command line of whoever connects."""
    program = """
import ray
from ray._private.worker import global_worker
from tuner_job.execution.ray_start import start_ray
start_ray(1, 1000)
print([job.entrypoint for job in global_worker.gcs_client.get_all_job_info().values()])
ray.shutdown()
"""
    command = [
        sys.executable,
        "-c",
        program,
        f"https://me:{PASSWORD}@host.org/x.csv?sig={SIGNATURE}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    assert "https://host.org/x.csv" in done.stdout
    assert "h1dd3n" not in done.stdout


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": KEY}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": KEY}, "the server says "),
        (
            {"AWS_ENDPOINT_URL": f"http://me:{PASSWORD}@127.0.0.1:9"},
            "AWS_ENDPOINT_URL in the environment must be",
        ),
        (
            {"AWS_ENDPOINT_URL": "http://store.invalid", "AWS_ALLOW_HTTP": ""},
            "set AWS_ALLOW_HTTP=true",
        ),
        (
            {"AWS_SECRET_ACCESS_KEY": f"{KEY}\n"},
            "AWS_SECRET_ACCESS_KEY in the environment must be one word",
        ),
    ],
)
def test_what_is_wrong_with_a_store_is_said_without_its_keys(
    tmp_path: Path,
    s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    said: str,
) -> None:
    bucket = s3.make_bucket("guarded")
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    code, out, err = run("tune", write(tmp_path, ONE_MODEL, results=bucket))
    assert code == 2
    assert said in err
    assert "h1dd3n" not in out + err
    assert len(err.strip().splitlines()) == 1
