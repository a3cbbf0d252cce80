"""Arguments of the commands that are wrong, hostile, or of files that cannot be written."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.reliability.case import (
    ACCEPTED,
    ONLY_ACCEPTED,
    ONLY_REFUSED,
    REFUSED,
    Case,
    Outcome,
)
from tests.reliability.samples import experiment, put, put_stored

GROUP = "arguments"
WHERE = "results/stored"
ANY_END = frozenset({REFUSED, ACCEPTED})
STRANGE = {
    "empty": "", "a space": " ", "a dash": "-", "a line feed": "a\nb", "an escape": "\x1b[2Jx",
    "NEL": "a\x85b",
    "not UTF-8": os.fsdecode(b"\xff\xfe"), "a long text": "x" * 5000, "very long": "x" * 100_000,
    "markup": "[/b]x",
    "a bidi override": "\u202ex", "a format": "%s{0}", "a glob": "*", "a tilde": "~nobody/x",
    "an option": "--x",
}  # fmt: skip


def cases() -> Iterator[Case]:
    """Yield the cases."""
    yield from _wrong_usage()
    for name, text in STRANGE.items():
        yield _case("strange", f"tune {name}", ("tune", "--", text))
        yield _case("strange", f"validate {name}", ("validate", "--", text))
        yield _case("strange", f"show {name}", ("show", "--", text))
        yield _case("strange", f"report {name}", ("report", "--", text))
        yield _case(
            "strange",
            f"predict {name}",
            ("predict", WHERE, "--model", "xgboost", "--output", "o.csv", "--", text),
        )
        yield _case(
            "strange",
            f"predict --model {name}",
            ("predict", WHERE, "deaths.csv", f"--model={text}"),
        )
        yield _case(
            "strange",
            f"predict --by {name}",
            ("predict", WHERE, "deaths.csv", "--model", "xgboost", f"--by={text}"),
        )
        yield _case("strange", f"space {name}", ("space", "--", text))
        yield _case("strange", f"command {name}", ("--", text))
    yield from _outputs()
    yield from _results()
    for argv in (
        ("--version",),
        ("--help",),
        ("tune", "--help"),
        ("schema",),
        ("space", "xgboost"),
        ("compare", "--help"),
    ):
        yield _case("fine", " ".join(argv), argv, ONLY_ACCEPTED)


def _wrong_usage() -> Iterator[Case]:
    lines = (
        "tune", "tune experiment.yaml more", "tune experiment.yaml --workers",
        "tune experiment.yaml --workers 0",
        "tune experiment.yaml --workers -1", "tune experiment.yaml --workers x",
        "tune experiment.yaml --workers 1.5",
        "tune experiment.yaml --workers 99999999999999999999999", "tune experiment.yaml --nope",
        "tune --results",
        "show", "show results/stored more", "show --json", "show results/stored --nope", "report",
        "report --output",
        "report results/stored --output", "predict", "predict results/stored",
        "predict results/stored deaths.csv more",
        "predict results/stored deaths.csv", "predict results/stored deaths.csv --model svm",
        "predict results/stored deaths.csv --model XGBOOST",
        "predict results/stored deaths.csv --model ../stored/xgboost",
        "predict results/stored deaths.csv --model xgboost/..",
        "predict results/stored deaths.csv --model .",
        "schema more", "schema --nope", "space", "space svm", "space xgboost more", "nope",
        "--nope",
        "tuen experiment.yaml",
        "check", "check nowhere", "check results/stored more", "check results/stored --nope",
        "check experiment.yaml",
        "show experiment.yaml", "report experiment.yaml", "predict experiment.yaml deaths.csv",
        "validate",
        "validate experiment.yaml more", "validate deaths.csv", "validate results", "tune results",
        "tune deaths.csv",
    )  # fmt: skip
    for line in lines:
        yield _case("usage", line, tuple(line.split()))


def _case(
    kind: str,
    name: str,
    argv: tuple[str, ...],
    allowed: frozenset[str] = ONLY_REFUSED,
    **more: object,
) -> Case:
    return Case(GROUP, kind, name, argv, _arrange, allowed, seconds=40, **more)  # type: ignore[arg-type]


def _arrange(folder: Path) -> None:
    put_stored(folder)


_PLACES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a folder": ("out", lambda folder: (folder / "out").mkdir()),
    "in no folder": ("no/out", lambda folder: None),
    "in a file": ("deaths.csv/out", lambda folder: None),
    "a link to itself": ("loop", lambda folder: (folder / "loop").symlink_to("loop")),
    "in a link to itself": ("loop/out", lambda folder: (folder / "loop").symlink_to("loop")),
    "a long name": ("n" * 300, lambda folder: None),
    "a long path": ("/".join(["n" * 200] * 30), lambda folder: None),
    "empty": ("", lambda folder: None),
    "/dev/full": ("/dev/full", lambda folder: None),
    "/proc": ("/proc/out", lambda folder: None),
    "/proc/self/mem": ("/proc/self/mem", lambda folder: None),
    "a FIFO": ("fifo", lambda folder: os.mkfifo(folder / "fifo")),
    "a slash": ("/", lambda folder: None),
    "a dot": (".", lambda folder: None),
    "a folder's slash": ("out/", lambda folder: None),
}


def _outputs() -> Iterator[Case]:
    """Outputs that cannot be written, or would destroy what is read."""
    for name, (place, make) in _PLACES.items():

        def arrange(folder: Path, make: Callable[[Path], object] = make) -> None:
            put_stored(folder)
            make(folder)

        allowed = ONLY_REFUSED
        predict = ("predict", WHERE, "deaths.csv", "--model", "xgboost")
        yield Case(
            GROUP, "output", f"predict, {name}", (*predict, "--output", place), arrange, allowed
        )
        both = (*predict, "--output", "fine.csv", "--csmf", place)
        yield Case(GROUP, "output", f"predict --csmf, {name}", both, arrange, allowed)
        report = ("report", WHERE, "--output", place)
        yield Case(GROUP, "output", f"report, {name}", report, arrange, allowed)
    predict = ("predict", WHERE, "deaths.csv", "--model", "xgboost")
    inputs = {
        "itself": "deaths.csv", "itself by a dot": "./deaths.csv",
        "itself by its folder": f"{WHERE}/../../deaths.csv",
        "a link to it": "link.csv", "a hard link to it": "hard.csv",
    }  # fmt: skip

    def linked(folder: Path) -> None:
        put_stored(folder)
        (folder / "link.csv").symlink_to("deaths.csv")
        (folder / "hard.csv").hardlink_to(folder / "deaths.csv")

    for name, place in inputs.items():
        for option in ("--output", "--csmf"):
            more = () if option == "--output" else ("--output", "fine.csv")
            argv = (*predict, *more, option, place)
            yield Case(GROUP, "overwriting", f"predict {option} {name}", argv, linked, ONLY_REFUSED)
    same = (*predict, "--output", "one.csv", "--csmf", "one.csv")
    yield Case(GROUP, "overwriting", "predict, both outputs one", same, linked, ONLY_REFUSED)
    for place in (
        f"{WHERE}/experiment.yaml",
        f"{WHERE}/xgboost/best.json",
        f"{WHERE}/xgboost/trials/000001.json",
    ):
        argv = (*predict, "--output", place)
        yield Case(GROUP, "overwriting", f"predict into {place}", argv, linked, ONLY_REFUSED)
        argv = ("report", WHERE, "--output", place)
        yield Case(GROUP, "overwriting", f"report into {place}", argv, linked, ONLY_REFUSED)
    new = (*predict, "--output", "fine.csv", "--csmf", "shares.csv")
    yield Case(
        GROUP,
        "output",
        "predict, both fine",
        new,
        linked,
        ONLY_ACCEPTED,
        creates=("fine.csv", "shares.csv", "deaths.html"),
        check=_no_rest,
    )


def _no_rest(folder: Path, outcome: Outcome) -> Iterator[str]:
    left = [
        path.name
        for path in folder.iterdir()
        if path.name.startswith((".", "tmp")) or path.suffix == ".tmp"
    ]
    if left:
        yield f"left {left}"


def _results() -> Iterator[Case]:
    """Results locations that tune cannot use: found out before anything is written."""
    places = {
        "a file": "deaths.csv", "in a file": "deaths.csv/x", "/proc": "/proc/none/results",
        "/dev/null": "/dev/null",
        "a link to itself": "loop", "empty": "", "a long name": "n" * 300, "ftp": "ftp://host/x",
        "no scheme": "://x",
        "mailto": "mailto://x@y", "file of a host": "file://host/proc/x",
        "s3 without a bucket": "s3://", "a query": "s3://b?x=1",
        "https": "https://localhost:1/x", "a fragment": "s3://b/x#y", "spaces": "s3://a b/c",
        "a NUL's escape": "file:///proc/a%00b",
        "a bad escape": "file:///proc/%zz%",
        "an open bracket": "s3://[", "a port of text": "http://h:x/", "a line feed": "s3://a\nb",
    }  # fmt: skip

    def arrange(folder: Path) -> None:
        put(folder, experiment())
        (folder / "deaths.csv").write_text("x")
        (folder / "loop").symlink_to("loop")

    for name, place in places.items():
        argv = ("tune", "experiment.yaml", f"--results={place}")
        no_keys = {
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "y",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        }
        yield Case(GROUP, "results", name, argv, arrange, ONLY_REFUSED, environment=no_keys)
        argv = ("show", place)
        yield Case(
            GROUP, "results", f"show, {name}", argv, arrange, ONLY_REFUSED, environment=no_keys
        )
