import numpy as np
import pytest

from tests.unit.search.simulation import (
    N_FOLDS,
    SPACE,
    as_record,
    fold_score,
    make_study,
    outcome,
    outcomes_of,
    run,
    table,
)
from tuner_job.config.experiment import HyperparameterSearchConfig
from tuner_job.experiment.summarise import count_states
from tuner_job.models import FAMILIES
from tuner_job.records import TrialRecord
from tuner_job.results.monitor import TuningMonitor
from tuner_job.search.early_stopping import PairedTest
from tuner_job.search.samplers.fixed import FixedTuner
from tuner_job.search.samplers.free import MOST, Sizes, free_configurations, passed_through
from tuner_job.search.samplers.optuna import OptunaTuner, make_sampler
from tuner_job.search.samplers.optuna.translation import frozen_trial
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldTask, Trial
from tuner_job.search_space import Configuration, ModelSearchSpace, SearchSpace


def contained(asked: Configuration) -> list[Configuration]:
    return passed_through(SPACE, "rounds", asked)


def new_study(
    sampler: str = "tpe",
    stored: dict[int, TrialRecord] | None = None,
    assessed: bool = False,
    max_trials: int = 14,
) -> Study:
    return make_study(
        OptunaTuner(SPACE, make_sampler(sampler, 1), 1),
        rule=PairedTest(0.05, N_FOLDS, 2 if assessed else 1),
        max_trials=max_trials,
        stored=stored,
        assessed=assessed,
        contained=contained,
    )


def space(**content: object) -> SearchSpace:
    made = ModelSearchSpace.model_validate(content)
    return SearchSpace(made.parameters, made.forbid)


@pytest.mark.parametrize(
    ("content", "asked", "values"),
    [
        ({"n": [30, 10, 20]}, {"n": 30}, [10, 20]),
        ({"n": [30, 10, 20]}, {"n": 10}, []),
        ({"n": {"low": 10, "high": 50, "step": 10}}, {"n": 35}, [10, 20, 30]),
        ({"n": {"low": 10, "high": 50}}, {"n": 14}, [10, 11, 12, 13]),
        ({"n": {"low": 10, "high": 50}}, {"n": 35}, [10, 13, 16, 19, 22, 25, 28, 31]),
        ({"n": {"low": 10, "high": 50, "log": True}}, {"n": 35}, [10, 13, 16, 19, 22, 25, 28, 31]),
        ({"n": {"low": 0.5, "high": 50.0}}, {"n": 35.0}, []),
        ({"a": [1, 2]}, {"a": 2}, []),
        ({"a": [1, 2], "n": [10, 20, 30], "forbid": [{"a": 2, "n": 10}]}, {"a": 2, "n": 30}, [20]),
        (
            {"a": [1, 2], "n": {"low": 10, "high": 30, "step": 10}, "forbid": [{"n": 10}]},
            {"a": 2, "n": 30},
            [20],
        ),
        (
            {"n": [10, 20, 30], "a": {"choices": [1], "when": {"n": [20, 30]}}},
            {"n": 30, "a": 1},
            [20],
        ),
    ],
)
def test_smaller_values_that_the_space_allows(content: dict, asked: dict, values: list) -> None:
    assert [c["n"] for c in passed_through(space(**content), "n", asked)] == values


def test_many_values_are_thinned_out_evenly() -> None:
    found = passed_through(space(n={"low": 1, "high": 101, "step": 1}), "n", {"n": 101})
    assert len(found) == MOST
    assert [c["n"] for c in found] == [1, 13, 26, 38, 51, 63, 76, 88]


