"""What can happen to a stored object, and what sync clients and desktops put beside it."""

import io
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

Damage = Callable[[Path], object]


def _cut(share: float) -> Damage:
    return lambda path: path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def _flip(path: Path) -> None:
    """Set the highest bit of a byte in the middle: no text has it there."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x80
    path.write_bytes(content)


def _as(content: bytes) -> Damage:
    return lambda path: path.write_bytes(content)


def _json(change: Callable[[Any], object], path: Path) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(change(document)))


def _in_place(make: Callable[[Path], object], path: Path) -> None:
    path.unlink()
    make(path)


def _npz(**arrays: Any) -> Damage:
    def damage(path: Path) -> None:
        with io.BytesIO() as buffer:
            np.savez(buffer, **arrays)
            path.write_bytes(buffer.getvalue())

    return damage


ANY: Final[dict[str, Damage]] = {
    "absent": lambda path: path.unlink(),
    "empty": _as(b""),
    "cut to a half": _cut(0.5),
    "cut to a byte": lambda path: path.write_bytes(path.read_bytes()[:1]),
    "cut by a byte": lambda path: path.write_bytes(path.read_bytes().rstrip()[:-1]),
    "a byte flipped": _flip,
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "foreign JSON": _as(b'{"hello": 1}'),
    "a JSON list": _as(b"[]"),
    "a JSON text": _as(b'"x"'),
    "null": _as(b"null"),
    "HTML": _as(b"<html><body>503 Service Unavailable</body></html>"),
    "an S3 error": _as(b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>"),
    "deep JSON": _as(b"[" * 100_000),
    "not UTF-8": _as(b"\xff\xfe\x00x"),
    "twice": lambda path: path.write_bytes(path.read_bytes() * 2),
    "a terminal escape": _as(b'{"\x1b[2J": "\x1b]0;x\x07"}'),
    "a folder": partial(_in_place, lambda path: path.mkdir()),
    "a folder with files": partial(
        _in_place, lambda path: (path.mkdir(), (path / "x").write_text(""))
    ),
    "a link to itself": partial(_in_place, lambda path: path.symlink_to(path.name)),
    "a dangling link": partial(_in_place, lambda path: path.symlink_to("nowhere")),
    "a FIFO": partial(_in_place, lambda path: os.mkfifo(path)),
    "unreadable": lambda path: path.chmod(0),
}
"""Of an object of any kind."""

JSON: Final[dict[str, Damage]] = {
    "a key more": partial(_json, lambda d: {**d, "of_a_later_version": 1}),
    "a key less": partial(_json, lambda d: dict(list(d.items())[1:])),
    "values null": partial(_json, lambda d: dict.fromkeys(d)),
    "values empty": partial(_json, lambda d: {key: {} for key in d}),
    "values text": partial(_json, lambda d: dict.fromkeys(d, "x" * 5000)),
    "values huge": partial(_json, lambda d: dict.fromkeys(d, 10**400)),
    "5,000 digits": _as(b'{"trial": ' + b"9" * 5000 + b"}"),
    "nan and infinity": _as(b'{"trial": NaN, "params": Infinity}'),
    "a lone surrogate": _as(b'{"model": "\\ud800"}'),
}
NPZ: Final[dict[str, Damage]] = {
    "other shape": _npz(P=np.ones((3, 2))),
    "other name": _npz(Q=np.ones((3, 2))),
    "text": _npz(P=np.array([["a", "b"]])),
    "nan": _npz(P=np.full((3, 2), np.nan)),
    "pickled": _npz(P=np.array([{"a": 1}, None], dtype=object)),
    "no numbers": _npz(P=np.zeros((0, 0))),
}

FOREIGN: Final = (
    "000001 (conflicted copy).json",
    "000001 (Anna's conflicted copy 2024-01-01).json",
    "000001 (1).json",
    "000001-DESKTOP-4F2K.json",
    "000001.sync-conflict-20240101-120000-ABCDEFG.json",
    "000001 - Copy.json",
    "Copy of 000001.json",
    "000001.json~",
    "000001.json.bak",
    "000001.json.tmp",
    "000001.json#1",
    ".000001.json.swp",
    ".~lock.000001.json#",
    "~$000001.json",
    "._000001.json",
    ".DS_Store",
    ".fuse_hidden000000010000",
    ".nfs0000000000000001",
    ".~000001.json",
    "desktop.ini",
    "Thumbs.db",
    "Icon\r",
    "000001.JSON",
    "1.json",
    "0000001.json",
    "\uff10\uff10\uff10\uff10\uff10\uff11.json",
    "000001.json.crdownload",
    "trial.json",
    "default (1).json",
    "COM1.json",
    "a name with spaces and 'quotes'.json",
    "\x1b[31mred.json",
    "[b].json",
)
"""Names that sync clients, editors, desktops and network file systems give."""


def of_kind(path: Path) -> dict[str, Damage]:
    """Every damage that suits an object."""
    return {**ANY, **(JSON if path.suffix == ".json" else NPZ if path.suffix == ".npz" else {})}
