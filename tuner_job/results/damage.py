"""Stored objects that are not what they should be: empty, cut, foreign, of another version,
unreadable."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from tuner_job.errors import StoreError, UnreadableError
from tuner_job.files.arrays import read_arrays
from tuner_job.results.store import Store
from tuner_job.schema import sentences
from tuner_job.wording import MOST_ITEMS

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_R = TypeVar("_R", bound=BaseModel)


@dataclass(frozen=True)
class Damage:
    """An object that cannot be used.

    Attributes
    ----------
    address
        Where it stands.
    path
        The same, below the results location.
    reason
        What is wrong with it.
    remedy
        What makes it whole again.
    """

    address: str
    path: str
    reason: str
    remedy: str

    @property
    def sentence(self) -> str:
        """What the user is told."""
        return f"{self.address}: is damaged: {self.reason}; {self.remedy}"


def tell(found: Iterable[Damage]) -> None:
    """Tell damage as notes, ten at most."""
    damaged = list(found)
    for damage in damaged[:MOST_ITEMS]:
        _log.warning(damage.sentence)
    if len(damaged) > MOST_ITEMS:
        _log.warning(
            f"{len(damaged) - MOST_ITEMS} more objects are damaged; `va-tuning check` lists them"
        )


def read_whole(
    store: Store, path: str, parse: Callable[[bytes], _T], remedy: str
) -> "_T | Damage | None":
    """Read an object: what it holds, or what is wrong with it; None if there is none.

    Parameters
    ----------
    parse
        Raises ValueError, in words that follow "is damaged:".
    """
    address = f"{store.url}/{path}"
    try:
        content = store.get(path)
        return None if content is None else parse(content)
    except UnreadableError as error:
        return Damage(address, path, str(error).removeprefix(f"{address}: "), remedy)
    except ValueError as error:
        return Damage(address, path, str(error), remedy)


class DamagedError(StoreError):
    """An object that is needed is damaged, and nothing stands in for it."""

    def __init__(self, damage: Damage):
        super().__init__(damage.sentence)
        self.damage = damage


def parse_record(content: bytes, record: type[_R]) -> _R:
    """Read a record.

    Raises
    ------
    ValueError
        In words that follow "is damaged:".
    """
    if not content.strip(b"\0 \r\n\t"):
        raise ValueError("it is empty")
    try:
        return record.model_validate_json(content)
    except ValidationError as error:
        said = sentences(error, values=False)[0]
        match error.errors(include_url=False, include_input=False)[0]["type"]:
            case "json_invalid":
                reason = "it is cut off, or no JSON"
            case "extra_forbidden" | "missing":
                reason = f"it is of another version of va-tuning, or of something else ({said})"
            case _:
                reason = f"it is not what va-tuning wrote ({said})"
        raise ValueError(reason) from None


def parse_arrays(content: bytes, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read arrays that `write_arrays` or `numpy.savez` wrote.

    Raises
    ------
    ValueError
        In words that follow "is damaged:".
    """
    if not content:
        raise ValueError("it is empty")
    try:
        found = read_arrays(content)
    except StoreError as error:
        raise ValueError(f"it is cut off, or no arrays that va-tuning wrote ({error})") from None
    if lacking := [name for name in names if name not in found]:
        raise ValueError(f"it is not what va-tuning wrote (it lacks {lacking[0]})")
    return found


def parse_matrix(content: bytes, shape: tuple[int, int] | None = None) -> NDArray[np.float64]:
    """Read out-of-fold probabilities, (n_validated, n_classes).

    In double precision, in which trials are judged, whatever the model gave: so looking again finds
    the same.

    Raises
    ------
    ValueError
        In words that follow "is damaged:".
    """
    found = parse_arrays(content, ["P"])["P"]
    if found.dtype.kind != "f":
        raise ValueError("it holds no probabilities")
    P = found.astype(np.float64)
    if P.ndim != 2 or (shape and P.shape != shape):
        wanted = " x ".join(map(str, shape)) if shape else "two-dimensional"
        raise ValueError(
            f"it must be {wanted}, and is {' x '.join(map(str, P.shape)) or 'one number'}"
        )
    if not np.isfinite(P).all():
        raise ValueError("it holds numbers that are not finite")
    return P