@pytest.mark.parametrize(
    ("content", "asked", "held"),
    [
        ({"n": {"low": 4, "high": 8}}, {"n": 8}, [4, 5, 6, 7, 8]),
        ({"n": {"low": 4, "high": 8, "log": True}}, {"n": 8}, [4, 5, 6, 7, 8]),
        ({"n": {"low": 2, "high": 8, "step": 3}}, {"n": 8}, [2, 5, 8]),
        ({"n": [3, 9]}, {"n": 9}, [3, 9]),
        ({"n": [3, 9], "a": [1, 2], "forbid": [{"n": 3, "a": 2}]}, {"n": 9, "a": 2}, [9]),
        ({"a": [1, 2]}, {"a": 2}, []),
    ],
)
def test_sizes_that_a_growing_fit_goes_through(content: dict, asked: dict, held: list) -> None:
    sizes = Sizes(space(**content), "n")
    passed = [sizes.configuration(asked, size) for size in range(1, 10)]
    assert [c for c in passed if c] == [{**asked, "n": size} for size in held]


def test_a_growing_fit_halts_at_the_sizes_that_the_space_lists() -> None:
    assert [Sizes(space(n=[30, 10]), "n").listed_after(size) for size in (0, 10, 29, 30)] == [
        10,
        30,
        30,
        None,
    ]
    assert Sizes(space(n={"low": 1, "high": 9}), "n").listed_after(0) is None
    assert Sizes(space(a=[1]), "n").listed_after(0) is None


def test_only_where_wanted_and_where_the_path_is_nested() -> None:
    assert [name for name, family in FAMILIES.items() if family.path_is_nested] == [
        "xgboost",
        "random_forest",
    ]
    for method, wanted in [
        ("bayesian", True),
        ("optuna", True),
        ("grid", False),
        ("random", False),
    ]:
        config = HyperparameterSearchConfig.model_validate(
            {"search_method": method, "free_knowledge": True}
        )
        assert (free_configurations(config, SPACE, "rounds") is not None) == wanted
        assert free_configurations(config, SPACE, None) is None
        without = config.model_copy(update={"free_knowledge": False})
        assert free_configurations(without, SPACE, "rounds") is None


@pytest.mark.parametrize("assessed", [False, True])
@pytest.mark.parametrize("sampler", ["tpe", "nsgaii"])
def test_scheduling_never_changes_the_search(sampler: str, assessed: bool) -> None:
    reference = new_study(sampler, assessed=assessed)
    run(reference, slots=1)
    for slots, seed in [(3, 2), (100, 3)]:
        other = new_study(sampler, assessed=assessed)
        run(other, slots, seed)
        assert table(other) == table(reference)


@pytest.mark.parametrize("stop_after", [5, 23, 41])
def test_resume_runs_no_finished_trial_again_and_ends_the_same(stop_after: int) -> None:
    reference = new_study()
    run(reference, slots=1)
    before, _ = run(new_study(), 3, seed=5, stop_after=stop_after)
    resumed = new_study(stored={record.trial: record for record in before})
    ran: set[int] = set()
    while task := resumed.next_task():
        ran |= set(task.trials)
        resumed.record(task, outcomes_of(task))
    assert table(resumed) == table(reference)
    assert not ran & {record.trial for record in before if record.duplicate_of is None}


def test_what_is_asked_is_counted_and_each_configuration_runs_once() -> None:
    study = new_study()
    run(study, slots=1)
    asked = [trial for trial in study.trials if not trial.free]
    free = [trial for trial in study.trials if trial.free]
    assert len(asked) == 14 == study.counts.total()
    assert free
    for trial in free:
        (source,) = (t for t in asked if t.batch == trial.batch)
        assert {**source.params, "rounds": trial.params["rounds"]} == trial.params
        assert trial.params["rounds"] < source.params["rounds"]  # type: ignore[operator]
        assert trial.duplicate_of is None
    own = [repr(sorted(t.params.items())) for t in study.trials if t.duplicate_of is None]
    assert len(own) == len(set(own))
    records = [as_record(trial).model_copy(update={"free": trial.free}) for trial in study.trials]
    assert sum(count_states(records).values()) == 14


