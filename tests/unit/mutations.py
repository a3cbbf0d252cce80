"""Ways to mutate a packed model inside, with its checksums made again."""

import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tuner_job.files.arrays import write_zip
from tuner_job.models import FAMILIES

STORED = Path(__file__).parents[1] / "stored" / "0.1.0" / "finished"

NUMBERS = [
    0,
    1,
    -1,
    2,
    7,
    127,
    255,
    2**31 - 1,
    -(2**31),
    2**40,
    1e-300,
    1e30,
    3e38,
    1e308,
    -1e308,
    np.nan,
    np.inf,
]
JSON_VALUES: list[Any] = [
    None, True, -1, 0, 1e308, -1e308, 10**400, "", "x" * 100_000, "\ud800", "NaN", [], {}, [[]],
    {"": None}, [0] * 1000,
    float("nan"), float("inf"), "../../etc/passwd", "xgboost", "em", "mixture", "synthetic",
]  # fmt: skip
DTYPES = [
    "<f8",
    "<f4",
    "<i4",
    "<i8",
    "|u1",
    "|b1",
    "<U3",
    "|O",
    "<c16",
    "<M8[s]",
    ">i4",
    "<f2",
    "<U9999",
    "|V8",
]


@dataclass
class Parts:
    """A model object taken apart."""

    description: Any
    arrays: dict[str, np.ndarray]
    raw: dict[str, bytes] = field(default_factory=dict)
    """Members of the fitted model that are given as bytes."""
    outer: dict[str, bytes] = field(default_factory=dict)
    deep: int = 0

    def bytes(self) -> bytes:
        members = {f"{name}.npy": npy(array) for name, array in self.arrays.items()}
        fitted = write_zip({**members, **self.raw})
        text = json.dumps(self.description)
        if self.deep:
            text = text.replace(
                '"params": {', '"params": {"deep": ' + "[" * self.deep + "]" * self.deep + ", ", 1
            )
        return write_zip({"description.json": text.encode(), "model": fitted, **self.outer})


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def take_apart(content: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(content)) as outer:
        description = json.loads(outer.read("description.json"))
        with np.load(io.BytesIO(outer.read("model"))) as arrays:
            return Parts(description, dict(arrays))


def extreme_values(parts: Parts, rng: random.Random) -> None:
    array = some_array(parts, rng)
    for _ in range(rng.choice([1, 1, 3, 20])):
        with np.errstate(all="ignore"):
            if array.size and array.dtype.kind != "U":
                array.flat[rng.randrange(array.size)] = np.asarray(rng.choice(NUMBERS)).astype(
                    array.dtype
                )


def all_one_value(parts: Parts, rng: random.Random) -> None:
    array = some_array(parts, rng)
    with np.errstate(all="ignore"):
        array[...] = np.asarray(rng.choice(NUMBERS)).astype(array.dtype)


def small_changes(parts: Parts, rng: random.Random) -> None:
    array = some_array(parts, rng)
    for _ in range(rng.choice([1, 2, 50])):
        if array.size and array.dtype.kind in "iuf":
            at = rng.randrange(array.size)
            array.flat[at] = np.asarray(
                float(array.flat[at]) + rng.choice([-2, -1, 1, 2, 0.5])
            ).astype(array.dtype)


def flipped_bytes(parts: Parts, rng: random.Random) -> None:
    name = rng.choice(list(parts.arrays))
    content = bytearray(npy(parts.arrays.pop(name)))
    for _ in range(rng.choice([1, 1, 2, 10])):
        content[rng.randrange(len(content))] = rng.choice([rng.randrange(256), 0, 255, 128])
    parts.raw[f"{name}.npy"] = bytes(content)


def another_header(parts: Parts, rng: random.Random) -> None:
    name = rng.choice(list(parts.arrays))
    array = parts.arrays.pop(name)
    shape = rng.choice(
        [
            "(10000000000,)",
            "(-1,)",
            "(0,)",
            "(99999999999999999999,)",
            "(2, 2, 2)",
            str(array.shape),
        ]
    )
    order, dtype = rng.choice(["True", "False"]), rng.choice([*DTYPES, array.dtype.str])
    header = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}"
    header = (
        rng.choice(
            [header, header, "(" * 5000, "[" * 60_000 + "]" * 60_000, "{}", "__import__('os')"]
        )
        + "\n"
    )
    data = rng.choice([array.tobytes(), b"", b"\xff" * array.nbytes])
    parts.raw[f"{name}.npy"] = (
        b"\x93NUMPY\x01\x00" + (len(header) % 65536).to_bytes(2, "little") + header.encode() + data
    )


