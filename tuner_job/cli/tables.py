"""Results as tables: for people (rich) and for programs (CSV, JSON)."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from tuner_job.files.spreadsheet import cell
from tuner_job.records import ExperimentSummary, Interval, ModelSummary, TrialRecord
from tuner_job.units import human_duration
from tuner_job.wording import GLOSSARY, counted

SCORE_DIGITS = (
    10  # of the canonical table: more than differs between runs, fewer than sums may wobble
)


def default_vs_tuned(summary: ExperimentSummary) -> Table:
    """One row for the untuned default and one for the best configuration of each model."""
    table = Table(
        title=f"{summary.name}: default and tuned",
        caption=_caption(summary),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("model", no_wrap=True)
    table.add_column("", no_wrap=True)
    over = "compositions" if summary.scheme in ("dirichlet", "shift") else "rows"
    for column in (
        "search\nscore",
        f"CSMF accuracy\n(95 % of {over})",
        f"COD accuracy\n(95 % of {over})",
        "fit",
    ):
        table.add_column(column, justify="right", no_wrap=True)
    for study in summary.studies:
        metric = study.objectives[0]
        for label, looked_at in (("default", study.default), ("tuned", study.best)):
            table.add_row(
                study.model if label == "default" else "",
                label,
                _short(looked_at.scores[metric]),
                *(
                    _interval(looked_at.tested[accuracy])
                    for accuracy in ("csmf_accuracy", "cod_accuracy")
                ),
                human_duration(looked_at.fit_seconds),
                end_section=label == "tuned",
            )
    for name, scores in summary.baselines.items():
        table.add_row(
            name.replace("_", " "), "no model", _short(scores["csmf_accuracy"]), "", "", ""
        )
    return table


def best_parameters(summary: ExperimentSummary) -> Table:
    """The best configuration of each model and how it was found."""
    table = Table(
        title="best configurations",
        caption=_glossary(summary),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("model", no_wrap=True)
    for column in (
        "parameters",
        "CSMF by",
        "trials: complete,\nstopped early, failed",
        "optimism",
        "ended by",
    ):
        table.add_column(column)
    for study in summary.studies:
        n, best = study.n_trials, study.best
        listed = ", ".join(f"{name}={value}" for name, value in best.params.items())
        table.add_row(
            study.model,
            "the untuned default's were not beaten"
            if best.trial < 0
            else f"{listed} ({_which(best)})",
            str(best.csmf_estimator),
            f"{n['complete']}, {n['pruned']}, {n['failed']}",
            "–" if study.optimism is None else f"{study.optimism:.3f}",
            study.stopped_by,
        )
    return table


def _glossary(summary: ExperimentSummary) -> str:
    """What words of our own mean, of those that stand in the table."""
    bests = [study.best for study in summary.studies]
    stand = {
        "em": any(best.csmf_estimator.method in ("em", "mixture") for best in bests),
        "optimism": any(study.optimism is not None for study in summary.studies),
        "solver": any("solver" in best.params for best in bests if best.trial >= 0),
    }
    return "\n".join(GLOSSARY[word] for word, stands in stand.items() if stands)


def _which(best: ModelSummary) -> str:
    stages = f", the last of {counted(len(best.schedule), 'stage')}" if best.schedule else ""
    return f"trial {best.trial}{stages}"


def trials_csv(trials: Mapping[str, Sequence[TrialRecord]]) -> str:
    """Write the canonical trials table: what was run and how it scored, without timings.

    Two runs of the same experiment give the same bytes, whatever ran them; not so where Ray Tune
    stopped trials.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["model", "trial", "state", "params", "fold_scores", "scores"])
    for model in sorted(trials):
        for record in trials[model]:
            folds = [_rounded(fold.validation) for fold in record.folds]
            row: list[object] = [
                model,
                "default" if record.trial < 0 else record.trial,
                _became(record),
            ]
            row += [json.dumps(value) for value in (record.params, folds, _rounded(record.scores))]
            writer.writerow([cell(value) for value in row])
    return out.getvalue()


def _became(record: TrialRecord) -> str:
    if record.duplicate_of is not None:
        return f"{record.state} as {record.duplicate_of}"
    return record.state


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {metric: round(value, SCORE_DIGITS) for metric, value in scores.items()}


def _interval(interval: Interval) -> str:
    estimate, low, high = (
        _short(value) for value in (interval.estimate, interval.low, interval.high)
    )
    return f"{estimate} ({low}–{high})"


def _short(share: float) -> str:
    """Three digits, as the field prints accuracies: .812, 1.00."""
    return f"{share:.3f}".lstrip("0") if 0 <= share < 0.9995 else f"{share:.2f}"


def _caption(summary: ExperimentSummary) -> str:
    how = {
        "stratified": "test rows have the composition trained on",
        "dirichlet": "test rows resampled to compositions drawn from Dirichlet(1, …, 1)",
        "shift": "test rows resampled to the compositions stated",
        "leave_one_site_out": "each site is predicted from the others",
    }[summary.scheme]
    below = [
        study.model
        for study in summary.studies
        if study.objectives[0] == "csmf_accuracy"
        and study.best.scores["csmf_accuracy"] < summary.baselines["copy_train"]["csmf_accuracy"]
    ]
    held_out = [
        f"{study.model} {_short(study.holdout['default']['csmf_accuracy'])} → "
        f"{_short(study.holdout['tuned']['csmf_accuracy'])}"
        for study in summary.studies
        if study.holdout
    ]
    warning = f" Below merely copying the training CSMF: {', '.join(below)}." if below else ""
    return (
        f"{counted(summary.n_folds, 'fold')}, {summary.scheme}: {how}. The search score is the "
        f"mean over folds of {summary.studies[0].objectives[0]}; accuracies are out-of-fold. The "
        "default's CSMF counts its most probable causes, the tuned one's is made as said below. "
        "The tuned configuration was chosen on these same folds: its scores are somewhat "
        f"optimistic.{warning}{_timing(summary)}"
        + (f" On the hold-out, CSMF accuracy: {', '.join(held_out)}." if held_out else "")
        + f"\n{GLOSSARY['copy-train']}"
    )


def _timing(summary: ExperimentSummary) -> str:
    if all(study.deterministic for study in summary.studies):
        return ""
    return (
        " Which trials Ray Tune stopped or changed depended on timing: another run may give other "
        "trials."
    )
