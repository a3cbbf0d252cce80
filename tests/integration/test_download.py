"""Data from web servers and by presigned URLs of a real S3 server: read, and their secrets never
told."""

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from tests.integration.s3_server import ACCESS, SECRET, S3Server
from tests.integration.web_server import Answer, Asked, web
from tuner_job.errors import StoreError
from tuner_job.results import download
from tuner_job.results.store import Store, read_bytes

HIDDEN = "h1dd3n"
DEATHS = b"cause,site\nx,A\n"


def refusal(address: str) -> str:
    with pytest.raises(StoreError) as refused:
        read_bytes(address)
    said = str(refused.value)
    assert HIDDEN not in said
    assert len(said) < 700
    assert said.isprintable()
    return said


def presigned(server: S3Server, bucket: str, key: str, seconds: float) -> str:
    store = S3Store(
        bucket,
        endpoint=server.endpoint,
        access_key_id=ACCESS,
        secret_access_key=SECRET,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    return obstore.sign(store, "GET", key, timedelta(seconds=seconds))


class TestPresigned:
    def test_it_is_read(self, s3: S3Server) -> None:
        bucket = s3.make_bucket("signed")
        Store(bucket).put("deep/child deaths.csv", DEATHS)
        address = presigned(s3, "signed", "deep/child deaths.csv", 60)
        assert "X-Amz-Signature=" in address
        assert read_bytes(address) == DEATHS

    def test_what_is_not_there_is_said(self, s3: S3Server) -> None:
        s3.make_bucket("signed")
        address = presigned(s3, "signed", "absent.csv", 60)
        said = refusal(address)
        assert said.startswith(
            f"{s3.endpoint}/signed/absent.csv: cannot be read: there is no such file"
        )
        assert "NoSuchKey" in said
        assert "Signature" not in said

    def test_one_that_has_expired_is_said(self, s3: S3Server) -> None:
        Store(s3.make_bucket("signed")).put("x.csv", DEATHS)
        address = presigned(s3, "signed", "x.csv", 1)
        time.sleep(2.5)
        said = refusal(address)
        assert said.startswith(
            f"{s3.endpoint}/signed/x.csv: cannot be read: the server refuses (it says 403"
        )
        assert said.endswith("its signature may have expired or been cut")
        assert ACCESS not in said
        assert "Signature=" not in said

    def test_one_that_was_cut_is_said(self, s3: S3Server) -> None:
        Store(s3.make_bucket("signed")).put("x.csv", DEATHS)
        said = refusal(presigned(s3, "signed", "x.csv", 60)[:-5])
        assert "its signature may have expired or been cut" in said
        assert ACCESS not in said


def test_query_login_and_letters_beyond_ascii_reach_the_server() -> None:
    with web(lambda asked: (200, {}, DEATHS)) as (server, seen):
        assert (
            read_bytes(f"http://me:p%2F{HIDDEN}@{server}/a%2Fä b.csv?sig={HIDDEN}%3D+&n=ö#x")
            == DEATHS
        )
    assert seen[0].path == f"/a%2F%C3%A4%20b.csv?sig={HIDDEN}%3D+&n=%C3%B6"
    assert seen[0].authorization == f"Basic {b64encode(f'me:p/{HIDDEN}'.encode()).decode()}"


def test_a_redirect_is_followed_and_the_login_goes_to_the_same_server_only() -> None:
    with web(lambda asked: (200, {}, DEATHS)) as (other, seen_there):

        def answer(asked: Asked) -> Answer:
            where = {"/here": "/there", "/there": f"http://{other}/x?sig={HIDDEN}"}[asked.path]
            return 302, {"Location": where}, b""

        with web(answer) as (server, seen_here):
            assert read_bytes(f"http://me:{HIDDEN}@{server}/here") == DEATHS
    assert [asked.authorization is not None for asked in seen_here] == [True, True]
    assert [asked.authorization for asked in seen_there] == [None]
    assert seen_there[0].path == f"/x?sig={HIDDEN}"


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("/again", "the server says 302"),
        (f"ftp://me:{HIDDEN}@host/x", "the server sends elsewhere, to a ftp:// address"),
        ("file:///etc/passwd", "the server says 302"),
        (
            f"http://me:{HIDDEN}@127.0.0.1/x",
            "the server sends elsewhere, with a user and password of its own",
        ),
        (f"http://[::1/{HIDDEN}", "the server's answer cannot be understood"),
    ],
)
def test_a_redirect_that_is_not_followed_is_said(location: str, said: str) -> None:
    with web(lambda asked: (302, {"Location": location}, b"")) as (server, _):
        assert f"http://{server}/again: cannot be read: {said}" in refusal(
            f"http://{server}/again?sig={HIDDEN}"
        )


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (404, b"", "there is no such file (the server says 404)"),
        (401, b"", "the server refuses (it says 401): check user and password"),
        (418, HIDDEN.encode() * 9000, "the server says 418"),
        (
            403,
            f"<Error><Code>AccessDenied</Code><Message>no \x1b[31m sig={HIDDEN}</Message>{HIDDEN}</Error>".encode(),
            "the server refuses (it says 403, AccessDenied: no \\x1b[31m sig=…): check user and "
            "password",
        ),
    ],
)
def test_a_refusal_is_one_sentence(status: int, content: bytes, said: str) -> None:
    with web(lambda asked: (status, {}, content)) as (server, _):
        assert (
            refusal(f"http://me:{HIDDEN}@{server}/x.csv")
            == f"http://{server}/x.csv: cannot be read: {said}"
        )


