"""Results as tables: for people (rich) and for programs (CSV, JSON)."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

from rich.table import Table

from tuner_job.results.records import ExperimentSummary, Interval, TrialRecord
from tuner_job.units import human_duration

SCORE_DIGITS = 10  # of the canonical table: more than differs between runs, fewer than sums may wobble


def default_vs_tuned(summary: ExperimentSummary) -> Table:
    """One row for the untuned default and one for the best configuration of each model."""
    table = Table(
        title=f"{summary.name}: default and tuned", caption=_caption(summary), caption_justify="left"
    )
    table.add_column("model")
    table.add_column("")
    for column in ("search score", "CSMF accuracy (95 %)", "COD accuracy (95 %)", "fit"):
        table.add_column(column, justify="right")
    for study in summary.studies:
        metric = study.objectives[0]
        for label, looked_at in (("default", study.default), ("tuned", study.best)):
            table.add_row(
                study.model if label == "default" else "",
                label,
                f"{looked_at.scores[metric]:.4f}",
                _interval(looked_at.out_of_fold["csmf_accuracy"]),
                _interval(looked_at.out_of_fold["cod_accuracy"]),
                human_duration(looked_at.fit_seconds),
                end_section=label == "tuned",
            )
    for name, scores in summary.baselines.items():
        table.add_row(name.replace("_", " "), "no model", f"{scores['csmf_accuracy']:.4f}", "", "", "")
    return table


def best_parameters(summary: ExperimentSummary) -> Table:
    """The best configuration of each model and how it was found."""
    table = Table(title="best configurations")
    for column in ("model", "trial", "parameters", "trials: complete / stopped early / failed", "ended by"):
        table.add_column(column)
    for study in summary.studies:
        n = study.n_trials
        table.add_row(
            study.model,
            "default" if study.best.trial < 0 else str(study.best.trial),
            ", ".join(f"{name}={value}" for name, value in study.best.params.items()),
            f"{n['complete']} / {n['pruned']} / {n['failed']}",
            study.stopped_by,
        )
    return table


def trials_csv(trials: Mapping[str, Sequence[TrialRecord]]) -> str:
    """Write the canonical trials table: what was run and how it scored, without timings.

    Two runs of the same experiment give the same bytes, whatever ran them.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["model", "trial", "state", "params", "fold_scores", "scores"])
    for model in sorted(trials):
        for record in trials[model]:
            folds = [_rounded(fold.validation) for fold in record.folds]
            row = [
                model,
                "default" if record.trial < 0 else record.trial,
                record.state if record.duplicate_of is None else f"{record.state} as {record.duplicate_of}",
            ]
            writer.writerow([*row, *(json.dumps(v) for v in (record.params, folds, _rounded(record.scores)))])
    return out.getvalue()


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {metric: round(value, SCORE_DIGITS) for metric, value in scores.items()}


def _interval(interval: Interval) -> str:
    return f"{interval.estimate:.3f} ({interval.low:.3f}–{interval.high:.3f})"


def _caption(summary: ExperimentSummary) -> str:
    how = (
        "composition as trained" if summary.scheme == "stratified" else "each site predicted from the others"
    )
    return (
        f"{summary.n_folds} folds, {summary.scheme} ({how}). The search score is the mean over folds; "
        "accuracies are over all out-of-fold rows, with bootstrap intervals over rows. The tuned "
        "configuration was chosen on these same folds: its scores are somewhat optimistic."
    )