def another_shape(parts: Parts, rng: random.Random) -> None:
    name = rng.choice(list(parts.arrays))
    array = parts.arrays[name]
    changed: Callable[[], np.ndarray] = rng.choice(
        [
            lambda: array.reshape(-1)[: array.size // 2],
            lambda: np.concatenate([array.reshape(-1)] * 2),
            lambda: array[None],
            lambda: array.T.copy(),
            lambda: array.reshape(-1)[:0],
            lambda: array.reshape(-1)[:-1],
            lambda: np.zeros(10_000_000, array.dtype),
            lambda: array.reshape(-1)[::-1],
            lambda: np.array({"an": "object"}, dtype=object),
        ]
    )
    parts.arrays[name] = changed()


def another_dtype(parts: Parts, rng: random.Random) -> None:
    name = rng.choice(list(parts.arrays))
    array = parts.arrays[name]
    if array.dtype.kind != "U":
        parts.arrays[name] = array.astype(
            rng.choice(["f8", "f4", "i4", "i8", "u1", "?", "U5", "c16", ">i4"])
        )


def other_names(parts: Parts, rng: random.Random) -> None:
    one, other = rng.sample(list(parts.arrays), 2)
    match rng.randrange(4):
        case 0:
            parts.arrays[one], parts.arrays[other] = parts.arrays[other], parts.arrays[one]
        case 1:
            del parts.arrays[one]
        case 2:
            parts.arrays["../" + one] = parts.arrays[one]
        case 3:
            parts.arrays["booster" if "booster" not in parts.arrays else "left"] = parts.arrays[
                one
            ].reshape(-1)


def cycles(parts: Parts, rng: random.Random) -> None:
    """Children that lead back, out of their tree or nowhere."""
    if "left" not in parts.arrays:
        return extreme_values(parts, rng)
    array, n = parts.arrays[rng.choice(["left", "right", "roots"])], len(parts.arrays["left"])
    for _ in range(rng.choice([1, 2, 20])):
        array[rng.randrange(len(array))] = rng.choice(
            [0, 1, rng.randrange(n), n - 1, n, -1, 2**31 - 1]
        )


def chain(parts: Parts, rng: random.Random) -> None:
    """One tree as deep as it can be, or as many trees as there are nodes."""
    if "left" not in parts.arrays:
        return small_changes(parts, rng)
    n_inner = rng.choice([50, 5_000, 100_000])
    n, own = 2 * n_inner + 1, np.arange(2 * n_inner + 1)
    inner = (own % 2 == 0) & (own < n - 1)
    left, right = np.where(inner, own + 1, own), np.where(inner, own + 2, own)
    roots = np.array([0])
    if rng.random() < 0.5:
        left = right = roots = own
    for name, values in (("roots", roots), ("left", left), ("right", right)):
        parts.arrays[name] = values.astype(np.int32)
    for name in ("feature", "threshold", "missing_left"):
        parts.arrays[name] = np.zeros(n, parts.arrays[name].dtype)
    if "indptr" in parts.arrays:
        leaves = np.asarray(left == own)
        parts.arrays["indptr"] = np.append(0, np.cumsum(leaves)).astype(np.int32)
        parts.arrays["indices"], parts.arrays["data"] = (
            np.zeros(leaves.sum(), np.int32),
            np.ones(leaves.sum()),
        )


def described_otherwise(parts: Parts, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 1, 2])):
        holder, key = some_place(parts.description, rng)
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.append(holder[key])
            case 2 if isinstance(holder, dict):
                holder["unknown"] = rng.choice(JSON_VALUES)
            case 3 if isinstance(holder[key], float):
                holder[key] = rng.choice(
                    [0.0, 1e-320, -holder[key], holder[key] * 1e6, 1e308, float("nan")]
                )
            case _:
                holder[key] = rng.choice(JSON_VALUES)


def deep_description(parts: Parts, rng: random.Random) -> None:
    parts.deep = rng.choice([100, 100_000, 1_000_000])


def estimated_otherwise(parts: Parts, rng: random.Random) -> None:
    """Another CSMF estimator, with another calibration that adds up."""
    n = len(parts.description["causes"])
    parts.description["csmf_estimator"] = {
        "method": rng.choice(["count", "mean", "em", "mixture"]),
        "shrinkage": rng.choice([0.0, 4.0, 1e5, 1e307]),
        "towards": rng.choice(["uniform", "mean"]),
    }
    calibration = parts.description["calibration"]
    calibration["temperature"] = rng.choice([0.05, 1.0, 20.0, 1e-9, 1e9, 0])
    sure = [[float(row == column) for column in range(n)] for row in range(n)]
    calibration["matrix"] = rng.choice([calibration["matrix"], sure, [[1.0] + [0.0] * (n - 1)] * n])
    calibration["prior"] = rng.choice(
        [calibration["prior"], sure[0], [2.0, -1.0] + [0.0] * (n - 2)]
    )


