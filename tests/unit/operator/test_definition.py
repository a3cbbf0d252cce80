"""The custom resource definition: current, structural, and open where the controller checks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.operator.conftest import World
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.operator.definition import definition, text
from tuner_job.operator.structural import structural

ROOT = Path(__file__).parents[3]
_CHART = ROOT / "charts" / "va-tuning" / "files" / "tuningexperiments.yaml"
_ALLOWED = {
    "type", "description", "properties", "additionalProperties", "items", "required", "enum",
    "pattern", "format", "nullable", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minItems", "maxItems", "minLength", "maxLength", "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
}  # fmt: skip


def _schema() -> dict[str, Any]:
    (version,) = definition()["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return schema


def _nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, one in schema.get("properties", {}).items():
        yield from _nodes(one, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from _nodes(schema[key], f"{path}.{key}")


def test_the_chart_has_what_the_experiment_file_s_model_makes() -> None:
    assert _CHART.read_text(encoding="utf-8") == text(), (
        f"run python -m tuner_job.operator.definition > {_CHART}"
    )


def test_the_schema_is_structural() -> None:
    for path, node in _nodes(_schema()):
        assert set(node) <= _ALLOWED, f"{path}: {set(node) - _ALLOWED}"
        is_open = node.get("x-kubernetes-preserve-unknown-fields") is True
        assert "type" in node or is_open, path
        assert not {"properties", "additionalProperties"} <= set(node), path
        assert "default" not in node, path
        for bound in ("exclusiveMinimum", "exclusiveMaximum"):
            assert node.get(bound, True) is True, path


def test_every_key_of_an_experiment_file_is_described() -> None:
    known = {path: node for path, node in _nodes(_schema()) if path.startswith(".spec.experiment")}
    for name in ExperimentConfig.model_fields:
        assert f".spec.experiment.{name}" in known
    for key in ("data.source", "tuning.n_trials", "validation.holdout", "budget.max_trials"):
        node = known[f".spec.experiment.{key}"]
        assert node["description"], key
    assert "name" not in known[".spec.experiment"]["required"]
    assert known[".spec.experiment.budget.max_trials"] == {
        "description": "Trials of each model at most, a grid's too.",
        "minimum": 1,
        "type": "integer",
        "nullable": True,
    }


def test_unknown_keys_reach_the_controller_wherever_they_stand() -> None:
    """Else the API server would drop them, and the experiment would run without them."""
    for path, node in _nodes(_schema()):
        if path.startswith(".spec.experiment") and "properties" in node:
            assert node["x-kubernetes-preserve-unknown-fields"] is True, path


def test_what_a_structural_schema_cannot_say_is_left_open() -> None:
    schema = {
        "type": "object",
        "properties": {
            "either": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
            "perhaps": {
                "anyOf": [{"$ref": "#/$defs/Kind"}, {"type": "null"}],
                "description": "a  b",
            },
            "between": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "title": "x"},
        },
        "$defs": {"Kind": {"type": "string", "enum": ["a", "b"]}},
        "additionalProperties": False,
    }
    is_open = {"x-kubernetes-preserve-unknown-fields": True}
    assert structural(schema) == {
        "type": "object",
        "properties": {
            "either": is_open,
            "perhaps": {"type": "string", "nullable": True, "description": "a b"},
            "between": {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1},
        },
        **is_open,
    }


def test_what_is_said_of_an_experiment_is_in_the_schema(world: World) -> None:
    """Else the API server would drop it."""
    world.apply()
    world.look()
    world.cluster.kuberay("adult", "Running", "RUNNING")
    world.write()
    world.look()
    running = world.status()
    world.cluster.kuberay("adult", "Complete", "SUCCEEDED")
    world.look()
    known = _schema()["properties"]["status"]
    for status in (running, world.status()):
        _must_fit(status, known)
    columns = definition()["spec"]["versions"][0]["additionalPrinterColumns"]
    for column in columns[:-1]:
        found: Any = {"status": running}
        for part in column["jsonPath"].strip(".").split("."):
            found = found[part]
        assert found not in (None, ""), column


def _must_fit(value: Any, schema: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for key, one in value.items():
            _must_fit(one, schema["properties"][key])
    elif isinstance(value, list):
        for one in value:
            _must_fit(one, schema["items"])
    else:
        kinds = {"string": str, "integer": int, "number": (int, float)}
        assert isinstance(value, kinds[schema["type"]])


_HEAVY = [
    "sklearn",
    "scipy",
    "xgboost",
    "ray",
    "pandas",
    "matplotlib",
    "pyarrow",
    "optuna",
    "jinja2",
]


@pytest.mark.slow
def test_the_controller_loads_no_library_that_fits_or_draws() -> None:
    program = (
        "import sys; import tuner_job.cli.main, tuner_job.operator.controller, "
        "tuner_job.operator.process, tuner_job.operator.asked; "
        f"print([name for name in {_HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "[]"
