"""A study that knows trials of another experiment before its first one."""

import pytest

from tests.unit.search.simulation import N_FOLDS, SPACE, make_study, run, table
from tuner_job.config.tuning import HyperparameterSearchConfig
from tuner_job.records import Source, TrialRecord
from tuner_job.search.early_stopping import PairedTest
from tuner_job.search.samplers import make_sampler
from tuner_job.search.samplers.base import Sampler
from tuner_job.search.samplers.optuna import OptunaSampler, named_sampler
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.trial import Trial

OBJECTIVES = ["csmf_accuracy"]


def elsewhere(n: int = 8) -> list[TrialRecord]:
    """Trials of another search, with their marks."""
    records, _ = run(make_study(RandomSampler(SPACE, 5), max_trials=n, rule=paired()), 1)
    return [
        record.model_copy(
            update={
                "batch": -1 - record.batch,
                "source": Source(address="other", commit=1, trial=record.trial),
            }
        )
        for record in sorted(records, key=lambda record: record.trial)
    ]


def paired() -> PairedTest:
    return PairedTest(0.01, N_FOLDS)


def known() -> list[Trial]:
    return [Trial.of(record, OBJECTIVES) for record in elsewhere()]


def sampler(method: str) -> Sampler:
    config = HyperparameterSearchConfig(search_method=method)
    return make_sampler(config, SPACE, "rounds", 3)


@pytest.mark.parametrize("assessed", [False, True])
@pytest.mark.parametrize("method", ["grid", "random", "bayesian"])
def test_an_equal_configuration_has_the_known_result_without_a_fit(
    method: str, assessed: bool
) -> None:
    there = {tuple(sorted(one.params.items())): one for one in known()}
    study = make_study(sampler(method), max_trials=None if method == "grid" else 36,
                       known=known(), assessed=assessed)  # fmt: skip
    records, _ = run(study, 4)
    repeats = [r for r in records if r.duplicate_of is not None and r.duplicate_of < len(there)]
    assert repeats
    for record in repeats:
        original = there[tuple(sorted(record.params.items()))]
        assert (record.duplicate_of, record.state) == (original.number, original.state)
        assert record.folds == []
    assert min(record.trial for record in records) == len(there)
    if method == "grid":
        assert len(repeats) == len(there)


@pytest.mark.parametrize("method", ["grid", "random", "bayesian"])
def test_what_is_searched_depends_on_no_worker(method: str) -> None:
    tables = []
    for n_workers in (1, 5):
        study = make_study(sampler(method), known=known(), rule=paired(), lag=3)
        run(study, n_workers)
        tables.append(table(study))
    assert tables[0] == tables[1]


def test_a_sampler_that_learns_proposes_otherwise_for_what_is_known() -> None:
    found = []
    for trials in ([], known()):
        study = make_study(sampler("bayesian"), known=trials, max_trials=20)
        records, _ = run(study, 1)
        found.append([record.params for record in sorted(records, key=lambda r: r.trial)])
    assert found[0] != found[1]


def test_a_poor_trial_is_stopped_by_what_is_known_before_any_of_its_own_has_ended() -> None:
    counts = []
    for trials in ([], known()):
        study = make_study(
            RandomSampler(SPACE, 1), known=trials, rule=paired(), lag=4, max_trials=4
        )
        run(study, 1)
        counts.append(study.counts["pruned"])
    assert counts[0] == 0
    assert counts[1] > 0


def test_the_best_may_be_a_known_one() -> None:
    study = make_study(RandomSampler(SPACE, 1), known=known(), max_trials=1)
    best = max(trial.scores[0] for trial in known() if trial.scores)
    assert study.best is not None
    assert study.best.scores[0] == best


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "nsgaii"])
def test_every_sampler_of_optuna_goes_on_from_what_is_known(name: str) -> None:
    records, _ = run(
        make_study(OptunaSampler(SPACE, named_sampler(name, 3), 1), known=known(), max_trials=40), 3
    )
    assert len(records) == 40
    assert any(one.duplicate_of is not None and one.duplicate_of < 8 for one in records)


def test_a_stored_trial_without_judged_folds_teaches_the_rule_nothing() -> None:
    rule = paired()
    rule.tell([without_folds(trial) for trial in known()])
    assert rule.judge() is None


def without_folds(trial: Trial) -> Trial:
    trial.fold_scores = []  # as of an early version
    return trial
