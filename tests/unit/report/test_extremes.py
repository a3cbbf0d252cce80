"""Experiments at the edges: nothing finished, very little, very much."""

import pytest

from tuner_job.report.figures import history, parameters, scores, style
from tuner_job.report.trials import Trials

pytestmark = pytest.mark.slow


def test_nothing_finished_leaves_the_default(make):
    page = make(states=("pruned", "failed")).render()
    assert "no trial of the search finished, so the untuned default stands" in page
    assert "No trial finished all its folds" in page
    assert "Optimisation history" in page
    assert "Configurations of" not in page
    assert "The tuned value is optimistic" not in page
    assert "1 trial ended in an error and has no score." in page


def test_only_the_default(make):
    assert "No trials were run beside the untuned default." in make(states=()).render()


def test_one_trial(make):
    page = make(states=("complete",)).render()
    assert "the best of 1 finished trial has" in page
    assert "Too few trials finished to say which parameters matter." in page


def drawn_records(records, scales=None) -> str:
    trials = Trials(records, "csmf_accuracy")
    with style.applied():
        drawings = (
            history.history("m", trials, None),
            scores.training_gap("m", trials, -1),
            parameters.parallel_coordinates("m", trials, -1, scales or {}),
        )
        return "".join(style.to_svg(d, "f") + d.caption for d in drawings)


def test_one_parameter_and_one_value_of_it(make):
    records = make().trials["xgboost"]
    factors = [t.model_copy(update={"params": {"C": 10.0**t.trial}}) for t in records]
    assert "(log)" in drawn_records(factors, {"C": "log"})
    assert "(log)" not in drawn_records(factors)
    same = [t.model_copy(update={"params": {"C": 1.0}}) for t in records]
    assert "The same in every trial: C = 1." in drawn_records(same)


def test_equal_scores_everywhere(make):
    first, *others = make().trials["xgboost"]
    same = {"scores": first.scores, "folds": first.folds}
    assert "<svg" in drawn_records([first, *(t.model_copy(update=same) for t in others)])


def test_no_study_no_causes_no_baselines(make):
    assert "No configuration has a score." in make(studies=[], baselines={}).render()
    experiment = make(baselines={})
    study = experiment.summary.studies[0]
    bare = study.best.model_copy(update={"causes": [], "out_of_fold": {}})
    experiment.summary = experiment.summary.model_copy(
        update={"studies": [study.model_copy(update={"best": bare, "default": bare})]}
    )
    page = experiment.render()
    assert "Pareto front" not in page
    assert "Causes of death" not in page
    assert "copy-train (" not in page


def test_each_further_objective_has_its_panel(make):
    objectives = ("csmf_accuracy", "cod_accuracy", "ccc")
    records = make().trials["xgboost"]
    drawing = scores.pareto("m", Trials(records, "csmf_accuracy"), objectives, [records[1].trial])
    assert [axes.get_ylabel() for axes in drawing.figure.axes] == ["COD accuracy", "mean CCC"]


def test_a_repeated_configuration_takes_the_folds_of_the_first(make):
    records = make().trials["xgboost"]
    again = records[1].model_copy(
        update={"trial": 50, "folds": [], "duplicate_of": records[1].trial}
    )
    trials = Trials([*records, again], "csmf_accuracy")
    assert trials.fold_scores(50) == trials.fold_scores(records[1].trial) != {}


def test_many_configurations_are_thinned_but_the_best_stay(make, monkeypatch):
    monkeypatch.setattr(parameters, "MAX_LINES", 20)
    monkeypatch.setattr(parameters, "_BEST", 5)
    trials = Trials(make(states=("complete",) * 60).trials["xgboost"], "csmf_accuracy")
    drawing = parameters.parallel_coordinates("m", trials, trials.ranked()[0].trial, {})
    assert "the 5 best and an even selection of the rest: 20 of 60 trials" in drawing.caption
    drawn = parameters._thinned(trials, -1)
    assert len({t.trial for t in drawn}) == 20
    assert drawn[-5:][::-1] == trials.ranked()[:5]


def test_the_chosen_configuration_is_drawn_though_others_are_better(make, monkeypatch):
    monkeypatch.setattr(parameters, "MAX_LINES", 20)
    monkeypatch.setattr(parameters, "_BEST", 5)
    trials = Trials(make(states=("complete",) * 60).trials["xgboost"], "csmf_accuracy")
    for chosen in trials.ranked():
        drawn = parameters._thinned(trials, chosen.trial)
        assert chosen in drawn
        ranks = [trials.ranked().index(one) for one in drawn]
        assert ranks == sorted(ranks, reverse=True)
        assert len(drawn) <= 21


def test_a_search_that_runs_has_no_folds_of_its_other_metrics(make):
    experiment = make(objectives=("cod_accuracy",))
    study = experiment.summary.studies[0]
    default = study.default.model_copy(update={"folds": [{"csmf_accuracy": 0.5}] * 3})
    unfinished = study.model_copy(update={"default": default})
    with style.applied():
        assert "<svg" in style.to_svg(scores.fold_spread([unfinished], {}), "f")


def test_ten_thousand_trials_and_fifty_causes_stay_small(make):
    states = ("complete", "complete", "complete", "pruned", "failed") * 2000
    causes = [f"Cause {i:02d} " + "with a very long name " * 4 for i in range(50)]
    experiment = make(states=states, causes=causes, objectives=("csmf_accuracy", "cod_accuracy"))
    page = experiment.render()
    assert len(page.encode()) < 2_000_000
    assert "Pareto front of xgboost" in page
    assert "Best 50 of 6\u202f000 finished trials" in page
    assert "2\u202f000 trials: 4, 9, 14" in page
