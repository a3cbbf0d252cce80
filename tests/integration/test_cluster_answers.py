"""Answers that no API server gives: each command says one sentence, exits with 2 and changes
nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.integration.api_server import Answer, ApiServer, experiment_map, rayjob, submitter
from tests.integration.cluster_commands import sentence

HTML = b"<html><body>Sign in to the proxy</body></html>"
HUGE = "\x1b[31mno\x07 " * 400_000


def _status(code: int, reason: str, message: object) -> bytes:
    return json.dumps(
        {"kind": "Status", "reason": reason, "message": message, "code": code}
    ).encode()


ANSWERS = {
    "html": Answer(200, HTML, {"Content-Type": "text/html"}),
    "empty": Answer(200),
    "no content": Answer(204),
    "cut": Answer(200, b'{"metadata": {"name": "adu'),
    "list": Answer(200, b"[]"),
    "text": Answer(200, b'"yes"'),
    "number": Answer(200, b"1e999"),
    "null": Answer(200, b"null"),
    "nothing in it": Answer(200, b"{}"),
    "wrong types": Answer(200, b'{"metadata": 5, "items": {"a": 1}, "data": [], "spec": "x"}'),
    "nulls": Answer(
        200, b'{"metadata": null, "items": null, "data": null, "spec": null, "status": null}'
    ),
    "nameless": Answer(
        200, b'{"metadata": {"labels": {}}, "spec": {}, "items": [{"metadata": {}, "spec": {}}]}'
    ),
    "bare items": Answer(200, b'{"metadata": {"name": "adult"}, "items": ["adult", null, 7]}'),
    "not a date": Answer(
        200, b'{"metadata": {"name": "adult", "creationTimestamp": "soon"}, "spec": {}, "items": 0}'
    ),
    "another": Answer(200, b'{"metadata": {"name": "other"}, "spec": {}, "data": {}}'),
    "deep": Answer(200, b'{"metadata":' * 100_000),
    "not utf-8": Answer(200, b'{"metadata": {"name": "\xff\xfe"}}'),
    "not gzip": Answer(200, b"{}", {"Content-Encoding": "gzip"}),
    "500": Answer(500, HTML),
    "500 huge": Answer(500, _status(500, "InternalError", HUGE)),
    "500 odd": Answer(500, _status(500, "InternalError", {"a": [1]})),
    "503 later": Answer(503, b"", {"Retry-After": "100000"}),
    "429": Answer(429, _status(429, "TooManyRequests", "slower"), {"Retry-After": "100000"}),
    "410": Answer(410, _status(410, "Expired", "too old")),
    "401 html": Answer(401, HTML),
    "403 html": Answer(403, HTML),
    "404 html": Answer(404, HTML),
    "404 of no api": Answer(404, b"404 page not found\n"),
    "redirect": Answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    "redirect round": Answer(307, b"", {"Location": "/"}),
    "broken off": Answer(200, b'{"metadata"', cut=1000),
    "hung up": Answer(raw=True),
    "no http": Answer(body=b"SSH-2.0-OpenSSH_9.6\r\n\x00\x01", raw=True),
    "long header": Answer(body=b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, raw=True),
}
COMMANDS = {
    "list": ("list",),
    "status": ("status", "adult"),
    "logs": ("logs", "adult"),
    "follow": ("logs", "adult", "--follow"),
    "cancel": ("cancel", "adult"),
    "purge": ("cancel", "adult", "--purge", "--yes"),
    "fetch": ("fetch", "adult"),
    "submit": ("submit", "EXPERIMENT", "--own-cluster"),
    "dry run": ("submit", "EXPERIMENT", "--dry-run"),
}
ASKED = [
    *[("list", "rayjobs"), ("status", "rayjobs"), ("status", "pods"), ("status", "events")],
    *[("logs", "rayjobs"), ("logs", "pods"), ("follow", "rayjobs"), ("follow", "pods")],
    *[
        ("cancel", "rayjobs"),
        ("purge", "configmaps"),
        ("purge", "secrets"),
        ("fetch", "configmaps"),
    ],
    *[("fetch", "secrets"), ("submit", "configmaps"), ("submit", "rayjobs"), ("submit", "secrets")],
    *[("submit", "serviceaccounts"), ("dry run", "configmaps")],
]
CASES = [
    (command, kind, answer)
    for command, kind in ASKED
    for answer in ANSWERS
    if (kind, answer) not in [("secrets", "403 html"), ("serviceaccounts", "403 html")]
    or command != "submit"
]
"""Whoever submits need not be able to read Secrets and ServiceAccounts."""


def _of(kind: str, answer: Answer) -> Callable[[str, str], Answer | None]:
    return lambda method, path: answer if f"/{kind}" in path and not path.endswith("/log") else None


@pytest.fixture
def running(api: ApiServer, experiment: Path) -> ApiServer:
    api.put("rayjobs", rayjob("adult"))
    api.put("configmaps", experiment_map("adult"))
    api.put("pods", submitter("adult"))
    api.logs["adult-submitter"] = "round 1\n"
    return api


@pytest.mark.parametrize(("command", "kind", "answer"), CASES)
def test_an_answer_that_is_none(
    running: ApiServer, experiment: Path, command: str, kind: str, answer: str
) -> None:
    running.spoil = _of(kind, ANSWERS[answer])
    if command == "submit":
        del running.objects["rayjobs", "adult"]
    arguments = [str(experiment) if a == "EXPERIMENT" else a for a in COMMANDS[command]]
    said = sentence(*arguments)
    assert any(f"/{kind}" in path for _, path in running.requests)
    assert running.writes == [], said


@pytest.mark.parametrize(
    "answer", [a for a in ANSWERS if ANSWERS[a].status >= 400 or ANSWERS[a].raw or ANSWERS[a].cut]
)
@pytest.mark.parametrize("command", ["status", "logs"])
def test_a_log_that_cannot_be_read(running: ApiServer, command: str, answer: str) -> None:
    running.spoil = lambda method, path: ANSWERS[answer] if path.endswith("/log") else None
    assert sentence(command, "adult")
    assert running.writes == []


@pytest.mark.parametrize(
    "answer", [a for a in ANSWERS if ANSWERS[a].status >= 300 or ANSWERS[a].raw or ANSWERS[a].cut]
)
def test_a_deletion_that_is_not_answered_is_not_called_done(
    running: ApiServer, answer: str
) -> None:
    running.spoil = lambda method, path: ANSWERS[answer] if method == "DELETE" else None
    assert sentence("cancel", "adult")
    assert ("rayjobs", "adult") in running.objects


@pytest.mark.parametrize("answer", [a for a in ANSWERS if ANSWERS[a].status >= 300])
@pytest.mark.parametrize("refused", ["rayjobs", "configmaps"])
def test_a_creation_that_is_refused_leaves_nothing(
    api: ApiServer, experiment: Path, refused: str, answer: str
) -> None:
    before = dict(api.objects)
    api.spoil = lambda method, path: (
        ANSWERS[answer] if method == "POST" and f"/{refused}" in path else None
    )
    assert sentence("submit", str(experiment))
    assert api.objects == before


@pytest.mark.parametrize("answer", ["html", "cut", "hung up", "broken off", "another", "500"])
def test_a_creation_of_which_nothing_is_known_says_so(
    api: ApiServer, experiment: Path, answer: str
) -> None:
    api.garble = lambda method, path: ANSWERS[answer] if method == "POST" else None
    assert "RayJob adult may have been created: va-tuning status adult" in sentence(
        "submit", str(experiment)
    )


def _template(api: ApiServer) -> dict[str, object]:
    content = api.objects["configmaps", "va-tuning-rayjob"]
    assert isinstance(content["data"], dict)
    return content


def _head_env(env: object) -> Callable[[ApiServer], None]:
    def change(api: ApiServer) -> None:
        data = _template(api)["data"]
        assert isinstance(data, dict)
        job = yaml.safe_load(data["rayjob.yaml"])
        job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0][
            "env"
        ] = env
        data["rayjob.yaml"] = yaml.safe_dump(job)

    return change


def _data(**changes: object) -> Callable[[ApiServer], None]:
    def change(api: ApiServer) -> None:
        content = _template(api)
        data = {key.replace("_", "-"): value for key, value in changes.items()}
        data = {key.replace("-yaml", ".yaml"): value for key, value in data.items()}
        content["data"] = {k: v for k, v in {**content["data"], **data}.items() if v is not None}  # type: ignore[dict-item]

    return change


def _no_annotations(api: ApiServer) -> None:
    metadata = _template(api)["metadata"]
    assert isinstance(metadata, dict)
    metadata["annotations"] = None


def _without(*keys: str) -> Callable[[ApiServer], None]:
    def change(api: ApiServer) -> None:
        data = _template(api)["data"]
        assert isinstance(data, dict)
        job = node = yaml.safe_load(data["rayjob.yaml"])
        for key in keys[:-1]:
            node = node[key]
        del node[keys[-1]]
        data["rayjob.yaml"] = yaml.safe_dump(job)

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        _data(results=None),
        _data(results=""),
        _data(rayjob_yaml=None),
        _data(rayjob_yaml="a: [b"),
        _data(rayjob_yaml="just text"),
        _data(rayjob_yaml="[1, 2]"),
        _data(rayjob_yaml="a: " + "[" * 5000),
        _data(rayjob_yaml="a: 2024-99-99"),
        _data(rayjob_yaml="!!python/object/apply:os.system [true]"),
        _data(rayjob_installed_yaml="\x00"),
        _data(rayjob_installed_yaml="kind: Pod"),
        _no_annotations,
        _without("kind"),
        _without("metadata"),
        _without("metadata", "labels"),
        _without("metadata", "labels", "va-tuning/experiment"),
        _without("spec"),
        _without("spec", "rayClusterSpec"),
        _without("spec", "rayClusterSpec", "headGroupSpec", "template", "spec", "containers"),
        _head_env("HOME=/tmp"),
        _head_env(["HOME=/tmp"]),
        _head_env([{"value": "x"}]),
        _head_env([{"name": "A", "valueFrom": {"secretKeyRef": "x"}}]),
    ],
)
@pytest.mark.parametrize("command", ["submit", "dry run", "fetch", "purge"])
def test_a_template_without_its_parts(
    running: ApiServer, experiment: Path, command: str, spoil: Callable[[ApiServer], None]
) -> None:
    spoil(running)
    said = sentence(*[str(experiment) if a == "EXPERIMENT" else a for a in COMMANDS[command]])
    assert "va-tuning-rayjob" in said
    assert running.writes == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "must hold keys and values"),
        ("[", "is not valid YAML"),
        ("results: 5", "must be an s3://, gs:// or az:// address"),
        ("results: /home/me", "must be an s3://, gs:// or az:// address"),
        ("results: file:///home/me", "must be an s3://, gs:// or az:// address"),
        ("results: s3://", "must be an s3://, gs:// or az:// address"),
        ("results: s3://KEY:hidden@bucket", "one with keys"),
        ("results: s3://bucket/?signature=hidden", "one with keys"),
        ("results: 'http://[::1'", "must be an s3://, gs:// or az:// address"),
    ],
)
@pytest.mark.parametrize("command", ["fetch", "purge"])
def test_an_experiment_s_map_that_says_no_place(
    running: ApiServer, command: str, content: str, expected: str
) -> None:
    running.put("configmaps", {**experiment_map("adult"), "data": {"experiment.yaml": content}})
    said = sentence(*COMMANDS[command])
    assert expected in said
    assert "hidden" not in said
    assert running.writes == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"AWS_ACCESS_KEY_ID": "not base64!"}, "must be UTF-8 text in base64"),
        ({"AWS_ACCESS_KEY_ID": "/w=="}, "must be UTF-8 text in base64"),
        ({"AWS_ACCESS_KEY_ID": "aGlkZGVuCg=="}, "must be one line of printable characters"),
        ({"AWS_ACCESS_KEY_ID": 7}, "AWS_ACCESS_KEY_ID"),
        ({}, "Service va-tuning-store"),
    ],
)
@pytest.mark.parametrize("command", ["fetch", "purge"])
def test_a_secret_that_holds_no_keys(
    running: ApiServer, command: str, data: dict[str, object], expected: str
) -> None:
    running.put("secrets", {"metadata": {"name": "va-tuning-store"}, "data": data})
    said = sentence(*COMMANDS[command])
    assert expected in said
    assert "hidden" not in said
    assert running.writes == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "must select pods"),
        ({"selector": None}, "must select pods"),
        ({"selector": {"a": "b,c=d"}}, "label a: must be"),
        ({"selector": {"app": "store"}}, "must have port 7070"),
        ({"selector": {"app": "store"}, "ports": [{"port": 80}]}, "must have port 7070"),
        (
            {"selector": {"app": "store"}, "ports": [{"port": 7070, "targetPort": "s3"}]},
            "leads to port 's3'",
        ),
        ({"selector": {"app": "store"}, "ports": [{"port": "x"}]}, "spec.ports.0.port"),
        ({"selector": {"app": "other"}, "ports": [{"port": 7070}]}, "must have a running pod"),
        ({"selector": {"app": "store"}, "ports": [{"port": 7070}]}, "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_service_that_leads_nowhere(
    running: ApiServer, monkeypatch: pytest.MonkeyPatch, spec: dict[str, object], expected: str
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    running.put("services", {"metadata": {"name": "va-tuning-store"}, "spec": spec})
    pod = submitter("store")
    pod["metadata"]["labels"] = {"app": "store"}
    running.put("pods", pod)
    assert expected in sentence("fetch", "adult")
    assert running.writes == []
