"""Time for the same set of configurations and the best one's fit on all rows, with equal scores;
memory."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.peers import contest
from benchmarks.peers.contest import INCLUDES, OURS, STOPPING, Outcome
from benchmarks.peers.ours import Setting
from benchmarks.peers.problem import key_of
from benchmarks.tables import markdown

CORES = 2
SEARCHES = (OURS, STOPPING, "GridSearchCV", "Optuna", "Ray Tune")
FEW = (STOPPING, "Ray Tune")
"""Searches that are no peers or so far away that two seeds tell all."""
SHORT: dict[str, Any] = {"n_samples": 1500, "n_causes": 14, "n_symptoms": 80, "n_sites": 2}
ADULT: dict[str, Any] = {"n_samples": 7500, "n_causes": 34, "n_symptoms": 160, "n_sites": 6}
TINY: dict[str, Any] = {"n_samples": 200, "n_causes": 3, "n_symptoms": 10, "n_sites": 2}


@dataclass(frozen=True)
class Case:
    """A grid on some data.

    Attributes
    ----------
    size
        Of synthetic deaths; None: the file that is named on the command line.
    default
        The library's defaults of what is searched, which are not in the grid: va-tuning scores them
        always, so peers do.
    """

    name: str
    model: str
    size: dict[str, int] | None
    grid: dict[str, list[Any]]
    default: dict[str, Any]


CASES = (
    Case(
        "XGBoost, 1,500 × 80 × 14, 6 numbers of rounds",
        "xgboost",
        SHORT,
        {
            "n_estimators": [10, 20, 30, 40, 60, 80],
            "max_depth": [3, 5],
            "learning_rate": [0.1, 0.2],
            "colsample_bytree": [0.5, 0.8],
        },
        {"n_estimators": 100, "max_depth": 6, "learning_rate": 0.3, "colsample_bytree": 1.0},
    ),
    Case(
        "random forest, 1,500 × 80 × 14, 4 numbers of trees",
        "random_forest",
        SHORT,
        {
            "n_estimators": [25, 50, 75, 100],
            "max_depth": [5, 10, 20],
            "max_features": ["sqrt", 0.3],
            "min_samples_leaf": [1, 5],
        },
        {"n_estimators": 100, "max_depth": None, "max_features": "sqrt", "min_samples_leaf": 1},
    ),
    Case(
        "XGBoost, 1,500 × 80 × 14, no fit shared",
        "xgboost",
        SHORT,
        {
            "max_depth": [3, 5],
            "learning_rate": [0.1, 0.2],
            "reg_lambda": [3.0, 10.0],
            "colsample_bytree": [0.5, 0.8],
        },
        {"max_depth": 6, "learning_rate": 0.3, "reg_lambda": 1.0, "colsample_bytree": 1.0},
    ),
    Case(
        "XGBoost, PHMRC child, no fit shared",
        "xgboost",
        None,
        {"max_depth": [3, 5], "learning_rate": [0.1, 0.2]},
        {"max_depth": 6, "learning_rate": 0.3},
    ),
    Case(
        "random forest, 7,500 × 160 × 34, no fit shared",
        "random_forest",
        ADULT,
        {"min_samples_leaf": [2, 5, 10]},
        {"min_samples_leaf": 1},
    ),
    Case(
        "XGBoost, 7,500 × 160 × 34, no fit shared",
        "xgboost",
        ADULT,
        {"max_depth": [3, 4]},
        {"max_depth": 6},
    ),
)
QUICK = (
    Case(
        "XGBoost, tiny",
        "xgboost",
        TINY,
        {"n_estimators": [2, 4], "max_depth": [2, 3]},
        {"n_estimators": 100, "max_depth": 6},
    ),
)


def run_case(
    case: Case, data: str | None, seeds: Sequence[int], folder: Path, python: str
) -> dict[str, list[Outcome]]:
    """Run all searches of a case, seed after seed: in each, one after the other."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in SEARCHES}
    for seed in seeds:
        setting = Setting(
            data=synthetic(case.size) if case.size else {"format": "phmrc", "source": data},
            model=case.model,
            space=case.grid,
            default=case.default,
            metric="csmf_accuracy",
            seed=seed,
            cores=CORES,
        )
        names = [name for name in SEARCHES if name not in FEW or seed in seeds[:2]]
        place = folder / f"{case.name}, seed {seed}"
        for name, outcome in contest.run_all(dict.fromkeys(names, setting), place, python).items():
            outcomes[name].append(outcome)
    return outcomes


