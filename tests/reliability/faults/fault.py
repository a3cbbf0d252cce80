"""A fault: what is played, and how it is found out whether anything was lost."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml

from tests.reliability import process
from tests.reliability.case import Case, Outcome
from tests.reliability.faults.hooks import Plan, install
from tests.reliability.process import scratch
from tests.reliability.samples import STORED
from tests.reliability.verdict import verdict_of

SECONDS = 600.0
"""That a run may take on a machine that is busy with others."""
MODEL = "xgboost"
SMALL: dict[str, Any] = {
    "name": "small",
    "data": {"format": "table", "source": "deaths.csv", "label": "cause", "site": "site"},
    "models": [MODEL],
    "tuning": {
        "search_method": "random",
        "n_trials": 4,
        "cv_folds": 3,
        "search_spaces": {MODEL: {"n_estimators": [3, 6], "max_depth": [2, 3]}},
    },
    "results": "results",
}
TUNE = ("tune", "experiment.yaml", "--workers", "2")
WHERE = "results/small"
ON_RAY = {"RAY_ADDRESS": "local"}
"""Environment with which fits run on an embedded Ray."""


@dataclass(frozen=True)
class Fault:
    """One fault; `play` has a folder of its own and yields what does not hold."""

    group: str
    kind: str
    name: str
    play: Callable[[Path], Iterator[str]]
    argv: tuple[str, ...] = TUNE
    undisturbed: str = ""
    """The command whose file operations must be counted before."""

    @property
    def label(self) -> str:
        """By which it is found again."""
        return f"{self.group}/{self.kind}/{self.name}"


def put_small(folder: Path, **changes: Any) -> None:
    """Write the small experiment and its data."""
    shutil.copy(STORED / "deaths.csv", folder)
    (folder / "experiment.yaml").write_text(yaml.safe_dump({**SMALL, **changes}, sort_keys=False))


@dataclass
class Run:
    """A command that runs, in a session of its own."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def wait(self, seconds: float = SECONDS) -> Outcome:
        """Wait for its end; one that takes longer is killed, and hung."""
        hung = False
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            hung = True
            self.process.kill()
            self.process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        texts = [
            path.read_bytes().decode(errors="backslashreplace") for path in (self.out, self.err)
        ]
        return Outcome(self.process.returncode, *texts, hung=hung)

    def wait_for(self, condition: Callable[[], bool], seconds: float = SECONDS) -> bool:
        """Wait until something holds or the command has ended; return whether it holds."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.005)
        return condition()


@contextmanager
def running(
    folder: Path, *argv: str, plan: Plan | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Run]:
    """Start a command in a folder; at the block's end it is no more."""
    number = len(list(folder.parent.glob("*.out")))
    out, err = folder.parent / f"{number}.out", folder.parent / f"{number}.err"
    module = "tests.reliability.faults.hooks" if plan else "tuner_job"
    variables = {**os.environ, "PYTHONPATH": str(Path.cwd()), **(environment or {})}
    if plan:
        variables["VA_RELIABILITY_PLAN"] = plan.dump()
    with out.open("wb") as to_out, err.open("wb") as to_err:
        started = subprocess.Popen(
            [sys.executable, "-m", module, *argv], cwd=folder, env=variables,
            stdin=subprocess.DEVNULL,
            stdout=to_out, stderr=to_err, start_new_session=True,
        )  # fmt: skip
    run = Run(started, out, err)
    try:
        yield run
    finally:
        if started.poll() is None:
            started.kill()
            run.wait()


def run(
    folder: Path, *argv: str, plan: Plan | None = None, environment: Mapping[str, str] | None = None
) -> Outcome:
    """Run a command to its end, as a copy of this process: it starts at once."""
    streams = folder.parent / "streams"
    streams.mkdir(exist_ok=True)
    inside = partial(install, plan) if plan else None
    case = Case(
        "", "", "", argv, environment=environment or {}, inside=inside, ray=True, seconds=120
    )
    return process.run(case, folder, streams)


@cache
def undisturbed() -> tuple[str, str]:
    """The trials table and the predictions of the small experiment where nothing happens."""
    with scratch() as place:
        (place / "work").mkdir()
        put_small(place / "work")
        outcome = run(place / "work", *TUNE)
        if outcome.code != 0:
            raise AssertionError(f"the undisturbed tune fails: {outcome.err}")
        return _answers(place / "work", WHERE, None)


def _answers(folder: Path, where: str, environment: Mapping[str, str] | None) -> tuple[str, str]:
    shown = run(folder, "show", where, "--trials", environment=environment)
    predicted = run(
        folder, "predict", where, "deaths.csv", "--output", "after.csv", environment=environment
    )
    if shown.code or predicted.code:
        raise AssertionError(f"afterwards: {shown.err}{predicted.err}")
    return shown.out, (folder / "after.csv").read_text()


def goes_on(
    folder: Path,
    *,
    argv: tuple[str, ...] = TUNE,
    where: str = WHERE,
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run the same command again: it must end well, with the trials and the model of the
    undisturbed search."""
    outcome = run(folder, *argv, environment=environment)
    if outcome.code != 0:
        yield f"the same command again: exit {outcome.code}: {outcome.said[-400:]!r}"
        return
    yield from same_as_undisturbed(folder, where, environment)


def same_as_undisturbed(
    folder: Path, where: str = WHERE, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Compare trials and predictions with those of the undisturbed search, byte for byte."""
    try:
        found = _answers(folder, where, environment)
    except AssertionError as error:
        yield str(error)
        return
    for what, mine, theirs in zip(("trials", "predictions"), found, undisturbed(), strict=True):
        if mine != theirs:
            yield f"other {what} than those of the undisturbed search"


_NOW = ("--output", "now.csv", "--csmf", "now-csmf.csv", "--page", "now.html")


def readable(folder: Path, where: str = WHERE) -> Iterator[str]:
    """What a reader finds at this moment is old or new, and whole: no command ends with a
    traceback."""
    for argv in (
        ("show", where),
        ("show", where, "--trials"),
        ("predict", where, "deaths.csv", *_NOW),
    ):
        outcome = run(folder, *argv)
        if verdict_of(outcome) not in ("accepted", "refused"):
            yield (
                f"a reader meanwhile: va-tuning {' '.join(argv)}: {verdict_of(outcome)}: "
                f"{outcome.err[-300:]!r}"
            )
        if "damaged" in outcome.said:
            yield f"a reader meanwhile finds damage: {outcome.err[-300:]!r}"


def ends(outcome: Outcome, *allowed: str) -> Iterator[str]:
    """Check how a run ended: with one message, unless it was accepted."""
    verdict = verdict_of(outcome)
    if verdict not in allowed:
        yield f"{verdict}, where {' or '.join(allowed)} is right: {outcome.said[-500:]!r}"
    elif verdict in ("refused", "run error", "interrupted"):
        told = [line for line in outcome.err.splitlines() if line.startswith("va-tuning: ")]
        if not told:
            yield f"{verdict} without a sentence of ours: {outcome.err[-300:]!r}"
