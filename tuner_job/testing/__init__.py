"""What every model family promises, as checks that whoever writes one can run."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuner_job.models import ModelFamily
from tuner_job.testing.checks import CHECKS, Case
from tuner_job.testing.deaths import ABSENT, N_CLASSES, make_fold, make_rows

__all__ = ["ABSENT", "CHECKS", "N_CLASSES", "Case", "check_family", "make_fold", "make_rows"]


def check_family(
    family: ModelFamily, params: Mapping[str, Any], values: Sequence[Any], tolerance: float = 1e-6
) -> None:
    """Check that a family keeps every promise that the rest rests on; see `Case`.

    Raises
    ------
    AssertionError
        It does not; the sentence says what must hold.
    """
    case = Case(family, params, values, tolerance)
    for check in CHECKS:
        check(case)
