"""A fitted model as bytes: named arrays of its family's format."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.files.arrays import Arrays, read_arrays, require, write_arrays
from tuner_job.wording import plain, shown

FORMAT = "va-tuning-model-2"
READ = ("va-tuning-model-1", FORMAT)
"""Formats that are read; in the first, boosted trees are a document of XGBoost's own."""
Fields = Mapping[str, tuple[str, int]]
"""Name of an array → its data type and its number of dimensions."""


def pack(family: str, arrays: Arrays) -> bytes:
    """Write the arrays of a model of `family`."""
    return write_arrays({"format": np.array(FORMAT), "family": np.array(family), **arrays})


def unpack(family: str, content: bytes) -> dict[str, NDArray[Any]]:
    """Read what `pack` wrote.

    Raises
    ------
    StoreError
        If the bytes are not a model of this format and family.
    """
    arrays = read_arrays(content)
    found = [str(arrays.pop(name, "nothing")) for name in ("format", "family")]
    must = f"the model must be {' or '.join(READ)} of {family}"
    require(
        found[0] in READ and found[1] == family,
        f"{must}, found {plain(found[0], 40)} of {plain(found[1], 40)}",
    )
    return arrays


def conform(arrays: Arrays, fields: Fields) -> None:
    """Hold arrays to the names, types and dimensions that they must have.

    Raises
    ------
    StoreError
    """
    require(
        arrays.keys() == fields.keys(),
        f"the arrays must be {', '.join(fields)}; found {shown(list(arrays))}",
    )
    for name, (dtype, n_dimensions) in fields.items():
        array = arrays[name]
        right = array.ndim == n_dimensions and (
            array.dtype.kind == "U" if dtype == "str" else array.dtype == dtype
        )
        found = f"found {array.dtype} of {array.ndim}"
        require(right, f"{name} must be {dtype} of {n_dimensions} dimensions, {found}")
