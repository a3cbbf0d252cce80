"""The tables of a comparison, and the answer to whether tuning helped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner_job.comparison.plan import EXPERIMENT_TYPES, TrainingSet, experiment_id
from tuner_job.comparison.result import COLUMNS, ExperimentResult
from tuner_job.comparison.score import BASELINES
from tuner_job.comparison.store import ComparisonStore
from tuner_job.config import ModelName
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.metrics import csmf_accuracy_of

METRICS = ("csmf_accuracy", "cod_accuracy")


def full_table(results: Sequence[ExperimentResult]) -> pd.DataFrame:
    """One row an experiment, with `COLUMNS`; baselines too."""
    return pd.DataFrame([result.row() for result in results], columns=list(COLUMNS))


def write_tables(store: ComparisonStore, results: Sequence[ExperimentResult], gains: Sequence["Gain"]) -> None:
    """Write full_results.csv, its parts by type, summary_statistics.csv and, if there are any, gains.csv."""
    table = full_table(results)
    store.write_text("full_results.csv", table.to_csv(index=False))
    for kind in EXPERIMENT_TYPES:
        part = table[table.experiment_type == kind]
        if len(part):
            store.write_text(f"{kind}_results.csv", part.to_csv(index=False))
    store.write_text("summary_statistics.csv", summary_statistics(table).to_csv(index=False))
    if gains:
        store.write_text("tuned_vs_default.csv", pd.DataFrame([vars(gain) for gain in gains]).to_csv(index=False))


def summary_statistics(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, spread and range of both accuracies by experiment type, model and tuned or not.

    ``below_copy_train`` is the share of experiments whose CSMF accuracy is below that of copying the
    training CSMF: a model with more than half of them does worse than no model.
    """
    keys = ["experiment_type", "model", "tuned"]
    place = ["experiment_type", "train_site", "test_site", "training_fraction"]
    copy_train = table[table.model == "copy_train"].set_index(place)["csmf_accuracy"].rename("copy_train")
    joined = table.join(copy_train, on=place)
    joined["below"] = (joined.csmf_accuracy < joined.copy_train).where(joined.csmf_accuracy.notna())
    rows = []
    for key, group in joined.groupby(keys, sort=True):
        row: dict[str, Any] = dict(zip(keys, key, strict=True))
        row["n_experiments"], row["n_failed"] = len(group), int(group.error.notna().sum())
        for metric in METRICS:
            values = pd.to_numeric(group[metric]).dropna()
            row |= {f"{metric}_{name}": getattr(values, name)() for name in ("mean", "std", "min", "max")}
        row["below_copy_train"] = None if row["model"] in BASELINES else group.below.mean()
        rows.append(row)
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Gain:
    """How much tuned beats default, for one model and experiment type.

    Attributes
    ----------
    gain, low, high
        Mean over experiments of tuned minus default, and its 95 % paired bootstrap interval: both models'
        predictions for the same test rows are resampled together.
    relative
        `gain` as a share of the default's mean.
    improved
        Share of experiments in which tuned scores higher.
    """

    experiment_type: str
    model: str
    metric: str
    n_experiments: int
    default: float
    tuned: float
    gain: float
    low: float
    high: float
    relative: float
    improved: float


def tuned_gains(
    data: VaDataset,
    sets: Sequence[TrainingSet],
    models: Sequence[ModelName],
    results: Sequence[ExperimentResult],
    store: ComparisonStore,
    n_bootstrap: int,
    seed: int,
) -> list[Gain]:
    """Compare tuned with default on the same test rows, from the stored predictions."""
    finished = {result.experiment_id for result in results if result.csmf_accuracy}
    gains = []
    for model in models:
        by_type: dict[str, list[_Pair]] = {}
        for training in sets:
            stored = [store.load_predictions(f"{training.digest}-{model}-{kind}") for kind in ("default", "tuned")]
            if stored[0] is None or stored[1] is None:
                continue
            (rows, default), (_, tuned) = stored[0], stored[1]
            for test in training.tests:
                if {experiment_id(test, model, kind) for kind in (True, False)} <= finished:
                    at = np.searchsorted(rows, test.rows)
                    pair = _Pair(data.y[test.rows], default[at].argmax(axis=1), tuned[at].argmax(axis=1))
                    by_type.setdefault(test.experiment_type, []).append(pair)
        for kind in EXPERIMENT_TYPES:
            if pairs := by_type.get(kind):
                gains += _gains(kind, model, pairs, data.n_causes, n_bootstrap, seed)
    return gains


@dataclass(frozen=True)
class _Pair:
    """(n_test,) each: true causes, and those assigned by the default and by the tuned model."""

    y: NDArray[np.int32]
    default: NDArray[np.intp]
    tuned: NDArray[np.intp]


def _gains(kind: str, model: str, pairs: Sequence[_Pair], n_causes: int, n_bootstrap: int, seed: int) -> list[Gain]:
    rng = np.random.default_rng(seed)
    scores = {metric: np.array([_scores(p, metric, n_causes, None) for p in pairs]) for metric in METRICS}
    drawn: dict[str, list[float]] = {metric: [] for metric in METRICS}
    for _ in range(n_bootstrap):
        picks = [rng.integers(len(p.y), size=len(p.y)) for p in pairs]
        for metric in METRICS:
            each = [_scores(p, metric, n_causes, pick) for p, pick in zip(pairs, picks, strict=True)]
            drawn[metric].append(float(np.diff(np.mean(each, axis=0))[0]))
    found = []
    for metric in METRICS:
        default, tuned = scores[metric].mean(axis=0)
        gain, reach = float(tuned - default), 1.96 * float(np.std(drawn[metric], ddof=1))
        improved = float((scores[metric][:, 1] > scores[metric][:, 0]).mean())
        found.append(
            Gain(
                kind,
                model,
                metric,
                len(pairs),
                float(default),
                float(tuned),
                gain,
                gain - reach,
                gain + reach,
                gain / float(default) if default else float("nan"),
                improved,
            )
        )
    return found


def _scores(pair: _Pair, metric: str, n_causes: int, pick: NDArray[np.intp] | None) -> tuple[float, float]:
    y, default, tuned = (a if pick is None else a[pick] for a in (pair.y, pair.default, pair.tuned))
    if metric == "cod_accuracy":
        return float((default == y).mean()), float((tuned == y).mean())
    true, *assigned = (np.bincount(a, minlength=n_causes) / len(y) for a in (y, default, tuned))
    return float(csmf_accuracy_of(true, assigned[0])), float(csmf_accuracy_of(true, assigned[1]))
