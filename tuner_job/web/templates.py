"""The templates of the page, with the words and numbers of the report."""

from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment

from tuner_job.report import text
from tuner_job.report.templates import environment
from tuner_job.units import human_duration

FOLDER = Path(__file__).parent / "templates"
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@cache
def templates() -> Environment:
    """Return the environment in which they are rendered."""
    found = environment(FOLDER)
    words = (text.signed, text.settings, text.scheme_label, human_duration, score, moment, size,
             address, path_address)  # fmt: skip
    found.filters |= {word.__name__: word for word in words}
    return found


def score(value: float | None) -> str:
    """Write a score in four digits; a dash where there is none."""
    return text.number(value, 4)


def moment(utc: str | None) -> str:
    """Write a moment to the minute; a dash where there is none."""
    return utc[:16].replace("T", " ") if utc else text.DASH


def size(n_bytes: float) -> str:
    """Write a number of bytes in at most four digits."""
    power = 0
    while n_bytes >= 1000 and power < len(_UNITS) - 1:
        n_bytes, power = n_bytes / 1024, power + 1
    return f"{n_bytes:.3g} {_UNITS[power]}"


def address(part: str) -> str:
    """Write an id as one part of a page's address, whatever stands in it."""
    return quote(part, safe="", errors="replace")


def path_address(path: str) -> str:
    """Write a path below an experiment as the end of a page's address."""
    return quote(path, errors="replace")
