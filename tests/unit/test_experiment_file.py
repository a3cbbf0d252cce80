"""Spaces in files of their own, what a space means, and spaces too large to list."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tuner_job.cli.main import main
from tuner_job.config.decisive import decisive
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import load_experiment
from tuner_job.errors import ConfigError
from tuner_job.search.samplers import make_sampler

BASE: dict[str, Any] = {
    "name": "exp",
    "data": {"format": "synthetic", "synthetic": {"n_samples": 60, "n_causes": 3, "n_symptoms": 5}},
    "models": ["xgboost"],
}
WIDE = {
    f"{name}": {"low": 1, "high": 10_000} for name in ("n_estimators", "max_depth", "max_leaves")
}


def write(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def problems(folder: Path, **changes: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        load_experiment(write(folder, {**BASE, **changes}))
    return str(refused.value)


def with_space(space: Any, method: str = "grid", **changes: Any) -> dict[str, Any]:
    return {
        **BASE,
        "tuning": {"search_method": method, "search_spaces": {"xgboost": space}},
        **changes,
    }


def validate(folder: Path, content: dict[str, Any]) -> str:
    outcome = CliRunner().invoke(main, ["validate", str(write(folder, content))])
    assert outcome.exit_code == 0, outcome.stderr
    return outcome.stdout


# folders of spaces


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "xgboost.yaml").write_text("max_depth: [3]\n")
    return tmp_path


def test_a_folder_of_spaces_is_read(folder: Path) -> None:
    (folder / "spaces" / "random_forest.yaml").write_text(
        "max_depth: [4]\n"
    )  # of another experiment
    (folder / "spaces" / ".xgbost.yaml.swp").write_text("x")
    (folder / "spaces" / "README.md").write_text("x")
    config = load_experiment(write(folder, {**BASE, "tuning": {"search_spaces": "spaces"}}))
    assert list(config.space("xgboost").configurations()) == [{"max_depth": 3}]


def test_a_folder_without_a_models_file_is_not_the_default(folder: Path) -> None:
    said = problems(folder, models=["xgboost", "random_forest"], tuning={"search_spaces": "spaces"})
    assert "tuning.search_spaces: " in said
    assert "spaces: must hold a file for each of the models, but has no random_forest.yaml" in said


@pytest.mark.parametrize("name", ["xgbost.yaml", "xgboost.yml", "notes.yaml"])
def test_a_misnamed_file_is_said(folder: Path, name: str) -> None:
    (folder / "spaces" / name).write_text("max_depth: [3]\n")
    assert f"spaces/{name}: is named after no model" in problems(
        folder, tuning={"search_spaces": "spaces"}
    )


def test_folders_that_are_none(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert "has no xgboost.yaml" in problems(folder, tuning={"search_spaces": "empty"})
    assert "Not a directory" in problems(folder, tuning={"search_spaces": "spaces/xgboost.yaml"})
    assert "NUL" in problems(folder, tuning={"search_spaces": "a\0b"})
    (folder / "spaces" / "xgboost.yaml").write_text("")
    assert "xgboost.yaml: must hold keys and values, but is empty" in problems(
        folder, tuning={"search_spaces": "spaces"}
    )
    (folder / "spaces" / "xgboost.yaml").unlink()
    (folder / "spaces" / "xgboost.yaml").mkdir()
    assert "xgboost.yaml: cannot be read: is a folder" in problems(
        folder, tuning={"search_spaces": "spaces"}
    )


# what a space means


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            {"max_depth": {"low": 1, "high": 9, "step": 0.5}},
            "max_depth: step must be a whole number",
        ),
        (
            {"max_depth": {"low": True, "high": 9}},
            "max_depth: low: must not be true or false, got true",
        ),
        ({"max_depth": {"low": 3, "high": 3}}, "low must be below high"),
        (
            {"subsample": {"low": 0.5, "high": 1, "step": 1e-20}},
            "subsample: step must tell numbers near 1 apart",
        ),
        ({"subsample": {"low": "nan", "high": 1}}, "low must be below high"),
        ({"max_depth": {"low": 1, "high": 10**60}}, "whole numbers must lie within"),
        ({"max_depth": [10**60]}, "max_depth: "),
        ({"max_depth": [2**40]}, "max_depth: input should be less than or equal to 2147483647"),
        ({"max_depth": [True, 3]}, "max_depth: input should be a number, got true"),
        ({"max_depth": [3, "3"]}, "max_depth: choices must be distinct, got 3 twice"),
        ({"max_depth": ["None"]}, "where there is no value, write null"),
        ({"max_depth": [3], "forbid": [{}]}, "forbid[0]: must name at least one parameter"),
        (
            {"max_depth": [3], "forbid": [{"max_depth": [3]}]},
            "forbid.0.max_depth: must be a single value",
        ),
        (
            {"max_depth": {"low": 1, "high": 9, "step": 2}, "forbid": [{"max_depth": 4}]},
            "max_depth never is 4; it has",
        ),
        (
            {"max_depth": [3], "gamma": {"choices": [1], "when": {"max_depth": []}}},
            "must have at least one value",
        ),
        (
            {"max_depth": {"low": 1, "high": 3}, "forbid": [{"max_depth": i} for i in (1, 2, 3)]},
            "excludes every",
        ),
    ],
)
def test_spaces_that_could_not_be_obeyed_are_refused(
    tmp_path: Path, space: dict[str, Any], message: str
) -> None:
    assert message in problems(tmp_path, **with_space(space, "random"))


def test_rules_are_read_in_the_type_of_what_they_name(tmp_path: Path) -> None:
    space = {
        "max_depth": ["3", 4, 5.0],
        "gamma": {"choices": ["1e-3", 1], "when": {"max_depth": ["4", 5]}},
        "subsample": {"low": 0.1, "high": 1, "step": 0.1},
        "forbid": [{"max_depth": "3", "subsample": 0.3}, {"gamma": "0.001", "subsample": 1}],
    }
    config = load_experiment(write(tmp_path, with_space(space)))
    found = list(config.space("xgboost").configurations())
    assert len(found) == 9 + 2 * (10 + 9) == config.space("xgboost").count()
    assert {"max_depth": 3, "subsample": 0.3} not in found
    assert {"max_depth": 4, "gamma": 0.001, "subsample": 1.0} not in found
    assert {"max_depth": 4, "gamma": 0.001, "subsample": 0.3} in found
    again = ExperimentConfig.model_validate(config.document())
    assert decisive(again.document()) == decisive(config.document())
    assert list(again.space("xgboost").configurations()) == found


def test_values_between_bounds_are_written_as_a_person_would(tmp_path: Path) -> None:
    space = {"subsample": {"low": 0.09, "high": 1, "step": 0.07}}
    found = [
        c["subsample"]
        for c in load_experiment(write(tmp_path, with_space(space)))
        .space("xgboost")
        .configurations()
    ]
    assert found == [
        0.09,
        0.16,
        0.23,
        0.3,
        0.37,
        0.44,
        0.51,
        0.58,
        0.65,
        0.72,
        0.79,
        0.86,
        0.93,
        1.0,
    ]


# spaces too large to list


def test_a_space_of_a_trillion_is_counted(tmp_path: Path) -> None:
    space = {**WIDE, "forbid": [{"max_depth": 5, "n_estimators": 7}]}
    said = validate(tmp_path, with_space(space, "random"))
    assert f"50 trials in a space of {10**12 - 10**4:,} configurations" in said


def test_a_grid_too_large_to_run_says_so(tmp_path: Path) -> None:
    assert f"xgboost: a grid of {10**12:,} configurations would not end" in problems(
        tmp_path, **with_space(WIDE)
    )


def test_a_large_grid_that_a_budget_ends_begins_at_once(tmp_path: Path) -> None:
    content = with_space({**WIDE, "forbid": [{"n_estimators": 3}]}, budget={"max_trials": 10})
    assert (
        f"10 trials in a space of {10**12 - 10**8:,} configurations; budget.max_trials is 10"
        in validate(tmp_path, content)
    )
    config = load_experiment(tmp_path / "experiment.yaml")
    tuner = make_sampler(config.tuning, config.space("xgboost"), "n_estimators", 1)
    drawn = [configuration for _ in range(20) for configuration in tuner.ask() or []]
    assert len({str(configuration) for configuration in drawn}) == len(drawn) == 20
    assert all(config.space("xgboost").holds(configuration) for configuration in drawn)
    content = with_space({**WIDE, "n_estimators": [10, 20, 30]}, budget={"timeout": "2h"})
    config = load_experiment(write(tmp_path, content))
    tuner = make_sampler(config.tuning, config.space("xgboost"), "n_estimators", 1)
    assert [configuration["n_estimators"] for configuration in tuner.ask() or []] == [10, 20, 30]


def test_few_valid_configurations_among_very_many_are_found(tmp_path: Path) -> None:
    space = {
        "max_depth": {"low": 1, "high": 100},
        "gamma": [0.5],
        "forbid": [{"max_depth": i, "gamma": 0.5} for i in range(1, 100)],
    }
    for method in ("random", "grid", "bayesian"):
        config = load_experiment(write(tmp_path, with_space(space, method)))
        tuner = make_sampler(config.tuning, config.space("xgboost"), None, 1)
        assert tuner.ask() == [{"gamma": 0.5, "max_depth": 100}]


def test_rules_beyond_counting_are_refused(tmp_path: Path) -> None:
    names = ["n_estimators", "max_depth", "max_leaves", "max_bin"]
    rules = [
        {a: 2 + (i * 7919) % 997, b: 2 + (i * 104_729) % 991}
        for i in range(1800)
        for a, b in [(names[i % 4], names[(i + 1 + i // 4 % 3) % 4])]
    ]
    content = with_space(
        {name: {"low": 2, "high": 1000} for name in names} | {"forbid": rules}, "random"
    )
    assert "`forbid` and `when` tie too many values to each other" in problems(tmp_path, **content)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (
            "bayesian",
            "50 trials in a space of 2 configurations; a configuration that the sampler asks for "
            "again takes",
        ),
        ("random", "2 trials in a space of 2 configurations, each once; n_trials is 50"),
        ("grid", "2 trials in a space of 2 configurations\n"),
    ],
)
def test_validate_says_what_happens_in_a_small_space(
    tmp_path: Path, method: str, said: str
) -> None:
    assert said in validate(tmp_path, with_space({"max_depth": [3, 4]}, method))
