"""Why a fit failed: one line for its record, and the whole traceback beside it."""

import traceback
from typing import Self

from tuner_job.public import without_secrets

MOST_OF_TRACEBACK = 20_000
"""Characters of a traceback that are kept: its beginning and its end."""
_MOST_OF_LINE = 500


class Failure(str):
    """One line that says what failed and where.

    It passes between processes and is text wherever text is wanted; only whoever keeps the
    traceback need know of it.

    Attributes
    ----------
    traceback
        Bounded, and without secrets; empty if nothing is known.
    """

    traceback: str

    def __new__(cls, line: str, whole: str = "") -> Self:
        """Take a line and the whole traceback."""
        failure = super().__new__(cls, line)
        failure.traceback = without_secrets(_bounded(whole))
        return failure


def describe_failure(error: BaseException, whole: str = "") -> Failure:
    """Say what failed and where.

    Parameters
    ----------
    whole
        The traceback, where the error has lost it on its way from another process.
    """
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({last[0].name}, line {last[0].lineno})" if last else ""
    said = without_secrets(" ".join(str(error).split()))[:_MOST_OF_LINE]
    whole = whole or "".join(traceback.format_exception(error))
    return Failure(f"{type(error).__name__}: {said}{where}", whole)


def _bounded(text: str) -> str:
    left_out = len(text) - MOST_OF_TRACEBACK
    if left_out <= 0:
        return text
    half = MOST_OF_TRACEBACK // 2
    return f"{text[:half]}\n[{left_out:,} characters left out]\n{text[-half:]}"
