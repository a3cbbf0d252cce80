"""Who may look, and what a browser may do with what it gets."""

import re
from pathlib import Path

import pytest

from tests.unit.web.conftest import Open
from tuner_job.errors import InputError
from tuner_job.web.access import chosen_token, is_loopback

TOKEN = "a-token-of-enough-letters"


def test_without_a_token_only_names_of_this_machine_are_answered(
    results: Path, open_pages: Open
) -> None:
    client = open_pages(results)
    for host in ("localhost:8765", "127.0.0.1", "127.0.0.1:1", "127.0.0.2:1", "[::1]:8765",
                 "LOCALHOST"):  # fmt: skip
        assert client.get("/", headers={"Host": host}).status_code == 200, host
    for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.", "",
                 "10.0.0.7:8765", "[::1", "127.0.0.1:8765:1", "user@localhost"):  # fmt: skip
        answer = client.get("/", headers={"Host": host})
        assert answer.status_code == 421, host
        assert "finished" not in answer.text


@pytest.mark.parametrize("path", ["/", "/experiments/finished", "/events", "/api/experiments",
                                  "/metrics", "/static/web.js", "/nowhere"])  # fmt: skip
def test_a_token_is_asked_for_everywhere(results: Path, open_pages: Open, path: str) -> None:
    client = open_pages(results, token=TOKEN)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "va-tuning=wrong"},
                    {"Authorization": f"Basic {TOKEN}"}, {"Cookie": f"va-tuning={TOKEN}"},
                    {"Cookie": "\x01;;=,"}):  # fmt: skip
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401, headers
        assert "finished" not in answer.text
    good = client.head(path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert good.status_code == (404 if path == "/nowhere" else 200)


def test_health_needs_no_token(results: Path, open_pages: Open) -> None:
    assert open_pages(results, token=TOKEN).get("/healthz").text == "ok\n"


def test_a_token_in_the_address_becomes_a_cookie_and_leaves_the_address(
    results: Path, open_pages: Open
) -> None:
    client = open_pages(results, token=TOKEN)
    answer = client.get(f"/experiments/finished?x=1&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/experiments/finished?x=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert "secure" not in cookie.lower()
    assert TOKEN not in cookie
    assert client.get("/experiments/finished").status_code == 200  # by the cookie
    assert client.get("/?token=wrong").status_code == 401
    assert client.get(f"/?token={TOKEN}").status_code == 303  # it leaves the address all the same


def test_behind_https_the_cookie_is_for_https_alone(results: Path, open_pages: Open) -> None:
    client = open_pages(results, token=TOKEN)
    answer = client.get(f"/?token={TOKEN}", headers={"X-Forwarded-Proto": "https"})
    assert "secure" in answer.headers["set-cookie"].lower()


def test_the_form_lets_in(results: Path, open_pages: Open) -> None:
    client = open_pages(results, token=TOKEN)
    assert 'action="/login"' in client.get("/").text
    wrong = client.post("/login", data={"token": "wrong"})
    assert wrong.status_code == 401
    assert "This is not the token" in wrong.text
    assert client.post("/login", content=b"x" * 10_000).status_code == 413
    right = client.post("/login", data={"token": TOKEN})
    assert (right.status_code, right.headers["location"]) == (303, "/")
    assert client.get("/").status_code == 200


def test_a_redirect_leads_nowhere_else(results: Path, open_pages: Open) -> None:
    client = open_pages(results, token=TOKEN)
    for path in ("//evil.example/", "/%2Fevil.example", "///evil.example"):
        location = client.get(f"http://127.0.0.1:8765{path}?token={TOKEN}").headers["location"]
        assert re.match(r"/(?![/\\])", location), location


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_reading_is_answered(results: Path, open_pages: Open, method: str) -> None:
    for token in (None, TOKEN):
        client = open_pages(results, token=token)
        for path in ("/", "/experiments/finished", "/api/experiments", "/healthz"):
            answer = client.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
            assert answer.status_code == 405
            assert answer.headers["allow"] == "GET, HEAD"


def test_pages_load_nothing_of_elsewhere_and_no_script_but_the_file(
    results: Path, open_pages: Open
) -> None:
    client = open_pages(results)
    for path in ("/", "/experiments/finished", "/experiments/finished/log", "/side-by-side",
                 "/nowhere", "/side-by-side?e=finished&e=halted"):  # fmt: skip
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'; style-src 'self';" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert not re.search(r"<script(?! src=\"/static/web.js\" defer></script>)", answer.text)
        assert not re.search(r"\son\w+=|javascript:|<style", answer.text)
        assert not re.search(r"(?:src|href|action)=\"(?!/|#|data:,)", answer.text)


def test_loopback_and_other_addresses_are_told_apart() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "localhost.example", "")))


def test_a_token_is_made_where_others_can_reach_the_port() -> None:
    assert chosen_token("127.0.0.1", None) is None
    made = chosen_token("0.0.0.0", None)
    assert made is not None
    assert len(made) >= 32
    assert made != chosen_token("0.0.0.0", None)
    assert chosen_token("127.0.0.1", TOKEN) == TOKEN
    with pytest.raises(InputError, match="must have at least 16 characters, got 4"):
        chosen_token("0.0.0.0", "1234")


def test_a_token_from_a_file_is_one_that_can_be_given() -> None:
    assert chosen_token("0.0.0.0", f" {TOKEN}\r\n") == TOKEN
    with pytest.raises(InputError, match="must have at least 16 characters, got 4"):
        chosen_token("0.0.0.0", "1234" + "\n" * 20)
    for other in ("a-token\nof-enough-letters", "ein-langes-Schlüsselwort"):
        with pytest.raises(InputError, match="must be printable ASCII characters") as refused:
            chosen_token("0.0.0.0", other)
        assert other not in str(refused.value)
