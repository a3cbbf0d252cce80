"""Several searches in one picture: the best score so far of each, over its trials."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tuner_job.report.figures import style
from tuner_job.report.text import metric_label, shorten
from tuner_job.report.trials import Trials

MAX_LINES = 12
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito's, which differ for every kind of colour vision."""
_DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
_LONGEST = 40


def best_so_far(searches: Mapping[str, Trials]) -> style.Drawing:
    """Draw how the best score of each search rose, one panel a metric.

    Parameters
    ----------
    searches
        What each is called → its trials; at most `MAX_LINES` are drawn.
    """
    shown = dict(list(searches.items())[:MAX_LINES])
    wide = _drawn(shown, Figure(figsize=(style.WIDE, 3.6 * _n_metrics(shown))))
    narrow = _drawn(shown, Figure(figsize=(style.NARROW, 4.4 * _n_metrics(shown))))
    caption = (
        "The best score that each search had found by each of its trials; higher is better. "
        "Searches on other deaths, other causes or under another protocol do not compare."
    )
    if len(searches) > len(shown):
        caption += f" The first {len(shown)} of {len(searches)} searches."
    return style.Drawing(wide, "Best score so far of several searches", caption, narrow)


def _n_metrics(searches: Mapping[str, Trials]) -> int:
    return max(1, len({trials.objective for trials in searches.values()}))


def _drawn(searches: Mapping[str, Trials], figure: Figure) -> Figure:
    metrics = list(dict.fromkeys(trials.objective for trials in searches.values())) or [""]
    panels = figure.subplots(len(metrics), 1, squeeze=False)[:, 0]
    for axes, metric in zip(panels, metrics, strict=True):
        for number, (name, trials) in enumerate(searches.items()):
            if trials.objective == metric and trials.complete:
                _line(axes, number, name, trials)
        axes.set_xlabel("trial, in the order of the search")
        axes.set_ylabel(metric_label(metric))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        if axes.get_legend_handles_labels()[0]:
            style.legend_above(axes, columns=3)
    return figure


def _line(axes: Axes, number: int, name: str, trials: Trials) -> None:
    points = trials.points(trials.complete)
    best = np.maximum.accumulate(points[:, 1])
    rises = np.append(True, np.diff(best) > 0)
    x = np.append(points[rises, 0], trials.searched[-1].trial)
    axes.step(
        x, np.append(best[rises], best[-1]), where="post", lw=1.8,
        color=_COLOURS[number % len(_COLOURS)],
        ls=_DASHES[number // len(_COLOURS) % len(_DASHES)], label=shorten(name, _LONGEST),
    )  # fmt: skip
