"""YAML that somebody else wrote: read right, or refused with file, line and column."""

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tuner_job.errors import ConfigError
from tuner_job.files.yaml_file import MOST_BYTES, MOST_NODES, parse_yaml, read_yaml

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{new}: &{new} {{<<: [{','.join([f'*{old}'] * 9)}]}}\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: [no, yes, on, off, y, N]", ["no", "yes", "on", "off", "y", "N"]),
        ("a: [true, False, null, ~, ]", [True, False, None, None]),
        ("a: [012, 0o17, 0x1F, 12:30, 12:30:45]", ["012", "0o17", "0x1F", "12:30", "12:30:45"]),
        ("a: [2024-01-31, 2024-99-99]", ["2024-01-31", "2024-99-99"]),
        (
            "a: [7, -3, +4, 1_000, 0.5, .5, -1.5e+3, 1e-3]",
            [7, -3, 4, 1000, 0.5, 0.5, -1500.0, "1e-3"],
        ),
        ("a: {1: x, no: y, null: z, 2.50: w}", {"1": "x", "no": "y", "null": "z", "2.50": "w"}),
        (
            "a: {b: &b {x: 1, y: 2}, c: {<<: *b, y: 3}}",
            {"b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 3}},
        ),
        ("a: !!str 12", "12"),
        ("a: 1\r\n", 1),
    ],
)
def test_what_is_read(text: str, value: Any) -> None:
    found = parse_yaml(text, "x")["a"]
    assert found == value
    assert repr(found) == repr(value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_say_what_they_are(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.yaml").write_text("a: fièvre", encoding=encoding)
    assert read_yaml(tmp_path / "x.yaml") == {"a": "fièvre"}


@pytest.mark.parametrize(
    "value",
    [
        "1e-3",
        "no",
        "012",
        "2024-01-31",
        "12:30",
        "~",
        "null",
        "0x1F",
        "1_0",
        ".inf",
        "<<",
        "=",
        "",
        " x",
        "#",
    ],
)
def test_text_stays_text_when_it_was_written_by_us(value: str) -> None:
    assert parse_yaml(yaml.safe_dump({"a": [value], value: 1}), "x") == {"a": [value], value: 1}


HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "duplicate": (
        "a: 1\nb: {c: 1,\n    c: 2}",
        "line 3, column 5: the key c stands in line 2 already",
    ),
    "duplicate by quotes": ("a: 1\n'a': 2", "line 2, column 1: the key a stands in line 1"),
    "duplicate number": ("1: 1\n'1': 2", "line 2, column 1: the key 1"),
    "laughs": (LAUGHS, f"must hold at most {MOST_NODES:,} values"),
    "merged laughs": (MERGES, f"must hold at most {MOST_NODES:,} values"),
    "many values": ("a: [" + "1," * MOST_NODES + "]", f"must hold at most {MOST_NODES:,} values"),
    "digits": (
        "a: " + "9" * 5000,
        "line 1, column 4: a number must have at most 100 digits, got 5,000",
    ),
    "infinite": ("a: 1.0e+999", "line 1, column 4: must be a finite number, got 1.0e+999"),
    ".inf": ("a: -.inf", "line 1, column 4: must be a finite number"),
    ".nan": ("a: [1, .nan]", "line 1, column 8: must be a finite number"),
    "deep lists": ("a: " + "[" * 3000, "line 1, column 53: must be nested at most 50 deep"),
    "a list as a number": ("seed: !!int [1]", "must be a single value, got a list"),
    "a mapping as truth": ("x: !!bool {}", "must be a single value, got a mapping"),
    "a list as a fraction": ("x: !!float []", "must be a single value, got a list"),
    "deep dashes": ("- " * 3000, "must be nested at most 50 deep"),
    "deep mappings": (
        "\n".join(" " * i + "a:" for i in range(300)),
        "line 50, column 50: must be nested at most 50 deep",
    ),
    "holds itself": (
        "a: &a [1, *a]",
        "line 1, column 4: an anchor must not hold an alias of itself",
    ),
    "holds itself, far": ("a: &a {b: {c: [*a]}}", "an anchor must not hold an alias of itself"),
    "unknown alias": ("a: *b", "line 1, column 4: found undefined alias"),
    "NUL": ("a: 'x\0y'", "line 1, column 6: text cannot hold '\\x00'"),
    "escape": ("a: \x1b[31m", "line 1, column 4: text cannot hold '\\x1b'"),
    "Latin-1": (
        "a: 1\nb: fièvre".encode("latin-1"),
        "line 2, column 6: must be UTF-8 text, found the byte 0xe8",
    ),
    "UTF-16 without a mark": ("a: 1".encode("utf-16-le"), "text cannot hold '\\x00'"),
    "half a UTF-16": (b"\xff\xfea", "must be UTF-16 text"),
    "tab": ("a:\n\t- 1", "line 2, column 1: "),
    "two documents": ("a: 1\n---\nb: 2", "line 2, column 1: expected a single document"),
    "code": (
        "a: !!python/object/apply:os.system [ls]",
        "line 1, column 4: the tag !!python/object/apply:os.system",
    ),
    "own tag": ("a: !env SECRET", "line 1, column 4: the tag !env"),
    "binary": ("a: !!binary '@@'", "the tag !!binary"),
    "timestamp": ("a: !!timestamp 2024-99-99", "the tag !!timestamp"),
    "no number": ("a: !!int x", "line 1, column 4: must be a whole number, got x"),
    "no truth": ("a: !!bool maybe", "line 1, column 4: must be true or false, got maybe"),
    "key that is a list": ("? [a]\n: 1", "line 1, column 3: a key must be text"),
    "merge of no mapping": ("a: {<<: 3}", "line 1, column 9"),
    "later version": ("%YAML 9.9\n---\na: 1", "line 1, column 1"),
    "unclosed": ("a: [1", "line 1, column "),
    "nothing": ("", "must hold keys and values, but is empty"),
    "a comment": ("# x", "must hold keys and values, but is empty"),
    "a list": ("[1]", "must hold keys and values, got list"),
    "long": ("a: " + "x" * MOST_BYTES, f"must have at most {MOST_BYTES:,} bytes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_refused(tmp_path: Path, case: str) -> None:
    content, said = HOSTILE[case]
    path = tmp_path / "x.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as refused:
        read_yaml(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert said in message
    assert len(message) < len(str(path)) + 400
    assert all(c.isprintable() for c in message)


@pytest.mark.parametrize(
    "text",
    [
        "#\n" * 120_000,
        "x" * 240_000,
        "a: |\n" + " x\n" * 80_000,
        "[" * 240_000,
        "a: &" + "x" * 240_000,
        "? " * 120_000,
    ],
)
def test_work_is_bounded_by_the_limits(text: str) -> None:
    # each takes a second at most; work that grows with the square does not end in a test's time
    with contextlib.suppress(ConfigError):
        parse_yaml(text, "x")


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    cases = {
        tmp_path: "is a folder",
        tmp_path / "pipe": "is no ordinary file",
        Path("/dev/zero"): "is no ordinary file",
        tmp_path / "loop": "Too many levels of symbolic links",
        tmp_path / "no.yaml": "No such file or directory",
        tmp_path / "a\0b": "no path can hold the character NUL",
        tmp_path / ("x" * 300): "File name too long",
    }
    for path, reason in cases.items():
        with pytest.raises(ConfigError, match=f"cannot be read: {reason}"):
            read_yaml(path)


def test_a_file_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.yaml").open("wb") as file:
        file.truncate(1 << 36)
    with pytest.raises(ConfigError, match="must have at most"):
        read_yaml(tmp_path / "x.yaml")
