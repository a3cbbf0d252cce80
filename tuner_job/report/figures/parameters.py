"""What the hyperparameters do: their importance, and all configurations side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from tuner_job.records import TrialRecord
from tuner_job.report.figures import style
from tuner_job.report.figures.axis import NOT_USED, ParameterAxis, Scale, parameter_axis
from tuner_job.report.text import count, metric_label, percent, short_value, shorten
from tuner_job.report.trials import Trials

MAX_AXES = 12
MAX_LINES = 500
_BEST = 100
"""Of many trials, this many of the best are always drawn; the others evenly thinned."""
_JITTER = 0.012
_COLOURS = "viridis"


def importance(model: str, shares: Mapping[str, float]) -> style.Drawing:
    """Draw how much of the score's variation each parameter explains."""
    ranked = sorted(shares.items(), key=lambda item: (item[1], item[0]))
    figure = Figure(figsize=(style.HALF, max(2.0, 0.28 * len(ranked) + 0.9)))
    axes = figure.subplots()
    rows = np.arange(len(ranked))
    sizes = [share for _, share in ranked]
    axes.barh(rows, sizes, color=style.TUNED, height=0.6)
    for row, size in zip(rows, sizes, strict=True):
        axes.annotate(
            f"{percent(size)} %",
            (size, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    axes.set_yticks(rows, [shorten(name, 26) for name, _ in ranked])
    axes.set_xlim(0, 1.22 * max([*sizes, 0.01]))
    axes.set_xlabel("share of the score's variation")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=False, axis="y")
    caption = (
        "How much of the variation of the score, among the trials that finished, each parameter "
        "explains. A parameter with a small bar mattered little within the values that were "
        "searched. With few trials these shares are rough."
    )
    return style.Drawing(figure, f"Parameter importance of {model}", caption)


def parallel_coordinates(
    model: str, trials: Trials, best: int, scales: Mapping[str, Scale]
) -> style.Drawing:
    """Draw every complete configuration as a line across its parameters, ending at its score.

    Parameters
    ----------
    scales
        Parameter → the scale that the search space declares; linear where it says none.
    """
    drawn = _thinned(trials, best)
    names, constant = _varying(trials.complete)
    axes_of = {
        n: parameter_axis([t.params.get(n, NOT_USED) for t in drawn], scales.get(n, "linear"))
        for n in names[:MAX_AXES]
    }
    scores = np.array([trials.score(t) for t in drawn])
    columns = [*axes_of.values(), parameter_axis(scores.tolist())]
    figure = Figure(figsize=(style.WIDE, 4.2))
    axes = figure.subplots()
    heights = np.array([axis.positions for axis in columns]).T
    heights[:, :-1] += _jitter(drawn)[:, None]
    norm = _colour_range(scores)
    numbers = [t.trial for t in drawn]
    notes = [trials.in_words(number) for number in numbers]
    _lines(axes, heights, scores, norm, numbers.index(best) if best >= 0 else None, notes)
    labels = [
        shorten(name, 24) + ("\n(log)" if a.scale == "log" else "") for name, a in axes_of.items()
    ]
    _axes_of_parameters(axes, columns, [*labels, metric_label(trials.objective)])
    figure.colorbar(
        ScalarMappable(norm, _COLOURS), ax=axes, pad=0.02, fraction=0.025, label="score (colour)"
    ).outline.set_visible(False)
    return style.Drawing(
        figure,
        f"Configurations of {model}",
        _caption(trials, drawn, names, constant),
        _slices(axes_of, scores, metric_label(trials.objective)) if axes_of else None,
    )


def _slices(
    axes_of: Mapping[str, ParameterAxis], scores: NDArray[np.float64], label: str
) -> Figure:
    """Draw the scores over each parameter by itself, one below the other, for a narrow screen."""
    figure = Figure(figsize=(style.NARROW, 1.55 * len(axes_of) + 0.2))
    panels = figure.subplots(len(axes_of), 1, squeeze=False)[:, 0]
    for panel, (name, axis) in zip(panels, axes_of.items(), strict=True):
        panel.scatter(
            axis.positions, scores, c=style.TUNED, s=9, alpha=0.6,
            rasterized=len(scores) > style.MAX_VECTOR_MARKS,
        )  # fmt: skip
        ticks = [tick for i, tick in enumerate(axis.ticks) if len(axis.ticks) < 7 or i % 2 == 0]
        panel.set_xticks([at for at, _ in ticks], [text for _, text in ticks])
        panel.set_xlim(-0.06, 1.06)
        panel.set_xlabel(shorten(name, 34) + (" (log)" if axis.scale == "log" else ""))
        panel.set_ylabel(label if len(label) < 16 else "score")
        panel.yaxis.set_major_locator(MaxNLocator(nbins=3))
    return figure


def _thinned(trials: Trials, chosen: int) -> list[TrialRecord]:
    """Return some `MAX_LINES` complete trials, the chosen one among them, the worst first so that
    the best are drawn on top."""
    ranked = trials.ranked()
    if len(ranked) > MAX_LINES:
        rest = ranked[_BEST:]
        keep = set(np.linspace(0, len(rest) - 1, MAX_LINES - _BEST).astype(int).tolist())
        others = [one for i, one in enumerate(rest) if i in keep or one.trial == chosen]
        ranked = ranked[:_BEST] + others
    return ranked[::-1]


def _varying(trials: Sequence[TrialRecord]) -> tuple[list[str], dict[str, Any]]:
    """Names of parameters with more than one value, in order of appearance; those with one, and
    it."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    seen = {name: {repr(t.params.get(name, NOT_USED)) for t in trials} for name in names}
    constant = {n: trials[0].params[n] for n in names if len(seen[n]) == 1}
    return [name for name in names if name not in constant], constant


def _jitter(trials: Sequence[TrialRecord]) -> NDArray[np.float64]:
    """Shift lines a little, the same way at every run, so that equal values show as a band."""
    golden = (np.sqrt(5) - 1) / 2
    return np.array([(t.trial * golden) % 1 - 0.5 for t in trials]) * 2 * _JITTER


def _colour_range(scores: NDArray[np.float64]) -> Normalize:
    low, high = np.quantile(scores, [0.1, 1.0])
    return Normalize(low, high if high > low else low + 1e-3, clip=True)


def _lines(
    axes: Axes,
    heights: NDArray[np.float64],
    scores: NDArray[np.float64],
    norm: Normalize,
    best: int | None,
    notes: Sequence[str],
) -> None:
    x = np.arange(heights.shape[1])
    segments = [np.column_stack([x, row]) for row in heights]
    colours = colormaps[_COLOURS](norm(scores))
    alpha = float(np.clip(12 / np.sqrt(len(segments)), 0.35, 0.85))
    lines = LineCollection(segments, colors=colours, linewidths=1.0, alpha=alpha, zorder=2)
    axes.add_collection(lines)
    style.note(lines, notes)
    if best is not None:
        axes.plot(x, heights[best], color=style.DEFAULT, lw=2.4, marker="o", ms=5, zorder=4)


def _axes_of_parameters(
    axes: Axes, columns: Sequence[ParameterAxis], labels: Sequence[str]
) -> None:
    staggered = len(columns) > 6
    for x, (axis, label) in enumerate(zip(columns, labels, strict=True)):
        axes.axvline(x, color=style.MUTED, lw=1, zorder=3)
        for at, text in axis.ticks:
            axes.annotate(
                text, (x, at), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8,
                zorder=5,
                bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8},
            )  # fmt: skip
        axes.annotate(
            label, (x, 1.04), xytext=(0, 22 if staggered and x % 2 else 0),
            textcoords="offset points",
            ha="center", va="bottom", fontsize=8.5,
            fontweight="bold" if x == len(columns) - 1 else "normal",
        )  # fmt: skip
    axes.set_xlim(-0.15, len(columns) - 1 + 0.35)
    axes.set_ylim(-0.04, 1.04)
    axes.set_axis_off()


def _caption(
    trials: Trials, drawn: Sequence[TrialRecord], names: Sequence[str], constant: Mapping[str, Any]
) -> str:
    parts = [
        "Each line is one finished configuration, crossing every parameter at its value and "
        "ending at its score on the right; brighter lines score higher, the thick orange line is "
        "the best. Where bright lines bundle, that value did well. Lines are shifted slightly so "
        "that equal values do not hide each other. On a narrow screen each parameter stands by "
        "itself, a dot a configuration."
    ]
    if len(drawn) < len(trials.complete):
        parts.append(
            f"Shown are the {_BEST} best and an even selection of the rest: "
            f"{len(drawn)} of {count(len(trials.complete), 'trial')}."
        )
    if len(names) > MAX_AXES:
        parts.append(f"Only the first {MAX_AXES} of {len(names)} parameters are shown.")
    if constant:
        same = ", ".join(
            f"{shorten(n, 40)} = {shorten(short_value(v), 40)}" for n, v in constant.items()
        )
        parts.append(f"The same in every trial: {same}.")
    return " ".join(parts)
