"""Time for the same set of configurations, with equal scores; memory; two cores against one."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import contest
from benchmarks.peers.contest import INCLUDES, OURS, STOPPING, Outcome
from benchmarks.peers.ours import Setting
from benchmarks.peers.problem import key_of
from benchmarks.tables import markdown

SEARCHES = (OURS, STOPPING, "GridSearchCV", "Optuna", "Ray Tune")
SHORT = {"n_samples": 1500, "n_causes": 14, "n_symptoms": 80, "n_sites": 2}
LONG = {"n_samples": 4000, "n_causes": 30, "n_symptoms": 120, "n_sites": 4}
TINY = {"n_samples": 200, "n_causes": 3, "n_symptoms": 10, "n_sites": 2}
LEVEL = 0.03  # a ratio nearer to 1 is no difference


@dataclass(frozen=True)
class Case:
    """A grid on some data."""

    name: str
    model: str
    size: dict[str, int]
    grid: dict[str, list[Any]]


CASES = (
    Case(
        "XGBoost, fits under a second, 6 numbers of rounds",
        "xgboost",
        SHORT,
        {
            "n_estimators": [10, 20, 30, 40, 60, 80],
            "max_depth": [3, 5, 7, 9],
            "learning_rate": [0.05, 0.1, 0.2, 0.3],
            "colsample_bytree": [0.5, 1.0],
        },
    ),
    Case(
        "XGBoost, fits under a second, no fit shared",
        "xgboost",
        SHORT,
        {
            "n_estimators": [20],
            "max_depth": [3, 5, 7, 9],
            "learning_rate": [0.05, 0.1, 0.2, 0.3],
            "reg_lambda": [1.0, 3.0, 10.0],
            "colsample_bytree": [0.5, 1.0],
        },
    ),
    Case(
        "random forest, fits under a second, 4 numbers of trees",
        "random_forest",
        SHORT,
        {
            "n_estimators": [25, 50, 75, 100],
            "max_depth": [5, 10, 20],
            "max_features": ["sqrt", 0.3],
            "min_samples_leaf": [1, 2, 5, 20],
        },
    ),
    Case(
        "XGBoost, fits of seconds, 2 numbers of rounds",
        "xgboost",
        LONG,
        {"n_estimators": [50, 100], "max_depth": [4, 6, 8], "learning_rate": [0.05, 0.1, 0.2, 0.3]},
    ),
)
FOR_CORES = CASES[3]
"""Fits so long that starting up is not what is measured."""
QUICK = (Case("XGBoost, tiny", "xgboost", TINY, {"n_estimators": [2, 4], "max_depth": [2, 3]}),)


def run_case(
    case: Case, seeds: Sequence[int], cores: int, folder: Path, python: str
) -> dict[str, list[Outcome]]:
    """Run all searches of a case, seed after seed."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in SEARCHES}
    for seed in seeds:
        setting = Setting(
            data={"format": "synthetic", "synthetic": case.size},
            model=case.model,
            space=case.grid,
            metric="csmf_accuracy",
            seed=seed,
            cores=cores,
        )
        place = folder / f"{case.name}, {cores} cores, seed {seed}"
        for name, outcome in contest.run_all(
            dict.fromkeys(SEARCHES, setting), place, python
        ).items():
            outcomes[name].append(outcome)
    return outcomes


def time_table(cases: Sequence[Case], seeds: Sequence[int], folder: Path, python: str) -> str:
    """Table A: every search of every case."""
    head = [
        "grid", "search", "wall, s", "/ va-tuning", "a fit, s", "beside fits, core s a configuration",
        "cores busy with fits", "largest score difference", "peak MiB", "verdict", "wall includes",
    ]  # fmt: skip
    rows = []
    for case in cases:
        outcomes = run_case(case, seeds if case.size != LONG else seeds[:1], 2, folder, python)
        rows += [_time_row(case, name, outcomes) for name in SEARCHES]
        rows += [
            [case.name, name, "–", "–", "–", "–", "–", "–", "–", "cannot search a given set", "–"]
            for name in ("HalvingRandomSearchCV", "FLAML")
        ]
    return markdown(head, rows)


def _time_row(case: Case, name: str, outcomes: dict[str, list[Outcome]]) -> list[str]:
    own, wall = outcomes[name], wall_of(outcomes[name])
    ratio = statistics.median(
        one.measured.seconds / our.measured.seconds
        for one, our in zip(own, outcomes[OURS], strict=True)
    )
    beside, busy, a_fit = cost_of(own[0], 2)
    return [
        case.name,
        name,
        f"{wall:.1f}",
        f"{ratio:.2f}",
        f"{a_fit:.2f}" if name not in (OURS, STOPPING) else "–",
        f"{beside:.2f}",
        f"{busy:.0%}",
        f"{max(_difference(one, reference) for one, reference in zip(own, outcomes['GridSearchCV'], strict=True)):.1e}",
        f"{max(one.measured.peak_mib for one in own):.0f}",
        "" if name in (OURS, STOPPING) else verdict(ratio),
        INCLUDES[name],
    ]


def wall_of(outcomes: Sequence[Outcome]) -> float:
    """Median wall time."""
    return statistics.median(one.measured.seconds for one in outcomes)


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


def verdict(ratio: float) -> str:
    """Say in words whether a peer is beaten, from its time over ours."""
    if ratio > 1 + LEVEL:
        return f"va-tuning {ratio:.1f} × as fast"
    return (
        "**not beaten: level**"
        if ratio >= 1 - LEVEL
        else f"**not beaten: {1 / ratio:.2f} × as fast as va-tuning**"
    )


def cores_table(case: Case, seeds: Sequence[int], folder: Path, python: str) -> str:
    """Time on one core and on two."""
    one, two = (run_case(case, seeds, cores, folder, python) for cores in (1, 2))
    ours = wall_of(one[OURS]) / wall_of(two[OURS]) / 2
    rows = []
    for name in SEARCHES:
        efficiency = wall_of(one[name]) / wall_of(two[name]) / 2
        said = "" if name in (OURS, STOPPING) else _efficiency_verdict(ours - efficiency)
        rows.append(
            [
                name,
                f"{wall_of(one[name]):.1f}",
                f"{wall_of(two[name]):.1f}",
                f"{efficiency:.0%}",
                said,
            ]
        )
    return markdown([case.name, "1 core, s", "2 cores, s", "efficiency", "verdict"], rows)


def _efficiency_verdict(lead: float) -> str:
    if lead > LEVEL:
        return "va-tuning higher"
    return "**not beaten: level**" if lead >= -LEVEL else "**not beaten**"
