"""The tables of a comparison."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from tuner_job.comparison.gains import Gain
from tuner_job.comparison.result import COLUMNS, ExperimentResult
from tuner_job.comparison.score import BASELINES
from tuner_job.comparison.store import ComparisonStore
from tuner_job.config.comparison import EXPERIMENT_TYPES
from tuner_job.files.spreadsheet import cell

METRICS = ("csmf_accuracy", "cccsmf", "cod_accuracy", "ccc")
"""Columns of full_results.csv that are summed up."""


def full_table(results: Sequence[ExperimentResult]) -> pd.DataFrame:
    """One row an experiment, with `COLUMNS`; baselines too."""
    return pd.DataFrame([result.row() for result in results], columns=list(COLUMNS))


def to_csv(table: pd.DataFrame) -> str:
    """Write a table as CSV in which no text runs as a formula."""
    return str(table.map(cell).rename(columns=cell).to_csv(index=False))


def write_results(store: ComparisonStore, results: Sequence[ExperimentResult]) -> pd.DataFrame:
    """Write full_results.csv and its parts by type; return the whole table."""
    table = full_table(sorted(results, key=lambda result: result.experiment_id))
    store.write_text("full_results.csv", to_csv(table))
    for kind in EXPERIMENT_TYPES:
        part = table[table.experiment_type == kind]
        if len(part):
            store.write_text(f"{kind}_results.csv", to_csv(part))
    return table


def write_tables(
    store: ComparisonStore, results: Sequence[ExperimentResult], gains: Sequence[Gain]
) -> None:
    """Write full_results.csv, its parts by type, summary_statistics.csv and, if there are any,
    tuned_vs_default.csv."""
    table = write_results(store, results)
    store.write_text("summary_statistics.csv", to_csv(summary_statistics(table)))
    if gains:
        store.write_text(
            "tuned_vs_default.csv", to_csv(pd.DataFrame([vars(gain) for gain in gains]))
        )


def summary_statistics(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, spread and range of each of `METRICS` by experiment type, protocol, model and tuned or
    not.

    ``below_copy_train`` is the share of experiments whose CSMF accuracy is below that of copying
    the
    training CSMF: a model with more than half of them does worse than no model.
    """
    keys = ["experiment_type", "protocol", "model", "tuned"]
    place = ["experiment_type", "protocol", "train_site", "test_site", "training_fraction"]
    copy_train = (
        table[table.model == "copy_train"].set_index(place)["csmf_accuracy"].rename("copy_train")
    )
    joined = table.join(copy_train, on=place)
    joined["below"] = (joined.csmf_accuracy < joined.copy_train).where(joined.csmf_accuracy.notna())
    rows = []
    for key, group in joined.groupby(keys, sort=True):
        row: dict[str, Any] = dict(zip(keys, key, strict=True))
        row["n_experiments"], row["n_failed"] = len(group), int(group.error.notna().sum())
        used = group.csmf_estimator.value_counts()
        row["csmf_estimators"] = ", ".join(f"{name} ×{n}" for name, n in used.items())
        for metric in METRICS:
            values = pd.to_numeric(group[metric]).dropna()
            row |= {
                f"{metric}_{name}": getattr(values, name)()
                for name in ("mean", "std", "min", "max")
            }
        row["below_copy_train"] = None if row["model"] in BASELINES else group.below.mean()
        rows.append(row)
    return pd.DataFrame(rows)