def synthetic(size: dict[str, int]) -> dict[str, Any]:
    """The section `data` of an experiment on synthetic deaths."""
    return {"format": "synthetic", "synthetic": size}


def time_table(
    cases: Sequence[Case], data: str | None, seeds: Sequence[int], folder: Path, python: str
) -> str:
    """Every search of every case; those on a file only where there is one."""
    head = [
        "grid", "search", "wall, s", "/ va-tuning (95 % interval)", "verdict", "a fit, s",
        "beside fits, core s a configuration",
        "cores busy with fits", "largest score difference", "peak MiB", "wall includes",
    ]  # fmt: skip
    rows = []
    for case in cases:
        if case.size or data:
            outcomes = run_case(case, data, seeds, folder, python)
            rows += [_time_row(case, name, outcomes) for name in SEARCHES]
    return markdown(head, rows)


def _time_row(case: Case, name: str, outcomes: dict[str, list[Outcome]]) -> list[str]:
    own = outcomes[name]
    pairs = list(zip(own, outcomes[OURS], strict=False))  # some have fewer seeds
    ratio = ratio_of([one.measured.seconds / our.measured.seconds for one, our in pairs])
    beside, busy, a_fit = cost_of(own[0], CORES)
    references = outcomes["GridSearchCV"]
    differences = [_difference(*pair) for pair in zip(own, references, strict=False)]
    is_ours = name in (OURS, STOPPING)
    return [
        case.name,
        name,
        f"{statistics.median(one.measured.seconds for one in own):.1f}",
        "1" if name == OURS else str(ratio),
        "" if is_ours else ratio.verdict,
        "–" if is_ours else f"{a_fit:.2f}",
        f"{beside:.2f}",
        f"{busy:.0%}",
        f"{max(differences):.1e}",
        f"{max(one.measured.peak_mib for one in own):.0f}",
        INCLUDES[name],
    ]


@dataclass(frozen=True)
class Ratio:
    """A peer's time over ours: geometric mean over paired runs, and its 95 % interval by Student's
    t on logarithms."""

    mean: float
    low: float
    high: float
    n_pairs: int

    def __str__(self) -> str:
        if self.n_pairs < 3:
            return f"{self.mean:.2f} ({self.n_pairs} pairs)"
        return f"{self.mean:.2f} ({self.low:.2f} to {self.high:.2f})"

    @property
    def verdict(self) -> str:
        """Whether the peer is beaten, in words."""
        if self.low > 1:
            return f"va-tuning {self.mean:.1f} × as fast"
        if self.high < 1:
            return f"**not beaten: {1 / self.mean:.2f} × as fast as va-tuning**"
        return "level"


def ratio_of(ratios: Sequence[float]) -> Ratio:
    """Put together the ratios of paired runs."""
    logs = np.log(ratios)
    mean = float(logs.mean())
    if len(logs) < 2:
        return Ratio(math.exp(mean), 0.0, math.inf, len(logs))
    half = float(stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs)))
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half), len(logs))


def cost_of(outcome: Outcome, cores: int) -> tuple[float, float, float]:
    """Core seconds beside fits, a configuration; share of core seconds in fits; seconds of one
    fit."""
    fits, available = outcome.fit_seconds or 0.0, outcome.measured.seconds * cores
    n = max(1, outcome.looked_at)
    folds = sum(candidate.fit_seconds for candidate in outcome.candidates)
    return (available - fits) / n, fits / available, folds / max(1, 5 * len(outcome.candidates))


def _difference(one: Outcome, reference: Outcome) -> float:
    expected = {key_of(c.params): c.score for c in reference.candidates}
    return max(
        (abs(c.score - expected[key_of(c.params)]) for c in one.candidates), default=float("nan")
    )
