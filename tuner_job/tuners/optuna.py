"""Optuna's samplers and pruners: the only place that imports it."""

import copy
import heapq
import warnings
from collections import deque
from collections.abc import Container, Mapping, Sequence
from typing import Any, cast

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner_job.errors import ConfigError
from tuner_job.results.records import TrialRecord
from tuner_job.search.early_stopping import Judge
from tuner_job.search.trial import FoldScores, Trial
from tuner_job.search_space import Choices, Configuration, DeadEndError, Range, Scalar, SearchSpace

optuna.logging.set_verbosity(optuna.logging.WARNING)

MODELLED_TRIALS = 3000
"""Finished trials that TPE makes its model of, at most: what a suggestion costs grows with them."""

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class OptunaTuner:
    """Any Optuna sampler under ask and tell; TPE with one objective recalls `MODELLED_TRIALS` at most."""

    def __init__(self, space: SearchSpace, sampler: BaseSampler, n_objectives: int):
        self._space = space
        bounded = n_objectives == 1 and isinstance(sampler, TPESampler)
        storage = _Recall(MODELLED_TRIALS) if bounded else InMemoryStorage()
        self._study = optuna.create_study(directions=["maximize"] * n_objectives, sampler=sampler, storage=storage)
        self._asked: dict[int, optuna.trial.Trial] = {}  # and not told, by number
        self._n_asked = 0

    @property
    def trials(self) -> list[FrozenTrial]:
        """What the sampler knows, trials that were not asked for included."""
        return self._study.get_trials(deepcopy=False)

    def ask(self) -> list[Configuration]:
        """Propose one configuration; there is always another."""
        while True:
            trial = self._study.ask()
            try:
                configuration = self._space.walk(lambda name, p, t=trial: _suggest(t, name, p))  # type: ignore[misc]
            except DeadEndError:  # `forbid` leaves no value for what was chosen so far
                self._study.tell(trial, state=TrialState.FAIL)
                continue
            self._asked[self._n_asked] = trial  # the study makes a batch of each
            self._n_asked += 1
            return [configuration]

    def remember(self, records: Sequence[TrialRecord], objective: str) -> None:
        """Learn trials that were not asked here: those of an earlier run."""
        self._study.add_trials([_as_asked(record, self._space, objective) for record in records])

    def tell(self, trials: Sequence[Trial]) -> None:
        """Hand the result to Optuna, fold scores included where there is one objective."""
        for trial in trials:
            if trial.free:
                self._study.add_trial(self._not_asked(trial))
                continue
            asked = self._asked.pop(trial.batch)
            if len(self._study.directions) == 1:
                for fold, mean in enumerate(_running_means(trial.fold_scores)):
                    asked.report(mean, fold)
            complete = trial.state == "complete"
            self._study.tell(asked, trial.scores if complete else None, state=_STATES[trial.state or "failed"])

    def _not_asked(self, trial: Trial) -> FrozenTrial:
        """Put a trial that Optuna did not ask for in the form in which it would have asked for it."""
        values: dict[str, Any] = {}
        distributions: dict[str, BaseDistribution] = {}

        def take(name: str, parameter: Choices | Range) -> Scalar:
            key = _key(name, parameter)
            distributions[key], values[key] = _distribution(parameter), _position(parameter, trial.params[name])
            return trial.params[name]

        self._space.walk(take)
        single = len(self._study.directions) == 1
        return create_trial(
            state=_STATES[trial.state or "failed"],
            values=trial.scores if trial.state == "complete" else None,
            params=values,
            distributions=distributions,
            intermediate_values=dict(enumerate(_running_means(trial.fold_scores))) if single else None,
        )


