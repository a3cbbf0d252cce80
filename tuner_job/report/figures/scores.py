"""Scores side by side: default and tuned, by fold, training and validation, several objectives."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tuner_job.records import (
    DEFAULT_TRIAL,
    Interval,
    ModelSummary,
    Scores,
    StudySummary,
    TrialRecord,
)
from tuner_job.report.figures import style
from tuner_job.report.text import baseline_label, metric_label, number, shorten
from tuner_job.report.trials import Trials

TESTED = ("csmf_accuracy", "cod_accuracy")
_OVER_COMPOSITIONS = (
    "Point: the mean over 500 populations of drawn composition, each made of deaths predicted by "
    "a model that had not seen them. Bar: the middle 95 % of these populations; it speaks of "
    "populations composed otherwise, not of other models or other deaths. Bars that overlap do "
    "not by themselves mean that there is no difference: both configurations were tested in the "
    "same populations."
)
_OVER_ROWS = (
    "Point: the value over all deaths together, at their own composition, each predicted by a "
    "model that had not seen it. Bar: 95 % bootstrap interval over deaths; it speaks of other "
    "deaths from the same population, not of other populations. Bars that overlap do not by "
    "themselves mean that there is no difference: both configurations predicted the same deaths."
)


def tested_intervals(studies: Sequence[StudySummary], drawn: bool) -> style.Drawing:
    """Draw each model's accuracies with their intervals, default and tuned.

    Parameters
    ----------
    drawn
        Whether they are over drawn compositions, not over rows.
    """
    height = 1.15 + 0.5 * len(studies)
    beside, below = Figure(figsize=(style.WIDE, height)), Figure(figsize=(style.NARROW, 2 * height))
    _tested(beside.subplots(1, 2, sharey=True), studies, drawn)
    _tested(below.subplots(2, 1), studies, drawn)
    if drawn:
        title, caption = "Default and tuned over 500 drawn compositions", _OVER_COMPOSITIONS
    else:
        title, caption = "Default and tuned over all out-of-fold deaths", _OVER_ROWS
    return style.Drawing(beside, title, caption, below)


def _tested(panels: Sequence[Axes], studies: Sequence[StudySummary], drawn: bool) -> None:
    rows = np.arange(len(studies))[::-1]
    for axes, metric in zip(panels, TESTED, strict=True):
        for row, study in zip(rows, studies, strict=True):
            _interval(axes, row + 0.14, study.default, metric, style.DEFAULT, style.DEFAULT_MARKER)
            _interval(axes, row - 0.14, study.best, metric, style.TUNED, style.TUNED_MARKER)
        axes.set_xlabel(
            f"{metric_label(metric)}, {'drawn compositions' if drawn else 'all out-of-fold deaths'}"
        )
        axes.set_ylim(-0.5, len(studies) - 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
        axes.grid(visible=False, axis="y")
        axes.set_yticks(rows, [shorten(study.model, 20) for study in studies])
    _legend_of_configurations(panels[0])


def _interval(
    axes: Axes, row: float, configuration: ModelSummary, metric: str, colour: str, marker: str
) -> None:
    found: Interval | None = configuration.tested.get(metric)
    if found is None:
        return
    axes.plot([found.low, found.high], [row, row], color=colour, lw=2, solid_capstyle="butt")
    (mark,) = axes.plot(found.estimate, row, marker, color=colour, ms=6)
    style.note(mark, [f"{number(found.estimate)} ({number(found.low)} to {number(found.high)})"])


def fold_spread(studies: Sequence[StudySummary], baselines: Mapping[str, Scores]) -> style.Drawing:
    """Draw the score of each fold, default above tuned, one pair of rows a model."""
    objective, height = studies[0].objectives[0], 1.5 + 0.66 * len(studies)
    figure, narrow = (Figure(figsize=(w, height)) for w in (style.WIDE, style.NARROW))
    outside = _folds(figure.subplots(), studies, baselines)
    _folds(narrow.subplots(), studies, baselines)
    caption = (
        "Each thin line joins the same fold under the untuned default (upper row) and the tuned "
        "configuration (lower row); the tall marks are the means. Lines that all lean to the "
        "right mean that tuning helped in every fold. The wider the spread, the more a score "
        "depends on which deaths were held out."
    )
    if any(objective in scores for scores in baselines.values()):
        caption += " Dotted lines are predictions that need no model (means over the same folds)."
    if outside:
        caption += f" Beyond the axis: {', '.join(outside)}."
    return style.Drawing(figure, "Spread over the folds", caption, narrow)


def _folds(
    axes: Axes, studies: Sequence[StudySummary], baselines: Mapping[str, Scores]
) -> list[str]:
    """Draw every model's folds; return the baselines that are too far off to be drawn."""
    objective, rows = studies[0].objectives[0], np.arange(len(studies))[::-1]
    for row, study in zip(rows, studies, strict=True):
        _fold_pair(axes, row, study, objective)
    outside = _baseline_lines(axes, objective, baselines)
    axes.set_yticks(rows, [shorten(study.model, 20) for study in studies])
    axes.set_ylim(-0.85, len(studies) - 0.45)
    axes.set_xlabel(f"{metric_label(objective)} of one fold")
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    _legend_of_configurations(axes)
    return outside


