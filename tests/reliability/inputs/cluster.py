"""Cluster commands: names, kubeconfigs, malformed answers and objects of an API server on
loopback."""

import atexit
import copy
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from tests.reliability import clusters
from tests.reliability.api_server import Answer, World, refusal, requests_to, serve
from tests.reliability.case import ACCEPTED, ONLY_REFUSED, REFUSED, RUN_ERROR, USAGE, Case, Outcome
from tests.reliability.inputs import kubeconfigs
from tests.reliability.inputs.arguments import STRANGE
from tests.reliability.inputs.experiments import LAUGHS
from tests.reliability.samples import experiment, put

GROUP = "cluster"
WRONG = frozenset({REFUSED, USAGE})
ANY_END = frozenset({REFUSED, ACCEPTED, RUN_ERROR})
COMMANDS: dict[str, tuple[str, ...]] = {
    "list": ("list",),
    "status": ("status", "exp"),
    "logs": ("logs", "exp"),
    "cancel": ("cancel", "exp"),
    "fetch": ("fetch", "exp", "--output", "fetched"),
    "submit": ("submit", "experiment.yaml"),
}
_LOG = {r"/log$": Answer(body=b"a line\nva-tuning: said\n", kind="text/plain")}
_NAMES = {
    **STRANGE, "a dot": ".", "two dots": "..", "up": "../exp", "a path": "exp/x", "a slash": "exp/",
    "a query": "exp?x=1",
    "a fragment": "exp#x", "percent": "exp%2f..", "upper case": "EXP", "41 characters": "e" * 41, "underscore": "a_b",
    "begins with a digit": "1exp", "ends with a dash": "exp-", "an IP": "10.0.0.1", "a semicolon": "exp;x",
    "a comma": "exp,other",
    "a selector": "exp,a in (b)", "equals": "a=b", "non-ASCII": "expé", "not there": "nope", "a foreign one": "foreign",
}  # fmt: skip


def cases() -> Iterator[Case]:
    """Yield the cases; their server is started first."""
    made = [*_names(), *_answers(), *_objects(), *_templates(), *_submissions()]
    log = Path(tempfile.mkdtemp(prefix="va-reliability-api-"))
    log.chmod(0o777)
    atexit.register(_remove_in, os.getpid(), log)
    address = serve([world for world, _ in made], log)
    for number, (_, make) in enumerate(made):
        yield make(f"{address}/{number}", partial(requests_to, log, number))
    yield from kubeconfigs.cases(address)


def _remove_in(pid: int, folder: Path) -> None:
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


Made = tuple[World, Callable[[str, Callable[[], list[str]]], Case]]


def _made(
    world: World,
    kind: str,
    name: str,
    argv: tuple[str, ...],
    allowed: frozenset[str],
    *,
    changing: bool = False,
    content: Any = None,
    seconds: float = 70,
    names: tuple[str, ...] = (),
) -> Made:
    """A case in a cluster; unless it may be `changing`, no request writes or deletes."""

    def make(address: str, requests: Callable[[], list[str]]) -> Case:
        def arrange(folder: Path) -> None:
            put(folder, content or experiment(data={"format": "synthetic"}))
            (folder / "store" / "exp").mkdir(parents=True)
            (folder / "store" / "exp" / "experiment.yaml").write_text("# digest: x\nname: exp\n")
            (folder / "kubeconfig").write_text(yaml.safe_dump(clusters.kubeconfig(address)))

        def check(folder: Path, outcome: Outcome) -> Iterator[str]:
            wrote = [line for line in requests() if not line.startswith("GET")]
            if wrote and (
                not changing or (outcome.code == 2 and any(w.startswith("DELETE") for w in wrote))
            ):
                yield f"asked the server to {wrote[:3]}"

        environment = {"KUBECONFIG": "kubeconfig", "HOME": "/nonexistent", "NO_PROXY": "*"}
        made = ("fetched", "fetched/*") if argv[0] == "fetch" else ()
        return Case(
            GROUP,
            kind,
            name,
            argv,
            arrange,
            allowed,
            names,
            environment,
            creates=made,
            check=check,
            seconds=seconds,
        )

    return world, make


def _names() -> Iterator[Made]:
    foreign = clusters.rayjob("foreign")
    foreign["metadata"]["labels"] = {"app": "somebody-else"}
    world = World(clusters.good(**{"rayjobs/foreign": foreign}), _LOG)
    for name, text in _NAMES.items():
        for command in ("status", "logs", "cancel", "fetch"):
            yield _made(world, "names", f"{command} {name}", (command, "--", text), WRONG)
    for option in ("--namespace", "--release", "--context"):
        for name, text in STRANGE.items():
            for command in ("submit", "fetch") if option == "--release" else ("list",):
                argv = (*COMMANDS[command], f"{option}={text}")
                yield _made(world, "options", f"{command} {option} {name}", argv, WRONG)


