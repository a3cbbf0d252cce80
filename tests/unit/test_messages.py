"""Messages of all kinds stay short: bounded, on few lines, without control characters, with no
story of a death."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_experiment_file import BASE, problems, write
from tuner_job.config.load import load_experiment
from tuner_job.data import DataConfig, load_dataset
from tuner_job.errors import ConfigError, InputError
from tuner_job.models import FAMILIES
from tuner_job.models.parameters import read_params
from tuner_job.problem import prepare

HOSTILE = "The mother said \x1b[31m that \0 she " + "had a fever and then " * 60


def is_short(message: str, most: int = 3000) -> None:
    assert all(c.isprintable() or c == "\n" for c in message)
    assert len(message) <= most
    assert ("had a fever and then " * 12)[:210] not in message


@pytest.mark.parametrize(
    "changes",
    [
        {"name": HOSTILE},
        {HOSTILE: 1},
        {"models": [HOSTILE] * 50},
        {"models": HOSTILE},
        {"data": HOSTILE},
        {"data": {"format": HOSTILE}},
        {"data": {"source": HOSTILE, "label": HOSTILE, "site": HOSTILE}},
        {"data": {"source": "x", "label": "a", "drop": [{HOSTILE: HOSTILE}] * 30}},
        {"seed": HOSTILE},
        {"budget": {"timeout": HOSTILE}},
        {"tuning": {"scoring_metric": HOSTILE}},
        {"tuning": {"scoring_metric": [HOSTILE, HOSTILE]}},
        {"tuning": {"n_trials": {HOSTILE: [HOSTILE] * 99}}},
        {"tuning": {"search_spaces": HOSTILE[:100]}},
        {"tuning": {"search_spaces": {HOSTILE: HOSTILE}}},
        {"tuning": {"search_spaces": {"xgboost": HOSTILE}}},
        {"tuning": {"search_spaces": {"xgboost": {HOSTILE: [1]}}}},
        {"tuning": {"search_spaces": {"xgboost": {"max_depth": HOSTILE}}}},
        {"tuning": {"search_spaces": {"xgboost": {"max_depth": [HOSTILE] * 3}}}},
        {
            "tuning": {
                "search_spaces": {
                    "xgboost": {"max_depth": {"low": HOSTILE, "high": HOSTILE, HOSTILE: 1}}
                }
            }
        },
        {
            "tuning": {
                "search_spaces": {
                    "xgboost": {"max_depth": [1], "forbid": [{HOSTILE: HOSTILE}] * 40}
                }
            }
        },
        {
            "tuning": {
                "search_spaces": {
                    "xgboost": {"max_depth": {"choices": [1], "when": {HOSTILE: HOSTILE}}}
                }
            }
        },
        {"validation": {"scheme": "shift", "shift": {HOSTILE: [0.9, 0.1]}}},
        {"validation": {"scheme": "shift", "shift": {HOSTILE: HOSTILE}}},
        {"validation": {"csmf_estimators": [HOSTILE] * 30}},
        {f"key {i}": i for i in range(500)},
    ],
)
def test_an_experiment_file_never_fills_the_screen(tmp_path: Path, changes: dict[Any, Any]) -> None:
    said = problems(tmp_path, **changes)
    is_short(said, 6000)
    assert len(said.split("\n")) <= 12


def test_of_many_problems_ten_are_said(tmp_path: Path) -> None:
    said = problems(tmp_path, **{f"key {i}": i for i in range(500)})
    assert ": 500 problems\n" in said
    assert said.endswith("\n  and 490 more")


def table(column: str, cells: list[str], cause: str = "cause") -> bytes:
    rows = [f'{"xy"[i % 2]},{i % 3},"{text}"' for i, text in enumerate(cells)]
    return "\n".join([f'{cause},fever,"{column}"', *rows]).encode()


@pytest.mark.parametrize(
    ("content", "config"),
    [
        (table("a", ["1e99", "1"] * 3), {}),
        (table("a", ["1"] * 6), {"label": HOSTILE}),
        (table("a", ["1"] * 6), {"drop": [HOSTILE] * 40}),
        (table("site", [HOSTILE.replace("\0", "")] * 6), {"site": "site", "sites": [HOSTILE] * 30}),
        (
            table("site", [f"{i}{HOSTILE[:500]}".replace("\0", "") for i in range(60)]),
            {"site": "site", "sites": ["z"]},
        ),
        (table("a", [HOSTILE.replace("\0", "")] * 6), {"format": "openva"}),
        (
            table("module", [f"{i}{HOSTILE[:500]}".replace("\0", "") for i in range(60)]),
            {"format": "phmrc"},
        ),
        (table("a", ["1"] * 6).replace(b"x,", b"z,").replace(b"y,", b"z,"), {}),
    ],
)
def test_data_never_tells_of_a_death(content: bytes, config: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        load_dataset(
            DataConfig.model_validate({"source": "d.csv", "label": "cause", **config}),
            lambda _: content,
        )
    is_short(str(refused.value))


def test_parameters_of_elsewhere_never_fill_the_screen() -> None:
    params = {"max_depth": HOSTILE, HOSTILE: 1, "gamma": {"x": HOSTILE}}
    with pytest.raises(ConfigError) as refused:
        read_params("xgboost", FAMILIES["xgboost"].Parameters, params)
    is_short(str(refused.value))


def test_causes_that_are_not_there_are_named_shortly(tmp_path: Path) -> None:
    content = {**BASE, "validation": {"scheme": "shift", "shift": {HOSTILE: 0.5}}}
    with pytest.raises(ConfigError) as refused:
        prepare(load_experiment(write(tmp_path, content)))
    is_short(str(refused.value))


def test_notes_on_causes_that_are_stories_are_short(tmp_path: Path) -> None:
    story = HOSTILE.replace("\0", "").replace("\x1b", "")
    rows = [
        f'"{story if i % 9 == 0 else "xy"[i % 2]}{i if i % 9 == 0 else ""}",{i % 3}'
        for i in range(80)
    ]
    (tmp_path / "d.csv").write_text("\n".join(["cause,fever", *rows]))
    content = {**BASE, "data": {"source": "d.csv", "label": "cause"}}
    notes = prepare(load_experiment(write(tmp_path, content))).notes
    assert any("fewer deaths than there are folds" in note for note in notes)
    for note in notes:
        is_short(note, 800)
