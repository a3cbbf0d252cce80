"""No name and no link leads out of the results, or to what tells of single deaths."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.unit.web.conftest import Open, tell
from tuner_job.errors import StoreError
from tuner_job.web.place import ReadOnlyStore
from tuner_job.web.stored import is_one

SECRET = "a secret that stands beside the results"


@pytest.fixture
def secret(results: Path) -> Path:
    path = results.parent / "secret.json"
    path.write_text(SECRET)
    return path


WAYS = [
    "../../secret.json", "..%2f..%2fsecret.json", "%2e%2e/%2e%2e/secret.json",
    "..%252f..%252fsecret.json", "....//....//secret.json", "summary.json%00", "%00",
    "summary.json/../../../secret.json", "/etc/passwd", "%2fetc%2fpasswd", "..\\..\\secret.json",
    "xgboost/../../../secret.json", "xgboost/best.json/x",
    "lease.json", "xgboost/oof/000000.npz",
    "xgboost/trials/000000.json", "xgboost/holdout/000000.npz", ".damaged/x", "predictions.csv",
    "logs/../summary.json/x", "deaths.csv", "~root", "file:///etc/passwd", "C:\\x",
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_path_leads_out(results: Path, open_pages: Open, secret: Path, way: str) -> None:
    client = open_pages(results)
    for prefix in ("/experiments/finished/files/", "/experiments/", "/pages/", "/comparisons/",
                   "/static/", "/api/experiments/", "/"):  # fmt: skip
        answer = client.get(f"http://127.0.0.1:8765{prefix}{way}")
        assert answer.status_code in (200, 404), prefix
        assert SECRET not in answer.text
        assert "root:" not in answer.text
        if prefix.endswith("files/") and way:
            assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("name", ["summary.json", "xgboost/best.json", "experiment.yaml"])
def test_no_link_leads_out(results: Path, open_pages: Open, secret: Path, name: str) -> None:
    link = results / "finished" / name
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    client = open_pages(results)
    answer = client.get(f"/experiments/finished/files/{name}")
    assert answer.status_code == 503
    assert "a link leads out of the results" in answer.text
    for path in ("/", "/experiments/finished", "/api/experiments/finished"):
        assert SECRET not in client.get(path).text


def test_a_folder_that_is_a_link_is_not_entered(
    results: Path, open_pages: Open, tmp_path: Path
) -> None:
    elsewhere = tell(tmp_path / "elsewhere" / "other", owner=SECRET)
    (results / "linked").symlink_to(elsewhere)
    client = open_pages(results)
    rows = client.get("/api/experiments").json()["experiments"]
    row = next(one for one in rows if one["id"] == "linked")
    assert "a link leads out of the results" in row["problem"]
    assert SECRET not in client.get("/").text


def test_results_may_themselves_be_a_link(results: Path, open_pages: Open, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(results)
    assert "/experiments/finished" in open_pages(tmp_path / "link").get("/").text


def test_a_pipe_is_no_document(results: Path, open_pages: Open) -> None:
    (results / "piped").mkdir()
    os.mkfifo(results / "piped" / "progress.json")
    os.mkfifo(results / "finished" / "provenance.json.x")
    assert open_pages(results).get("/").status_code == 200


def test_files_that_may_be_had_are_named_by_what_they_are() -> None:
    had = ("experiment.yaml", "summary.json", "progress.json", "report.html", "xgboost/best.json",
           f"xgboost/models/{'a' * 64}.bin", "xgboost/commits/0001.json",
           "xgboost/errors/000001.txt", "logs/20260101T000000Z-abc/000001.log")  # fmt: skip
    assert all(map(is_one, had))
    assert not any(is_one(name) for name in ("lease.json", "x/oof/000000.npz", "a/b/c/d", "logs/x"))


def test_files_come_as_files(results: Path, open_pages: Open) -> None:
    client = open_pages(results)
    for path in sorted(results.glob("finished/*.json")):
        address = f"/experiments/finished/files/{quote(path.name)}"
        answer = client.get(address)
        if is_one(path.name):
            assert answer.content == path.read_bytes()
            assert answer.headers["content-disposition"].startswith("attachment;")
            assert client.head(address).content == b""


def test_a_store_that_is_read_refuses_to_write(results: Path) -> None:
    store = ReadOnlyStore(str(results))
    for write in (lambda: store.put("x", b""), lambda: store.create("x", b""),
                  lambda: store.delete("finished/summary.json")):  # fmt: skip
        with pytest.raises(StoreError, match="is only read here"):
            write()
    assert (results / "finished" / "summary.json").exists()
