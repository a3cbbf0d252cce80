"""What the page says equals what the records say."""

import html
import re
from typing import get_args

import pytest
from markupsafe import escape

from tuner_job.evaluation.best import best_of
from tuner_job.evaluation.folds import Scheme
from tuner_job.report import sentences, tables
from tuner_job.report.figures.axis import NOT_USED, parameter_axis
from tuner_job.report.text import (
    SCHEMES,
    number,
    percent,
    scheme_label,
    scheme_meaning,
    shorten,
    signed,
)
from tuner_job.units import human_duration


def rows(page: str) -> list[list[str]]:
    """Cells of every table row, as text."""
    found = []
    for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL):
        cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        found.append(
            [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in cells]
        )
    return found


def interval(found) -> str:
    return f"{found.estimate:.3f} {found.low:.3f} to {found.high:.3f}"


@pytest.mark.slow
def test_table_of_results_holds_the_records_numbers(usual, page):
    table = rows(page)
    for study in usual.summary.studies:
        for configuration, kind in ((study.default, "untuned default"), (study.best, "tuned")):
            expected = [
                interval(configuration.out_of_fold[m]) for m in ("csmf_accuracy", "cod_accuracy")
            ]
            expected += [number(configuration.scores[m]) for m in ("csmf_accuracy", "cod_accuracy")]
            row = next(r for r in table if r[2:6] == expected)
            assert kind in row[1]
        gained = study.best.scores["csmf_accuracy"] - study.default.scores["csmf_accuracy"]
        assert row[6] == signed(gained)


def test_baselines_stand_in_the_table_and_beside_each_model(usual, page):
    table = rows(page)
    assert any(row[0].startswith("Copy-train") and row[3] == "0.913" for row in table)
    assert any(row[0].startswith("Majority") and row[3:5] == ["0.234", "0.123"] for row in table)
    for score in ("0.913", "0.321", "0.234"):
        assert page.count(f"<dd>{score}</dd>") == len(usual.summary.studies)


def test_a_model_below_copy_train_is_marked_and_one_above_is_not(usual, page):
    def marked(copied: float) -> list[bool]:
        baselines = {"copy_train": {"csmf_accuracy": copied}}
        table = tables.result_rows(usual.summary.model_copy(update={"baselines": baselines}))
        return [row.below_copy_train for row in table if row.kind != "baseline"]

    assert marked(0.99) == [True] * 4
    assert marked(0.01) == [False] * 4
    assert page.count('<span class="mark">') == 2 * (
        2 + 1
    )  # in the table, and tuned in its section


def test_sentences_name_the_baselines_that_are_better(usual):
    def told(**accuracies: float) -> str:
        baselines = {name: {"csmf_accuracy": a} for name, a in accuracies.items()}
        summary = usual.summary.model_copy(update={"baselines": baselines})
        return sentences.finding(summary, summary.studies[0])

    assert "below copy-train (0.990) and uniform (0.985)" in told(copy_train=0.99, uniform=0.985)
    assert "not below any baseline" in told(copy_train=0.01)
    assert "baseline" not in told()


def test_sentences_hold_the_scores_and_stand_in_the_page(usual, page):
    for study in usual.summary.studies:
        tuned, default = (c.scores["csmf_accuracy"] for c in (study.best, study.default))
        sentence = sentences.finding(usual.summary, study)
        side = "above" if tuned > default else "below"
        assert (
            f"{tuned:.3f}, {abs(tuned - default):.3f} {side} the untuned default ({default:.3f})"
            in sentence
        )
        assert escape(sentence) in page
    best = best_of(usual.summary)
    assert f"Best of 2 models: {best.model}, tuned" in page
    assert best.reason in page


def test_causes_are_listed_commonest_first_with_their_numbers(usual, page):
    study = usual.summary.studies[0]
    ranked = sorted(study.best.causes, key=lambda c: -c.true_fraction)
    untuned = {c.cause: c for c in study.default.causes}
    expected = [
        [
            c.cause,
            str(c.n),
            percent(c.true_fraction),
            percent(untuned[c.cause].predicted_fraction),
            percent(c.predicted_fraction),
            number(untuned[c.cause].sensitivity),
            number(c.sensitivity),
            number(untuned[c.cause].ccc),
            number(c.ccc),
        ]
        for c in ranked
    ]
    table = rows(page)
    start = table.index(expected[0])
    assert table[start : start + len(expected)] == expected