def test_a_configuration_asked_after_it_came_free_takes_no_fit() -> None:
    large: Configuration = {"depth": 3, "rate": 0.2, "rounds": 30}
    small: Configuration = {**large, "rounds": 20}
    study = make_study(FixedTuner([large, small]), contained=contained)
    _, fits = run(study, 8)
    assert fits == N_FOLDS
    assert [(t.params["rounds"], t.free, t.duplicate_of) for t in study.trials] == [
        (30, False, None), (10, True, None), (20, True, None), (20, False, 2),
    ]  # fmt: skip
    assert study.best is study.trials[2], "it can win"
    assert study.trials[2].fold_scores == [(fold_score(small, fold),) for fold in range(N_FOLDS)]


def test_later_folds_fit_only_up_to_the_largest_value_alive() -> None:
    study = new_study(max_trials=30)
    shortened, rng = 0, np.random.default_rng(0)
    while task := study.next_task():
        assert isinstance(task, FoldTask)
        alive = [t for t in study.trials if t.number in task.trials]
        assert task.values[-1] == max(t.params["rounds"] for t in alive)  # type: ignore[type-var]
        shortened += all(trial.free for trial in alive)
        values = [task.values[position] for position in task.wanted]
        scores = [
            0.8 + rng.normal(0, 0.01) - 0.3 * (rounds == 30) for rounds in values
        ]  # 30 rounds are too many
        study.record(task, [outcome(score, task.fold) for score in scores])
    assert shortened, "an asked value was given up and smaller ones went on"


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsgaii"])
def test_the_sampler_learns_of_the_best_configuration_of_each_fit(sampler: str) -> None:
    tuner = OptunaTuner(SPACE, make_sampler(sampler, 1), 1)
    study = make_study(tuner, lag=1, max_trials=12, contained=contained)
    run(study, 1)
    told = [trial for trial in tuner.trials if trial.state.is_finished()]
    batches = [
        [trial for trial in study.trials if trial.batch == batch] for batch in range(len(told))
    ]
    best = [max(batch, key=lambda trial: trial.scores[0]) for batch in batches]
    assert any(trial.free for trial in best)
    assert [trial.value for trial in told] == [trial.scores[0] for trial in best]
    for shown, trial in zip(told, best, strict=True):
        assert shown.params == frozen_trial(SPACE, trial, 1).params
        assert shown.intermediate_values[0] == trial.fold_scores[0][0]


def test_the_sampler_learns_of_a_fit_that_was_given_up_but_for_a_smaller_value() -> None:
    tuner = OptunaTuner(SPACE, make_sampler("tpe", 4), 1)
    (asked,) = tuner.ask()
    assert asked["rounds"] == 30
    smaller: Configuration = {**asked, "rounds": 10}
    tuner.tell(
        [
            Trial(0, 0, asked, "pruned", [(0.1,)]),
            Trial(1, 0, smaller, "complete", [(0.2,)], scores=(0.2,), free=True),
        ]
    )
    (shown,) = tuner.trials
    assert (shown.state.name, shown.value) == ("COMPLETE", 0.2)
    assert shown.params == frozen_trial(SPACE, Trial(1, 0, smaller), 1).params


def test_several_objectives_are_told_of_all() -> None:
    tuner = OptunaTuner(SPACE, make_sampler("tpe", 4), 2)
    (asked,) = tuner.ask()
    smaller: Configuration = {**asked, "rounds": 10}
    tuner.tell(
        [
            Trial(0, 0, asked, "complete", scores=(0.3, 0.1)),
            Trial(1, 0, smaller, "complete", scores=(0.1, 0.3), free=True),
        ]
    )
    assert [trial.values for trial in tuner.trials] == [[0.3, 0.1], [0.1, 0.3]]


def test_progress_counts_them_apart() -> None:
    monitor = TuningMonitor({"xgboost": 5})
    monitor.log_trial("xgboost/0", {}, 0.5)
    monitor.log_trial("xgboost/1", {}, 0.7, free=True)
    monitor.log_trial("xgboost/2", {}, None, "pruned", free=True)
    progress = monitor.models["xgboost"]
    assert (progress.done, progress.free, progress.best_trial) == (1, 1, 1)
    assert progress.states == {"complete": 1}