def members_otherwise(parts: Parts, rng: random.Random) -> None:
    others = set(FAMILIES) - {parts.description["family"]}
    other = rng.choice(sorted(name for name in others if (STORED / name).exists()))
    content = (STORED / other / "model.bin").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        foreign = archive.read("model")
    parts.outer = rng.choice(
        [
            {"model": foreign},
            {"model": content},
            {"model": b""},
            {"description.json": b""},
            {"description.json": b"\xff\xfe"},
            {"../model": foreign},
            {"model": write_zip({"left.npy": bytes(100_000_000)})},
            {"model": bytes(100_000_000)},
            {"description.json": b"[" + b"[]," * 2_500_000 + b"[]]"},
            {"description.json": b'"' + b" " * 100_000_000 + b'"'},
        ]
    )


def document_otherwise(parts: Parts, rng: random.Random) -> None:
    """XGBoost's own document, as version 0.1.0 stored it."""
    if "booster" not in parts.arrays:
        return cycles(parts, rng)
    content = bytearray(parts.arrays["booster"].tobytes())
    markers = [i for i, byte in enumerate(content) if byte in b"{[$#SLlidU}"]
    match rng.randrange(4):
        case 0:
            content = content[: rng.randrange(len(content))]
        case 1:
            at = rng.choice(markers)
            content[at : at + rng.choice([1, 8])] = rng.randbytes(rng.choice([0, 1, 8]))
        case 2:
            at = rng.randrange(len(content))
            content[at : at + 4] = rng.choice(
                [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4), b"\x7f\xc0\0\0"]
            )
        case _:
            for _ in range(rng.choice([1, 5, 20])):
                content[rng.randrange(len(content))] = rng.randrange(256)
    parts.arrays["booster"] = np.frombuffer(bytes(content), np.uint8)


def raw_bytes(content: bytes, rng: random.Random) -> bytes:
    """The file itself, cut, changed, or with sizes that it states and has not."""
    changed = bytearray(content)
    match rng.randrange(4):
        case 0:
            return content[: rng.randrange(len(content))]
        case 1:
            entry = changed.find(b"PK\x01\x02", rng.randrange(len(content)))
            at = (entry if entry >= 0 else changed.rfind(b"PK\x01\x02")) + rng.choice(
                [8, 10, 20, 24, 42]
            )
            changed[at : at + 4] = rng.choice(
                [b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\x01\0\0\0", b"\xff\xff\xff\xff"]
            )
        case 2:
            for _ in range(rng.choice([1, 5, 50])):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
        case _:
            buffer = io.BytesIO(content)
            with zipfile.ZipFile(buffer, "a") as archive:
                for name in rng.choice([["model"], ["x"], [f"m{i}" for i in range(5000)]]):
                    archive.writestr(zipfile.ZipInfo(name), b"")
            return buffer.getvalue()
    return bytes(changed)


INSIDE: list[Callable[[Parts, random.Random], None]] = [
    extreme_values, extreme_values, all_one_value, small_changes, small_changes, flipped_bytes,
    flipped_bytes,
    another_header, another_shape, another_dtype, other_names, cycles, cycles, chain,
    described_otherwise,
    described_otherwise, described_otherwise, deep_description, estimated_otherwise,
    members_otherwise,
    document_otherwise, document_otherwise, document_otherwise,
]  # fmt: skip


def some_array(parts: Parts, rng: random.Random) -> np.ndarray:
    name = rng.choice([name for name, array in parts.arrays.items() if array.dtype.kind not in "U"])
    parts.arrays[name] = parts.arrays[name].copy()
    return parts.arrays[name]


def some_place(document: Any, rng: random.Random) -> tuple[Any, Any]:
    """A container somewhere in the document, and one of its keys."""
    while True:
        key = rng.choice(list(document) if isinstance(document, dict) else range(len(document)))
        inside = document[key]
        if not isinstance(inside, dict | list) or not inside or rng.random() < 0.2:
            return document, key
        document = inside


def mutated(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    if rng.random() < 0.1:
        return "raw_bytes", raw_bytes(content, rng)
    parts, mutate = take_apart(content), rng.choice(INSIDE)
    mutate(parts, rng)
    return mutate.__name__, parts.bytes()
