"""Runs bad inputs and faults against the real command line and prints what came of them.

    python -m tests.reliability                                   everything
    python -m tests.reliability --kind inputs --groups 'data files' compare
    python -m tests.reliability --only 'data files/CSV/empty'     one of them, its folder kept

Exits with 1 if anything did not hold.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.reliability import tables
from tests.reliability.case import Case
from tests.reliability.faults import FAULTS
from tests.reliability.inputs import GROUPS
from tests.reliability.runner import Result, run_all


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored by all that is started
    results: list[Result] = []
    for kind, groups in (("inputs", GROUPS), ("faults", FAULTS)):
        if options.kind not in (None, kind):
            continue
        names = [name for name in groups if not options.groups or name in options.groups]
        cases = [case for name in names for case in groups[name]() if options.only in case.label][
            :: options.every
        ]
        if cases:
            found = _run(cases, options.jobs)
            print(f"\n## {kind}\n\n{tables.table(found, kind)}\n", flush=True)
            results += found
    for line in tables.failures(results):
        print(line)
    if options.record:
        options.record.write_text(json.dumps([asdict(result) for result in results]))
    return int(not results or any(result.failures for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.reliability", description=__doc__)
    parser.add_argument("--kind", choices=("inputs", "faults"))
    parser.add_argument("--groups", nargs="+", choices=(*GROUPS, *FAULTS), metavar="GROUP")
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose label holds it")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th of them")
    parser.add_argument(
        "--jobs", type=int, default=2 * (os.cpu_count() or 1), help="many cases wait"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="write every result as JSON")
    return parser.parse_args()


def _run(cases: Sequence[Case], jobs: int) -> list[Result]:
    started, found = time.monotonic(), {}
    for number, (place, result) in enumerate(run_all(cases, jobs), start=1):
        found[place] = result
        if result.failures:
            print(f"{result.label}: {result.failures[0]}", file=sys.stderr, flush=True)
        if number % 25 == 0 or number == len(cases):
            print(
                f"{number:,} of {len(cases):,} after {time.monotonic() - started:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    return [found[place] for place in sorted(found)]


if __name__ == "__main__":
    sys.exit(main())
