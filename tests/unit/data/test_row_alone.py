"""A row is prepared as it is, whatever stands in the rows beside it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.data.prepared import cells, prepare, table_of
from tuner_job.data.instruments.formats import SourceFormat
from tuner_job.data.instruments.openva import OpenVa
from tuner_job.data.instruments.phmrc import Phmrc
from tuner_job.data.instruments.table import PlainTable
from tuner_job.data.instruments.who import Who

ANY = ["", "Yes", "No", "1", "0", "8", "99", "9999", "dk", "Don't Know", "yes", "fever rash", "x"]
UNITS = ["", "days", "months", "years", "DK"]
COLUMNS: dict[str, dict[str, list[str]]] = {
    "phmrc": {
        "site": ["Dar", "AP", ""],
        "module": ["Neonate"],
        "G1_07A": ["", "3", "8", "40", "x"],
        "g1_07c": ["", "3", "28", "99"],
        "g5_04c": ["", "5", "400"],
        "a5_01_1": ANY,
        "a5_01_2": ANY,
        "a5_01_9a": ANY,
        "c4_02": ANY,
        "c5_07_1": ANY,
    },
    "openva": {name: ["", "Y", "n", "N", "-", ".", "NA"] for name in ("cause", "i001o", "i002o")},
    "who": {
        "a-Id10147": ANY,
        "b/id10147": ANY,
        "Id10120_unit": UNITS,
        "Id10120_1": ANY,
        "Id10121": ANY,
        "Id10413_a": UNITS,
        "Id10413_d": ANY,
        "Id10478": ANY,
        "Id10478/fever": ["", "1", "0"],
        "Id10478/dk": ["", "1", "0"],
        "Id10260": ANY,
        "ageInDays": ["", "NaN", "40", "-3"],
        "age_adult": ANY,
    },
    "table": {"a": ANY, "b": ANY},
}
FORMATS: dict[str, SourceFormat] = {
    "phmrc": Phmrc(),
    "openva": OpenVa(),
    "who": Who(),
    "table": PlainTable(),
}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_row_is_prepared_without_its_neighbours(name: str, data: st.DataObject) -> None:
    choices = COLUMNS[name]
    row = st.tuples(*(st.sampled_from(values) for values in choices.values()))
    lines = data.draw(st.lists(row, min_size=1, max_size=6))
    # A last column, so that no line is empty.
    text = "\n".join(",".join(line) for line in [(*choices, "z"), *((*row, "z") for row in lines)])
    table = table_of(f"{text}\n")
    whole = prepare(FORMATS[name], table)
    for index in range(table.n_rows):
        alone = prepare(FORMATS[name], table.take(np.array([index])))
        assert [*alone.columns] == [*whole.columns]
        for column in whole.columns:
            assert cells(alone, column) == [cells(whole, column)[index]]
