"""The score on deaths that no search has seen, after so many minutes."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from benchmarks.peers import contest
from benchmarks.peers.contest import OURS, Outcome
from benchmarks.peers.ours import HOLDOUT, Setting, make_problem
from benchmarks.peers.problem import Problem, best_at, key_of
from benchmarks.tables import markdown
from tuner_job.data import DataConfig, VaDataset, load_dataset
from tuner_job.results.store import read_bytes
from tuner_job.types import Causes

SEARCHES = (OURS, "Optuna", "Ray Tune", "FLAML", "HalvingRandomSearchCV", "GridSearchCV")


@dataclass(frozen=True)
class Deaths:
    """Synthetic deaths: so many are searched on, and so many others held out."""

    searched: int
    held_out: int
    n_causes: int
    n_symptoms: int
    n_sites: int

    def generate(self, seed: int) -> VaDataset:
        """Generate them; another seed has other causes too."""
        size = {"n_causes": self.n_causes, "n_symptoms": self.n_symptoms, "n_sites": self.n_sites}
        size |= {"n_samples": self.searched + self.held_out, "seed": seed}
        config = {"format": "synthetic", "synthetic": size}
        return load_dataset(DataConfig.model_validate(config), read_bytes)


SYNTHETIC = Deaths(2000, 20_000, 20, 100, 4)
QUICK = Deaths(150, 500, 3, 10, 2)
SPACE: dict[str, Any] = {
    "n_estimators": {"low": 45, "high": 300},
    "max_depth": {"low": 2, "high": 10},
    "learning_rate": {"low": 0.02, "high": 0.3, "log": True},
    "subsample": {"low": 0.5, "high": 1.0},
    "colsample_bytree": {"low": 0.3, "high": 1.0},
    "reg_lambda": {"low": 0.1, "high": 10.0, "log": True},
}
GRID: dict[str, Any] = {
    "n_estimators": [100, 300],
    "max_depth": [3, 6, 9],
    "learning_rate": [0.03, 0.1, 0.3],
    "subsample": [0.7, 1.0],
    "colsample_bytree": [0.5, 1.0],
    "reg_lambda": [1.0, 5.0],
}
"""For GridSearchCV, which needs one: 144 configurations."""
TIE = 1e-4
"""A mean over folds differs by less where as many deaths are right, as folds are not all of one
size."""


class HeldOut:
    """Scores configurations, refitted on all rows of the search, on the rows that no search has
    seen."""

    def __init__(self, problem: Problem, X: NDArray[np.float32], y: Causes):
        self._problem, self._X, self._y = problem, X, y
        self._known: dict[str, float] = {}

    def score(self, params: dict[str, Any]) -> float:
        """Score one; each is fitted once."""
        key = key_of(params)
        if key not in self._known:
            model = self._problem.classifier(params).fit(self._problem.X, self._problem.y)
            self._known[key] = self._problem.judge.score(self._y, model.predict(self._X))
        return self._known[key]

    @cached_property
    def untuned(self) -> float:
        """Score of the classifier's own defaults."""
        return self.score({})


@dataclass(frozen=True)
class Run:
    """One search with one seed."""

    outcome: Outcome
    held_out: list[float | None]
    """After each budget; None where no configuration had all its folds by then."""
    inner: float | None
    """Cross-validated score after the last budget."""
    budget: float
    """The last one, in seconds."""

    def seconds_to(self, score: float | None) -> float:
        """Seconds until the cross-validated score was reached; infinite if never."""
        reached = [
            candidate.at - self.outcome.measured.began
            for candidate in self.outcome.candidates
            if score is None or candidate.score >= score
        ]
        return min((one for one in reached if one <= self.budget), default=math.inf)


def _of_a_file(setting: Setting, folder: Path) -> tuple[Setting, HeldOut]:
    """Hold out a third of the deaths."""
    setting = replace(setting, holdout=HOLDOUT)
    problem, prepared = make_problem(setting, folder)
    rows = np.flatnonzero(prepared.held_out)
    return setting, HeldOut(problem, prepared.dataset.X[rows], prepared.dataset.y[rows])


def _generated(setting: Setting, deaths: Deaths, folder: Path) -> tuple[Setting, HeldOut]:
    """Write some deaths to a file that is searched on, and hold out the others."""
    every = deaths.generate(setting.seed)
    n, file = deaths.searched, folder / "deaths.csv"
    table = pd.DataFrame(every.X[:n], columns=[one.name for one in every.features])
    table["site"] = np.array(every.sites)[every.site[:n]]
    table["cause"] = np.array(every.causes)[every.y[:n]]
    table.to_csv(file, index=False)
    data = {"source": str(file), "format": "table", "label": "cause", "site": "site"}
    setting = replace(setting, data=data)
    problem, prepared = make_problem(setting, folder)
    if prepared.dataset.causes != every.causes:
        raise ValueError(f"seed {setting.seed}: a cause is not among the deaths of the search")
    np.testing.assert_array_equal(prepared.dataset.X, every.X[:n], "the file says what was drawn")
    return setting, HeldOut(problem, every.X[n:], every.y[n:])


