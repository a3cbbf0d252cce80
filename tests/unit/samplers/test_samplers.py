import pytest

from tuner_job.records import FoldRecord, TrialRecord
from tuner_job.search.samplers.batches import batches_along
from tuner_job.search.samplers.grid import GridSampler
from tuner_job.search.samplers.optuna import OptunaSampler, named_sampler, parameter_importance
from tuner_job.search.samplers.random import RandomSampler
from tuner_job.search.trial import Trial
from tuner_job.search_space import ModelSearchSpace, SearchSpace

CONDITIONAL = SearchSpace(
    ModelSearchSpace.model_validate(
        {
            "C": {"low": 0.01, "high": 10.0, "log": True},
            "penalty": ["l1", "l2", "elasticnet"],
            "ratio": {"choices": [0.1, 0.5, 0.9], "when": {"penalty": "elasticnet"}},
            "solver": ["saga", "liblinear", "other"],
        }
    ).parameters,
    [{"penalty": "elasticnet", "solver": "liblinear"}],
)
SMALL = SearchSpace(
    ModelSearchSpace.model_validate({"a": [1, 2, 3], "n": [10, 20], "k": ["x", None]}).parameters,
    [],
)


def finish(sampler: OptunaSampler | RandomSampler, n: int) -> list[Trial]:
    """Ask and tell n times; C near 1 scores best."""
    trials = []
    for number in range(n):
        proposed = sampler.ask()
        assert proposed
        trial = Trial(number, number, proposed[0], "complete")
        trial.scores = (1 - abs(float(proposed[0]["C"] or 0) - 1) / 10,)
        trial.fold_scores = [trial.scores] * 2
        sampler.tell([trial])
        trials.append(trial)
    return trials


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc", "nsgaii"])
def test_samplers_respect_conditions_and_are_repeatable(sampler: str) -> None:
    runs = []
    for _ in range(2):
        trials = finish(OptunaSampler(CONDITIONAL, named_sampler(sampler, 3), 1), 25)
        runs.append([trial.params for trial in trials])
        for trial in trials:
            assert ("ratio" in trial.params) == (trial.params["penalty"] == "elasticnet")
            assert (trial.params["penalty"], trial.params["solver"]) != ("elasticnet", "liblinear")
            assert 0.01 <= float(trial.params["C"] or 0) <= 10
    assert runs[0] == runs[1]


def test_tpe_learns() -> None:
    trials = finish(OptunaSampler(CONDITIONAL, named_sampler("tpe", 1), 1), 60)
    early, late = (
        sum(abs(float(t.params["C"] or 0) - 1) for t in part) / len(part)
        for part in (trials[:10], trials[-15:])
    )
    assert late < early / 2


def test_tpe_models_the_best_and_the_latest_of_many_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    space = SearchSpace(
        ModelSearchSpace.model_validate({"C": {"low": 0.01, "high": 10.0}}).parameters, []
    )
    monkeypatch.setattr("tuner_job.search.samplers.optuna.sampler.MODELLED_TRIALS", 20)
    samplers = [OptunaSampler(space, named_sampler("tpe", 1), 1) for _ in range(2)]
    trials, again = (finish(sampler, 40) for sampler in samplers)
    assert [trial.params for trial in trials] == [trial.params for trial in again]
    best = sorted(trials, key=lambda trial: (-trial.scores[0], trial.number))[:10]
    shown = {trial.number for trial in best} | set(range(30, 40))
    assert [trial.number for trial in samplers[0]._study.trials] == sorted(shown)
    monkeypatch.setattr("tuner_job.search.samplers.optuna.sampler.MODELLED_TRIALS", 40)
    unbounded = finish(OptunaSampler(space, named_sampler("tpe", 1), 1), 40)
    assert [t.params for t in unbounded[:21]] == [t.params for t in trials[:21]]
    assert [t.params for t in unbounded] != [t.params for t in trials]


def test_a_grid_goes_through_everything_once_in_groups_that_share_a_fit() -> None:
    sampler = GridSampler(SMALL, "n", seed=1)
    batches = []
    while batch := sampler.ask():
        batches.append(batch)
    assert len(batches) == 6
    assert all([c["n"] for c in batch] == [10, 20] for batch in batches)
    assert len({repr(sorted(c.items())) for batch in batches for c in batch}) == 12


def test_random_draws_each_configuration_once_until_the_space_is_used_up() -> None:
    sampler = RandomSampler(SMALL, seed=1)
    drawn = []
    while batch := sampler.ask():
        drawn += batch
    assert len(drawn) == 12 == len({repr(sorted(c.items())) for c in drawn})


def test_configurations_without_the_path_parameter_stay_alone() -> None:
    assert batches_along("n", [{"a": 1}, {"a": 1, "n": 2}, {"a": 1, "n": 3}]) == [
        [{"a": 1}],
        [{"a": 1, "n": 2}, {"a": 1, "n": 3}],
    ]


def test_importance_finds_what_matters() -> None:
    records = []
    for number, configuration in enumerate(SMALL.configurations()):
        score = {1: 0.2, 2: 0.5, 3: 0.9}[int(configuration["a"] or 0)] + 0.001 * number
        fold = FoldRecord(fold=0, n_validation=1, validation={"m": score}, train={}, fit_seconds=0)
        records.append(
            TrialRecord(
                trial=number,
                batch=number,
                params=configuration,
                state="complete",
                folds=[fold],
                scores={"m": score},
            )
        )
    importance = parameter_importance(records, SMALL, "m", seed=0)
    assert next(iter(importance)) == "a"
    assert importance["a"] > 0.8
    assert sum(importance.values()) == pytest.approx(1)
    assert parameter_importance(records[:3], SMALL, "m", seed=0) == {}
