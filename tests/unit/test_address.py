"""Whatever is given as an address: taken apart or refused, and never a password or signature in
what is shown."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_job.address import (
    Address,
    data_address,
    out_of_reach,
    parse_data,
    parse_results,
    results_address,
)
from tuner_job.errors import StoreError
from tuner_job.public import holds_secrets, public, without_secrets

SECRET = "h1dd3n"


def refusal(check: Callable[[str], str], text: str) -> str:
    """What is said of a text; empty if it is taken."""
    try:
        check(text)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("text", "taken_apart"),
    [
        ("deaths.csv", Address("file", "", "deaths.csv")),
        ("/a b/what?.csv", Address("file", "", "/a b/what?.csv")),
        ("notes:2024.csv", Address("file", "", "notes:2024.csv")),
        ("file:///a%20b/x.csv", Address("file", "", "/a b/x.csv")),
        ("s3://bucket/deep/x%23y.csv", Address("s3", "bucket", "deep/x#y.csv")),
        ("gs://my_bucket.org/x", Address("gs", "my_bucket.org", "x")),
        ("az://container/x", Address("az", "container", "x")),
        ("https://host.org/x.csv?download=1", Address("https", "host.org", "/x.csv", "download=1")),
        ("http://[::1]:8000/x", Address("http", "[::1]:8000", "/x")),
        ("https://me:p%2Fw@host/x", Address("https", "host", "/x", login=("me", "p/w"))),
        ("https://token@host/x", Address("https", "host", "/x", login=("token", ""))),
    ],
)
def test_data_addresses_are_taken_apart(text: str, taken_apart: Address) -> None:
    assert parse_data(text) == taken_apart


def test_home_is_written_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert results_address("~/results") == f"{tmp_path}/results"
    assert parse_results("~/results").path == f"{tmp_path}/results"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must not be empty"),
        (" s3://bucket/x", "must not begin or end with a blank"),
        ("x\n", "must be on one line, without control characters"),
        ("a\x00b", "must be on one line, without control characters"),
        ("a\udcffb", "must be on one line, without control characters"),
        ("x" * 5000, "must be at most 4,096 characters, got 5,000"),
        ("C:\\results", "is a path of Windows"),
        ("C:/results", "is a path of Windows"),
        ("\\\\server\\share", "is a path of Windows"),
        ("~nobody-of-this-name/x", "begins with ~ and the name of nobody"),
        ("S3://bucket/x", "must begin with s3://, in lower case"),
        ("s3:/bucket/x", "must begin with s3://, in lower case and with two slashes"),
        ("s3:bucket/x", "must begin with s3://"),
        ("file:/x", "must begin with file://"),
        ("s3//bucket/x", "must be a "),
        ("ftp://host/x", "must be a "),
        ("s3a://bucket/x", "must be a "),
        ("s3://", "must name a bucket: s3://bucket/path"),
        ("s3:///x", "must name a bucket"),
        ("az://", "must name a container"),
        ("s3://Bucket/x", "must name a bucket as s3:// allows it"),
        ("s3://ab/x", "must name a bucket as s3:// allows it"),
        ("s3://-bucket/x", "must name a bucket as s3:// allows it"),
        ("az://my.container/x", "must name a container as az:// allows it"),
        ("s3://localhost:9000/bucket", "must hold no keys, user or port"),
        (
            "s3://KEY:SECRET@bucket/x",
            r"belong in the environment \(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\)",
        ),
        ("gs://me@bucket/x", r"belong in the environment \(GOOGLE_SERVICE_ACCOUNT\)"),
        ("s3://bucket/x?versionId=1", "must hold no . or #"),
        ("s3://bucket/x#y", "must hold no . or #"),
        ("file:///x?y", "must hold no . or #"),
        ("s3://bucket//x", "must have no part that is empty"),
        ("s3://bucket/../x", "must have no part that is empty"),
        ("s3://bucket/a%00b", "must be without control characters"),
        ("s3://bucket/a%ffb", "is not a URL"),
        ("file://host/x", "must name a file of this machine"),
        ("file://", "must name a file of this machine"),
        ("https://", "must name a server"),
        ("https://host:99999/x", "is not a URL"),
        ("https://[::1/x", "is not a URL"),
        ("me:word@host/x", "must begin with https:// if"),
    ],
)
def test_what_is_no_address_is_refused_for_data_and_results(text: str, problem: str) -> None:
    for check in (data_address, results_address):
        with pytest.raises(ValueError, match=problem) as refused:
            check(text)
        assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://host/results", "no results are written or listed over https://"),
        ("http://127.0.0.1/results", "no results are written or listed over http://"),
        ("..\\results", "must be written with / between folders"),
    ],
)
def test_results_can_stand_in_fewer_places(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        results_address(text)


def test_data_is_an_object_and_not_a_bucket() -> None:
    with pytest.raises(ValueError, match="must name an object: s3://bucket/path"):
        data_address("s3://bucket/")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            f"https://me:{SECRET}@host.org:8443/x.csv?sig={SECRET}#{SECRET}",
            "https://host.org:8443/x.csv",
        ),
        (f"https://{SECRET}@host.org/x.csv", "https://host.org/x.csv"),
        (f"HTTPS://me:{SECRET}@host.org/x.csv", "HTTPS://host.org/x.csv"),
        (f" https://me:{SECRET}@host.org/x.csv ", "https://host.org/x.csv"),
        (f"https://m\ne:{SECRET}@host.org/x.csv", "https://host.org/x.csv"),
        (f"s3://KEY:{SECRET}@bucket/x", "s3://bucket/x"),
        (f"s3://KEY:AB/{SECRET}@bucket/x", "s3://…"),
        (f"s3://KEY/{SECRET}@bucket/x", "s3://…"),
        (f"https://me:a/{SECRET}@host/x", "https://…"),
        (f"https://me:1/{SECRET}@host/x", "https://…"),
        (f"https://me:a#{SECRET}@host/x", "https://…"),
        (f"https://me:a?{SECRET}@host/x", "https://…"),
        (f"https://me/{SECRET}@host/x", "https://…"),
        (f"https:/me:{SECRET}@host/x", "https://…"),
        (f"https:me:{SECRET}@host/x", "https://…"),
        (f"https//me:{SECRET}@host/x", "https://…"),
        (f"https:///me:{SECRET}@host/x", "https://…"),
        (f"//me:{SECRET}@host/x", "…@host/x"),
        (f"me:{SECRET}@host/x?sig={SECRET}", "…@host/x"),
        (f"ssh://me:{SECRET}@host/x", "ssh://host/x"),
        (f"https://[::1/{SECRET}", "https://…"),
    ],
)
def test_what_is_shown_holds_no_secret(text: str, shown: str) -> None:
    assert public(text) == shown
    assert public(shown) == shown
    assert SECRET not in without_secrets(f"{text.strip()}: cannot be read, {text.strip()}.")
    assert SECRET not in refusal(data_address, text) + refusal(results_address, text)


@pytest.mark.parametrize(
    "text",
    [
        "deaths.csv",
        "/a b/what?.csv",
        "a:b",
        "C:\\x",
        "s3://bucket/deep/x",
        "https://cdn.org/repo@v1/x.csv",
        "file:///x@y",
    ],
)
def test_what_holds_no_secret_is_shown_as_it_is(text: str) -> None:
    assert public(text) == text
    assert not holds_secrets(text)


@given(
    st.text(min_size=1),
    st.text(),
    st.text(),
    st.sampled_from(["s3", "https", "HTTP", "gs", "az", "ftp"]),
)
def test_encoded_secrets_are_never_shown(user: str, password: str, query: str, scheme: str) -> None:
    def mark(text: str) -> str:
        return quote(f"{text}{SECRET}".encode(errors="replace"), safe="")

    text = f"{scheme}://{mark(user)}:{mark(password)}@host.org/x.csv?{mark(query)}={mark('')}#{mark('')}"
    assert public(text) == f"{scheme}://host.org/x.csv"
    assert without_secrets(f"<{text}> failed") == f"<{scheme}://host.org/x.csv> failed"


@given(st.text())
def test_any_text_is_taken_apart_or_refused_in_a_bounded_sentence(text: str) -> None:
    for check in (data_address, results_address):
        assert len(refusal(check, text)) < 500
        assert refusal(check, text).isprintable()


def test_messages_say_addresses_without_secrets_whoever_wrote_them() -> None:
    quoted = (
        f"error sending request for url (https://host.org/x?X-Amz-Signature={SECRET}), "
        f"signature={SECRET}: refused"
    )
    assert (
        str(StoreError(quoted))
        == "error sending request for url (https://host.org/x), signature=…: refused"
    )
    assert "https://host.org/docs." in str(StoreError("see https://host.org/docs."))


@pytest.mark.parametrize(
    "address", ["va-results/child", "../child", "file:///srv/child", "~/child"]
)
def test_a_cluster_does_not_read_what_stands_here(address: str) -> None:
    told = out_of_reach(["s3://bucket/a", address])
    assert told is not None
    assert told.startswith("start_from: must be addresses that the cluster can read (s3://")
    assert told.endswith(f"got '{address}'")


def test_a_cluster_reads_stores_and_volumes() -> None:
    assert out_of_reach(["s3://bucket/a", "gs://bucket/a", "az://bucket/a", "/srv/va/a"]) is None
