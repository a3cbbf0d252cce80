"""How the search went: scores in the order of the trials."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tuner_job.report.figures import style
from tuner_job.report.text import count, metric_label, number
from tuner_job.report.trials import Trials

Points = NDArray[np.float64]


class _Look(NamedTuple):
    label: str
    colour: str
    marker: str
    size: int


class Marks(NamedTuple):
    """What a drawing has, so that its caption explains that and no more."""

    crosses: int
    triangles: int
    default: bool


_COMPLETE = _Look("complete", style.LIGHT, "o", 16)
_PRUNED = _Look("pruned (mean of the folds that ran)", style.MUTED, "x", 14)


def history(model: str, trials: Trials, default_score: float | None) -> style.Drawing:
    """Draw each trial's score, the best so far, and the untuned default as a line."""
    wide, marks = _drawn(trials, default_score, Figure(figsize=(style.WIDE, 3.4)))
    narrow, _ = _drawn(trials, default_score, Figure(figsize=(style.NARROW, 3.6)))
    caption = _caption(marks, trials.assessed)
    return style.Drawing(wide, f"Optimisation history of {model}", caption, narrow)


def _drawn(trials: Trials, default_score: float | None, figure: Figure) -> tuple[Figure, Marks]:
    axes = figure.subplots()
    complete, pruned = trials.points(trials.complete), trials.points(trials.pruned)
    pruned = pruned[np.isfinite(pruned[:, 1])]
    default = [s for s in [default_score] if s is not None and np.isfinite(s)]
    scores = np.concatenate([complete[:, 1], pruned[:, 1]])
    floor = _floor(scores, complete[:, 1] if len(complete) else scores, default)
    for points, look in ((complete, _COMPLETE), (pruned, _PRUNED)):
        _scatter(axes, points, floor, look, trials)
    if len(complete):
        best = np.maximum.accumulate(complete[:, 1])
        known = np.append(complete[:, 0], trials.searched[-1].trial), np.append(best, best[-1])
        axes.step(*known, where="post", color=style.TUNED, lw=1.8, label="best so far")
        first = int(complete[:, 1].argmax())
        axes.plot(*complete[first], style.TUNED_MARKER, color=style.TUNED, ms=7, zorder=4)
        _note_best(axes, complete[first], complete[:, 0].max())
    for score in default:
        label = f"untuned default ({number(score)})"
        axes.axhline(score, color=style.DEFAULT, lw=1.4, ls=(0, (5, 3)), label=label)
    failed = [t.trial for t in trials.failed if t.trial >= 0]
    if failed:
        bottom = axes.get_xaxis_transform()
        dense = len(failed) > style.MAX_VECTOR_MARKS
        axes.plot(
            failed, np.full(len(failed), 0.035), "|", color=style.TRUTH, ms=11, mew=1.6,
            transform=bottom,
            label="failed (no score)", rasterized=dense, clip_on=False, zorder=5,
        )  # fmt: skip
    _finish(axes, trials, np.append(scores, default), floor)
    marks = Marks(
        crosses=int((pruned[:, 1] >= floor).sum()),
        triangles=int((scores < floor).sum()),
        default=bool(default),
    )
    return figure, marks


def _floor(scores: Points, judged: Points, default: Sequence[float]) -> float:
    """Return where the axis begins: poor trials far below must not press all others into a line;
    the default, which everything is compared with, stays in view."""
    if not len(scores):
        return min(default, default=0.0)
    lower, upper = np.quantile(judged, [0.1, 1.0])
    return float(min([max(scores.min(), lower - 1.2 * max(upper - lower, 0.01)), *default]))


def _scatter(axes: Axes, points: Points, floor: float, look: _Look, trials: Trials) -> None:
    if not len(points):
        return
    inside = points[:, 1] >= floor
    dense = len(points) > style.MAX_VECTOR_MARKS
    for some, shape, name in ((inside, look.marker, look.label), (~inside, "v", None)):
        if some.any():
            marks = axes.scatter(
                points[some, 0], np.maximum(points[some, 1], floor),
                s=look.size / 4 if dense else look.size, c=look.colour,
                marker=shape, label=name, rasterized=dense, zorder=2.5,
            )  # fmt: skip
            if not dense:
                style.note(marks, [trials.in_words(int(number)) for number in points[some, 0]])


def _note_best(axes: Axes, best: Points, last: float) -> None:
    left = best[0] > 0.75 * last
    axes.annotate(
        f"trial {best[0]:.0f}: {number(best[1])}", (best[0], best[1]),
        xytext=(-7 if left else 7, 6),
        textcoords="offset points", ha="right" if left else "left", color=style.TUNED, fontsize=8.5,
    )  # fmt: skip


def _finish(axes: Axes, trials: Trials, shown: Points, floor: float) -> None:
    axes.set_xlabel("trial, in the order of the search")
    axes.set_ylabel(metric_label(trials.objective))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    if trials.searched:
        last = trials.searched[-1].trial
        axes.set_xlim(-0.02 * last - 0.5, max(1.5, 1.02 * last + 0.5))
    if len(shown):
        room = max(0.08 * (shown.max() - floor), 0.002)
        axes.set_ylim(floor - room, shown.max() + 1.6 * room)
    if axes.get_legend_handles_labels()[0]:
        style.legend_above(axes)


def _caption(marks: Marks, assessed: bool) -> str:
    """Explain what is drawn, and nothing else."""
    text = (
        "Each dot is one configuration, scored by its mean over the folds; higher is better. The "
        "solid line is the best score found up to that trial"
        + (", the dashed line the untuned default" if marks.default else "")
        + ". A line that is still rising at the right end suggests that more trials could find "
        "more."
    )
    if assessed:
        text += " A dot is scored by the CSMF estimator that suits it" + (
            "; the default by counting most probable causes, as it is used untuned."
            if marks.default
            else "."
        )
    if marks.crosses:
        text += (
            f" Crosses ({marks.crosses}) were given up early and stand at the mean of the folds "
            "that they ran, so they do not compare exactly with the dots"
            + (": theirs is the plainest CSMF estimator." if assessed else ".")
        )
    if marks.triangles:
        far = count(marks.triangles, "trial")
        text += f" Far below, drawn as triangles at the lower edge: {far}."
    return text
