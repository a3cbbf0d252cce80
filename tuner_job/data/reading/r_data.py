"""Data frames that R saved: .rds, .rda and .RData, unpacked."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tuner_job.data.columns import Column
from tuner_job.data.reading.r_parse import parse_r
from tuner_job.data.reading.raw import (
    Cells,
    Growing,
    check_names,
    check_size,
    text_of,
    to_column,
    whole,
)
from tuner_job.errors import DataError
from tuner_job.wording import listed, plain

_KIND = "an R data file"
_LATIN1 = 1 << 2
_UNITS: Final[Mapping[str, Literal["D", "s"]]] = {"Date": "D", "POSIXct": "s"}


def read_r(content: bytes, source: str) -> Cells:
    """Read the only data frame: factors and labels as text, dates by ISO 8601, NA as missing.

    Raises
    ------
    DataError
        It is damaged, has no data frame, several, or one with columns of lists; or rdata is not
        installed.
    """
    with whole(f"{_KIND} as a whole", source):
        frame = _frame(content, source)
        names = _names(frame, source)
        columns: list[Column] = []
        for name, cells in zip(names, frame.value, strict=True):
            columns.append(_column(cells, plain(name, 60), source))
            check_size(len(columns[0].codes), len(names), source)
            if len(columns[-1].codes) != len(columns[0].codes):
                raise ValueError(f"column {plain(name, 60)} has not as many rows as the first")
        n_rows = len(columns[0].codes)
    return Cells(names, columns, np.arange(n_rows) + 1)


def r_names(content: bytes, source: str) -> list[str]:
    """Read the names alone.

    Raises
    ------
    DataError
        As `read_r` does.
    """
    with whole(f"{_KIND} as a whole", source):
        return _names(_frame(content, source), source)


def _names(frame: Any, source: str) -> list[str]:
    names = _strings(_attributes(frame)["names"])
    check_names(names, source)
    return names


def _frame(content: bytes, source: str) -> Any:
    found = dict(_objects(parse_r(content, source, _KIND).object))
    frames = {name: value for name, value in found.items() if "data.frame" in _classes(value)}
    if len(frames) > 1:
        raise DataError(
            f"{source}: must hold one data frame; found {len(frames)}: {listed(frames)}; save one "
            "of them with saveRDS"
        )
    if not frames:
        others = [f"{name or 'an object'} ({_described(it)})" for name, it in found.items()]
        raise DataError(
            f"{source}: must hold a data frame; found {listed(others) or 'no object'}; save one "
            "with saveRDS"
        )
    return next(iter(frames.values()))


def _objects(top: Any) -> Iterator[tuple[str, Any]]:
    """Names and values of what ``save`` wrote; one without a name of what ``saveRDS`` wrote."""
    if top.info.type.name != "LIST":
        yield "", top
        return
    yield from _pairs(top)


def _pairs(pairs: Any) -> Iterator[tuple[str, Any]]:
    while pairs is not None and pairs.info.type.name == "LIST":
        tag = pairs.tag
        if tag is not None and tag.info.type.name == "REF":
            tag = tag.referenced_object
        yield _text(tag.value) if tag is not None else "", pairs.value[0]
        pairs = pairs.value[1]


def _attributes(value: Any) -> dict[str, Any]:
    return dict(_pairs(value.attributes))


def _classes(value: Any) -> list[str]:
    classes = _attributes(value).get("class")
    return [] if classes is None else _strings(classes)


def _described(value: Any) -> str:
    return listed(_classes(value), 3) or str(value.info.type.name).lower()


def _column(cells: Any, name: str, source: str) -> Column:
    kind, attributes = cells.info.type.name, _attributes(cells)
    classes = _classes(cells)
    if kind == "STR":
        growing = Growing()
        growing.extend(_text(value) if value.value is not None else None for value in cells.value)
        return growing.column(map(str, growing.index))
    if kind not in ("LGL", "INT", "REAL") or "dim" in attributes:
        raise DataError(
            f"{source}: every column must be a plain vector or a factor; column {name} is "
            f"of the kind {_described(cells)}"
        )
    codes, values = _distinct(cells.value, "integer64" in classes)
    if "factor" in classes:
        levels = _strings(attributes["levels"])
        return to_column(codes, tuple(levels[int(value) - 1] for value in values))
    labels = _labels(attributes.get("labels"))
    unit = next((unit for name, unit in _UNITS.items() if name in classes), None)
    return to_column(codes, tuple(labels.get(v) or _number(v, unit) for v in values))


def _distinct(cells: Any, as_int64: bool) -> tuple[NDArray[np.int32], list[Any]]:
    """Codes and distinct values; -1 is NA or NaN."""
    missing = np.ma.getmaskarray(cells).copy()
    numbers = np.ma.getdata(cells)
    if as_int64:
        numbers = numbers.view(np.int64)
        missing |= numbers == np.iinfo(np.int64).min
    elif numbers.dtype.kind == "f":
        missing |= np.isnan(numbers)
    distinct, inverse = np.unique(numbers[~missing], return_inverse=True)
    codes = np.full(len(numbers), -1, np.int32)
    codes[~missing] = inverse
    return codes, distinct.tolist()


def _labels(labels: Any) -> Mapping[Any, str]:
    """Value → its label, as package haven keeps them."""
    if labels is None or labels.info.type.name not in ("INT", "REAL"):
        return {}
    return dict(zip(labels.value.tolist(), _strings(_attributes(labels)["names"]), strict=True))


def _number(value: Any, unit: Literal["D", "s"] | None) -> str:
    if unit and np.isfinite(value) and abs(value) < 1e12:
        return str(np.datetime64(int(value), unit)).replace("T", " ").removesuffix(" 00:00:00")
    return text_of(value)


def _strings(vector: Any) -> list[str]:
    return ["" if value.value is None else _text(value) for value in vector.value]


def _text(value: Any) -> str:
    raw: bytes = value.value
    if value.info.gp & _LATIN1:
        return raw.decode("cp1252")  # what R on Windows calls latin1
    return raw.decode()