_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_ANSWERS: dict[str, Answer] = {
    "HTML": Answer(200, _HTML, "text/html"), "HTML as JSON": Answer(200, _HTML),
    "HTML 502": Answer(502, _HTML, "text/html"),
    "HTML 404": Answer(404, _HTML, "text/html"), "nothing": Answer(200, b""), "nothing, 204": Answer(204, b""),
    "cut JSON": Answer(200, b'{"kind": "RayJob", "metad'), "a list": Answer(200, b"[]"), "null": Answer(200, b"null"),
    "a text": Answer(200, b'"x"'), "a number": Answer(200, b"7"), "an empty map": Answer(200, b"{}"),
    "items null": Answer(200, b'{"items": null}'), "items text": Answer(200, b'{"items": "x"}'),
    "items of text": Answer(200, b'{"items": ["x"]}'), "items of null": Answer(200, b'{"items": [null]}'),
    "items empty maps": Answer(200, b'{"items": [{}]}'),
    "metadata null": Answer(200, b'{"metadata": null, "status": null}'),
    "deep": Answer(200, b"[" * 50_000), "not UTF-8": Answer(200, b'{"a": "\xff"}'), "NULs": Answer(200, bytes(100)),
    "a long number": Answer(200, b'{"metadata": ' + b"9" * 5000 + b"}"),
    "5 MB": Answer(200, b'{"a": "' + b"x" * 5_000_000 + b'"}'),
    "401": refusal(401, "Unauthorized"), "403": refusal(403, "rayjobs is forbidden"), "409": refusal(409, "conflict"),
    "422": refusal(422, "invalid"), "429": refusal(429, "slow down"), "500": refusal(500, "etcd is away"),
    "an escape in the message": refusal(403, "\x1b[2J\x1b]0;x\x07 no\nva-tuning: fine"),
    "a long message": refusal(403, "no " * 100_000), "a message of a map": Answer(403, b'{"message": {"a": 1}}'),
    "a message that is null": Answer(403, b'{"message": null}'), "a body of a list": Answer(403, b"[1]"),
    "more promised than sent": Answer(200, b'{"kind": "x"}', length=10_000),
    "a redirect to itself": Answer(302, headers={"Location": "/"}),
    "a redirect elsewhere": Answer(302, headers={"Location": "http://127.0.0.1:9/"}),
    "a status of 700": Answer(700, b"{}"),
    "303 without a place": Answer(303),
    "a compressed lie": Answer(200, b"no gzip", headers={"Content-Encoding": "gzip"}),
}  # fmt: skip


def _answers() -> Iterator[Made]:
    """Every malformed answer to every command's requests: all of them, or only those after the
    first kind."""
    commands, places = cycle(COMMANDS), cycle(("pods", "configmaps", "secrets", "events", "log"))
    for name, answer in _ANSWERS.items():
        tried = [
            ("status", "rayjobs"),
            ("status", next(places)),
            (next(commands), ""),
            (next(commands), ""),
        ]
        for command, pattern in [*tried, (next(commands), next(places))]:
            where = pattern or "everywhere"
            world = World(clusters.good(), {pattern: answer, **({} if pattern == "log" else _LOG)})
            yield _made(
                world,
                "answers",
                f"{command}, {where}, {name}",
                COMMANDS[command],
                ANY_END,
                changing=True,
            )
    log = {"a log cut": Answer(200, b"x" * 50, "text/plain", 1000),
    "a log of binaries": Answer(200, bytes(range(256)), "text/plain"),
           "a log with escapes": Answer(200, b"\x1b[2J\x1b]0;x\x07\n", "text/plain"),
           "a log refused": refusal(400, "container is waiting"),
           "no log": Answer(200, b""),
           "a log of one long line": Answer(200, b"y" * 3_000_000, "text/plain")}  # fmt: skip
    for name, answer in log.items():
        for command in ("logs", "status"):
            world = World(clusters.good(), {"/log$": answer})
            yield _made(world, "logs", f"{command}, {name}", COMMANDS[command], ANY_END)
    slow = World(clusters.good(), {"": Answer(200, b"{}", seconds=300)})
    yield _made(slow, "answers", "list, no answer at all", ("list",), ONLY_REFUSED, seconds=75)
    yield _made(
        slow, "answers", "cancel, no answer at all", ("cancel", "exp"), ONLY_REFUSED, seconds=75
    )


def _objects() -> Iterator[Made]:
    """Objects with each of their parts missing, null or of another kind."""
    commands = cycle(("status", "list", "logs", "cancel", "fetch"))
    for key in ("rayjobs/exp", "pods/exp-submitter", "events/e1"):
        for name, changed in clusters.mutations(clusters.good()[key]):
            command = next(commands) if key == "rayjobs/exp" else "status"
            world = World(clusters.good(**{key: changed}), {**_LOG, "DELETE": refusal(403, "no")})
            yield _made(
                world,
                "objects",
                f"{command}, {key} {name}",
                COMMANDS[command],
                ANY_END,
                changing=True,
            )


