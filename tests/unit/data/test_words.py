import pytest

from tuner_job.data.words import is_missing, key


@pytest.mark.parametrize(
    ("one", "other"),
    [("Yes", " yes "), ("NE SAIT PAS", "ne_sait  pas"), ("1.0", "1"), ("don’t know", "Don't know")],
)
def test_spellings_of_one_answer_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_a_long_text_is_no_answer_and_is_not_looked_at() -> None:
    text = "Fever  and COUGH. " * 1_000
    assert key(text) == text
    assert not is_missing("(" * 2_000 + "dk")