def _fold_pair(axes: Axes, row: float, study: StudySummary, objective: str) -> None:
    upper, lower = row + 0.2, row - 0.2
    default, tuned = (
        [fold[objective] for fold in one.folds if objective in fold]  # of a search that runs: none
        for one in (study.default, study.best)
    )
    for pair in zip(default, tuned, strict=False):
        axes.plot(pair, [upper, lower], color=style.MUTED, lw=0.8, alpha=0.7, zorder=1)
    for values, at, colour, marker in (
        (default, upper, style.DEFAULT, style.DEFAULT_MARKER),
        (tuned, lower, style.TUNED, style.TUNED_MARKER),
    ):
        if values:
            (marks,) = axes.plot(
                values, [at] * len(values), marker, color=colour, ms=4.5, alpha=0.75, mew=0
            )
            style.note(marks, [f"fold {i}: {number(one)}" for i, one in enumerate(values)])
            axes.plot(np.mean(values), at, "|", color=colour, ms=16, mew=2.2)


def _baseline_lines(axes: Axes, objective: str, baselines: Mapping[str, Scores]) -> list[str]:
    """Draw the baselines; return those so far off that the folds would become one spot."""
    low, high = axes.get_xlim()
    room = 1.2 * (high - low)
    found = sorted(
        (s[objective], baseline_label(name)) for name, s in baselines.items() if objective in s
    )
    near = [(score, label) for score, label in found if low - room <= score <= high + room]
    for score, _ in near:
        axes.axvline(score, color=style.MUTED, lw=1.2, ls=":", zorder=0)
    left, right = axes.get_xlim()
    for i, (score, label) in enumerate(near):
        end = score > (left + right) / 2
        axes.annotate(
            label, (score, 0), xycoords=("data", "axes fraction"), ha="right" if end else "left",
            xytext=(-3 if end else 3, 4 + 11 * (i % 2)), textcoords="offset points",
            fontsize=8, color=style.MUTED,
        )  # fmt: skip
    return [
        f"{label.lower()} ({number(score)})" for score, label in found if (score, label) not in near
    ]


def _legend_of_configurations(axes: Axes) -> None:
    axes.plot([], [], style.DEFAULT_MARKER, color=style.DEFAULT, ms=5.5, label="untuned default")
    axes.plot([], [], style.TUNED_MARKER, color=style.TUNED, ms=6, label="tuned")
    style.legend_above(axes)


