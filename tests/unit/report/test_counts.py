"""One number for one thing: trials by state, and what a figure has of them."""

import re

import numpy as np
import pytest

from tuner_job.records import StudySummary
from tuner_job.report import sentences, validity
from tuner_job.report.figures import history, style
from tuner_job.report.scales import declared_scales
from tuner_job.report.trials import Trials
from tuner_job.wording import STOPS, short

pytestmark = pytest.mark.slow


def test_a_repeated_trial_is_counted_once_everywhere(make):
    experiment = make(states=("complete",) * 8)
    records = experiment.trials["xgboost"]
    best = experiment.summary.studies[0].best.trial
    again = {"folds": [], "scores": {}, "duplicate_of": best}
    repeats = [trial for trial in range(8) if trial != best][:2]
    experiment.trials = {
        "xgboost": [r.model_copy(update=again) if r.trial in repeats else r for r in records]
    }
    page = experiment.render()
    told = set(re.findall(r"(\d+) finished trials", page))
    assert told == {"6"}
    assert '<td>random</td>\n<td class="n">6</td><td class="n">0</td>' in page
    assert "repeated</th>" in page
    assert "repeated</th>" not in make().render()


def test_sentences_count_what_the_summary_counts(usual):
    study: StudySummary = usual.summary.studies[0].model_copy(
        update={"n_trials": {"complete": 9}, "repeated": {"complete": 3}, "optimism": 0.01}
    )
    assert "of 6 finished trials" in sentences.finding(usual.summary, study)
    assert "among 6 finished trials" in validity.optimism(study)
    assert (study.n_evaluated("complete"), study.n_repeated) == (6, 3)


@pytest.mark.parametrize("stopped_by", STOPS)
def test_why_a_search_ended_is_told(make, stopped_by):
    experiment = make()
    study = experiment.summary.studies[0].model_copy(update={"stopped_by": stopped_by})
    experiment.summary = experiment.summary.model_copy(update={"studies": [study]})
    assert STOPS[stopped_by] in experiment.render()


def drawn(make, scores, pruned=(), default=None) -> history.style.Drawing:
    """History of complete trials with these scores; those in `pruned` were given up."""
    template = make(states=("complete",)).trials["xgboost"][1]
    records = []
    for number, score in enumerate(scores):
        folds = [f.model_copy(update={"validation": {"m": score}}) for f in template.folds]
        state = "pruned" if number in pruned else "complete"
        changed = {"trial": number, "state": state, "folds": folds, "scores": {"m": score}}
        records.append(template.model_copy(update=changed))
    with style.applied():
        return history.history("m", Trials(records, "m"), default)


def marks(drawing) -> dict[str, int]:
    """Marker → how many there are in a history."""
    axes = drawing.figure.axes[0]
    found = {}
    for points in axes.collections:
        vertices = len(points.get_paths()[0].vertices)
        found[vertices] = found.get(vertices, 0) + len(points.get_offsets())
    return found


GOOD = [0.8, 0.81, 0.805, 0.812, 0.809, 0.811, 0.807, 0.808, 0.81, 0.806]


def test_a_caption_explains_only_the_marks_that_are_there(make):
    plain = drawn(make, GOOD)
    assert "Crosses" not in plain.caption
    assert "triangles" not in plain.caption
    assert "dashed line" not in plain.caption
    all_kinds = drawn(make, [*GOOD, 0.1, 0.806, 0.2], pruned=(11, 12), default=0.7)
    assert "Crosses (1)" in all_kinds.caption
    assert "triangles at the lower edge: 2 trials." in all_kinds.caption
    assert "dashed line" in all_kinds.caption


def test_the_default_is_in_view_and_no_triangle(make):
    drawing = drawn(make, GOOD, default=0.3)
    assert drawing.figure.axes[0].get_ylim()[0] < 0.3
    assert "triangles" not in drawing.caption
    assert "untuned default (0.300)" in drawing.figure.axes[0].get_legend_handles_labels()[1]
    below_it = drawn(make, [*GOOD, 0.2], default=0.3)
    assert "lower edge: 1 trial." in below_it.caption
    assert np.sum(list(marks(below_it).values())) == len(GOOD) + 1


def test_scales_come_from_the_stored_experiment():
    spaces = {
        "xgboost": {
            "learning_rate": {"low": 0.01, "high": 0.3, "log": True},
            "subsample": {"low": 0.5, "high": 1.0},
            "reg_alpha": {"choices": [0.001, 0.1, 10], "when": None},
            "forbid": [],
        },
        "other": {"C": {"low": 3, "high": 1}},
    }
    found = declared_scales({"tuning": {"search_spaces": spaces}})
    scales = {"learning_rate": "log", "subsample": "linear", "reg_alpha": "list"}
    assert found == {"xgboost": scales, "other": {}}
    assert declared_scales(None) == declared_scales({"tuning": 3}) == {}


def test_a_person_reads_four_digits():
    values = (0.28052743305612465, 3, True, None, "sqrt", 1e-5, 300.0)
    assert [short(value) for value in values] == [
        "0.2805", "3", "true", "None", "sqrt", "1e-05", "300",
    ]  # fmt: skip
