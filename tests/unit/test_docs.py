"""What is written down must be what is true."""

import runpy
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tuner_job import __version__
from tuner_job.cli.main import main
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import load_experiment

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yaml"))


def test_the_page_of_settings_is_current() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "experiment_reference.py"))["page"]
    assert (ROOT / "docs" / "experiment-file.md").read_text(encoding="utf-8") == page() + "\n"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_valid(path: Path) -> None:
    assert load_experiment(path).models


def test_the_readme_s_experiment_file_is_valid() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text[text.index("```yaml") + 7 :]
    assert (
        ExperimentConfig.model_validate(yaml.safe_load(block[: block.index("```")])).name == "child"
    )


@pytest.mark.parametrize(
    "page", ["README.md", "SECURITY.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in path.read_text(encoding="utf-8").split("](")[1:]:
        target = target[: target.index(")")]
        assert "://" in target or (path.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize(
    "command",
    [[], ["tune"], ["validate"], ["show"], ["report"], ["predict"], ["schema"], ["space"]],
)
def test_every_command_explains_itself(command: list[str]) -> None:
    outcome = CliRunner().invoke(main, [*command, "--help"])
    assert outcome.exit_code == 0
    assert len(outcome.output.splitlines()) >= 5


def test_the_version_is_the_packages() -> None:
    outcome = CliRunner().invoke(main, ["--version"])
    assert outcome.output == f"va-tuning, version {__version__}\n"


def test_the_schema_describes_every_key() -> None:
    schema = ExperimentConfig.model_json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(ExperimentConfig.model_fields)
    undescribed = [
        f"{name}.{key}"
        for name, definition in schema["$defs"].items()
        for key, field in definition.get("properties", {}).items()
        if not field.get("description") and "$ref" not in field and name != "Range"
    ]
    assert undescribed == []
