"""SIGTERM, SIGINT, SIGHUP and SIGKILL at every moment of a small tune, once and twice."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.reliability.faults.fault import (
    ON_RAY,
    SMALL,
    TUNE,
    WHERE,
    Fault,
    ends,
    goes_on,
    put_small,
    running,
    undisturbed,
)
from tests.reliability.faults.hooks import Plan, sent_beside

GROUP = "signals"
_MOMENTS: dict[str, Plan] = {
    "while it imports": Plan(event="import", text="'tuner_job.config.experiment'", at=1),
    "reading the experiment": Plan(event="open", text="experiment.yaml", at=1),
    "reading the data": Plan(event="open", text="deaths.csv", at=1),
    "claiming": Plan(event="open", text="results/small", at=1),
    "what workers are copies of": Plan(event="subprocess.Popen", text="local.server", at=1),
    "Ray's first process": Plan(event="subprocess.Popen", text="gcs_server", at=1),
    "Ray's last process": Plan(event="subprocess.Popen", text="raylet", at=1),
    "the first trial": Plan(event="open", text="/trials/", at=1),
    "the third trial": Plan(event="open", text="/trials/", at=3),
    "the last fits": Plan(event="open", text="oof/default.npz', None", at=1),
    "the model": Plan(event="open", text="/models/", at=1),
    "the commit": Plan(event="open", text="/commits/", at=1),
    "the summary": Plan(event="os.rename", text="summary.json", at=1),
    "the report": Plan(event="import", text="tuner_job.report", at=1),
}
"""Moment → the event at which the process waits for a signal."""
_EARLY = (
    "while it imports",
    "reading the experiment",
    "reading the data",
    "what workers are copies of",
)
"""Before which nothing is written."""
_LATE = ("the summary", "the report")
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
_TWICE = (
    "while it imports",
    "what workers are copies of",
    "Ray's first process",
    "the first trial",
    "the last fits",
    "the commit",
)
_SAID = "run the same command again to go on from here"


def faults() -> Iterator[Fault]:
    """Yield the faults."""
    for number, (moment, plan) in enumerate(_MOMENTS.items()):
        for which in _SIGNALS:
            if which in (signal.SIGTERM, _SIGNALS[1 + number % 3]):
                yield Fault(GROUP, which.name, moment, partial(_sent, moment, plan, which, 1))
        if moment in _TWICE:
            yield Fault(
                GROUP, "SIGTERM twice", moment, partial(_sent, moment, plan, signal.SIGTERM, 2)
            )
    yield Fault(GROUP, "SIGINT to the whole group", "the first trial", _to_group("the first trial"))


def _sent(
    moment: str, plan: Plan, which: signal.Signals, times: int, folder: Path
) -> Iterator[str]:
    yield from _play(
        folder, moment, plan, lambda pid: _send(pid, which, times), which == signal.SIGKILL
    )


def _to_group(moment: str) -> Callable[[Path], Iterator[str]]:
    """As a terminal sends it: to every process of the group."""
    return lambda folder: _play(
        folder, moment, _MOMENTS[moment], lambda pid: os.killpg(pid, signal.SIGINT), False
    )


def _send(pid: int, which: signal.Signals, times: int) -> None:
    for _ in range(times):
        os.kill(pid, which)


def _play(
    folder: Path, moment: str, plan: Plan, send: Callable[[int], None], killed: bool
) -> Iterator[str]:
    put_small(folder, **SMALL)
    undisturbed()
    marker = folder.parent / "marker"
    waiting = Plan(do="pause", marker=str(marker), at=plan.at, event=plan.event, text=plan.text)
    environment = ON_RAY if moment.startswith("Ray's") else {}
    with running(folder, *TUNE, plan=waiting, environment=environment) as started:
        if not started.wait_for(marker.exists):
            outcome = started.wait()
            yield f"{moment} never came: exit {outcome.code}: {outcome.said[-200:]!r}"
            return
        send(started.process.pid)
        sent_beside(str(marker)).touch()
        outcome = started.wait()
    if killed:
        if outcome.code != -9:
            yield f"SIGKILL gave {outcome.code}"
    else:
        yield from ends(outcome, "interrupted", *(("accepted",) if moment in _LATE else ()))
        if outcome.code == 130 and (folder / WHERE).exists() and _SAID not in outcome.err:
            yield f"it does not say how to go on: {outcome.err[-300:]!r}"
    if moment not in _EARLY:
        yield from goes_on(folder)
