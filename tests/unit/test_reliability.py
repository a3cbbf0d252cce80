"""That the reliability harness sees what it looks for, and a few of its inputs; all of them:
`make reliability`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.case import ONLY_REFUSED, REFUSED_OR_ACCEPTED, Case, Outcome
from tests.reliability.verdict import failures, listing, verdict_of

pytestmark = pytest.mark.slow

REFUSAL = Case("group", "kind", "name", ("tune", "x.yaml"), names=("x.yaml",), secrets=("Pa55",))
GOOD = Outcome(2, "", "va-tuning: x.yaml: cannot be read\n")


def found(
    tmp_path: Path, outcome: Outcome, case: Case = REFUSAL, after: dict[str, str] | None = None
) -> list[str]:
    return list(failures(case, outcome, {}, after or {}, tmp_path))


def test_a_good_refusal_is_one(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD) == []
    assert verdict_of(GOOD) == "refused"


@pytest.mark.parametrize(
    ("code", "out", "err", "seen"),
    [
        (1, "", "Traceback (most recent call last):\n", "traceback"),
        (-11, "", "", "exit -11"),
        (0, "fine\n", "", "accepted"),
        (2, "", "", "0 messages"),
        (2, "", "va-tuning: x.yaml: a\nva-tuning: b\n", "2 messages"),
        (2, "", "va-tuning: x.yaml: a\nso there\n", "more than the message"),
        (2, "", f"va-tuning: x.yaml: {'a' * 500}\n", "a line of"),
        (2, "", "va-tuning: x.yaml\n" + "  a\n" * 2000, "a message of"),
        (2, "", "va-tuning: x.yaml: \x1b[2J\n", "a control character"),
        (2, "", "va-tuning: something is wrong\n", "does not name x.yaml"),
        (2, "", "va-tuning: x.yaml: http://me:Pa55@host\n", "holds the secret"),
    ],
)
def test_what_does_not_hold_is_seen(
    tmp_path: Path, code: int, out: str, err: str, seen: str
) -> None:
    assert seen in " ".join(found(tmp_path, Outcome(code, out, err)))


def test_a_hang_and_memory_are_seen(tmp_path: Path) -> None:
    assert "hang" in found(tmp_path, Outcome(-9, "", "", hung=True))[0]
    assert "GiB" in found(tmp_path, Outcome(2, "", GOOD.err, peak_bytes=2**33))[0]


def test_what_a_refused_command_makes_is_seen(tmp_path: Path) -> None:
    assert "made or changed results" in found(tmp_path, GOOD, after={"results": "folder"})[0]
    (tmp_path / "left").write_text("me:Pa55")
    assert "left holds the secret" in " ".join(found(tmp_path, GOOD, after=listing(tmp_path)))


def test_a_case_says_what_may_be_accepted(tmp_path: Path) -> None:
    case = Case("group", "kind", "name", ("show",), allowed=REFUSED_OR_ACCEPTED)
    assert found(tmp_path, Outcome(0, "fine\n", ""), case) == []
    assert case.allowed != ONLY_REFUSED


def test_some_of_its_inputs() -> None:
    groups = (
        "experiment YAML",
        "keys of an experiment",
        "search spaces",
        "data files",
        "arguments",
    )
    command = [
        sys.executable,
        "-m",
        "tests.reliability",
        "--groups",
        *groups,
        "--every",
        "60",
        "--jobs",
        "2",
    ]
    outcome = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout
