"""A process that dies at each of its file operations: what a reader finds then, and whether the
next run goes on."""

import json
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from tests.reliability.faults.fault import (
    TUNE,
    WHERE,
    Fault,
    ends,
    goes_on,
    put_small,
    readable,
    run,
    same_as_undisturbed,
    undisturbed,
)  # fmt: skip
from tests.reliability.faults.hooks import Plan
from tests.reliability.process import scratch
from tests.reliability.samples import put_stored

GROUP = "killed at a file operation"
STORED_PLACE = "results/stored"
PREDICT = (
    "predict",
    STORED_PLACE,
    "deaths.csv",
    "--model",
    "xgboost",
    "--output",
    "out.csv",
    "--csmf",
    "csmf.csv",
)
FINISHED = ("tune", "experiment.yaml", "--results", "results")
QUICK: dict[str, tuple[str, ...]] = {
    "report": ("report", STORED_PLACE, "--output", "page.html"),
    "predict": PREDICT,
    "a finished tune": FINISHED,
}
COMMANDS = ("tune", *QUICK)
KNOWN = {"out.csv", "csmf.csv", "deaths.html", "page.html", "now.csv", "now-csmf.csv", "now.html"}
_TUNE_POINTS, _QUICK_POINTS = 16, 10


def faults() -> Iterator[Fault]:
    """Yield the faults: points spread over all operations of a command."""
    for how in ("kill", "tear"):
        for share in range(_TUNE_POINTS if how == "kill" else _TUNE_POINTS // 2):
            n = _TUNE_POINTS if how == "kill" else _TUNE_POINTS // 2
            yield Fault(
                GROUP,
                f"tune, {how}",
                f"{share + 1} of {n}",
                partial(_tune, how, share, n),
                undisturbed="tune",
            )
    for name, argv in QUICK.items():
        for share in range(_QUICK_POINTS):
            how = "tear" if share % 3 == 2 else "kill"
            yield Fault(
                GROUP,
                name,
                f"{how}, {share + 1} of {_QUICK_POINTS}",
                partial(_quick, name, how, share),
                argv,
                name,
            )
        yield Fault(GROUP, "synced before it is named", name, partial(_synced, name), argv, name)
    yield Fault(
        GROUP, "synced before it is named", "tune", partial(_synced, "tune"), undisturbed="tune"
    )


def _tune(how: str, share: int, n: int, folder: Path) -> Iterator[str]:
    put_small(folder)
    undisturbed()
    at = 1 + share * operations("tune")[0] // n
    outcome = run(folder, *TUNE, plan=Plan(str(folder), at, how))
    if outcome.code == 0:  # a run has a few operations more or fewer
        yield from same_as_undisturbed(folder)
        return
    yield from _was_killed(outcome.code)
    yield from readable(folder) if (folder / WHERE / "experiment.yaml").exists() else ()
    yield from goes_on(folder)


def _quick(name: str, how: str, share: int, folder: Path) -> Iterator[str]:
    put_stored(folder)
    at = 1 + share * operations(name)[0] // _QUICK_POINTS
    before = {
        p.relative_to(folder): p.read_bytes()
        for p in (folder / "results").rglob("*")
        if p.is_file()
    }
    outcome = run(folder, *QUICK[name], plan=Plan(str(folder), at, how))
    beats = QUICK[name] == FINISHED  # so it has more operations where it takes longer
    yield from _was_killed(outcome.code) if not beats or outcome.code else ()
    yield from readable(folder, STORED_PLACE)
    for part in ("out.csv", "csmf.csv", "deaths.html", "page.html"):
        if (folder / part).exists() and (folder / part).read_bytes() != _whole(name, part):
            yield f"{part} was left in part"
    lost = [path for path, content in before.items() if not (folder / path).exists()]
    if lost:
        yield f"lost {lost[:3]}"
    again = run(folder, *QUICK[name])
    yield from ends(again, "accepted")
    made = {p.name for p in folder.iterdir()} - KNOWN
    if (
        strange := made
        - {"results", "deaths.csv", "experiment.yaml"}
        - {n for n in made if n.startswith(".")}
    ):
        yield f"left {strange}"


def _was_killed(code: int) -> Iterator[str]:
    if code != -9:
        yield f"the harness did not kill it: exit {code}"


def _synced(name: str, folder: Path) -> Iterator[str]:
    n, unsynced = operations(name)
    if n < 3:
        yield f"only {n} file operations were seen"
    if unsynced:
        yield (
            f"{len(unsynced)} files got their names before their content was on the disk: "
            f"{unsynced[:3]}"
        )


@cache
def operations(name: str) -> tuple[int, list[str]]:
    """How many file operations a command does, and which files it names without having synced
    them."""
    return _undisturbed_run(name)[:2]


def _whole(name: str, part: str) -> bytes:
    return _undisturbed_run(name)[2].get(part, b"")


@cache
def _undisturbed_run(name: str) -> tuple[int, list[str], dict[str, bytes]]:
    with scratch() as place:
        work, marker = place / "work", place / "count"
        work.mkdir()
        if name == "tune":
            put_small(work)
        else:
            put_stored(work)
        outcome = run(
            work,
            *(TUNE if name == "tune" else QUICK[name]),
            plan=Plan(str(work), marker=str(marker)),
        )
        if outcome.code != 0:
            raise AssertionError(f"the undisturbed {name} fails: {outcome.err}")
        counted = json.loads(marker.read_text()) if marker.exists() else {"seen": 0, "unsynced": []}
        made = {path.name: path.read_bytes() for path in work.iterdir() if path.is_file()}
        return counted["seen"], counted["unsynced"], made
