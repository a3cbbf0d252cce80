"""Results as tables: for people (rich) and for programs (CSV, JSON)."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from tuner_job.evaluation.steps import STEPS
from tuner_job.files.spreadsheet import cell
from tuner_job.records import (
    ExperimentSummary,
    Interval,
    ModelSummary,
    Scores,
    StudySummary,
    TrialRecord,
    TrialState,
)
from tuner_job.units import human_duration
from tuner_job.wording import GLOSSARY, STOPS, counted, short

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
                accuracy(looked_at.scores[metric]),
                *(
                    _interval(looked_at.tested[accuracy])
                    for accuracy in ("csmf_accuracy", "cod_accuracy")
                ),
                human_duration(looked_at.fit_seconds),
                end_section=label == "tuned",
            )
    for name, scores in summary.baselines.items():
        table.add_row(
            name.replace("_", " "), "no model", accuracy(scores["csmf_accuracy"]), "", "", ""
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
        best = study.best
        table.add_row(
            study.model,
            _exponents(study) if study.members else _parameters(best),
            str(best.csmf_estimator),
            "–" if study.members else trials_by_state(study),
            "–" if study.optimism is None else f"{study.optimism:.3f}",
            "–" if study.members else STOPS[study.stopped_by],
        )
    return table


def trials_by_state(study: StudySummary) -> str:
    """Write how many trials were complete, stopped early, failed; and repeated, or known from
    another experiment, if any was."""
    states: tuple[TrialState, ...] = ("complete", "pruned", "failed")
    ran = ", ".join(str(study.n_evaluated(state)) for state in states)
    known = f"; {study.n_known} known" if study.n_known else ""
    return ran + (f"; {study.n_repeated} repeated" if study.n_repeated else "") + known


def _glossary(summary: ExperimentSummary) -> str:
    """What words of our own mean, of those that stand in the table."""
    bests = [study.best for study in summary.studies]
    stand = {
        "bayes": any(best.csmf_estimator.method == "bayes" for best in bests),
        "em": any(best.csmf_estimator.method in ("em", "mixture") for best in bests),
        "optimism": any(study.optimism is not None for study in summary.studies),
        "solver": any("solver" in best.params for best in bests if best.trial >= 0),
    }
    return "\n".join(GLOSSARY[word] for word, stands in stand.items() if stands)


def _parameters(best: ModelSummary) -> str:
    if best.trial < 0:
        return "the untuned default's were not beaten"
    listed = ", ".join(f"{name}={short(value)}" for name, value in best.params.items())
    stages = f", the last of {counted(len(best.schedule), 'stage')}" if best.schedule else ""
    source = f", {best.source}" if best.source else ""
    return f"{listed} (trial {best.trial}{source}{stages})"


def _exponents(study: StudySummary) -> str:
    """What an ensemble is made of."""
    members = [
        f"{name}^{study.best.params[name]:.2f} "
        f"({'the default' if member.trial < 0 else f'trial {member.trial}'})"
        for name, member in study.members.items()
    ]
    return " × ".join(members)


def trials_csv(trials: Mapping[str, Sequence[TrialRecord]]) -> str:
    """Write the canonical trials table: what was run and how it scored, without timings.

    Two runs of the same experiment give the same bytes, whatever ran them; not so where Ray Tune
    stopped trials.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    known = any(record.source for records in trials.values() for record in records)
    source = ["source"] if known else []
    writer.writerow(["model", "trial", "state", "params", "fold_scores", "scores", *source])
    for model in sorted(trials):
        for record in trials[model]:
            folds = [_rounded(fold.validation) for fold in record.folds]
            row: list[object] = [
                model,
                "default" if record.trial < 0 else record.trial,
                _became(record),
            ]
            row += [json.dumps(value) for value in (record.params, folds, _rounded(record.scores))]
            row += [_from(record)] if known else []
            writer.writerow([cell(value) for value in row])
    return out.getvalue()


def _from(record: TrialRecord) -> str:
    """Where a trial is from that another experiment ran: its address, commit and number there."""
    source = record.source
    return f"{source.address} {source.commit} {source.trial}" if source else ""


def _became(record: TrialRecord) -> str:
    if record.duplicate_of is not None:
        return f"{record.state} as {record.duplicate_of}"
    return record.state


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {metric: round(value, SCORE_DIGITS) for metric, value in scores.items()}


def _interval(interval: Interval) -> str:
    estimate, low, high = (
        accuracy(value) for value in (interval.estimate, interval.low, interval.high)
    )
    return f"{estimate} ({low}–{high})"


def accuracy(share: float) -> str:
    """Write three digits, as the field prints accuracies: .812, 1.00, -.041 (chance-corrected)."""
    if share < 0:
        return f"-{accuracy(-share)}"
    return f"{share:.3f}".lstrip("0") if 0 <= share < 0.9995 else f"{share:.2f}"


def _caption(summary: ExperimentSummary) -> str:
    how = {
        "stratified": "test rows have the composition trained on",
        "dirichlet": "test rows resampled to populations of other compositions and sizes",
        "shift": "test rows resampled to the compositions stated",
        "leave_one_site_out": "each site is predicted from the others",
    }[summary.scheme]
    known = sum(study.n_known for study in summary.studies)
    below = [
        study.model
        for study in summary.studies
        if study.objectives[0] == "csmf_accuracy" and summary.is_below_copying(study.best)
    ]
    held_out = [
        f"{study.model} {' → '.join(accuracy(s['csmf_accuracy']) for s in _held_out(study))}"
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
        + (f" {counted(known, 'trial')} of other experiments were known." if known else "")
        + (
            f" On the hold-out, CSMF accuracy step by step: {', '.join(held_out)}."
            if held_out
            else ""
        )
        + f"\n{GLOSSARY['copy-train']}"
    )


def _held_out(study: StudySummary) -> list[Scores]:
    return [study.holdout[step] for step in STEPS if step in study.holdout]


def _timing(summary: ExperimentSummary) -> str:
    if all(study.deterministic for study in summary.studies):
        return ""
    return (
        " Which trials Ray Tune stopped or changed depended on timing: another run may give other "
        "trials."
    )
