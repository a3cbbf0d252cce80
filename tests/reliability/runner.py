"""Runs cases side by side, each in a folder of its own."""

import os
import random
import shutil
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.reliability import faults, process
from tests.reliability.case import Case
from tests.reliability.faults.fault import Fault
from tests.reliability.verdict import failures, listing, verdict_of


@dataclass(frozen=True)
class Result:
    """What came of one case: `failures` is empty if all held."""

    group: str
    kind: str
    label: str
    argv: tuple[str, ...]
    verdict: str
    failures: tuple[str, ...]
    seconds: float = 0.0


_cases: Sequence[Case | Fault] = ()


def run_all(cases: Sequence[Case | Fault], jobs: int) -> Iterator[tuple[int, Result]]:
    """Run cases, `jobs` at a time; yield their numbers and results as they end."""
    global _cases
    _cases = cases
    process.preload()
    faults.prepare([case for case in cases if isinstance(case, Fault)])
    with (
        process.scratch() as folder,
        ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool,
    ):
        order = list(range(len(cases)))
        random.Random(0).shuffle(order)  # those that wait stand between those that compute
        waiting = {pool.submit(_run, folder, number): number for number in order}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _run(folder: Path, number: int) -> Result:
    case, place = _cases[number], folder / f"{number:04d}"
    started = time.monotonic()
    try:
        (place / "work").mkdir(parents=True)
        (place / "work").chmod(0o777)
        verdict, found = (_try if isinstance(case, Case) else _play)(case, place)  # type: ignore[arg-type]
    except Exception:  # of this harness: it is no pass
        verdict, found = "not run", (traceback.format_exc()[-800:],)
    if not os.environ.get("VA_RELIABILITY_KEEP"):
        shutil.rmtree(place, ignore_errors=True)
    return Result(
        case.group, case.kind, case.label, case.argv, verdict, found, time.monotonic() - started
    )


def _try(case: Case, place: Path) -> tuple[str, tuple[str, ...]]:
    work, streams = place / "work", place / "streams"
    streams.mkdir()
    case.arrange(work)
    before = listing(work)
    outcome = process.run(case, work, streams)
    return verdict_of(outcome), tuple(failures(case, outcome, before, listing(work), work))


def _play(fault: Fault, place: Path) -> tuple[str, tuple[str, ...]]:
    found = tuple(fault.play(place / "work"))
    return "failed" if found else "held", found
