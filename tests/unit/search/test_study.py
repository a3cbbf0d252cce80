from collections.abc import Callable

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
from tuner_job.records import TrialRecord
from tuner_job.search.early_stopping import NeverStop, PairedTest, StoppingRule
from tuner_job.search.plan import StudyPlan
from tuner_job.search.samplers.base import Sampler
from tuner_job.search.samplers.fixed import FixedSampler
from tuner_job.search.samplers.grid import GridSampler
from tuner_job.search.samplers.optuna import OptunaSampler, PrunerRule, named_sampler
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldScores, FoldTask, Trial

TUNERS: dict[str, Callable[[], Sampler]] = {
    "grid": lambda: GridSampler(SPACE, "rounds", 1),
    "random": lambda: RandomSampler(SPACE, 1),
    "tpe": lambda: OptunaSampler(SPACE, named_sampler("tpe", 1), 1),
    "nsgaii": lambda: OptunaSampler(SPACE, named_sampler("nsgaii", 1), 1),
}
RULES: dict[str, Callable[[int], StoppingRule]] = {
    "paired": lambda n_values: PairedTest(0.05, N_FOLDS, n_values),
    "median": lambda _: PrunerRule("median", 0.05),
    "wilcoxon": lambda _: PrunerRule("wilcoxon", 0.1),
}


@pytest.fixture(params=TUNERS)
def new_tuner(request: pytest.FixtureRequest) -> Callable[[], Sampler]:
    return TUNERS[request.param]


