from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.data.files import PHMRC_ROWS, SOURCE, csv_bytes, load
from tuner_job.data import DataConfig, VaDataset, encode_rows, load_dataset
from tuner_job.errors import DataError

TABLE = b"id,cause,site,age,fever,place\n1,B,x,61.5,Yes,Home\n2,A,y,,No,Hospital\n3,B,x,-3,,\n"
OPENVA = b"ID,cause,a,b\nd1,X,y,n\nd2,Z,n,-\nd3,X,y,y\n"
FORMATS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "table": (TABLE, {"label": "cause", "site": "site", "drop": ["id"]}),
    "openva": (OPENVA, {"format": "openva"}),
    "phmrc": (csv_bytes(PHMRC_ROWS), {"format": "phmrc"}),
}


def encoded(content: bytes, data: VaDataset, **config: Any) -> NDArray[np.float32]:
    section = DataConfig(**{"source": SOURCE, **config})
    return encode_rows(section, data.features, {SOURCE: content}.__getitem__)


def without(content: bytes, *names: str) -> bytes:
    lines = [line.split(",") for line in content.decode().splitlines()]
    kept = [index for index, name in enumerate(lines[0]) if name not in names]
    return "\n".join(",".join(line[index] for index in kept) for line in lines).encode()


@pytest.mark.parametrize("name", FORMATS)
def test_training_rows_are_encoded_as_in_training(name: str) -> None:
    content, config = FORMATS[name]
    data = load(content, **config)
    np.testing.assert_array_equal(encoded(content, data, **config), data.X)


@pytest.mark.parametrize("name", FORMATS)
def test_new_rows_need_no_cause_site_or_identifier(name: str) -> None:
    content, config = FORMATS[name]
    data = load(content, **config)
    bare = without(
        content, "id", "ID", "cause", "site", "gs_text34", "va34", "gs_text46", "newid", "module"
    )
    np.testing.assert_array_equal(encoded(bare, data, **config), data.X)


@pytest.mark.parametrize("name", FORMATS)
def test_each_row_is_encoded_on_its_own(name: str) -> None:
    content, config = FORMATS[name]
    data = load(content, **config)
    header, *rows = content.splitlines()
    # The first openVA row has an "n": alone it is still known to be of the second coding.
    np.testing.assert_array_equal(
        encoded(b"\n".join([header, rows[0]]), data, **config), data.X[:1]
    )


@pytest.mark.parametrize("name", FORMATS)
def test_missing_columns_are_named(name: str) -> None:
    content, config = FORMATS[name]
    data = load(content, **config)
    lost = {"table": ["age", "place"], "openva": ["a", "b"], "phmrc": ["c4_02", "word_rash"]}[name]
    with pytest.raises(
        DataError, match=f"{SOURCE}: must have the columns .*; missing: {', '.join(lost)}$"
    ):
        encoded(without(content, *lost), data, **config)


def test_missing_age_is_named_with_the_columns_that_it_comes_from() -> None:
    content, config = FORMATS["phmrc"]
    data = load(content, **config)
    with pytest.raises(DataError, match=r"missing: age_years \(from g1_07a, g1_07b, "):
        encoded(without(content, "g1_07a", "g1_07b", "g1_07c", "g5_04a"), data, **config)


def test_what_was_not_seen_in_training_is_no_category_and_no_number() -> None:
    content, config = FORMATS["table"]
    data = load(content, **config)
    new = b"age,fever,place,more\nold,Perhaps,Ship,1\n40,yes,Home,2\n"
    np.testing.assert_array_equal(
        encoded(new, data, **config), np.array([[np.nan, np.nan, 0, 0], [40, 1, 1, 0]], np.float32)
    )


def test_infinite_values_are_refused() -> None:
    content, config = FORMATS["table"]
    data = load(content, **config)
    with pytest.raises(DataError, match="found inf in column age, row 2"):
        encoded(b"age,fever,place\ninf,yes,Home\n", data, **config)


def test_new_rows_for_generated_deaths_are_a_plain_table() -> None:
    config = DataConfig.model_validate(
        {"format": "synthetic", "synthetic": {"n_samples": 50, "n_symptoms": 2}}
    )
    data = load_dataset(config, lambda _: b"")
    rows = b"symptom_1,symptom_2,age_years,female,days_ill\nyes,no,50,1,\n"
    X = encode_rows(
        config.model_copy(update={"source": SOURCE}), data.features, {SOURCE: rows}.__getitem__
    )
    np.testing.assert_array_equal(X, np.array([[1, 0, 50, 1, np.nan]], np.float32))
