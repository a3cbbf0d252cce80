"""The page of new deaths: what it says, what it never holds."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report.test_page import Reader
from tests.unit.stored import DEATHS, copy
from tuner_job.prediction.predict import Predicted, predict_deaths
from tuner_job.report.deaths import Heading, render_deaths
from tuner_job.report.deaths_sentences import coverage
from tuner_job.results.experiment_store import open_experiment

MODEL = "logistic_regression"


def predict(folder: Path, text: str, **more: Any) -> Predicted:
    (folder / "new.csv").write_text(text)
    if not (folder / "stored").exists():
        copy(folder)
    return predict_deaths(open_experiment(str(folder)), MODEL, str(folder / "new.csv"), **more)


def test_the_page_is_whole_alone_and_the_same_each_time(tmp_path: Path) -> None:
    predicted = predict(tmp_path, DEATHS.read_text(), by=["site"])
    page = render_deaths(predicted)
    read = Reader(page)
    assert read.open == []
    assert [i for i, n in read.ids.items() if n > 1] == []
    hrefs = {v[1:] for name, v in read.attributes if name == "href"}
    assert hrefs <= set(read.ids)
    assert not re.search(r"https?:|@import|url\(", page)
    assert not any(tag in read.tags for tag in ("script", "iframe", "link", "img", "object"))
    assert page == render_deaths(predict(tmp_path, DEATHS.read_text(), by=["site"]))


def test_it_says_what_was_found_and_what_that_is_worth(tmp_path: Path) -> None:
    predicted = predict(tmp_path, DEATHS.read_text(), by=["site"])
    text = " ".join(Reader(render_deaths(predicted)).text.split())
    whole = predicted.csmf.whole
    for cause, *shares in zip(
        predicted.tuned.causes, whole.fractions, whole.low, whole.high, strict=True
    ):
        share, low, high = (f"{100 * one:.1f}" for one in shares)
        assert f"{cause} {share} {low}–{high}" in text
    assert "Groups need not add up" in text or "groups need not add up to all deaths" in text
    first = predicted.calibrated.max(axis=1)
    assert f"first cause above 80 %{int((first > 0.8).sum())}" in text
    assert f"first cause below 50 %{int((first < 0.5).sum())}" in text
    assert "The model is logistic regression" in text
    assert "CSMF accuracy how near" in text
    assert "Every answer is one that the model knows" in text
    assert "may be among those that the model learnt from" in text


def test_nothing_of_a_single_death_stands_there(tmp_path: Path) -> None:
    head, *lines = DEATHS.read_text().strip().split("\n")
    named = [f"{line},Zone {'A' if i else 'Widow Smith'}" for i, line in enumerate(lines)]
    named[0] = re.sub(r",[^,]*,Zone", ",rare answer,Zone", named[0])
    predicted = predict(tmp_path, "\n".join([f"{head},zone", *named]), by=["zone"])
    page = render_deaths(predicted)
    assert "Zone Widow Smith" in predicted.csmf.groups["zone"][1].group
    assert "Widow Smith" not in page
    assert "1 group of fewer than 5 deaths is not shown" in page
    assert "Zone A" in page
    assert "rare answer" not in page
    assert "1 answer was none that the model knows" in page
    assert "s9 (1 death)" in page


def test_what_the_user_says_is_text(tmp_path: Path) -> None:
    predicted = predict(tmp_path, DEATHS.read_text())
    page = render_deaths(predicted, Heading("<b>Deaths</b>", "C&A", '"me"\u202e' * 200))
    assert "<title>&lt;b&gt;Deaths&lt;/b&gt;</title>" in page
    assert "C&amp;A" in page
    assert "\u202e" not in page
    assert "<title>Causes of" in render_deaths(predicted)
    assert f"Causes of {predicted.n_rows} deaths in Peru" in render_deaths(
        predicted, Heading(country="Peru")
    )


def test_few_deaths_and_many_doubts_are_said_first(tmp_path: Path) -> None:
    lines = DEATHS.read_text().split("\n")[:11]
    lines[1:4] = [line.rpartition(",")[0] + ",maybe" for line in lines[1:4]]
    text = Reader(render_deaths(predict(tmp_path, "\n".join(lines)))).text
    assert "These are fewer than 50 deaths" in text
    assert "30.0 % of the deaths have answers that the model does not know" in text


@pytest.mark.parametrize("n_groups", [1, 4, 5, 9])
def test_groups_stand_side_by_side_as_many_as_a_sheet_holds(tmp_path: Path, n_groups: int) -> None:
    head, *lines = DEATHS.read_text().strip().split("\n")
    grouped = [f"{line},g{i % n_groups}" for i, line in enumerate(lines)]
    page = render_deaths(predict(tmp_path, "\n".join([f"{head},g", *grouped]), by=["g"]))
    tables = re.findall(r'<table class="grouped">.*?</table>', page, re.DOTALL)
    shown = [re.findall(r'<th class="n" scope="col">(g\d)', table) for table in tables]
    assert [name for part in shown for name in part] == [f"g{i}" for i in range(n_groups)]
    assert len(tables) == -(-n_groups // 4)


def test_a_model_without_an_experiments_summary_has_a_page(tmp_path: Path) -> None:
    copy(tmp_path)
    (tmp_path / "stored" / "summary.json").unlink()
    predicted = predict(tmp_path, DEATHS.read_text())
    assert predicted.trained is None
    assert "The model is logistic regression" in render_deaths(predicted)


def test_measured_coverage_is_told_where_it_is_known() -> None:
    assert coverage(None) == ""
    assert "93.1 % of such ranges held the true share" in coverage(0.931)
