"""What docs/data.md shows is read as it says."""

import csv
import io
import json
import re
from pathlib import Path

import jsonschema
import pytest

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import check_experiment
from tuner_job.data.load import load_dataset
from tuner_job.errors import DataError
from tuner_job.files.yaml_file import read_yaml

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(yaml|csv)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SECTIONS = [text for kind, text in BLOCKS if kind == "yaml"]
TABLES = [text for kind, text in BLOCKS if kind == "csv"]
READ_AS = {
    "q_*": {"q_fever": "yes_no", "q_cough": "yes_no", "sex": "choice"},
    "days_*": {"days_ill": "number", "age": "number", "place": "choice"},
    "fell": {"fell": "yes_no"},
    "cert_*": {"q_fever": "number"},
    "death_id": {"q_fever": "number"},
    "phmrc": {"age_years": "number", "c4_01": "yes_no", "c4_02": "number", "c4_04": "choice"},
    "who": {"age_years": "number", "Id10147": "yes_no", "Id10120": "number"},
    "openva": {"fever": "yes_no", "weak_arm": "yes_no", "age": "number", "sex": "choice"},
}
"""Of each section, by a word of it: columns and their kinds."""


def repeated(table: str, *moved: str) -> bytes:
    """The rows several times, the cells of these columns with each row, so that no other column
    tells them."""
    header, *rows = csv.reader(io.StringIO(table))
    file = io.StringIO()
    writer = csv.DictWriter(file, header)
    writer.writeheader()
    deaths = [dict(zip(header, row, strict=True)) for row in rows]
    for shift in range(len(deaths)):
        for death, other in zip(deaths, [*deaths[shift:], *deaths[:shift]], strict=True):
            writer.writerow(death | {name: other[name] for name in moved})
    return file.getvalue().encode()


def experiment(section: str, folder: Path) -> ExperimentConfig:
    path = folder / "data.yaml"
    path.write_text(section, encoding="utf-8")
    content = {"name": "x", "models": ["random_forest"], **read_yaml(path)}
    jsonschema.Draft202012Validator(ExperimentConfig.model_json_schema()).validate(
        json.loads(json.dumps(content))
    )
    return check_experiment(content, "docs/data.md")


def table_of(config: ExperimentConfig) -> tuple[str, str]:
    """The table that a section is about, and its label."""
    data = config.data
    label = data.label or {"phmrc": "gs_text34"}.get(data.format, "cause")
    place = ("table", "phmrc", "who", "openva").index(data.format)
    return TABLES[place], label


def test_every_section_is_tried() -> None:
    assert len(SECTIONS) == len(READ_AS)
    assert len(TABLES) == 4
    assert all(len(table.splitlines()) == 10 for table in TABLES)


@pytest.mark.parametrize(
    ("word", "section"), list(zip(READ_AS, SECTIONS, strict=True)), ids=list(READ_AS)
)
def test_an_example_is_read_as_the_page_says(word: str, section: str, tmp_path: Path) -> None:
    assert word in section
    config = experiment(section, tmp_path)
    content = repeated(*table_of(config))
    dataset = load_dataset(config.data, lambda source: content)
    kinds = {one.name: one.kind for one in dataset.codebook.used}
    assert kinds.items() >= READ_AS[word].items()
    assert not {"died_on", "newid", "g5_02", "instanceID", "ID"} & kinds.keys()
    assert ("fell" in kinds) == (word == "fell")
    assert ("cert_code" in kinds) == (config.data.format == "table" and word != "cert_*")


def test_what_tells_the_cause_is_refused_by_name(tmp_path: Path) -> None:
    config = experiment("data: {source: deaths.csv, label: cause}", tmp_path)
    content = repeated(TABLES[0], "cause", "cert_code")
    with pytest.raises(DataError, match=r"found cert_code \(tells the cause\)"):
        load_dataset(config.data, lambda source: content)


def test_causes_are_merged_as_the_page_says(tmp_path: Path) -> None:
    config = experiment(SECTIONS[4], tmp_path)
    content = repeated(*table_of(config))
    dataset = load_dataset(config.data, lambda source: content)
    assert dataset.causes == ("Infection", "Injury", "Stroke")
    assert dataset.sites == ("Kibo", "Moro")