def test_trials_are_listed_best_first_with_their_scores(usual, page):
    complete = [t for t in usual.trials["xgboost"] if t.state == "complete" and t.trial >= 0]
    ranked = sorted(complete, key=lambda t: -t.scores["csmf_accuracy"])
    listed = [
        r[:2]
        for r in rows(page)
        if [str(ranked[0].trial), number(ranked[0].scores["csmf_accuracy"])] == r[:2]
    ]
    assert listed
    table = rows(page)
    start = next(i for i, r in enumerate(table) if r[:2] == listed[0])
    assert [r[:2] for r in table[start : start + len(ranked)]] == [
        [str(t.trial), number(t.scores["csmf_accuracy"])] for t in ranked
    ]


def test_states_errors_and_provenance_are_told(usual, page):
    assert ["xgboost", "random", "6", "3", "3"] in [row[:5] for row in rows(page)]
    assert html.escape("ValueError: <b>bad</b> & worse") in page
    assert "3 trials: 3, 7, 11" in page
    for told in (
        "4242",
        "scikit-learn 1.9.0",
        "d" * 64,
        "e" * 64,
        "3 rows without a cause",
        "Mexico",
    ):
        assert told in page
    assert "va-tuning tune adult-test/experiment.yaml" in page


def test_protocol_is_explained(page):
    assert "causes are composed as in training" in page
    assert set(SCHEMES) == set(get_args(Scheme))
    meanings = {scheme: scheme_meaning(scheme) for scheme in SCHEMES}
    assert len(set(meanings.values())) == 4
    assert escape(meanings["stratified"]) in page
    assert (scheme_label("other"), scheme_meaning("other")) == ("other", "")


def test_tuned_scores_are_called_optimistic(page):
    assert page.count("optimistic") == 1 + 2  # beside the table, in each model's section


def test_numbers_are_written_as_read():
    assert [number(v) for v in (0.12345, -0.5, -0.0001, None, float("nan"))] == [
        "0.123",
        "−0.500",
        "0.000",
        "–",
        "–",
    ]
    assert [signed(v) for v in (0.0126, -0.0126, 0.0001)] == ["+0.013", "−0.013", "0.000"]
    assert [human_duration(s) for s in (4.21, 42, 185, 7800)] == [
        "4.2 s",
        "42 s",
        "3 min 05 s",
        "2 h 10 min",
    ]
    assert shorten("Other Non-communicable Diseases", 20) == "Other Non-com…seases"
    assert shorten("Stroke", 6) == "Stroke"


def test_numbers_lie_on_the_scale_that_the_space_declares():
    drawn = [1, 10, 100]
    assert parameter_axis(drawn).positions == pytest.approx((0, 9 / 99, 1))
    assert parameter_axis(drawn, "log").positions == pytest.approx((0, 0.5, 1))
    assert parameter_axis([100, 200, 500], "list").positions == (0.0, 0.5, 1.0)
    assert [label for _, label in parameter_axis([100, 500], "list").ticks] == ["100", "500"]
    assert parameter_axis([-1, 10], "log").scale == "linear"  # a space cannot declare it


def test_a_long_list_has_ticks_at_values_of_its_own():
    axis = parameter_axis([i * i for i in range(40)], "list")
    assert [label for _, label in axis.ticks] == ["0", "100", "400", "841", "1521"]
    assert [at for at, _ in axis.ticks] == pytest.approx([0, 10 / 39, 20 / 39, 29 / 39, 1])


def test_a_logarithmic_axis_has_zero_below():
    axis = parameter_axis([0.01, 0.1, 1, 0], "log")
    low, middle, high, zero = axis.positions
    assert axis.scale == "log"
    assert middle - low == pytest.approx(high - middle)
    assert zero < low
    assert [label for _, label in axis.ticks] == ["0", "0.01", "0.1", "1"]


def test_words_none_and_absence_have_places_of_their_own():
    axis = parameter_axis([None, 10, 30, "sqrt", NOT_USED, True])
    none, ten, thirty, sqrt, absent, true = axis.positions
    assert absent < ten < thirty < sqrt < true < none or absent < ten < thirty < true < sqrt < none
    assert {"not used", "10", "30", "sqrt", "None", "true"} == {label for _, label in axis.ticks}


def test_a_single_value_and_a_continuum_have_axes():
    assert parameter_axis([7, 7]).positions == (0.5, 0.5)
    assert parameter_axis(["a"]).positions == (0.5,)
    many = parameter_axis([i / 1000 for i in range(1000)])
    assert many.scale == "linear"
    assert len(many.ticks) == 5
    assert min(many.positions) == 0
    assert max(many.positions) == 1
