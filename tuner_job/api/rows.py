"""Rows of a caller, arrays or data frames, as a data set."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import column_or_1d

from tuner_job.data import load_dataset
from tuner_job.data.codebook import Feature
from tuner_job.data.config import DataConfig
from tuner_job.data.dataset import VaDataset
from tuner_job.errors import DataError
from tuner_job.wording import shown

FRAME = "the data frame"
"""What stands in messages for a file's name."""


def has_words(X: Any) -> bool:
    """Whether rows are a data frame of which a column is no number, so that a codebook must read
    it.

    Raises
    ------
    DataError
        Two columns have one name.
    """
    if not hasattr(X, "columns"):
        return False
    from pandas.api.types import is_numeric_dtype  # pandas takes half a second

    frame = _as_pandas(X)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{FRAME}: column names must be distinct; found {shown(twice)} twice")
    return not all(is_numeric_dtype(dtype) for dtype in frame.dtypes)


def as_csv(frame: Any, names: Collection[str]) -> bytes:
    """Write a data frame (pandas, or one with a method `to_pandas`) as the file that is read by a
    codebook: with every row, which in a file may be an empty line.

    Parameters
    ----------
    names
        Columns that the codebook knows: none of them is added.
    """
    found = _as_pandas(frame)
    row = _another("row", {*found.columns, *names})
    return _with_column(found, row, range(1, len(found) + 1))


def of_array(
    X: NDArray[np.float32],
    names: Sequence[str],
    y: NDArray[np.intp],
    causes: Sequence[str],
    groups: ArrayLike | None,
) -> VaDataset:
    """Take encoded rows (n_rows, n_features) as they are.

    Parameters
    ----------
    names
        Of the features.
    y : (n_rows,)
        Each row's cause, an index into `causes`.
    groups : (n_rows,)
        Sites; None: all rows are of one.
    """
    sites, site = _sites(groups, len(y))
    return VaDataset(
        X=np.ascontiguousarray(X),
        y=y.astype(np.int32),
        site=site.astype(np.int32),
        causes=tuple(causes),
        sites=sites,
        features=tuple(Feature(name, name) for name in names),
    )


def of_frame(
    frame: Any,
    y: NDArray[np.intp],
    causes: Sequence[str],
    groups: ArrayLike | None,
    how: Mapping[str, Any],
) -> tuple[DataConfig, VaDataset]:
    """Read a data frame by a codebook, as a file would be.

    Parameters
    ----------
    y, causes, groups
        As `of_array`.
    how
        Keys of a `data` section: how columns are read.

    Returns
    -------
    The section, and all rows, with a site each.

    Raises
    ------
    DataError, ValueError
        The frame cannot be read, or `how` is wrong.
    """
    if given := sorted({"source", "label", "site", "sites", "id", "causes"} & set(how)):
        raise ValueError(f"data.{given[0]}: cannot be given; y and groups tell causes and sites")
    found = _as_pandas(frame)
    label = _another("cause", found.columns)
    config = DataConfig.model_validate({**how, "source": FRAME, "label": label})
    codes = [f"class {code:06d}" for code in y]  # sorted as text, they keep their order
    content = _with_column(found, label, codes)
    data = load_dataset(config, lambda _: content)
    if data.n_samples != len(y):
        raise DataError(f"{FRAME}: {len(y) - data.n_samples:,} rows cannot be used")
    sites, site = _sites(groups, len(y))
    return config, replace(data, site=site.astype(np.int32), sites=sites, causes=tuple(causes))


def _with_column(frame: Any, name: str, cells: Sequence[Any]) -> bytes:
    """A data frame as a file, with a column more."""
    return bytes(frame.assign(**{name: cells}).to_csv(index=False).encode())


def _another(name: str, taken: Collection[Any]) -> str:
    """A name that no column has."""
    while name in taken:
        name += "_"
    return name


def _as_pandas(frame: Any) -> Any:
    return frame.to_pandas() if hasattr(frame, "to_pandas") else frame


def _sites(groups: ArrayLike | None, n_rows: int) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    if groups is None:
        return ("all",), np.zeros(n_rows, np.intp)
    sites, site = np.unique(column_or_1d(groups), return_inverse=True)
    if len(site) != n_rows:
        raise ValueError(f"groups must have {n_rows} rows, as X has; got {len(site)}")
    return tuple(map(str, sites)), site