def training_gap(model: str, trials: Trials, best: int) -> style.Drawing:
    """Draw validation against training score of each finished trial."""
    figure = Figure(figsize=(style.HALF, 3.7))
    axes = figure.subplots()
    style.cloud(
        axes,
        [trials.train_score(t) for t in trials.complete],
        [trials.score(t) for t in trials.complete],
        (
            f"trial {t.trial}: {number(trials.train_score(t))} on training rows, "
            f"{number(trials.score(t))} on validation rows"
            for t in trials.complete
        ),
    )
    for trial, colour, marker, label in (
        (DEFAULT_TRIAL, style.DEFAULT, style.DEFAULT_MARKER, "default’s parameters"),
        (best, style.TUNED, style.TUNED_MARKER, "tuned"),
    ):
        if trial in trials and (trial != DEFAULT_TRIAL or label != "tuned"):
            one = trials[trial]
            axes.plot(
                trials.train_score(one),
                trials.score(one),
                marker,
                color=colour,
                ms=7,
                ls="",
                label=label,
                zorder=4,
            )
    low = max(axes.get_xlim()[0], axes.get_ylim()[0])
    high = min(axes.get_xlim()[1], axes.get_ylim()[1])
    if low < high:
        axes.plot([low, high], [low, high], color=style.MUTED, lw=1, ls=":", label="no gap")
    axes.set_xlabel(f"{metric_label(trials.objective)} on training rows")
    axes.set_ylabel(f"{metric_label(trials.objective)} on validation rows")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    style.legend_above(axes, columns=2)
    caption = (
        "Each dot is a finished configuration: its score on rows that it was trained on against "
        "its score on rows that it was not. The further right of the dotted line (where there is "
        "one in view), the more the model has learnt of its training rows that does not hold "
        "elsewhere."
    )
    if trials.assessed:
        caption += (
            " Both scores of a configuration, the default’s parameters too, are made by the CSMF "
            "estimator that suits it, calibrated in the same way."
        )
    return style.Drawing(figure, f"Training and validation score of {model}", caption)


def pareto(
    model: str, trials: Trials, objectives: Sequence[str], front: Sequence[int]
) -> style.Drawing:
    """Draw the first objective against each other one; the front is what no trial beats in all."""
    others = objectives[1:]
    figure = Figure(figsize=(min(style.WIDE, style.HALF * len(others)), 3.7))
    panels = figure.subplots(1, len(others), squeeze=False)[0]
    best = set(front)
    on_front = [t for t in trials.complete if t.trial in best]
    for axes, other in zip(panels, others, strict=True):
        pair = (objectives[0], other)
        style.cloud(
            axes,
            *_pairs(trials.complete, pair),
            (trials.in_words(t.trial) for t in trials.complete),
        )
        x, y = _pairs(sorted(on_front, key=lambda t: t.scores.get(pair[0], np.nan)), pair)
        line = "-" if len(objectives) == 2 else ""
        axes.plot(
            x, y, style.TUNED_MARKER, ls=line, lw=1, color=style.TUNED, ms=5.5, label="Pareto front"
        )
        if DEFAULT_TRIAL in trials:
            x, y = _pairs([trials[DEFAULT_TRIAL]], pair)
            axes.plot(
                x,
                y,
                style.DEFAULT_MARKER,
                color=style.DEFAULT,
                ms=6,
                ls="",
                label="default’s parameters",
            )
        axes.set_xlabel(metric_label(pair[0]))
        axes.set_ylabel(metric_label(pair[1]))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    style.legend_above(panels[0], columns=2)
    caption = (
        "Each dot is a finished configuration; better is up and to the right. Trials on the "
        "Pareto front are beaten by no other trial in all objectives at once: which of them to "
        "use is a choice between the objectives. The one reported as tuned is the best in the "
        "first objective."
    )
    return style.Drawing(figure, f"Pareto front of {model}", caption)


def _pairs(
    trials: Sequence[TrialRecord], metrics: tuple[str, str]
) -> tuple[list[float], list[float]]:
    x, y = ([t.scores.get(metric, np.nan) for t in trials] for metric in metrics)
    return x, y
