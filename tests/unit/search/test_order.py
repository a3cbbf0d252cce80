"""Trials are numbered in the order drawn: the first k of n are those of k, however they are run."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.search.simulation import (
    N_FOLDS,
    SPACE,
    fold_score,
    make_study,
    outcomes_of,
    run,
    table,
)
from tuner_job.search.early_stopping import NeverStop, PairedTest, StoppingRule
from tuner_job.search.samplers.base import Sampler
from tuner_job.search.samplers.fixed import FixedSampler
from tuner_job.search.samplers.grid import GridSampler
from tuner_job.search.samplers.optuna import OptunaSampler, PrunerRule, named_sampler
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.study import Study
from tuner_job.search.trial import FoldTask
from tuner_job.search_space import ModelSearchSpace, SearchSpace

TUNERS: dict[str, Callable[[SearchSpace, int], Sampler]] = {
    "grid": lambda space, seed: GridSampler(space, "rounds", seed),
    "random": RandomSampler,
    **{
        name: lambda space, seed, name=name: OptunaSampler(space, named_sampler(name, seed), 1)
        for name in ("tpe", "qmc", "nsgaii")
    },
}
RULES: dict[str, Callable[[int], StoppingRule]] = {
    "none": lambda n_values: NeverStop(),
    "paired": lambda n_values: PairedTest(0.1, N_FOLDS, n_values),
    "median": lambda n_values: PrunerRule("median", 0.1),
}


def some(*values: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True)


SPACES = st.fixed_dictionaries(
    {
        "depth": some(1, 2, 3, 4),
        "rate": some(0.1, 0.2, 0.4),
        "rounds": some(5, 10, 20, 30) | st.just({"low": 5, "high": 30, "step": 5}),
    }
)


@st.composite
def searches(draw: st.DrawFn) -> Callable[..., Study]:
    """How to make the study of a search, given how many trials, and what is stored of it."""
    made = ModelSearchSpace.model_validate(draw(SPACES))
    space, sampler = SearchSpace(made.parameters, []), TUNERS[draw(st.sampled_from(sorted(TUNERS)))]
    rule, seed = RULES[draw(st.sampled_from(sorted(RULES)))], draw(st.integers(0, 99))
    lag, assessed = draw(st.integers(1, 6)), draw(st.booleans())

    def study(n_trials: int, **stored: Any) -> Study:
        own = rule(2 if assessed else 1)
        return make_study(
            sampler(space, seed),
            rule=own,
            lag=lag,
            max_trials=n_trials,
            assessed=assessed,
            **stored,
        )

    return study


@settings(max_examples=60, deadline=None)
@given(searches(), st.integers(1, 20), st.integers(1, 20), st.data())
def test_the_first_trials_do_not_depend_on_how_many_follow(
    study: Callable[..., Study], few: int, more: int, data: st.DataObject
) -> None:
    short, long = study(few), study(few + more)
    run(short, data.draw(st.integers(1, 9), "slots"), seed=1)
    run(long, data.draw(st.integers(1, 9), "slots"), seed=2)
    assert table(short) == table(long)[:few]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(searches(), st.integers(1, 20), st.integers(0, 20), st.integers(0, 60))
def test_a_search_that_was_killed_goes_on_with_more_trials_to_the_same_end(
    study: Callable[..., Study], few: int, more: int, stop_after: int
) -> None:
    reference = study(few + more)
    run(reference, slots=1)
    before, _ = run(study(few), slots=4, seed=3, stop_after=stop_after)
    resumed = study(few + more, stored={record.trial: record for record in before})
    after, _ = run(resumed, slots=3, seed=4)
    assert table(resumed) == table(reference)
    new = [record.trial for record in after if record.duplicate_of is None]
    assert not set(new) & {record.trial for record in before}


def ask(*rounds: int) -> FixedSampler:
    return FixedSampler([{"depth": 3, "rate": 0.2, "rounds": size} for size in rounds])


def test_a_fit_scores_the_smaller_trials_that_are_still_to_come() -> None:
    study = make_study(ask(20, 30, 10, 5), lag=2, max_trials=None)
    fits: list[tuple[int, tuple[object, ...], tuple[int, ...]]] = []
    while task := study.next_task():
        assert isinstance(task, FoldTask)
        fits.append((task.fold, task.values, task.trials))
        study.record(task, outcomes_of(task))
    assert [fit for fit in fits if fit[0] == 0] == [(0, (5, 10, 20), (3, 2, 0)), (0, (30,), (1,))]
    assert len(fits) == 2 * N_FOLDS
    for trial in study.trials:
        assert trial.fold_scores == [(fold_score(trial.params, f),) for f in range(N_FOLDS)]


def test_a_fit_that_fails_fails_its_own_trial_alone() -> None:
    study = make_study(ask(20, 10), max_trials=None)
    task = study.next_task()
    assert task
    assert task.trials == (1, 0)
    study.record_failure(task, "no memory")
    run(study, slots=2)
    assert study.done
    assert [trial.state for trial in study.trials] == ["failed", "complete"]


@pytest.mark.parametrize("path", ["random", "tpe"])
def test_only_fits_that_contain_others_are_shared(path: str) -> None:
    study = make_study(TUNERS[path](SPACE, 1), max_trials=30, nested=False)
    _, n_fits = run(study, slots=3)
    assert n_fits == N_FOLDS * sum(trial.duplicate_of is None for trial in study.trials)


def test_random_trials_share_fits() -> None:
    _, n_fits = run(make_study(RandomSampler(SPACE, 1), max_trials=36), slots=3)
    assert 12 * N_FOLDS <= n_fits < 26 * N_FOLDS, "alone they are 36 a fold"
