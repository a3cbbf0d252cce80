"""Files of known questionnaires that are read as any table."""

import pytest

from tests.unit.data.training import one_of, sheet, train, whole

YES_NO = one_of("yes", "no")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Id10147", "Id10153"), "data.format: who "),
        (("illness/Id10147", "fever"), "data.format: who "),
        (("G1_05", "A2_01", "A2_02", "A3_01"), "data.format: phmrc "),
        (("g1_07a", "c1_01", "c4_01", "c4_02"), "data.format: phmrc "),
        (("a1_x", "a2_y", "c3_z"), ""),
        (("fever", "id_10147"), ""),
    ],
)
def test_a_file_of_a_questionnaire_is_told_its_format(
    names: tuple[str, ...], expected: str
) -> None:
    data = train(sheet({**dict.fromkeys(names, YES_NO), "age": whole(0, 80)}))
    told = [note for note in data.notes if "data.format" in note]
    assert len(told) == bool(expected)
    assert all(expected in note for note in told)
