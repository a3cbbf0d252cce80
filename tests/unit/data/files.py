"""Small files for the tests, held in memory."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from tuner_job.data import DataConfig, VaDataset, load_dataset

SOURCE = "deaths.csv"

PHMRC_ROWS: list[dict[str, str]] = [
    {
        "site": site,
        "module": "Child",
        "gs_text34": cause,
        "va34": number,
        "gs_text46": cause,
        "g1_01y": "2004",
        "g1_05": sex,
        "g1_07a": years,
        "g1_07b": months,
        "g1_07c": days,
        "g2_01": "Spanish",
        "g2_02": interviewer,
        "g2_03am": " November",
        "g4_04": "33",
        "g5_04a": said,
        "c1_08b": weight,
        "c1_10d": "12",
        "c1_24y": "2008",
        "c4_01": fever,
        "c4_02": fever_days,
        "c4_04": severity,
        "c4_45": "FROM THE NOSE",
        "c5_06_1y": "2007",
        "c5_07_1": weight_on_record,
        "c5_10": "Yes",
        "c5_12": cause,
        "word_rash": words,
        "newid": newid,
    }
    for (
        site,
        cause,
        number,
        sex,
        years,
        months,
        days,
        said,
        interviewer,
        weight,
        fever,
        fever_days,
        severity,
        weight_on_record,
        words,
        newid,
    ) in [
        (
            "UP",
            "Pneumonia",
            "17",
            "Male",
            "2",
            "",
            "",
            "2",
            "7",
            "2500",
            "Yes",
            "98",
            " Mild ",
            "9999",
            "0",
            "1",
        ),
        (
            "AP",
            "AIDS",
            "1",
            "Female",
            "",
            "6",
            "",
            "",
            "7",
            "9999",
            "No",
            "0",
            "Don't Know",
            "0",
            "2",
            "2",
        ),
        (
            "UP",
            "Measles",
            "10",
            "",
            "",
            "",
            "29",
            "",
            "8",
            "",
            "Don't Know",
            "999",
            "Severe",
            "5000",
            "1",
            "3",
        ),
        (
            "Dar",
            "Measles",
            "10",
            "Male",
            "",
            "99",
            "",
            "4",
            "8",
            "3100",
            "Refused to Answer",
            "3",
            "",
            "6000",
            "0",
            "4",
        ),
        (
            "Dar",
            "AIDS",
            "1",
            "Female",
            "",
            "",
            "",
            "",
            "9",
            "3000",
            "yes",
            "99",
            "Mild",
            "0",
            "0",
            "5",
        ),
    ]
]


def csv_bytes(rows: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def load(content: bytes | str, **config: Any) -> VaDataset:
    data = content if isinstance(content, bytes) else content.encode()
    return load_dataset(DataConfig(**{"source": SOURCE, **config}), {SOURCE: data}.__getitem__)


def load_table(content: bytes | str, **config: Any) -> VaDataset:
    return load(content, **{"label": "cause", **config})


def feature_names(dataset: VaDataset) -> list[str]:
    return [feature.name for feature in dataset.features]


def column(dataset: VaDataset, name: str) -> list[float]:
    values: list[float] = dataset.X[:, feature_names(dataset).index(name)].tolist()
    return values
