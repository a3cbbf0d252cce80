"""What is written down must be what is true."""

import json
import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from tuner_job import __version__
from tuner_job.cli.main import main
from tuner_job.cli.run_distributed_comparison import main as script
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import check_experiment, load_experiment
from tuner_job.files.yaml_file import parse_yaml, read_yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yaml"))


def test_the_page_of_settings_is_current() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "experiment_reference.py"))["page"]
    assert (ROOT / "docs" / "experiment-file.md").read_text(encoding="utf-8") == page() + "\n"


def test_the_reference_of_the_python_interface_is_current() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "api_reference.py"))["page"]
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == page() + "\n"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_valid(path: Path) -> None:
    assert load_experiment(path).models


@pytest.mark.parametrize(
    ("page", "name"), [("README.md", "child"), ("docs/comparison.md", "child-comparison")]
)
def test_a_page_s_experiment_file_is_valid(page: str, name: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    block = text[text.index("```yaml") + 7 :]
    block = block[: block.index("```")]
    assert ExperimentConfig.model_validate(yaml.safe_load(block)).name == name


def test_the_experiment_files_of_the_page_of_estimators_are_valid() -> None:
    text = (ROOT / "docs" / "estimators.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    configs = [check_experiment(parse_yaml(block, "block"), "block") for block in blocks]
    assert [config.name for config in configs] == ["others", "more"]
    boosting = next(line for line in blocks[0].splitlines() if "class:" in line)
    assert len(blocks[0].splitlines()) <= 10
    assert "HistGradientBoostingClassifier" in boosting


def test_the_python_of_the_page_of_estimators_runs() -> None:
    text = (ROOT / "docs" / "estimators.md").read_text(encoding="utf-8")
    classifier, checked = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(checked, {})
    made: dict[str, Any] = {}
    exec(classifier, made)
    assert made["clf"].estimators["bernoulli"].binarize == 0.5


def test_the_flags_of_pages_are_those_of_the_script() -> None:
    for page in ("docs/comparison.md", "docs/case-study-phmrc-child.md"):
        text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [x for x in text.splitlines() if x.startswith("$ run-distributed-comparison ")]
        assert lines
        for line in lines:
            assert script.make_context("x", shlex.split(line)[2:]).params["data__source"]


@pytest.mark.parametrize(
    ("words", "completion"),
    [
        ("va-tuning comp", "compare"),
        ("va-tuning compare x --out", "--output"),
        ("run-distributed-comparison --tuning-tr", "--tuning-trials"),
        ("run-distributed-comparison --models rand", "random_forest"),
    ],
)
def test_the_shell_completes_as_the_readme_says(words: str, completion: str) -> None:
    name = words.split()[0]
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    assert variable in (ROOT / "README.md").read_text(encoding="utf-8")
    asked = {variable: "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    command = main if name == "va-tuning" else script
    outcome = CliRunner().invoke(command, [], env=asked, prog_name=name)
    assert f"plain,{completion}\n" in outcome.stdout


PAGES = [
    path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in path.read_text(encoding="utf-8").split("](")[1:]:
        target = target[: target.index(")")]
        assert "://" in target or (path.parent / target.partition("#")[0]).exists(), target


def test_the_files_that_contributors_are_sent_to_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tuner_job|tests|images|docs|charts|manifests)/[\w./-]*)`", text)
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_this_version_is_cited_and_its_changes_are_described() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == __version__
    assert f"\n## {__version__} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [[], *([name] for name in main.commands)],
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


@pytest.fixture(scope="module")
def printed_schema() -> dict[str, Any]:
    outcome = CliRunner().invoke(main, ["schema"])
    return json.loads(outcome.stdout)


def test_the_schema_says_what_it_is(printed_schema: dict[str, Any]) -> None:
    assert list(printed_schema)[:2] == ["$schema", "$id"]
    assert printed_schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert printed_schema["$id"] == f"urn:va-tuning:experiment:{__version__}"
    jsonschema.Draft202012Validator.check_schema(printed_schema)


AS_WRITTEN = {
    "causes by path": {"data": {"causes": "causes.csv"}},
    "causes by code": {"data": {"causes": {1: "Malaria", "I64": "Stroke"}}},
    "codes": {"data": {"missing": [88, "dk"], "columns": {"s*": {"yes": [1], "no": [2, ""]}}}},
    "spaces by path": {"tuning": {"search_spaces": "spaces"}},
    "a space by path": {"tuning": {"search_spaces": {"xgboost": "xgboost.yaml"}}},
    "a rule's name": {"tuning": {"early_stopping": "none"}},
    "units": {"budget": {"timeout": "1.5 h", "memory_per_task": "2Gi"}},
    "no units": {"budget": {"timeout": 60, "memory_per_task": 10**9}},
}
MISTAKEN = {
    "a list of causes": {"data": {"causes": ["Malaria"]}},
    "an unknown kind": {"data": {"columns": {"s1": {"kind": "date"}}}},
    "an unknown key of a column": {"data": {"columns": {"s1": {"unit": "days"}}}},
    "an unknown rule": {"tuning": {"early_stopping": "race"}},
    "an unknown unit": {"budget": {"timeout": "2 weeks"}},
    "no time": {"budget": {"timeout": 0}},
}


def _complete(changed: dict[str, Any]) -> dict[str, Any]:
    """An experiment as JSON has it, whose keys are text."""
    data = {"source": "x.csv", "label": "cause", **changed.get("data", {})}
    return json.loads(json.dumps({"name": "x", "models": ["xgboost"], **changed, "data": data}))


@pytest.mark.parametrize("name", AS_WRITTEN)
def test_the_schema_takes_what_may_be_written(printed_schema: dict[str, Any], name: str) -> None:
    jsonschema.Draft202012Validator(printed_schema).validate(_complete(AS_WRITTEN[name]))


@pytest.mark.parametrize("name", MISTAKEN)
def test_the_schema_finds_mistakes(printed_schema: dict[str, Any], name: str) -> None:
    assert not jsonschema.Draft202012Validator(printed_schema).is_valid(_complete(MISTAKEN[name]))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_schema_takes_the_examples(printed_schema: dict[str, Any], path: Path) -> None:
    jsonschema.Draft202012Validator(printed_schema).validate(read_yaml(path))


def test_help_is_shown_where_no_command_is_given() -> None:
    outcome = CliRunner().invoke(main, [])
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("Usage: ")