def test_a_server_that_is_overloaded_for_a_moment_is_asked_again() -> None:
    answers: list[Answer] = [(503, {}, b""), (429, {}, b""), (200, {}, DEATHS)]
    with web(lambda asked: answers.pop(0)) as (server, seen):
        assert read_bytes(f"http://{server}/x.csv") == DEATHS
    assert len(seen) == 3


def test_a_file_that_ends_early_or_is_far_too_long_is_no_file() -> None:
    with web(lambda asked: (200, {"Content-Length": "1000"}, DEATHS)) as (server, _):
        assert "the connection ended before the file did" in refusal(f"http://{server}/x.csv")
    with web(lambda asked: (200, {"Content-Length": str(2**40)}, DEATHS)) as (server, _):
        assert "it has 1024.0 GiB; at most 8 can be read" in refusal(f"http://{server}/x.csv")


def test_a_file_that_trickles_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_LONGEST", 0.5)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection = server.accept()[0]
            with connection, contextlib.suppress(OSError):
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while not ended.wait(0.1):
                    connection.sendall(b"x")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        said = refusal(f"http://127.0.0.1:{server.getsockname()[1]}/x.csv")
        ended.set()
        thread.join(60)
    assert "it took longer than" in said


def test_a_server_that_is_not_there_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        port = taken.getsockname()[1]
        said = refusal(f"http://me:{HIDDEN}@127.0.0.1:{port}/x.csv?sig={HIDDEN}")
    assert said == f"http://127.0.0.1:{port}/x.csv: cannot be read: Connection refused"


def test_a_server_that_speaks_no_http_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                connection.recv(1000)
                connection.sendall(f"220 smtp {HIDDEN}\r\n".encode())
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        said = refusal(f"http://127.0.0.1:{server.getsockname()[1]}/x.csv?sig={HIDDEN}")
        server.shutdown(socket.SHUT_RDWR)
    assert "the server's answer cannot be understood (BadStatusLine)" in said


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """How a server speaks TLS, and the certificate to be trusted for it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def test_a_certificate_that_nobody_vouches_for_is_said(tls: tuple[ssl.SSLContext, Path]) -> None:
    with web(lambda asked: (200, {}, DEATHS), tls[0]) as (server, seen):
        said = refusal(f"https://{server}/x.csv?sig={HIDDEN}")
    assert (
        f"https://{server}/x.csv: cannot be read: the server's certificate is not trusted: self"
        in said
    )
    assert seen == []


def test_https_never_leads_to_http(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[1]))
    with web(lambda asked: (200, {}, DEATHS)) as (plain, seen_there):

        def answer(asked: Asked) -> Answer:
            return (
                (200, {}, DEATHS)
                if asked.path == "/x"
                else (302, {"Location": f"http://{plain}/x"}, b"")
            )

        with web(answer, tls[0]) as (server, _):
            assert read_bytes(f"https://{server}/x") == DEATHS
            assert "the server sends elsewhere, to a http:// address" in refusal(
                f"https://{server}/y"
            )
    assert seen_there == []


def test_files_are_read_without_a_trace(tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"absent/x\.csv: cannot be read: No such file or directory"
    ):
        read_bytes((tmp_path / "absent" / "x.csv").as_uri())
    assert list(tmp_path.iterdir()) == []
