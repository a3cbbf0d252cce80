"""Kubeconfig files that lead nowhere: one sentence each, and never another cluster."""

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.api_server import ApiServer, kubeconfig
from tests.integration.cluster_commands import sentence, va_tuning

Change = Callable[[dict[str, Any]], object]


def _cluster(**changes: object) -> Change:
    return lambda content: content["clusters"][0]["cluster"].update(changes)


def _user(**changes: object) -> Change:
    return lambda content: content["users"][0]["user"].update(
        {key.replace("_", "-"): v for key, v in changes.items()}
    )


def _at(key: str, value: object) -> Change:
    return lambda content: content.update({key: value})


def _plugin(script: str) -> Change:
    command = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", script],
    }
    return lambda content: content["users"][0].update({"user": {"exec": command}})


ODD_CONTENT: dict[str, Change] = {
    "no current context": lambda content: content.pop("current-context"),
    "a context that is not there": _at("current-context", "gone"),
    "a context of another type": _at("current-context", ["here"]),
    "contexts in a mapping": _at("contexts", {"here": {}}),
    "contexts as text": _at("contexts", "here"),
    "nothing in contexts": _at("contexts", [None]),
    "a nameless context": _at("contexts", [{"context": {"cluster": "here"}}]),
    "no clusters": lambda content: content.pop("clusters"),
    "null clusters": _at("clusters", None),
    "clusters as numbers": _at("clusters", [1, 2]),
    "a cluster that is not there": lambda content: content["contexts"][0]["context"].update(
        cluster="gone"
    ),
    "no users": lambda content: content.pop("users"),
    "a user that is not there": lambda content: content["contexts"][0]["context"].update(
        user="gone"
    ),
    "a user as text": lambda content: content["users"][0].update(user="me"),
    "a namespace that is none": lambda content: content["contexts"][0]["context"].update(
        namespace="../x"
    ),
    "no server": _cluster(server=None),
    "a server without a scheme": _cluster(server="127.0.0.1:6443"),
    "a server of another scheme": _cluster(server="ftp://127.0.0.1"),
    "a server with a password": _cluster(server="http://me:hidden@127.0.0.1:1"),
    "a server without a host": _cluster(server="https://"),
    "a server with an odd port": _cluster(server="https://127.0.0.1:99999"),
    "a server with brackets": _cluster(server="https://[::1"),
    "a server of another type": _cluster(server=6443),
    "a server with a line break": _cluster(server="http://127.0.0.1:1\r\nX: y"),
    "a certificate authority that is not there": _cluster(**{"certificate-authority": "gone.pem"}),
    "a certificate authority that is a folder": _cluster(
        server="https://127.0.0.1:1", **{"certificate-authority": "/"}
    ),
    "authority data of no base64": _cluster(**{"certificate-authority-data": "%%%"}),
    "authority data of no PEM": _cluster(
        server="https://127.0.0.1:1",
        **{"certificate-authority-data": base64.b64encode(b"no").decode()},
    ),
    "a proxy of no kind": _cluster(**{"proxy-url": "nothing"}),
    "a client certificate that is not there": _user(
        client_certificate="gone.pem", client_key="gone.pem"
    ),
    "a token of another type": _user(token=["abc"]),
    "a token with a line break": _user(token="hidden\nX: y"),
    "a token beyond ASCII": _user(token="hiddené"),
    "a token file that is not there": lambda content: content["users"][0].update(
        user={"tokenFile": "/gone/token"}
    ),
    "a login program that is not there": lambda content: content["users"][0].update(
        user={"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login"}}
    ),
    "a login program at a path that is not there": lambda content: content["users"][0].update(
        user={
            "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./no-such-login"}
        }
    ),
    "a login program as text": lambda content: content["users"][0].update(user={"exec": "login"}),
    "a login program that fails": _plugin("echo denied >&2; exit 3"),
    "a login program that says nothing": _plugin("true"),
    "a login program that says no JSON": _plugin("head -c 100000 /dev/zero | tr '\\0' x"),
    "a login program that says a list": _plugin("echo '[]'"),
    "a login program that gives no token": _plugin(
        """echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {}}'"""
    ),
    "a login program that gives text": _plugin(
        """echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": "x"}'"""
    ),
    "a login program of another version": _plugin(
        """echo '{"apiVersion": "v0", "kind": "E", "status": {}}'"""
    ),
    "a login program whose token breaks the line": _plugin(
        r"""printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "E", """
        r""""status": {"token": "hidden\\nX"}}'"""
    ),
}


@pytest.mark.parametrize("odd", ODD_CONTENT)
@pytest.mark.parametrize("command", [("list",), ("cancel", "adult")])
def test_content_that_leads_nowhere(
    api: ApiServer, tmp_path: Path, odd: str, command: tuple[str, ...]
) -> None:
    content = kubeconfig(api.url)
    ODD_CONTENT[odd](content)
    (tmp_path / "kubeconfig.yaml").write_text(yaml.safe_dump(content))
    said = sentence(*command)
    assert "hidden" not in said
    assert api.requests == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"\x00\x01\xff",
        b"\xff\xfe{}",
        b"[1, 2",
        b"just text",
        b"- a\n- b\n",
        b"5",
        b"{" * 5000,
        b"!!x y",
        b"a: 1\n\tb",
    ],
)
def test_a_file_that_is_none(api: ApiServer, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kubeconfig.yaml").write_bytes(content)
    assert "kubeconfig.yaml" in sentence("list")
    assert api.requests == []


def test_places_without_a_file(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = tmp_path / "unreadable"
    unreadable.mkdir()
    os.mkfifo(tmp_path / "pipe", stat.S_IRUSR)
    for place in (
        tmp_path,
        unreadable,
        tmp_path / "gone",
        tmp_path / "pipe",
        "/dev/zero",
        os.pathsep,
        "\x1b[31m",
    ):
        monkeypatch.setenv("KUBECONFIG", str(place))
        sentence("list")
    assert api.requests == []


def test_of_several_files_the_first_wins_as_for_kubectl(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").write_text("")
    other = kubeconfig("http://127.0.0.1:9")
    other["contexts"][0]["name"] = other["current-context"] = "there"
    other["clusters"][0]["name"] = other["contexts"][0]["context"]["cluster"] = "there"
    (tmp_path / "other").write_text(yaml.safe_dump(other))
    files = [
        tmp_path / "gone",
        tmp_path / "empty",
        tmp_path / "kubeconfig.yaml",
        tmp_path / "other",
    ]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))
    assert "no experiments in namespace va" in va_tuning("list").output
    assert "the cluster at http://127.0.0.1:9 cannot be reached" in sentence(
        "list", "--context", "there"
    )


def test_a_login_program_s_token_is_used(api: ApiServer, tmp_path: Path) -> None:
    content = kubeconfig(api.url)
    status = (
        '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "E", "status": {"token": "t"}}'
    )
    _plugin(f"echo '{status}'")(content)
    (tmp_path / "kubeconfig.yaml").write_text(yaml.safe_dump(content))
    assert va_tuning("list").exit_code == 0
