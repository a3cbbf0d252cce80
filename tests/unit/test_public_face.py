"""What people import is there, is described, and costs nothing before it is used."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tuner_job

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
HEAVY = ["ray", "matplotlib", "optuna", "sklearn", "xgboost", "kubernetes", "prefect", "torch"]
READING = ["load_experiment", "prepare", "open_experiment", "load_model", "TuningMonitor"]


def loaded_by(statement: str) -> set[str]:
    """The heavy packages that a statement imports in a fresh process."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.split()} & set(HEAVY)


@pytest.mark.parametrize("name", tuner_job.__all__)
def test_every_name_is_there(name: str) -> None:
    found = getattr(tuner_job, name)
    if name != "__version__":
        assert found.__name__ == name
        assert found.__doc__


def test_every_name_is_described_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", PAGE, re.MULTILINE)
    described = {
        name
        for first, second in rows
        for name in re.findall(r"`(\w+)`", first + described_by(second))
    }
    assert described == set(tuner_job.__all__)


def described_by(cell: str) -> str:
    """The names that a description gives as kinds of what it describes."""
    return cell.partition("its kinds are ")[2]


def test_what_a_type_checker_sees_is_what_is_there() -> None:
    tree = ast.parse(Path(str(tuner_job.__file__)).read_text(encoding="utf-8"))
    (checked,) = (
        node for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )  # fmt: skip
    imports = [node for node in checked.body if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: node.module for node in imports for alias in node.names}
    assert {*seen, "__version__"} == set(tuner_job.__all__)
    for name, module in seen.items():
        assert getattr(importlib.import_module(str(module)), name) is getattr(tuner_job, name)


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'HyperparameterSearch'"):
        _ = tuner_job.HyperparameterSearch  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert loaded_by("import tuner_job") == set()


@pytest.mark.slow
def test_reading_takes_neither_ray_nor_the_libraries_of_models() -> None:
    assert loaded_by(f"from tuner_job import {', '.join(READING)}") == set()


def test_help_imports_nothing_heavy() -> None:
    statement = (
        "from click.testing import CliRunner; from tuner_job.cli.main import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0"
    )
    assert loaded_by(statement) == set()


def test_a_star_import_gives_all() -> None:
    space: dict[str, object] = {}
    exec("from tuner_job import *", space)
    assert set(tuner_job.__all__) <= set(space)