@pytest.mark.parametrize("assessed", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_scheduling_never_changes_the_search(
    new_tuner: Callable[[], Sampler], rule: str, assessed: bool
) -> None:
    def new_rule() -> StoppingRule:
        return RULES[rule](2 if assessed else 1)

    reference = make_study(new_tuner(), rule=new_rule(), assessed=assessed)
    run(reference, slots=1)
    assert reference.done
    assert reference.counts.total() == 30
    for slots, seed in [(2, 1), (3, 2), (100, 3), (100, 4)]:
        other = make_study(new_tuner(), rule=new_rule(), assessed=assessed)
        run(other, slots, seed)
        assert table(other) == table(reference)


@pytest.mark.parametrize("assessed", [False, True])
@pytest.mark.parametrize("stop_after", [1, 17, 43, 71, 90])
def test_resume_continues_without_running_a_finished_trial_again(
    new_tuner: Callable[[], Sampler], stop_after: int, assessed: bool
) -> None:
    def new_study(stored: dict[int, TrialRecord] | None = None) -> Study:
        rule = PairedTest(0.05, N_FOLDS, 2 if assessed else 1)
        return make_study(new_tuner(), rule=rule, stored=stored, assessed=assessed)

    reference = new_study()
    run(reference, slots=1)
    before, _ = run(new_study(), 3, seed=5, stop_after=stop_after)
    stored = {record.trial: record for record in before}
    resumed = new_study(stored)
    ran: set[int] = set()
    while task := resumed.next_task():
        ran |= set(task.trials)
        resumed.record(task, outcomes_of(task, assessed))
    assert table(resumed) == table(reference)
    assert not ran & {record.trial for record in before if record.duplicate_of is None}


def test_a_stored_trial_of_another_search_is_told_and_run_again() -> None:
    first = make_study(FixedSampler([{"depth": 1, "rate": 0.1, "rounds": 10}]))
    before, _ = run(first, 1)
    told: list[tuple[object, object]] = []
    other = make_study(
        FixedSampler([{"depth": 2, "rate": 0.1, "rounds": 10}]),
        stored={0: before[0]},
        on_mismatch=lambda record, proposed: told.append(
            (record.params["depth"], proposed["depth"])
        ),
    )
    after, _ = run(other, 1)
    assert told == [(1, 2)]
    assert [record.params["depth"] for record in after] == [2]


def test_a_tuner_is_asked_knowing_exactly_the_trials_up_to_the_lag() -> None:
    class Recording:
        learns = True

        def __init__(self) -> None:
            self.asked: list[int] = []
            self.told = 0

        def learn(self, known: object) -> None:
            assert not known

        def ask(self) -> list[dict[str, object]]:
            self.asked.append(self.told)
            return [{"depth": 1, "rate": 0.1, "rounds": 10 + len(self.asked)}]

        def tell(self, trials: object) -> None:
            self.told += 1

    for slots in (1, 50):
        sampler = Recording()
        run(make_study(sampler, lag=3, max_trials=8), slots)  # type: ignore[arg-type]
        assert sampler.asked == [0, 0, 0, 1, 2, 3, 4, 5]


def test_one_fit_scores_the_whole_path_and_only_values_still_alive() -> None:
    study = make_study(
        GridSampler(SPACE, "rounds", 1), rule=PairedTest(0.05, N_FOLDS), max_trials=None
    )
    fits: list[FoldTask] = []
    while task := study.next_task():
        assert isinstance(task, FoldTask)
        fits.append(task)
        study.record(task, outcomes_of(task))
    assert study.counts.total() == 36
    assert len(fits) <= 12 * N_FOLDS, "three values share each fit"
    alive = {trial.number: len(trial.fold_scores) for trial in study.trials}
    for task in fits:
        assert all(task.fold < alive[number] for number in task.trials)
        assert task.values == (10, 20, 30)[: len(task.values)]
        assert task.values[task.wanted[-1]] == task.values[-1], (
            "no value beyond the largest one alive"
        )


def test_poor_configurations_stop_early_and_the_winner_stays() -> None:
    full = make_study(GridSampler(SPACE, "rounds", 3), max_trials=None)
    _, all_fits = run(full, 1)
    stopping = make_study(
        GridSampler(SPACE, "rounds", 3), rule=PairedTest(0.01, N_FOLDS), max_trials=None
    )
    fits = 0
    while task := stopping.next_task():  # no speculation: only what is needed
        fits += 1
        stopping.record(task, outcomes_of(task))
    assert full.best
    assert stopping.best
    assert stopping.best.params == full.best.params
    assert stopping.counts["pruned"] > 0
    assert fits < 0.7 * all_fits


def test_duplicates_take_the_first_ones_result_without_a_fit() -> None:
    params = {"depth": 3, "rate": 0.2, "rounds": 20}
    other = {"depth": 2, "rate": 0.2, "rounds": 20}
    study = make_study(FixedSampler([dict(params), dict(other), dict(params)]))
    finished, fits = run(study, 8, seed=3)
    assert fits == 2 * N_FOLDS
    assert [(r.trial, r.duplicate_of) for r in sorted(finished, key=lambda r: r.trial)] == [
        (0, None),
        (1, None),
        (2, 0),
    ]
    assert study.trials[2].fold_scores == [(fold_score(params, fold),) for fold in range(N_FOLDS)]
    assert study.best is study.trials[0]


def test_a_failed_fit_of_several_trials_fails_those_that_fail_alone_too() -> None:
    study = make_study(GridSampler(SPACE, "rounds", 1), max_trials=None)
    task = study.next_task()
    assert isinstance(task, FoldTask)
    study.record_failure(task, "worker died")
    assert study.take_finished() == []
    at_fault = max(task.trials)
    alone = []
    while len(study.counts) < 2:
        again = study.next_task()
        assert isinstance(again, FoldTask)
        alone += [again.trials] if again.fold == task.fold and again.batch == task.batch else []
        if at_fault in again.trials and again.fold == task.fold:
            study.record_failure(again, "memory ran out")
        else:
            study.record(again, outcomes_of(again))
    run(study, 2)
    assert study.done
    assert sorted(alone[:3]) == [(0,), (1,), (2,)]
    assert study.counts == {"failed": 1, "complete": 35}
    assert study.trials[at_fault].error == "memory ran out"
    assert study.trials[0].fold_scores == [
        (fold_score(study.trials[0].params, fold),) for fold in range(N_FOLDS)
    ]


@pytest.mark.parametrize("pruned_first", [True, False])
def test_who_shared_a_fit_that_failed_tries_alone_whoever_has_ended(pruned_first: bool) -> None:
    study = make_study(GridSampler(SPACE, "rounds", 1), rule=_Below(0.0), max_trials=2)
    first, ahead = study.next_task(), study.speculative_task()
    assert isinstance(first, FoldTask)
    assert isinstance(ahead, FoldTask)
    assert first.trials == ahead.trials == (0, 1)
    told = [outcome(0.5, 0), outcome(-0.5, 0)]  # the second one is given up
    if pruned_first:
        study.record(first, told)
    study.record_failure(ahead, "too many rounds")
    if not pruned_first:
        study.record(first, told)
    while task := study.next_task():
        assert task.trials == (0,)
        study.record(task, outcomes_of(task))
    assert study.done
    assert [trial.state for trial in study.trials] == ["complete", "pruned"]


def test_an_assessment_that_fails_is_tried_trial_by_trial() -> None:
    study = make_study(GridSampler(SPACE, "rounds", 1), max_trials=None, assessed=True)
    failed = []
    while task := study.next_task():
        if task.fold is None and 1 in task.trials:
            study.record_failure(task, "no number")
            failed.append(task.trials)
        else:
            study.record(task, outcomes_of(task, assessed=True))
    assert failed == [(0, 1, 2), (1,)]
    assert study.counts == {"failed": 1, "complete": 35}


def test_results_of_folds_run_ahead_are_dropped_when_the_trial_is_given_up() -> None:
    study = make_study(
        GridSampler(SPACE, "rounds", 1), rule=PairedTest(0.05, N_FOLDS), max_trials=None
    )
    finished, _ = run(study, slots=100, seed=2)
    pruned = [record for record in finished if record.state == "pruned"]
    assert pruned
    assert all(len(record.folds) < N_FOLDS for record in pruned)


def test_no_new_trials_are_started_when_that_is_not_allowed() -> None:
    study = make_study(RandomSampler(SPACE, 1))
    first = study.next_task()
    assert first
    same_batch = []
    while task := study.next_task(start_new=False):
        same_batch.append(task)
    assert {task.batch for task in same_batch} == {first.batch}
    assert len(same_batch) == N_FOLDS - 1
    assert study.n_under_way == 1
    assert study.next_task() is not None, "passed-over work is not lost"


def test_where_trials_are_assessed_that_decides_and_not_what_folds_were_judged_by() -> None:
    study = make_study(GridSampler(SPACE, "rounds", 1), max_trials=None, assessed=True)
    _, n_tasks = run(study, 4)
    assert n_tasks == 12 * (N_FOLDS + 1), "one assessment a batch"
    assert study.best
    assert study.best.scores[0] == max(trial.scores[0] for trial in study.trials)
    judged = [sum(score for score, _ in trial.fold_scores) for trial in study.trials]
    assert judged.index(max(judged)) != study.best.number


def test_a_trial_is_given_up_only_if_it_is_behind_in_every_view() -> None:
    trials = []
    for number, (first, second) in enumerate(
        [(0.9, 0.8), (0.7, 0.7), (0.71, 0.72), (0.69, 0.7), (0.68, 0.71)]
    ):
        trial = Trial(number, number, {}, "complete", scores=(first,))
        trial.fold_scores = [
            (first + 0.01 * fold, second - 0.01 * fold * number) for fold in range(N_FOLDS)
        ]
        trials.append(trial)
    rule = PairedTest(0.05, N_FOLDS, n_values=2)
    rule.tell(trials)
    judge = rule.judge()
    assert judge
    assert judge.condemns([(0.2, 0.2), (0.2, 0.2)])
    assert not judge.condemns([(0.2, 0.9), (0.2, 0.9)])


def test_best_is_the_earliest_of_equals() -> None:
    plan = StudyPlan(
        name="s", model="m", objectives=["csmf_accuracy"], path=None, n_folds=1, lag=3,
        max_trials=None,
    )  # fmt: skip
    study = Study(plan, FixedSampler([{"a": i} for i in range(3)]), PairedTest(0.01, 2))
    tasks = [study.next_task() for _ in range(3)]
    for task in reversed(tasks):
        assert task
        outcome = outcomes_of(
            FoldTask(0, 0, {"depth": 1, "rate": 0.1, "rounds": 10}, (), (0,), (0,))
        )
        study.record(task, outcome)
    assert study.best
    assert study.best.number == 0
    assert [as_record(t).state for t in study.trials] == ["complete"] * 3


class _Below(NeverStop):
    """Gives up whatever has a first fold below a bound."""

    def __init__(self, bound: float):
        self.bound = bound

    def judge(self) -> "_Below":
        return self

    def condemns(self, folds: FoldScores) -> bool:
        return folds[0][0] < self.bound


@pytest.mark.parametrize(("bound", "expected"), [(2.0, "pruned"), (-2.0, "failed")])
def test_a_fold_that_ran_ahead_and_failed_counts_when_its_turn_comes(
    bound: float, expected: str
) -> None:
    found = []
    for ahead_first in (True, False):
        study = make_study(RandomSampler(SPACE, 1), rule=_Below(bound), max_trials=3)
        task, ahead = study.next_task(), study.speculative_task()
        assert task is not None
        assert ahead is not None
        assert (task.batch, task.fold, ahead.fold) == (ahead.batch, 0, 1)
        if ahead_first:
            study.record_failure(ahead, "memory ran out")
        study.record(task, outcomes_of(task))
        if not ahead_first:
            study.record_failure(ahead, "memory ran out")
        found += [[(trial.number, trial.state, trial.error) for trial in study.take_finished()]]
    assert found[0] == found[1]
    assert {state for _, state, _ in found[0]} == {expected}
