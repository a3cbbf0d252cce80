"""What is searched: rows, folds, space, metric; the fit that all peers make, and the log that they
write.

Needs numpy, scikit-learn and XGBoost only, as FLAML runs in an environment of its own.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

LOG = "log.jsonl"


class TimedXGBClassifier(XGBClassifier):
    """Remembers how long it was fitted."""

    def fit(self, X: Any, y: Any, **options: Any) -> Any:
        """Fit, and take the time."""
        started = time.perf_counter()
        super().fit(X, y, **options)
        self.fit_seconds_ = time.perf_counter() - started
        return self


class TimedRandomForestClassifier(RandomForestClassifier):
    """Remembers how long it was fitted."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit, and take the time."""
        started = time.perf_counter()
        super().fit(X, y, sample_weight)
        self.fit_seconds_ = time.perf_counter() - started
        return self


CLASSIFIERS = {"xgboost": TimedXGBClassifier, "random_forest": TimedRandomForestClassifier}


@dataclass(frozen=True)
class Judge:
    """Scores predictions and logs that; a scorer as scikit-learn wants it, small enough to be sent
    with each fit.

    Attributes
    ----------
    folder
        Where the log is.
    names
        The parameters that are searched.
    """

    folder: Path
    metric: str
    n_classes: int
    names: tuple[str, ...]

    def score(self, y: Any, predicted: Any) -> float:
        """Score predicted causes by the metric."""
        if self.metric == "cod_accuracy":
            return float((y == predicted).mean())
        true, found = (
            np.bincount(np.asarray(c, dtype=np.int64), minlength=self.n_classes)
            for c in (y, predicted)
        )
        p, q = true / len(y), found / len(y)
        return float(1 - np.abs(q - p).sum() / (2 * (1 - p.min())))

    def __call__(self, model: Any, X: Any, y: Any) -> float:
        """Score as scikit-learn asks for it, logging too."""
        score = self.score(y, model.predict(X))
        params = model.get_params()
        self.log({name: params[name] for name in self.names}, score, model.fit_seconds_)
        return score

    def log(
        self,
        params: Mapping[str, Any],
        score: float,
        seconds: float | None,
        fold: int | None = None,
    ) -> None:
        """Add a fold's result to the log; one write, as several processes do so."""
        content = {
            "params": plain(params),
            "fold": fold,
            "score": score,
            "seconds": seconds,
            "at": time.time(),
        }
        file = os.open(self.folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, (json.dumps(content) + "\n").encode())
        os.close(file)


@dataclass(frozen=True)
class Problem:
    """One search.

    Attributes
    ----------
    folder
        Where its log goes.
    X, y, folds
        (n_rows, n_features), (n_rows,), (n_rows,).
    space
        Parameter → its values, or ``{low, high, log}``, as in an experiment file.
    seconds
        When to end, counted from the start of the search; None: when the grid is done.
    default
        Values of the searched parameters that are scored besides a grid; empty: none are.
    """

    folder: Path
    X: Any
    y: Any
    folds: Any
    n_classes: int
    model: str
    space: Mapping[str, Any]
    metric: str
    seed: int
    cores: int
    seconds: float | None
    default: Mapping[str, Any] = field(default_factory=dict)

    def save(self) -> None:
        """Write it to its folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        np.savez(self.folder / "rows.npz", X=self.X, y=self.y, folds=self.folds)
        names = ("n_classes", "model", "space", "metric", "seed", "cores", "seconds", "default")
        (self.folder / "problem.json").write_text(
            json.dumps({name: getattr(self, name) for name in names})
        )

    @classmethod
    def load(cls, folder: Path) -> "Problem":
        """Read it back."""
        with np.load(folder / "rows.npz") as rows:
            arrays = {name: rows[name] for name in ("X", "y", "folds")}
        return cls(folder=folder, **arrays, **json.loads((folder / "problem.json").read_text()))

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.folds.max()) + 1

    @property
    def splits(self) -> list[tuple[Any, Any]]:
        """Training and held-out rows of each fold."""
        return [
            (np.flatnonzero(self.folds != f), np.flatnonzero(self.folds == f))
            for f in range(self.n_folds)
        ]

    def classifier(self, params: Mapping[str, Any]) -> Any:
        """Return the model that all peers fit, on one thread."""
        return CLASSIFIERS[self.model](**params, random_state=self.seed, n_jobs=1)

    def refit(self, params: Mapping[str, Any]) -> None:
        """Fit a configuration on all rows, as somebody does who wants a model."""
        self.classifier(params).fit(self.X, self.y)

    @property
    def judge(self) -> "Judge":
        """What scores predictions and logs the scores."""
        return Judge(self.folder, self.metric, self.n_classes, tuple(self.space))

    def score_fold(self, params: Mapping[str, Any], fold: int) -> float:
        """Fit a configuration without a fold, score it there and log that."""
        train, held_out = self.splits[fold]
        model = self.classifier(params).fit(self.X[train], self.y[train])
        score = self.judge.score(self.y[held_out], model.predict(self.X[held_out]))
        self.judge.log(params, score, model.fit_seconds_, fold)
        return score


@dataclass(frozen=True)
class Candidate:
    """A configuration with its score over all folds, the time at which that was known and the
    seconds of its fits."""

    params: dict[str, Any]
    score: float
    at: float
    fit_seconds: float


def read_log(folder: Path, n_folds: int) -> tuple[list[Candidate], float]:
    """Return the configurations that have all their folds, and the seconds of all fits, also
    those of others."""
    path = folder / LOG
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    by_key: dict[str, dict[Any, dict[str, Any]]] = {}
    for line in lines:  # a configuration may be run twice, even at once, if its folds have numbers
        folds = by_key.setdefault(key_of(line["params"]), {})
        folds.setdefault(len(folds) if line["fold"] is None else line["fold"], line)
    complete = [
        list(folds.values())[:n_folds] for folds in by_key.values() if len(folds) >= n_folds
    ]
    candidates = [
        Candidate(
            params=found[0]["params"],
            score=float(np.mean([line["score"] for line in found])),
            at=max(line["at"] for line in found),
            fit_seconds=sum(line["seconds"] or 0.0 for line in found),
        )
        for found in complete
    ]
    return candidates, sum(line["seconds"] or 0.0 for line in lines)


def best_at(candidates: Sequence[Candidate], at: float) -> Candidate | None:
    """Return the best configuration known at a time; of equals, the earliest."""
    known = sorted((c for c in candidates if c.at <= at), key=lambda c: c.at)
    return max(known, key=lambda c: c.score, default=None)


def is_integer(parameter: Mapping[str, Any]) -> bool:
    """Whether a range holds integers only: its bounds say so, as in an experiment file."""
    return isinstance(parameter["low"], int) and isinstance(parameter["high"], int)


def key_of(params: Mapping[str, Any]) -> str:
    """Equal for equal configurations."""
    return json.dumps(plain(params), sort_keys=True, default=float)


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Turn numpy's scalars into numbers, and numbers that are whole into integers."""
    values = {
        name: value.item() if hasattr(value, "item") else value for name, value in params.items()
    }
    whole = {n: int(v) for n, v in values.items() if isinstance(v, float) and v.is_integer()}
    return {**values, **whole}
