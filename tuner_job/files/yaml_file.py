"""Reading YAML that somebody else wrote: what cannot be meant is refused, with line and column,
before it is built.

Plain text is read as YAML 1.2 reads it: ``no``, ``on``, ``2024-01-31``, ``12:30`` and ``007`` are
text, not a truth value, a date, minutes or an octal number. Fields that want a truth value or a
number read such text themselves.
"""

import math
import re
import stat
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tuner_job.errors import ConfigError
from tuner_job.wording import place, plain, shown

MOST_BYTES = 1 << 18
"""Of one file; longer ones are no lists of settings, and take seconds to read."""
MOST_NODES = 10_000
"""Values and keys of one file, each counted as often as an alias repeats it."""
MOST_DEPTH = 50
MOST_DIGITS = 100

_TAG = "tag:yaml.org,2002:"
_PLAIN = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9_]*)", "-+0123456789"),
    "float": (
        r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    "merge": (r"<<", "<"),
}
"""Kind → what text without quotation marks is read so, and its first characters. Each is a part of
what PyYAML reads so: text that it writes without quotation marks is text here too."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of keys and values.

    Raises
    ------
    ConfigError
        It is not there or not such a file; the message names the line and column.
    """
    return parse_yaml(_content(path), str(path))


def parse_yaml(content: str | bytes, where: str) -> dict[str, Any]:
    """Read YAML of keys and values; `where` names it in messages.

    Raises
    ------
    ConfigError
    """
    where = place(where)
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{where}: must have at most {MOST_BYTES:,} bytes")
    try:
        text = content if isinstance(content, str) else _decoded(content)
        parsed = _parsed(text.removeprefix("\ufeff"))
    except _PlaceError as error:
        raise ConfigError(f"{where}: is not valid YAML: {error}") from None
    if parsed is None:
        raise ConfigError(f"{where}: must hold keys and values, but is empty")
    if not isinstance(parsed, dict):
        raise ConfigError(f"{where}: must hold keys and values, got {type(parsed).__name__}")
    return parsed


def _content(path: Path) -> bytes:
    """Read a file of a sensible size; one that is no file (a pipe, a device) would never end."""
    name = place(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(
                f"{name}: cannot be read: is "
                f"{'a folder' if stat.S_ISDIR(mode) else 'no ordinary file'}"
            )
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"{name}: cannot be read: no path can hold the character NUL") from None


def _decoded(content: bytes) -> str:
    name = "UTF-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "UTF-8"
    try:
        return content.decode(name)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        found = content[error.start]
        raise _PlaceError(
            f"line {line}, column {column}: must be {name} text, found the byte {found:#04x}"
        ) from None


def _parsed(text: str) -> Any:
    try:
        return _Loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = plain(" ".join(part for part in (error.context, error.problem) if part))
        raise _at(mark, problem) if mark else _PlaceError(problem) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _PlaceError(
            f"line {line}, column {column}: text cannot hold {shown(text[error.position])}"
        ) from None
    except (
        ValueError,
        OverflowError,
    ):  # such as "\\UFFFFFFFF", of which PyYAML makes a character unseen
        raise _PlaceError("an escape in quotation marks must stand for a character") from None


class _PlaceError(Exception):
    """What is wrong, with its place."""


def _check_single(node: Node) -> None:
    """Refuse a list or a mapping that a tag calls a number."""
    if not isinstance(node, ScalarNode):
        shown = "a list" if isinstance(node, SequenceNode) else "a mapping"
        raise _at(node.start_mark, f"must be a single value, got {shown}")


def _at(mark: yaml.Mark, problem: str) -> _PlaceError:
    return _PlaceError(f"line {mark.line + 1}, column {mark.column + 1}: {problem}")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with limits."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def __init__(self, text: str):
        super().__init__(text)
        self._depth = self._n_nodes = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Build a node, but not below any depth and no number of them."""
        self._depth, self._n_nodes = self._depth + 1, self._n_nodes + 1
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self._depth > MOST_DEPTH:
            raise _at(mark, f"must be nested at most {MOST_DEPTH} deep")
        if self._n_nodes > MOST_NODES:
            raise _too_many(mark)
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_data(self) -> Any:
        """Read the only document."""
        node = self.get_single_node()
        if node is None:
            return None
        _expanded(node, {})
        return self.construct_document(node)

    def whole_number(self, node: ScalarNode) -> int:
        """Read a whole number that something can be done with."""
        _check_single(node)
        if len(node.value) > MOST_DIGITS:
            raise _at(
                node.start_mark,
                f"a number must have at most {MOST_DIGITS} digits, got {len(node.value):,}",
            )
        try:
            return int(node.value.replace("_", ""), 0)
        except ValueError:
            raise _at(node.start_mark, f"must be a whole number, got {plain(node.value)}") from None

    def number(self, node: ScalarNode) -> float:
        """Read a finite number."""
        _check_single(node)
        try:
            value = float(node.value.replace("_", ""))
        except ValueError:  # .inf and .nan are not Python's words
            value = math.nan
        if not math.isfinite(value):
            raise _at(node.start_mark, f"must be a finite number, got {plain(node.value)}")
        return value

    def truth(self, node: ScalarNode) -> bool:
        """Read true or false."""
        _check_single(node)
        if node.value.lower() not in ("true", "false"):
            raise _at(node.start_mark, f"must be true or false, got {plain(node.value)}")
        return bool(node.value.lower() == "true")

    def refuse(self, node: Node) -> None:
        """Refuse a tag that asks for more than values."""
        raise _at(
            node.start_mark,
            f"the tag {plain(node.tag.replace(_TAG, '!!'))} is not known here; leave it out",
        )


def _too_many(mark: yaml.Mark) -> _PlaceError:
    return _at(mark, f"must hold at most {MOST_NODES:,} values, those repeated by aliases included")


def _expanded(node: Node, sizes: dict[int, int]) -> int:
    """Count the values that a node stands for once its aliases are written out; check its keys."""
    if id(node) in sizes:
        if not sizes[id(node)]:
            raise _at(node.start_mark, "an anchor must not hold an alias of itself")
        return sizes[id(node)]
    sizes[id(node)] = 0  # under way
    inner: list[Node] = []
    if isinstance(node, SequenceNode):
        inner = list(node.value)
    elif isinstance(node, MappingNode):
        _check_keys(node)
        inner = [part for pair in node.value for part in pair]
    size = 1 + sum(_expanded(part, sizes) for part in inner)
    if size > MOST_NODES:
        raise _too_many(node.start_mark)
    sizes[id(node)] = size
    return size


def _check_keys(node: MappingNode) -> None:
    """Keys must be distinct; all of them are text, also a cause or a site that is a number."""
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            raise _at(key.start_mark, "a key must be text, got a list or mapping")
        if key.value in lines:
            raise _at(
                key.start_mark,
                f"the key {plain(key.value)} stands in line {lines[key.value]} already",
            )
        lines[key.value] = key.start_mark.line + 1
        if key.tag != f"{_TAG}merge":
            key.tag = f"{_TAG}str"


for _name, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(
        f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z"), list(_first) or None
    )
_Loader.yaml_constructors = {
    **{
        f"{_TAG}{name}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{name}"]
        for name in ("null", "str", "seq", "map")
    },
    f"{_TAG}bool": _Loader.truth,
    f"{_TAG}int": _Loader.whole_number,
    f"{_TAG}float": _Loader.number,
    None: _Loader.refuse,
}
