from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tuner_job.config.load import read_pairs
from tuner_job.data import DataConfig, SyntheticConfig

VALID: list[dict[str, Any]] = [
    {"source": "adult.csv", "format": "table", "label": "va34", "site": "site", "drop": ["cod5"]},
    {"source": "adult.csv", "format": "phmrc", "hce": False, "sites": ["UP"]},
    {"source": "va.csv", "format": "openva"},
    {"format": "synthetic", "synthetic": {"n_samples": 200}},
]


@pytest.mark.parametrize("section", VALID, ids=lambda section: section["format"])
def test_a_written_out_section_loads_again(section: dict[str, Any]) -> None:
    config = DataConfig.model_validate(section)
    assert DataConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"label": "cause"}, "source must name a file for format: table"),
        ({"source": "a.csv"}, "label must name the column"),
        (
            {"source": "a.csv", "label": "c", "hce": False},
            "hce: false needs format: phmrc; got format: table",
        ),
        (
            {"source": "a.csv", "label": "c", "synthetic": {"seed": 3}},
            "synthetic needs format: synthetic",
        ),
        ({"source": "a.csv", "label": "c", "sites": ["A"]}, "sites needs site"),
        ({"source": "a.csv", "label": "c", "site": "c"}, "label and site must be two columns"),
        (
            {"source": "a.csv", "label": "c", "drop": ["c"]},
            "drop must not name the label column; got c",
        ),
        (
            {"format": "synthetic", "source": "a.csv", "drop": ["x"]},
            "source, drop: cannot be given with",
        ),
        (
            {"format": "synthetic", "synthetic": {"n_samples": 20, "n_causes": 11}},
            "here 22; got 20",
        ),
        ({"source": "a.csv", "label": "c", "colour": "red"}, "colour"),
    ],
)
def test_a_contradiction_is_an_error(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DataConfig.model_validate(section)


def test_all_contradictions_are_told_together() -> None:
    with pytest.raises(ValidationError) as caught:
        DataConfig(format="table", hce=False)
    for problem in ("source must", "label must", "hce: false"):
        assert problem in str(caught.value)


def test_every_field_is_described() -> None:
    for model in (DataConfig, SyntheticConfig):
        fields = model.model_json_schema()["properties"]
        assert [name for name, field in fields.items() if not field.get("description")] == []


@pytest.mark.parametrize("between", [",", ";"])
def test_a_list_of_causes_is_read_with_either_separator(between: str, tmp_path: Path) -> None:
    path = tmp_path / "causes.csv"
    path.write_text(f"From{between}To\r\nB50{between}Malaria\r\n\r\nB54{between} Malaria \r\n")
    assert read_pairs(path) == {"B50": "Malaria", "B54": "Malaria"}