def _templates() -> Iterator[Made]:
    """Templates, Secrets and experiments' ConfigMaps without their parts."""
    sources = {
        "configmaps/va-tuning-rayjob": ("submit", "fetch"),
        "secrets/store": ("fetch",),
        "configmaps/exp": ("fetch", "submit"),
    }
    for key, commands in sources.items():
        for (name, changed), command in zip(
            clusters.mutations(clusters.good()[key]), cycle(commands), strict=False
        ):
            objects = clusters.good(**{key: changed})
            argv = COMMANDS[command]
            if command == "submit":
                del objects["rayjobs/exp"]
                argv = (*argv, "--own-cluster")
            yield _made(
                World(objects, _LOG),
                "templates",
                f"{command}, {key} {name}",
                argv,
                ANY_END,
                changing=True,
            )
    texts = {"empty": "", "a list": "[]", "laughs": LAUGHS, "an open bracket": "[", "a text": "x",
    "a tag": "!!python/name:os.system",
             "deep": "[" * 5000, "twice": "a: 1\na: 2\n", "5,000 digits": "spec: " + "9" * 5000,
             "no such date": "a: 2024-99-99"}  # fmt: skip
    for name, text in texts.items():
        for part in ("rayjob.yaml", "rayjob-installed.yaml"):
            broken = clusters.template("store")
            broken["data"][part] = text
            objects = clusters.good(**{"configmaps/va-tuning-rayjob": broken})
            del objects["rayjobs/exp"]
            own = ("--own-cluster",) if part == "rayjob.yaml" else ()
            allowed = ANY_END if not own and name == "empty" else ONLY_REFUSED
            if own and name == "twice":
                allowed = ANY_END
            yield _made(
                World(objects),
                "templates",
                f"submit, {part} {name}",
                ("submit", "experiment.yaml", *own),
                allowed,
            )
        objects = clusters.good(**{"configmaps/exp": clusters.experiment_map(text)})
        yield _made(
            World(objects), "templates", f"fetch, experiment {name}", COMMANDS["fetch"], ANY_END
        )


def _submissions() -> Iterator[Made]:
    """What submit must find out before it makes anything."""
    free = {
        key: value
        for key, value in clusters.good().items()
        if key not in ("rayjobs/exp", "configmaps/exp")
    }
    foreign = clusters.rayjob(jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")
    foreign["metadata"]["labels"] = {"app": "somebody-else"}
    theirs = copy.deepcopy(clusters.experiment_map("x"))
    theirs["metadata"]["labels"] = None
    local = experiment()
    large = experiment(data={"format": "synthetic"}, tuning={"search_spaces": {"random_forest": {
        "max_depth": [3, 4], "n_estimators": list(range(1, 150_001))}}})  # fmt: skip
    yield _made(
        World({**free, "rayjobs/exp": foreign}),
        "submit",
        "over a foreign RayJob",
        COMMANDS["submit"],
        ONLY_REFUSED,
    )
    yield _made(
        World({**free, "configmaps/exp": theirs}),
        "submit",
        "over a foreign ConfigMap",
        COMMANDS["submit"],
        ONLY_REFUSED,
    )
    yield _made(World(clusters.good()), "submit", "while it runs", COMMANDS["submit"], ONLY_REFUSED)
    yield _made(
        World(free),
        "submit",
        "local data",
        COMMANDS["submit"],
        ONLY_REFUSED,
        content=local,
        names=("data.source",),
    )
    for upload in ((), ("--upload",)):
        allowed = frozenset({ACCEPTED, REFUSED})
        argv = (*COMMANDS["submit"], "--dry-run", *upload)
        yield _made(World(free), "submit", " ".join(argv[1:]), argv, allowed, content=local)
    yield _made(
        World(free),
        "submit",
        "above a ConfigMap's size",
        COMMANDS["submit"],
        ONLY_REFUSED,
        content=large,
    )
    yield _made(
        World(free), "submit", "hostile YAML", COMMANDS["submit"], ONLY_REFUSED, content=LAUGHS
    )
    yield _made(World({}), "submit", "no release", COMMANDS["submit"], ONLY_REFUSED)
    for argv in (
        ("submit",),
        ("submit", "a", "b"),
        ("status",),
        ("cancel",),
        ("fetch", "exp", "--output"),
        ("list", "x"),
        ("logs",),
    ):
        yield _made(World({}), "usage", " ".join(argv), argv, WRONG)
    for output in ("experiment.yaml", "experiment.yaml/x", "/proc/x", ""):
        yield _made(
            World(clusters.good()),
            "fetch",
            f"into {output!r}",
            ("fetch", "exp", "--output", output),
            WRONG,
        )
