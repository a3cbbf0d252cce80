"""`va-tuning serve` for real: beside a run, over a real S3 server, told to end."""

import json
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.integration import s3_server as s3_servers
from tests.integration.experiments import held, run, write
from tests.integration.served import PATIENCE, serving
from tests.integration.test_stopping import TINY
from tests.unit.stored import copy

pytestmark = pytest.mark.timeout(900)


def test_a_run_is_followed_from_its_begin_to_its_report(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with serving(results) as served:
        assert "No experiment is here yet" in served.get("/")[1]
        gate, asked = tmp_path / "gate", ("--results", str(results), "--workers", "1")
        with held(gate, "tune", write(tmp_path, TINY), *asked) as tuning:
            served.until("/api/experiments", lambda text: '"running"' in text)
            told = []
            for name, data in served.events("/api/experiments/small/events"):
                assert name == "progress"
                told.append(json.loads(data))
                if told[-1]["state"] != "running":
                    break
                gate.touch()
            _, err = tuning.communicate(timeout=300)
        assert tuning.returncode == 0, err
        assert told[-1]["state"] == "done"
        assert told[-1]["done"] == told[-1]["planned"] == 16
        assert {one["state"] for one in told[:-1]} == {"running"}
        assert [one["done"] for one in told] == sorted(one["done"] for one in told)
        page = served.until("/experiments/small", lambda text: "Optimisation history" in text)
        written = (results / "small" / "report.html").read_text()
        assert written.split("<main>")[1].split("<figure")[0] in page
        assert written == served.get("/experiments/small/report")[1]
        assert "Nothing has been said yet" not in served.get("/experiments/small/log")[1]
        status, table = served.get("/experiments/small/trials.csv")
        assert status == 200
        assert len(table.splitlines()) == 1 + 2 * 9
        assert run("show", str(results / "small"), "--trials", "--wide")[1] == table


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_whatever_it_does(tmp_path: Path, number: signal.Signals) -> None:
    copy(tmp_path / "results")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with serving(tmp_path / "results", environment={"TMPDIR": str(temporary)}) as served:
        open_page = served.events("/experiments/stored/events")  # which has figures drawn
        assert next(open_page)[0] == "panel"
        parent, deadline = psutil.Process(served.process.pid), time.monotonic() + PATIENCE
        while len(below := parent.children(recursive=True)) < 2:
            assert time.monotonic() < deadline, "nothing is drawn"
            time.sleep(0.05)
        served.process.send_signal(number)
        _, err = served.process.communicate(timeout=PATIENCE)
        assert served.process.returncode == 130
        assert err == "va-tuning: the page has ended; results are as they were\n"
        assert not psutil.wait_procs(below, timeout=PATIENCE)[1]
    assert list(temporary.iterdir()) == []


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = run("serve", str(tmp_path), "--port", str(port))
    assert (code, out) == (2, "")
    assert err == (
        f"va-tuning: 127.0.0.1, port {port}: nothing can be served there: the port is in use; "
        "choose another one with --port\n"
    )


def test_others_need_the_token_that_it_prints(tmp_path: Path) -> None:
    copy(tmp_path / "results")
    with serving(tmp_path / "results", host="0.0.0.0") as served:
        token = served.url.partition("?token=")[2]
        assert len(token) >= 32
        origin = f"http://127.0.0.1:{served.origin.rpartition(':')[2]}"
        here = type(served)(f"{origin}/", served.process)
        assert here.get("/")[0] == 401
        assert here.get("/healthz") == (200, "ok\n")
        assert here.get("/", Authorization=f"Bearer {token}")[0] == 200
    with serving(
        tmp_path / "results", host="0.0.0.0", environment={"VA_TUNING_WEB_TOKEN": "x" * 20}
    ) as served:
        assert "token" not in served.url


def test_names_and_paths_are_read_as_the_server_sends_them(tmp_path: Path) -> None:
    """Through a real HTTP server, which decodes addresses once."""
    folder = tmp_path / "results" / "50 %2e %252e <b> #?;é"
    shutil.move(copy(tmp_path / "made"), folder)
    with serving(tmp_path / "results") as served:
        listed = served.until("/api/experiments", lambda text: '"id"' in text)
        (one,) = json.loads(listed)["experiments"]
        assert one["id"] == folder.name
        address = "/experiments/50%20%252e%20%25252e%20%3Cb%3E%20%23%3F%3B%C3%A9"
        assert address in served.get("/")[1]
        assert served.get(address)[0] == 200
        assert (
            served.get(f"{address}/files/summary.json")[1] == (folder / "summary.json").read_text()
        )
        for way in ("../../../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd",
                    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "summary.json%00.x",
                    "./summary.json", "xgboost/../summary.json"):  # fmt: skip
            assert served.get(f"{address}/files/{way}")[0] == 404, way


def test_results_in_a_bucket_are_shown(s3: s3_servers.S3Server, tmp_path: Path) -> None:
    url = s3.make_bucket("va-web")
    folder = copy(tmp_path)
    shutil.copytree(folder, s3.root / "va-web" / "some" / "where" / "stored")
    with serving(f"{url}/some/where") as served:
        listed = served.until("/api/experiments", lambda text: '"stored"' in text)
        assert json.loads(listed)["experiments"][0]["state"] == "done"
        # a page does without what storage does not say at once
        for part in ("Optimisation history", " files</summary>"):
            served.until("/experiments/stored", lambda text, part=part: part in text)
        model = next(folder.glob("*/model.bin"))
        name = model.relative_to(folder).as_posix()
        with urlopen(f"{served.origin}/experiments/stored/files/{name}", timeout=60) as answer:
            assert answer.read() == model.read_bytes()
        found = served.json("/api/experiments/stored/trials?model=xgboost")
        assert found["total"] == len(list((folder / "xgboost" / "trials").iterdir()))


def test_storage_that_goes_away_is_told_and_comes_back(tmp_path: Path) -> None:
    if s3_servers.binary() is None:
        pytest.skip("the S3 server is not installed: run tests/install-tools.sh")
    root = tmp_path / "buckets"
    (root / "va-web").mkdir(parents=True)
    shutil.copytree(copy(tmp_path / "made"), root / "va-web" / "stored")
    with s3_servers.serve(root) as server:
        port = int(server.endpoint.rpartition(":")[2])
        environment = server.environment
        with serving("s3://va-web", environment=environment) as served:
            served.until("/", lambda text: "stored" in text)
            os.kill(server.pid, signal.SIGKILL)
            page = served.until("/", lambda text: "cannot be read</b> since" in text)
            assert "/experiments/stored" in page  # as it was
            assert served.get("/healthz")[0] == 200
            assert 'va_tuning_storage_up{place="va-web"} 0.0' in served.get("/metrics")[1]
            with s3_servers.serve(root, port):
                served.until("/", lambda text: "cannot be read</b>" not in text)
                assert served.get("/experiments/stored")[0] == 200
