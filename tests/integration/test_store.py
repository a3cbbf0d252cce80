import operator
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integration.s3_server import S3Server, serve
from tuner_job.errors import StoreError
from tuner_job.results.store import Store, check_writable, read_bytes


@pytest.fixture(params=["folder", "file URL", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "a folder")
    if request.param == "file URL":
        return (tmp_path / "b").as_uri()
    server: S3Server = request.getfixturevalue("s3")
    return server.make_bucket("contract") + "/some/prefix"


class TestContract:
    """What every kind of storage must do."""

    def test_reads_back_what_was_written(self, url: str) -> None:
        Store(url).put("a/b.json", b"\x00one")
        Store(url).put("a/b.json", b"two")
        assert Store(url).get("a/b.json") == b"two"

    def test_large_objects_survive(self, url: str) -> None:
        content = bytes(range(256)) * 120_000
        Store(url).put("large", content)
        assert Store(url).get("large") == content

    def test_an_absent_object_is_none(self, url: str) -> None:
        assert Store(url).get("nothing/here") is None

    def test_one_of_many_concurrent_creates_wins(self, url: str) -> None:
        store = Store(url)
        with ThreadPoolExecutor(8) as threads:
            won = list(threads.map(lambda i: store.create("best.json", f"{i}".encode()), range(8)))
        assert sum(won) == 1
        assert store.get("best.json") == str(won.index(True)).encode()

    def test_lists_below_a_folder_in_order(self, url: str) -> None:
        store = Store(url)
        for name in ("m/trials/000010.json", "m/trials/000002.json", "m/best.json", "n/x"):
            store.put(name, b"")
        assert store.paths("m/trials") == ["m/trials/000002.json", "m/trials/000010.json"]
        assert store.paths("absent") == []
        assert store.folders() == ["m", "n"]

    def test_deletes(self, url: str) -> None:
        store = Store(url)
        store.put("gone", b"x")
        store.delete("gone")
        assert store.get("gone") is None

    def test_check_writable_leaves_nothing_behind(self, url: str) -> None:
        check_writable(url)
        assert Store(url).paths("") == []

    def test_data_is_read_from_it_too(self, url: str) -> None:
        Store(url).put("data/child.csv", b"a,b\n")
        assert read_bytes(f"{url}/data/child.csv") == b"a,b\n"
        with pytest.raises(
            StoreError, match=r"absent\.csv: cannot be read: (there is no such object|No such)"
        ):
            read_bytes(f"{url}/data/absent.csv")


def test_wrong_credentials_are_said_so(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = s3.make_bucket("locked")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(
        StoreError,
        match=r"^s3://locked: cannot be written: .*(SignatureDoesNotMatch|access denied)",
    ):
        check_writable(url)


def test_an_absent_bucket_is_said_so(s3: S3Server) -> None:
    with pytest.raises(StoreError, match=r"^s3://absent: cannot be written: .*NoSuchBucket"):
        check_writable("s3://absent")


def test_a_server_that_is_not_there_is_said_so_soon(
    monkeypatch: pytest.MonkeyPatch, s3: S3Server
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(
        StoreError, match=r"^s3://bucket/x: cannot be read: .*error sending request"
    ):
        Store("s3://bucket", timedelta(seconds=1)).get("x")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (
            "ftp://host/results",
            "opened: must be a folder, or begin with s3://, gs://, az:// or file://",
        ),
        (
            "https://host/results",
            "opened: must be a folder, or begin with .*: no results are written or listed over "
            "https",
        ),
        ("/proc/results", "written: No such file or directory"),
    ],
)
def test_unusable_locations_are_refused(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=f"^{url}: cannot be {reason}"):
        check_writable(url)


def test_creates_outlive_a_server_that_goes_in_the_middle_of_them(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "buckets"
    root.mkdir()
    stop = threading.Event()
    numbers = [0] * 8

    def create_many(thread: int) -> None:
        store = Store("s3://interrupted")
        while not stop.is_set():
            number = numbers[thread]
            assert store.create(f"{thread}/{number}", f"{thread} {number}".encode() * 1000)
            numbers[thread] += 1

    def wait_for_more(than: list[int]) -> None:
        deadline = time.monotonic() + 300
        while not all(map(operator.gt, numbers, than)):
            if time.monotonic() > deadline:
                stop.set()
                raise AssertionError(f"too few were created: {numbers}, {made}")
            time.sleep(0.01)

    with ThreadPoolExecutor(8) as threads:
        with serve(root) as server:
            server.make_bucket("interrupted")
            for name, value in server.environment.items():
                monkeypatch.setenv(name, value)
            made = [threads.submit(create_many, thread) for thread in range(8)]
            wait_for_more([10] * 8)
        time.sleep(2)  # nobody is there
        with serve(root, int(server.endpoint.rsplit(":", 1)[1])):
            wait_for_more([number + 3 for number in numbers])
            stop.set()
            for future in made:
                future.result(timeout=300)
            assert len(Store("s3://interrupted").paths("")) == sum(numbers)


def test_a_404_without_a_word_is_waited_out(monkeypatch: pytest.MonkeyPatch, s3: S3Server) -> None:
    """A server that starts or stops may answer so; one that lacks an object says which."""
    answers = [404, 404, 200]
    seen: list[str] = []

    class Starting(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.path)
            self.send_response(answers.pop(0))
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Starting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        assert Store("s3://starting").create("trial", b"x")
        server.shutdown()
    assert len(seen) == 3