class _Recall(InMemoryStorage):
    """Shows a sampler the running trials and, of the finished ones, half best and half latest, once they are many.

    Parameters
    ----------
    limit
        As long as no more have finished, all of them are shown.
    """

    def __init__(self, limit: int):
        super().__init__()
        self._limit, self._n_finished = limit, 0
        self._running: set[int] = set()
        self._latest: deque[int] = deque(maxlen=limit // 2)
        self._best: list[tuple[float, int]] = []  # heap of (value, -id): of equals the earliest stay

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Count it among the running ones."""
        trial_id = super().create_new_trial(study_id, template_trial)
        self._running.add(trial_id)
        self._count_if_finished(self.get_trial(trial_id))
        return trial_id

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Count it among the finished ones."""
        changed = super().set_trial_state_values(trial_id, state, values)
        self._count_if_finished(self.get_trial(trial_id))
        return changed

    def _count_if_finished(self, trial: FrozenTrial) -> None:
        if not trial.state.is_finished():
            return
        self._n_finished += 1
        self._running.discard(trial._trial_id)
        self._latest.append(trial._trial_id)
        if trial.state == TrialState.COMPLETE:
            heapq.heappush(self._best, (trial.values[0], -trial._trial_id))
            if len(self._best) > self._limit // 2:
                heapq.heappop(self._best)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Trials that the sampler knows of, in their order."""
        if self._n_finished <= self._limit or states == (TrialState.WAITING,):
            return super().get_all_trials(study_id, deepcopy, states)
        shown = sorted(self._running | set(self._latest) | {-negated for _, negated in self._best})
        trials = [trial for trial in map(self.get_trial, shown) if states is None or trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials


def make_sampler(name: str, seed: int) -> BaseSampler:
    """Return Optuna's sampler of this name, seeded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match name:
            case "tpe":
                return TPESampler(multivariate=True, group=True, constant_liar=True, seed=seed)
            case "random":
                return optuna.samplers.RandomSampler(seed=seed)
            case "qmc":
                return optuna.samplers.QMCSampler(seed=seed, warn_asynchronous_seeding=False)
            case "nsgaii":
                return optuna.samplers.NSGAIISampler(seed=seed)
            case "gp":
                _require_torch()
                return optuna.samplers.GPSampler(seed=seed)
    raise ValueError(f"unknown sampler {name}")


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError:
        raise ConfigError(
            "tuning.sampler: gp needs PyTorch, which is not installed: pip install va-tuning[gp]"
        ) from None


def _suggest(trial: optuna.trial.Trial, name: str, parameter: Choices | Range) -> Scalar:
    if isinstance(parameter, Range):
        low, high, step, log = parameter.low, parameter.high, parameter.step, parameter.log
        if parameter.integer:
            return trial.suggest_int(name, int(low), int(high), step=int(step or 1), log=log)
        return trial.suggest_float(name, low, high, step=step, log=log)
    key = _key(name, parameter)
    if _ordered(parameter.choices):
        return _sorted(parameter.choices)[trial.suggest_int(key, 0, len(parameter.choices) - 1)]
    return trial.suggest_categorical(key, parameter.choices)


def _key(name: str, parameter: Choices | Range) -> str:
    """Optuna's name: `forbid` may have taken choices away, and to Optuna that is another parameter."""
    return name if isinstance(parameter, Range) else f"{name} among {parameter.choices}"


def _distribution(parameter: Choices | Range) -> BaseDistribution:
    """Ordered choices become their positions, so that a model of the space knows what is near what."""
    if isinstance(parameter, Range):
        if parameter.integer:
            return IntDistribution(int(parameter.low), int(parameter.high), parameter.log, int(parameter.step or 1))
        return FloatDistribution(parameter.low, parameter.high, parameter.log, parameter.step)
    if _ordered(parameter.choices):
        return IntDistribution(0, len(parameter.choices) - 1)
    return CategoricalDistribution(parameter.choices)


def _ordered(choices: Sequence[Scalar]) -> bool:
    return len(choices) > 1 and all(isinstance(c, int | float) and not isinstance(c, bool) for c in choices)


def _sorted(choices: Sequence[Scalar]) -> list[Scalar]:
    return sorted(choices, key=float)  # type: ignore[arg-type]


def _running_means(fold_scores: FoldScores) -> list[float]:
    means, total = [], 0.0
    for n, (score, *_) in enumerate(fold_scores, start=1):
        total += score
        means.append(total / n)
    return means


class PrunerRule:
    """One of Optuna's pruners as a stopping rule: it sees the trials told so far and nothing else."""

    def __init__(self, name: str, level: float):
        self._wilcoxon = name == "wilcoxon"
        self.pruner: optuna.pruners.BasePruner
        if self._wilcoxon:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self.pruner = optuna.pruners.WilcoxonPruner(p_threshold=level)
        else:
            self.pruner = optuna.pruners.MedianPruner(n_startup_trials=5)
        self.told: list[FrozenTrial] = []

    def tell(self, trials: Sequence[Trial]) -> None:
        """Keep complete trials: both pruners compare with those only."""
        for trial in trials:
            if trial.state == "complete":
                self.told.append(self.frozen(trial.fold_scores, TrialState.COMPLETE, trial.scores[0]))

    def judge(self) -> Judge | None:
        """Return a judge over the trials told so far."""
        return _PrunerJudge(self, len(self.told)) if self.told else None

    def frozen(self, fold_scores: FoldScores, state: TrialState, value: float | None = None) -> FrozenTrial:
        """Put a trial in Optuna's form."""
        # Wilcoxon pairs the folds themselves; the median rule compares means so far
        steps = [score for score, *_ in fold_scores] if self._wilcoxon else _running_means(fold_scores)
        return create_trial(state=state, value=value, intermediate_values=dict(enumerate(steps)))


class _PrunerJudge:
    """A pruner with the first `n_told` trials: to the pruner it looks like a study of those."""

    direction = optuna.study.StudyDirection.MAXIMIZE

    def __init__(self, rule: PrunerRule, n_told: int):
        self._rule, self._n_told = rule, n_told

    def condemns(self, fold_scores: FoldScores) -> bool:
        """Ask the pruner."""
        trial = self._rule.frozen(fold_scores, TrialState.RUNNING)
        return self._rule.pruner.prune(cast(optuna.Study, self), trial)

    def get_trials(self, deepcopy: bool = True, states: Sequence[TrialState] | None = None) -> list[FrozenTrial]:
        """Trials known to this judge, all of them complete."""
        return self._rule.told[: self._n_told]

    @property
    def best_trial(self) -> FrozenTrial:
        """The best of them, the earliest of equals."""
        return max(self.get_trials(), key=lambda trial: trial.value or 0.0)


def parameter_importance(
    records: Sequence[TrialRecord], space: SearchSpace, objective: str, seed: int
) -> dict[str, float]:
    """Share of the objective's variation between complete trials that each parameter explains.

    Only parameters that every configuration has are weighed. Optuna's fANOVA (Hutter et al. 2014).

    Returns
    -------
    Parameter → share, largest first, summing to 1; empty if fewer than 4 trials are complete or all
    scored alike.
    """
    complete = [r for r in records if r.state == "complete" and r.duplicate_of is None]
    scores = {record.scores[objective] for record in complete}
    if len(complete) < 4 or len(scores) < 2:
        return {}
    study = optuna.create_study(direction="maximize")
    study.add_trials([_as_trial(record.params, record.scores[objective], space) for record in complete])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))


def _as_asked(record: TrialRecord, space: SearchSpace, objective: str) -> FrozenTrial:
    """Put a stored trial in the form that `OptunaTuner.ask` would have given it."""
    params: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}

    def choose(name: str, parameter: Choices | Range) -> Scalar:
        value: Scalar = record.params[name]
        key = _key(name, parameter)
        params[key], distributions[key] = _position(parameter, value), _distribution(parameter)
        return value

    space.walk(choose)
    means = _running_means([tuple(fold.judged) for fold in record.folds])
    return create_trial(
        state=_STATES[record.state],
        value=record.scores[objective] if record.state == "complete" and record.scores else None,
        params=params,
        distributions=distributions,
        intermediate_values=dict(enumerate(means)),
    )


def _as_trial(params: Mapping[str, Any], value: float, space: SearchSpace) -> FrozenTrial:
    distributions = {name: _distribution(p) for name, p in space.parameters.items() if name in params}
    internal = {name: _position(space.parameters[name], params[name]) for name in distributions}
    return create_trial(value=value, params=internal, distributions=distributions)


def _position(parameter: Choices | Range, value: Any) -> Any:
    if isinstance(parameter, Choices) and _ordered(parameter.choices):
        return _sorted(parameter.choices).index(value)
    return value
