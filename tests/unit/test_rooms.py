"""The house as docs/design.md draws it: who may import whom."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tuner_job"
ROW = re.compile(r"^\| (`[^|]*`) \| ([^|]*) \|$", re.MULTILINE)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {name_of(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def drawn() -> tuple[dict[str, int], dict[str, str]]:
    """Room → its floor; library → the room that alone imports it."""
    text = (ROOT / "docs" / "design.md").read_text()
    floors, libraries = {}, {}
    for floor, (rooms, answers) in enumerate(ROW.findall(text)):
        names = re.findall(r"`(\w+)`", rooms)
        floors |= dict.fromkeys(names, floor)
        libraries |= dict.fromkeys(re.findall(r"\*\*(\w+)\*\*", answers), names[0])
    return floors, libraries


FLOORS, LIBRARIES = drawn()


def imported(file: str) -> Iterator[str]:
    """Files and libraries that a file imports, be it in a function or for types."""
    for node in ast.walk(FILES[file]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports relatively"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in FILES else str(node.module) for name in whole)


def room_of(file: str) -> str:
    return file.split(".")[1] if "." in file else "tuner_job"


def test_every_room_is_drawn() -> None:
    there = {room_of(file) for file in FILES} - {"tuner_job"}
    assert there == set(FLOORS)


@pytest.mark.parametrize("file", [file for file in FILES if file != "tuner_job"])
def test_a_file_imports_only_what_stands_below_its_room(file: str) -> None:
    own = room_of(file)
    rooms = {room_of(name): name for name in imported(file) if name in FILES and "." in name}
    above = {name for room, name in rooms.items() if room != own and FLOORS[room] > FLOORS[own]}
    assert not above, f"{file} imports {sorted(above)}, which stand above it in docs/design.md"


def test_no_two_files_import_each_other() -> None:
    graph = {file: {name for name in imported(file) if name in FILES} for file in FILES}
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_has_one_room(library: str) -> None:
    who = {
        room_of(file) for file in FILES for name in imported(file) if name.split(".")[0] == library
    }
    assert who == {LIBRARIES[library]}
