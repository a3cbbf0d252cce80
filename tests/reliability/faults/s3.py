"""An S3 server that is slow, refuses, answers rubbish, breaks off, dies: for a search and for
readers."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.integration.s3_server import S3Server, binary, serve
from tests.reliability.faults.fault import (
    TUNE,
    Fault,
    ends,
    goes_on,
    put_small,
    run,
    running,
    same_as_undisturbed,
    undisturbed,
)  # fmt: skip
from tests.reliability.faults.proxy import Disturbance, disturbed
from tests.reliability.samples import STORED

GROUP = "S3"
WHERE = "s3://bucket/small"
_TUNE = (*TUNE, "--results", "s3://bucket")
_READ = {
    "show": ("show", "s3://bucket/stored"),
    "show --trials": ("show", "s3://bucket/stored", "--trials"),
    "predict": (
        "predict",
        "s3://bucket/stored",
        "deaths.csv",
        "--model",
        "xgboost",
        "--output",
        "out.csv",
    ),
}
_HTML = b"<html><body>Welcome to the airport</body></html>"
_XML = (
    b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We are sorry</Message></Error>"
)
_PASSING: dict[str, Disturbance] = {
    "every fifth answers 500": Disturbance(lambda n, m: n % 5 == 0, 500, _XML),
    "every fifth answers 503": Disturbance(lambda n, m: n % 5 == 0, 503, b""),
    "every seventh breaks off": Disturbance(lambda n, m: n % 7 == 0, -1),
    "every seventh answer is lost": Disturbance(lambda n, m: n % 7 == 0, -3),
    "a quarter of a second each": Disturbance(seconds=0.25),
    "every ninth answer is half": Disturbance(lambda n, m: n % 9 == 0, -2),
}
"""Disturbances that a search outlives."""
_LASTING: dict[str, Disturbance] = {
    "403": Disturbance(
        status=403, body=b"<Error><Code>AccessDenied</Code><Message>no\x1b[2J</Message></Error>"
    ),
    "401": Disturbance(status=401),
    "HTML": Disturbance(status=200, body=_HTML),
    "HTML 404": Disturbance(status=404, body=_HTML),
    "nothing": Disturbance(status=200, body=b""),
    "rubbish": Disturbance(status=200, body=bytes(range(256))),
    "400": Disturbance(status=400, body=b"x" * 100_000),
    "no bucket": Disturbance(
        status=404, body=b"<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>"
    ),
    "the bodies of objects are rubbish": Disturbance(lambda n, m: m == "GET" and n > 2, 0, _HTML),
}
"""Disturbances that are told in one sentence."""


def faults() -> Iterator[Fault]:
    """Yield the faults; none where the server is not installed."""
    if binary() is None:
        return
    for name, disturbance in _PASSING.items():
        yield Fault(GROUP, "tune, passing", name, partial(_tune_through, disturbance), _TUNE)
        yield Fault(
            GROUP,
            "show, passing",
            name,
            _read_through("show --trials", disturbance, "accepted"),
            _READ["show --trials"],
        )
    for number, (name, disturbance) in enumerate(_LASTING.items()):
        command = list(_READ)[number % 3]
        yield Fault(
            GROUP,
            f"{command}, lasting",
            name,
            _read_through(command, disturbance, "refused"),
            _READ[command],
        )
        yield Fault(GROUP, "tune, lasting", name, partial(_refused_tune, disturbance), _TUNE)
    for name in ("nobody listens", "wrong keys", "no keys", "another region"):
        yield Fault(GROUP, "settings", name, partial(_settings, name), _READ["show"])
    yield Fault(GROUP, "server", "killed and started again", _restarted, _TUNE)
    yield Fault(GROUP, "server", "forbids from the tenth write on", _forbids, _TUNE)
    yield Fault(GROUP, "two at once", "in a bucket", _two, _TUNE)


@contextmanager
def _server(folder: Path) -> Iterator[S3Server]:
    root = folder.parent / "buckets"
    (root / "bucket").mkdir(parents=True, exist_ok=True)
    with serve(root) as server:
        yield server


def _variables(server: S3Server, endpoint: str = "") -> Mapping[str, str]:
    return {**server.environment, "AWS_ENDPOINT_URL": endpoint or server.endpoint}


def _tune_through(disturbance: Disturbance, folder: Path) -> Iterator[str]:
    put_small(folder)
    undisturbed()
    with _server(folder) as server, disturbed(server.endpoint, disturbance) as endpoint:
        yield from ends(run(folder, *_TUNE, environment=_variables(server, endpoint)), "accepted")
        yield from same_as_undisturbed(folder, WHERE, _variables(server))


def _read_through(
    command: str, disturbance: Disturbance, *allowed: str
) -> Callable[[Path], Iterator[str]]:
    def play(folder: Path) -> Iterator[str]:
        shutil.copy(STORED / "deaths.csv", folder)
        with _server(folder) as server, disturbed(server.endpoint, disturbance) as endpoint:
            shutil.copytree(STORED / "finished", server.root / "bucket" / "stored")
            with running(
                folder, *_READ[command], environment=_variables(server, endpoint)
            ) as started:
                outcome = started.wait()
            yield from ends(outcome, *allowed)
            if "\x1b" in outcome.said:
                yield "an escape of the server's stands in the message"
            if (
                outcome.code == 0
                and command == "show --trials"
                and outcome.out != (STORED / "trials.csv").read_text()
            ):
                yield "another table"
            if outcome.code and (folder / "out.csv").exists():
                yield "left out.csv"

    return play


def _refused_tune(disturbance: Disturbance, folder: Path) -> Iterator[str]:
    put_small(folder)
    with (
        _server(folder) as server,
        disturbed(server.endpoint, disturbance) as endpoint,
        running(folder, *_TUNE, environment=_variables(server, endpoint)) as started,
    ):
        yield from ends(started.wait(), "refused")


def _settings(name: str, folder: Path) -> Iterator[str]:
    with _server(folder) as server:
        shutil.copytree(STORED / "finished", server.root / "bucket" / "stored")
        changes = {
            "nobody listens": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "wrong keys": {"AWS_SECRET_ACCESS_KEY": "wrong"},
            "no keys": {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "another region": {"AWS_REGION": "nowhere-9"},
        }
        with running(
            folder, *_READ["show"], environment={**_variables(server), **changes[name]}
        ) as started:
            yield from ends(
                started.wait(),
                "refused",
                *(("accepted",) if name == "another region" else ()),
            )


def _restarted(folder: Path) -> Iterator[str]:
    """The server is away for some seconds in the search."""
    put_small(folder)
    undisturbed()
    with _server(folder) as server:
        port, trials = int(server.endpoint.rpartition(":")[2]), server.root / "bucket" / "small"
        with running(folder, *_TUNE, environment=_variables(server)) as started:
            started.wait_for(lambda: len(list(trials.glob("*/trials/*.json"))) >= 2)
            started_again = _variables(server)
            root = server.root
            yield from _away(server, port, root, started_again, started, folder)


def _away(
    server: S3Server,
    port: int,
    root: Path,
    variables: Mapping[str, str],
    started: object,
    folder: Path,
) -> Iterator[str]:
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if f"127.0.0.1:{port}" in (process.info["cmdline"] or []):
            process.kill()
    time.sleep(6)
    with serve(root, port):
        yield from ends(started.wait(), "accepted")  # type: ignore[attr-defined]
        yield from same_as_undisturbed(folder, WHERE, variables)


def _forbids(folder: Path) -> Iterator[str]:
    """Keys that lose their rights during the search: what is finished is kept, and a later run
    goes on."""
    put_small(folder)
    undisturbed()
    forbidding = Disturbance(
        lambda n, m: m == "PUT" and n > 16, 403, b"<Error><Code>AccessDenied</Code></Error>"
    )
    with _server(folder) as server:
        with disturbed(server.endpoint, forbidding) as endpoint:
            yield from ends(
                run(folder, *_TUNE, environment=_variables(server, endpoint)),
                "refused",
                "run error",
            )
        yield from goes_on(folder, argv=_TUNE, where=WHERE, environment=_variables(server))


def _two(folder: Path) -> Iterator[str]:
    put_small(folder)
    undisturbed()
    with _server(folder) as server:
        variables = _variables(server)
        with (
            running(folder, *_TUNE, environment=variables) as first,
            running(folder, *_TUNE, environment=variables) as second,
        ):
            outcomes = [first.wait(), second.wait()]
        yield from (
            problem for outcome in outcomes for problem in ends(outcome, "accepted", "refused")
        )
        if not any(outcome.code == 0 for outcome in outcomes):
            yield "none of the two came to its end"
        yield from same_as_undisturbed(folder, WHERE, variables)
