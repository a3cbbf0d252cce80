"""A fitted model as bytes: named numpy arrays, which cannot carry code."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner_job.errors import StoreError

FORMAT = "va-tuning-model-1"
Arrays = Mapping[str, NDArray[Any]]


def pack(family: str, arrays: Arrays) -> bytes:
    """Write the arrays of a model of `family`."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, format=np.array(FORMAT), family=np.array(family), **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack(family: str, content: bytes) -> dict[str, NDArray[Any]]:
    """Read what `pack` wrote.

    Raises
    ------
    StoreError
        If the bytes are not a model of this format and family.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        found = (str(arrays.pop("format")), str(arrays.pop("family")))
    except (ValueError, KeyError, OSError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise StoreError(f"the model object must be a {FORMAT} archive; it cannot be read: {error}") from None
    if found != (FORMAT, family):
        raise StoreError(f"the model object must be {FORMAT} of {family}, found {found[0]} of {found[1]}")
    return arrays