def run_seed(
    searches: Sequence[str],
    setting: Setting,
    deaths: Deaths | None,
    minutes: Sequence[float],
    folder: Path,
    python: str,
) -> tuple[dict[str, Run], float]:
    """Run searches with one seed, on the deaths of a file or on generated ones; return them, and
    the untuned score."""
    beside = folder / "held out"
    beside.mkdir(parents=True, exist_ok=True)
    setting, held_out = (
        _generated(setting, deaths, beside) if deaths else _of_a_file(setting, beside)
    )
    settings = {
        name: replace(setting, space=GRID) if name == "GridSearchCV" else setting
        for name in searches
    }
    runs = {}
    for name, outcome in contest.run_all(settings, folder, python).items():
        best = [best_at(outcome.candidates, outcome.measured.began + 60 * m) for m in minutes]
        scores = [held_out.score(candidate.params) if candidate else None for candidate in best]
        inner = best[-1].score if best[-1] else None
        runs[name] = Run(outcome, scores, inner, 60 * minutes[-1])
    return runs, held_out.untuned


def nested_table(
    searches: Sequence[str],
    data: str | Deaths,
    metric: str,
    seeds: Sequence[int],
    minutes: Sequence[float],
    folder: Path,
    python: str,
) -> str:
    """Table B: medians over seeds of these searches, va-tuning among them.

    Parameters
    ----------
    data
        Path of a raw PHMRC file, or what to generate.
    """
    by_seed, untuned = [], []
    generated = data if isinstance(data, Deaths) else None
    name = "synthetic" if generated else Path(str(data)).stem
    section = {"source": data, "format": "phmrc", "label": "va34"}
    for seed in seeds:
        setting = Setting(section, "xgboost", SPACE, metric, seed, 1, seconds=60 * minutes[-1])
        place = folder / f"nested, {name}, {metric}, {minutes[-1]:g} min, seed {seed}"
        runs, default = run_seed(searches, setting, generated, minutes, place, python)
        by_seed.append(runs)
        untuned.append(default)
    budgets = [f"held out, {m:g} min" for m in minutes]
    head = [
        "search", *budgets, "cross-validated at the end", "configurations", "it reached that after",
        "va-tuning after",
        "beside fits, s a configuration", "core busy with fits", "peak MiB",
        "va-tuning − it, cross-validated", "va-tuning − it, held out",
    ]  # fmt: skip
    rows = [
        _row(name, [runs[name] for runs in by_seed], [runs[OURS] for runs in by_seed])
        for name in searches
    ]
    blank = ["–"] * (len(head) - 1 - len(minutes))
    rows.append(
        ["*untuned default*", *[f"{statistics.median(untuned):.3f}"] * len(minutes), *blank]
    )
    return markdown(head, rows)


def _row(name: str, runs: Sequence[Run], ours: Sequence[Run]) -> list[str]:
    reached = [our.seconds_to(run.inner) for run, our in zip(runs, ours, strict=True)]
    verdicts = (
        _compared([run.inner for run in runs], [our.inner for our in ours]),
        _compared([run.held_out[-1] for run in runs], [our.held_out[-1] for our in ours]),
    )
    n = [run.outcome.looked_at for run in runs]
    inner = [run.inner for run in runs if run.inner is not None]
    return [
        name,
        *(_median([run.held_out[i] for run in runs]) for i in range(len(runs[0].held_out))),
        _median(inner),
        f"{statistics.median(n):.0f}",
        _reached([run.seconds_to(run.inner) for run in runs]),
        "–" if name == OURS else _reached(reached),
        *_cost(runs),
        f"{max(run.outcome.measured.peak_mib for run in runs):.0f}",
        *(("–", "–") if name == OURS else verdicts),
    ]


def _median(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "none yet"
    missing = f" ({len(known)} of {len(values)})" if len(known) < len(values) else ""
    return f"{statistics.median(known):.3f}{missing}"


def _reached(seconds: Sequence[float]) -> str:
    never = sum(math.isinf(one) for one in seconds)
    middle = statistics.median(seconds)
    shown = "**not reached**" if math.isinf(middle) else f"{middle:.0f} s"
    return f"{shown} (**never in {never} of {len(seconds)}**)" if never else shown


def _cost(runs: Sequence[Run]) -> tuple[str, str]:
    outcomes = [run.outcome for run in runs if run.outcome.fit_seconds]
    if not outcomes:
        return "–", "–"
    available = [outcome.measured.seconds for outcome in outcomes]
    fits = [outcome.fit_seconds or 0.0 for outcome in outcomes]
    beside = statistics.median(
        (a - f) / max(1, o.looked_at) for a, f, o in zip(available, fits, outcomes, strict=True)
    )
    return (
        f"{beside:.2f}",
        f"{statistics.median(f / a for f, a in zip(fits, available, strict=True)):.0%}",
    )


def _compared(theirs: Sequence[float | None], ours: Sequence[float | None]) -> str:
    pairs = [(x, y) for x, y in zip(theirs, ours, strict=True) if x is not None and y is not None]
    said = verdict([our - their for their, our in pairs]) if pairs else "**undecided**"
    n = len(theirs) - len(pairs)
    return f"{said}; {n} without a configuration of both" if n else said


def verdict(gains: Sequence[float]) -> str:
    """Say whether va-tuning scored higher, by paired differences over seeds: their mean and its
    95 % interval by Student's t."""
    n, mean = len(gains), statistics.fmean(gains)
    better, worse = sum(gain > TIE for gain in gains), sum(gain < -TIE for gain in gains)
    half = float(stats.t.ppf(0.975, n - 1)) * statistics.stdev(gains) / n**0.5 if n > 1 else None
    spread = "" if half is None else f" ({mean - half:+.3f} to {mean + half:+.3f})"
    said = f"{mean:+.3f}{spread}; higher in {better}, lower in {worse} of {n}"
    if half is None or abs(mean) <= half:
        return f"**undecided**: {said}"
    return said if mean > 0 else f"**not beaten**: {said}"
