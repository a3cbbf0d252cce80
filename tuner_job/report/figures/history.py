"""How the search went: scores in the order of the trials."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tuner_job.report.figures import style
from tuner_job.report.text import count, metric_label, number
from tuner_job.report.trials import Trials

Points = NDArray[np.float64]


def history(model: str, trials: Trials, default_score: float | None) -> style.Drawing:
    """Draw each trial's score, the best so far, and the untuned default as a line."""
    figure = Figure(figsize=(style.WIDE, 3.5))
    axes = figure.subplots()
    complete, pruned = trials.points(trials.complete), trials.points(trials.pruned)
    pruned = pruned[np.isfinite(pruned[:, 1])]
    shown = np.concatenate(
        [complete[:, 1], pruned[:, 1], [] if default_score is None else [default_score]]
    )
    floor = _floor(shown, shown if not len(complete) else complete[:, 1])
    _scatter(axes, complete, floor, "complete", style.LIGHT, "o", 16)
    _scatter(axes, pruned, floor, "pruned (mean of the folds that ran)", style.MUTED, "x", 14)
    if len(complete):
        best = np.maximum.accumulate(complete[:, 1])
        known = np.append(complete[:, 0], trials.searched[-1].trial), np.append(best, best[-1])
        axes.step(*known, where="post", color=style.TUNED, lw=1.8, label="best so far")
        first = int(complete[:, 1].argmax())
        axes.plot(*complete[first], style.TUNED_MARKER, color=style.TUNED, ms=7, zorder=4)
        _note_best(axes, complete[first], complete[:, 0].max())
    if default_score is not None and np.isfinite(default_score):
        label = f"untuned default ({number(default_score)})"
        axes.axhline(default_score, color=style.DEFAULT, lw=1.4, ls=(0, (5, 3)), label=label)
    failed = [t.trial for t in trials.failed if t.trial >= 0]
    if failed:
        bottom = axes.get_xaxis_transform()
        dense = len(failed) > style.MAX_VECTOR_MARKS
        axes.plot(
            failed, np.full(len(failed), 0.035), "|", color=style.TRUTH, ms=11, mew=1.6, transform=bottom,
            label="failed (no score)", rasterized=dense, clip_on=False, zorder=5,
        )  # fmt: skip
    _finish(axes, trials, shown, floor)
    below = int((shown < floor).sum())
    return style.Drawing(
        figure, f"Optimisation history of {model}", _caption(below, trials.assessed)
    )


def _floor(shown: Points, judged: Points) -> float:
    """Return where the axis begins: poor trials far below must not press all others into a line."""
    if not len(shown):
        return 0.0
    lower, upper = np.quantile(judged, [0.1, 1.0])
    return float(max(shown.min(), lower - 1.2 * max(upper - lower, 0.01)))


def _scatter(
    axes: Axes, points: Points, floor: float, label: str, colour: str, marker: str, size: int
) -> None:
    if not len(points):
        return
    inside = points[:, 1] >= floor
    dense = len(points) > style.MAX_VECTOR_MARKS
    for some, shape, name in ((inside, marker, label), (~inside, "v", None)):
        if some.any():
            axes.scatter(
                points[some, 0], np.maximum(points[some, 1], floor), s=size / 4 if dense else size, c=colour,
                marker=shape, label=name, rasterized=dense, zorder=2.5,
            )  # fmt: skip


def _note_best(axes: Axes, best: Points, last: float) -> None:
    left = best[0] > 0.75 * last
    axes.annotate(
        f"trial {best[0]:.0f}: {number(best[1])}", (best[0], best[1]), xytext=(-7 if left else 7, 6),
        textcoords="offset points", ha="right" if left else "left", color=style.TUNED, fontsize=8.5,
    )  # fmt: skip


def _finish(axes: Axes, trials: Trials, shown: Points, floor: float) -> None:
    axes.set_xlabel("trial, in the order of the search")
    axes.set_ylabel(metric_label(trials.objective))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    if trials.searched:
        last = trials.searched[-1].trial
        axes.set_xlim(-0.02 * last - 0.5, 1.02 * last + 0.5)
    if len(shown):
        room = max(0.08 * (shown.max() - floor), 0.002)
        axes.set_ylim(floor - room, shown.max() + 1.6 * room)
    if axes.get_legend_handles_labels()[0]:
        style.legend_above(axes)


def _caption(below: int, assessed: bool) -> str:
    text = (
        "Each dot is one configuration, scored by its mean over the folds; higher is better. The "
        "solid line is the best score found up to that trial, the dashed line the untuned "
        "default. A line that is still rising at the right end suggests that more trials could "
        "find more. Crosses were given up early and stand at the mean of the folds that they ran, "
        "so they do not compare exactly with the dots."
    )
    if assessed:
        text += (
            " A dot is scored by the CSMF estimator that suits it; a cross by the plainest one, "
            "so it stands lower than it would if finished; the default by counting most probable "
            "causes, as it is used untuned."
        )
    return text + (
        f" Far below, drawn as triangles at the lower edge: {count(below, 'trial')}."
        if below
        else ""
    )
