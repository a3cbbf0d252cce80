"""Faults by kind: each module plays the faults of one group."""

from collections.abc import Callable, Iterator
from typing import Final

from tests.reliability.faults import crashes, engine, errors, s3, signals
from tests.reliability.faults.fault import Fault

MODULES = (crashes, errors, signals, engine, s3)
FAULTS: Final[dict[str, Callable[[], Iterator[Fault]]]] = {module.GROUP: module.faults for module in MODULES}
"""Group → the function that makes its faults."""
