"""The tables: groups × tried, refused well, accepted, what did not hold; and the failures, each
to be run alone."""

import shlex
from collections.abc import Iterator, Sequence

from tests.reliability.runner import Result

COLUMNS = {
    "inputs": (
        "tried",
        "refused well",
        "accepted",
        "run error, said",
        "traceback, wrong exit, hang, loss",
    ),
    "faults": ("tried", "nothing lost", "lost, wrong, traceback, hang"),
}


def table(results: Sequence[Result], kind: str) -> str:
    """Write a Markdown table with a row a group and a sum; `kind` is one of `COLUMNS`."""
    groups = list(dict.fromkeys(result.group for result in results))
    count = _counts if kind == "inputs" else _held
    rows = [(group, count([r for r in results if r.group == group])) for group in groups]
    rows.append(("**all**", count(results)))
    lines = ["| group | " + " | ".join(COLUMNS[kind]) + " |", "|---|" + "---|" * len(COLUMNS[kind])]
    lines += [
        f"| {group} | " + " | ".join(f"{n:,}" for n in counts) + " |" for group, counts in rows
    ]
    return "\n".join(lines)


def _counts(results: Sequence[Result]) -> list[int]:
    good = [result.verdict for result in results if not result.failures]
    refused = sum(verdict in ("refused", "usage") for verdict in good)
    accepted = good.count("accepted")
    return [
        len(results),
        refused,
        accepted,
        len(good) - refused - accepted,
        len(results) - len(good),
    ]


def _held(results: Sequence[Result]) -> list[int]:
    failed = sum(bool(result.failures) for result in results)
    return [len(results), len(results) - failed, failed]


def failures(results: Sequence[Result]) -> Iterator[str]:
    """Say each failure, and how to see it again."""
    for result in results:
        if result.failures:
            yield f"- {result.label}  (`va-tuning {shlex.join(result.argv)[:120]}`)"
            yield from (f"    {failure}" for failure in result.failures)
            yield f"    again: python -m tests.reliability --only {shlex.quote(result.label)}"
