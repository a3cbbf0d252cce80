"""Faults by kind: each module plays the faults of one group."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tests.reliability.faults import crashes, engine, errors, s3, signals
from tests.reliability.faults.fault import TUNE, Fault, undisturbed

MODULES = (crashes, errors, signals, engine, s3)
FAULTS: Final[dict[str, Callable[[], Iterator[Fault]]]] = {
    module.GROUP: module.faults for module in MODULES
}
"""Group → the function that makes its faults."""


def prepare(faults: Sequence[Fault]) -> None:
    """Find out once, for every process that is copied from this one, what comes of commands that
    nothing happens to."""
    if any(fault.argv[:4] == TUNE for fault in faults):
        undisturbed()
    for command in {fault.undisturbed for fault in faults} - {""}:
        crashes.operations(command)
