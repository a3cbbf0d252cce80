"""Which stored trials a search on Ray Tune takes: those that its sampler proposes again."""

from tests.unit.search.simulation import SPACE, make_study, run
from tuner_job.records import TrialRecord
from tuner_job.search.known import still_proposed
from tuner_job.search.samplers.fixed import FixedSampler
from tuner_job.search.samplers.random import RandomSampler

N_TRIALS = 8


def stored() -> list[TrialRecord]:
    records, _ = run(make_study(RandomSampler(SPACE, 1), max_trials=N_TRIALS), 1)
    return sorted(records, key=lambda record: record.trial)


def taken(records: list[TrialRecord]) -> tuple[list[int], list[int]]:
    """Trials that are taken, and trials that are told of as others."""
    told: list[int] = []
    found = still_proposed(
        RandomSampler(SPACE, 1),
        records,
        ["csmf_accuracy"],
        lambda record, proposed: told.append(record.trial),
    )
    return [record.trial for record in found], told


def test_what_is_proposed_again_is_taken_wherever_it_stands() -> None:
    records = stored()
    assert taken(records) == ([*range(N_TRIALS)], [])
    assert taken([records[5], records[2]]) == ([2, 5], [])
    assert taken([]) == ([], [])


def test_another_configuration_under_a_number_is_told_and_left_out() -> None:
    records = stored()
    params = {**records[3].params, "rate": 0.123}
    records[3] = records[3].model_copy(update={"params": params})
    assert taken(records) == ([0, 1, 2, 4, 5, 6, 7], [3])


def test_what_is_no_longer_proposed_is_left_out() -> None:
    records = stored()
    only = FixedSampler([records[0].params])
    assert still_proposed(only, records, ["csmf_accuracy"], lambda *_: None) == records[:1]
