"""A bad input: what is run, in which folder, and what may come of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

REFUSED, ACCEPTED, RUN_ERROR, INTERRUPTED = "refused", "accepted", "run error", "interrupted"
ONLY_REFUSED = frozenset({REFUSED})
REFUSED_OR_ACCEPTED = frozenset({REFUSED, ACCEPTED})
ONLY_ACCEPTED = frozenset({ACCEPTED})

SCRIPT = "run-distributed-comparison"


@dataclass(frozen=True)
class Outcome:
    """What one run of the command line came to; `signal` is the one that ended it, `hung` that
    it had to be killed."""

    code: int
    out: str
    err: str
    peak_bytes: int = 0
    hung: bool = False

    @property
    def said(self) -> str:
        """Both streams."""
        return self.out + self.err


Check = Callable[[Path, Outcome], Iterable[str]]
"""Looks at the working folder and the outcome of a run; yields what does not hold."""


def nothing(folder: Path) -> None:
    """Arrange nothing."""


def no_more(folder: Path, outcome: Outcome) -> Iterable[str]:
    """Check nothing more."""
    return ()


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes
    ----------
    argv
        Of ``va-tuning``, run in a folder of its own; that of ``run-distributed-comparison`` begins
        with `SCRIPT`.
    arrange
        Makes what the command is to find in that folder.
    allowed
        Verdicts that are right.
    names
        What a refusal must name; alternatives are separated by ``|``.
    environment
        Variables to be set; None: to be unset.
    inside
        Runs in the process before the command.
    creates
        Patterns, below the folder, of what an accepted command may make or change.
    secrets
        Texts that must stand in no output and in no file that the command made.
    fresh
        Whether a new interpreter is started, rather than a copy of one that has imported
        everything.
    ray
        Whether it may start Ray, whose processes ask for more address space than others may.
    check
        What must hold besides.
    seconds
        Of computing, or of doing nothing at all, after which it counts as hung.
    """

    group: str
    kind: str
    name: str
    argv: tuple[str, ...]
    arrange: Callable[[Path], object] = nothing
    allowed: frozenset[str] = ONLY_REFUSED
    names: tuple[str, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    inside: Callable[[], None] | None = None
    creates: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    fresh: bool = False
    ray: bool = False
    check: Check = no_more
    seconds: float = 45.0

    @property
    def label(self) -> str:
        """By which it is found again."""
        return f"{self.group}/{self.kind}/{self.name}"
