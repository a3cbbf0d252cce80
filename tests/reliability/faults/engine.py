"""Workers and Ray's processes killed, two runs at once, clocks that are wrong, memory that is not
there."""

import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from tests.reliability.faults.fault import (
    MODEL,
    ON_RAY,
    SMALL,
    TUNE,
    WHERE,
    Fault,
    Run,
    ends,
    goes_on,
    put_small,
    run,
    running,
    same_as_undisturbed,
    undisturbed,
)  # fmt: skip

GROUP = "workers, clocks, two runs"
_SERVER = "tuner_job.execution.local.server"
_OURS = ("a worker", "all workers", "what workers are copies of", "the driver")
_RAYS = ("ray::_score", "raylet", "gcs_server")
_YEARS = {"1970": 0.0, "1979": 315_000_000.0, "2107": 4_340_000_000.0, "2400": 13_570_000_000.0}


def faults() -> Iterator[Fault]:
    """Yield the faults."""
    for process in (*_OURS, *_RAYS):
        for n_trials in (1, 3):
            yield Fault(
                GROUP,
                "killed",
                f"{process}, after {n_trials} trials",
                partial(_killed, process, n_trials),
            )
    for process in ("all workers", "what workers are copies of", "ray::_score"):
        yield Fault(GROUP, "killed", f"{process}, always", partial(_always_killed, process))
    for year in _YEARS:
        yield Fault(GROUP, "clock", year, partial(_clock, year))
    yield Fault(GROUP, "two at once", "in a folder", _two)
    yield Fault(GROUP, "two at once", "the first killed", _two_and_kill)
    for size in ("100000Gi", "1d"):
        yield Fault(GROUP, "memory", f"memory_per_task {size}", partial(_memory, size))


def _n_trials(folder: Path) -> int:
    return len(list((folder / WHERE).glob("*/trials/*.json")))


def _kill(started: Run, name: str) -> int:
    """Kill processes of a run by what they are; return how many there were."""
    killed = 0
    with suppress(psutil.NoSuchProcess):  # the run has ended
        for child in psutil.Process(started.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if _is(child, name) and not (killed and name == "a worker"):
                    child.kill()
                    killed += 1
    return killed


def _is(process: psutil.Process, name: str) -> bool:
    if name in _RAYS:
        return name in " ".join(process.cmdline()[:1])
    server, parent = _SERVER in repr(process.cmdline()), process.parent()
    copied = parent is not None and _SERVER in repr(parent.cmdline())
    if name == "the driver":
        return not server
    return server and (copied == name.endswith(("worker", "workers")))


def _environment(name: str) -> Mapping[str, str]:
    return ON_RAY if name in _RAYS else {}


def _killed(name: str, n_trials: int, folder: Path) -> Iterator[str]:
    put_small(folder)
    undisturbed()
    with running(folder, *TUNE, environment=_environment(name)) as started:
        started.wait_for(lambda: _n_trials(folder) >= n_trials)
        family: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):  # the run has ended
            family = psutil.Process(started.process.pid).children(recursive=True)
        killed = _kill(started, name)
        outcome = started.wait()
        left = psutil.wait_procs(family, timeout=120)[1]
    if left:
        yield f"{len(left)} processes outlive the command: {left}"
    vital = killed and name in ("raylet", "gcs_server", "the driver")
    yield from ends(outcome, *(("accepted", "run error") if vital else ("accepted",)))
    yield from goes_on(folder)


def _always_killed(name: str, folder: Path) -> Iterator[str]:
    """Workers that never live long enough, as where memory is short: what has finished is kept."""
    put_small(folder)
    undisturbed()
    with running(folder, *TUNE, environment=_environment(name)) as started:
        for _ in range(2000):
            if started.wait_for(lambda: False, seconds=0.1) or started.process.poll() is not None:
                break
            _kill(started, name)
        outcome = started.wait()
    yield from ends(outcome, "accepted", "run error")
    # a trial that failed is a result of the search, so the same trials can only be asked of an
    # unharmed run
    shutil.rmtree(folder / "results", ignore_errors=True)
    yield from goes_on(folder)


def _clock(year: str, folder: Path) -> Iterator[str]:
    """The driver believes another year: what it makes is the same."""
    put_small(folder)
    undisturbed()
    site = folder.parent / "site"
    site.mkdir()
    offset = (
        f"import time as t\n_n = t.time\nt.time = lambda o={_YEARS[year]} - _n(): max(0.0, "
        "_n() + o)\n"
    )
    (site / "sitecustomize.py").write_text(offset)
    wrong = {"PYTHONPATH": f"{site}:{Path.cwd()}", "PYTHONNOUSERSITE": "1"}
    with running(folder, *TUNE, environment=wrong) as started:
        yield from ends(started.wait(), "accepted")
    yield from same_as_undisturbed(folder)


def _two(folder: Path) -> Iterator[str]:
    """Both start at once: none is wrong, and there is one usable commit."""
    put_small(folder)
    undisturbed()
    with running(folder, *TUNE) as first, running(folder, *TUNE) as second:
        outcomes = [first.wait(), second.wait()]
    yield from (problem for outcome in outcomes for problem in ends(outcome, "accepted", "refused"))
    if not any(outcome.code == 0 for outcome in outcomes):
        yield "none of the two came to its end"
    yield from same_as_undisturbed(folder)
    yield from _one_commit(folder)


def _two_and_kill(folder: Path) -> Iterator[str]:
    """The second starts while the first runs, which is then killed."""
    put_small(folder)
    undisturbed()
    with running(folder, *TUNE) as first:
        first.wait_for(lambda: _n_trials(folder) >= 1)
        with running(folder, *TUNE) as second:
            second.wait_for(lambda: False, seconds=2)
            os.killpg(first.process.pid, signal.SIGKILL)
            first.wait()
            yield from ends(second.wait(), "accepted", "refused")
    yield from goes_on(folder)
    yield from _one_commit(folder)


def _one_commit(folder: Path) -> Iterator[str]:
    commits = sorted((folder / WHERE / MODEL / "commits").glob("*.json"))
    best = json.loads((folder / WHERE / MODEL / "best.json").read_text())
    if len(commits) > 1:
        yield f"{len(commits)} commits"
    if commits and json.loads(commits[0].read_text()) != best:
        yield "best.json is no copy of the commit"


def _memory(size: str, folder: Path) -> Iterator[str]:
    """What no machine has is found out before anything is written."""
    put_small(folder, **{**SMALL, "budget": {"memory_per_task": size}})
    yield from ends(run(folder, *TUNE), "refused")
    if (folder / "results").exists():
        yield f"wrote {sorted(str(p) for p in (folder / 'results').rglob('*'))[:4]}"
