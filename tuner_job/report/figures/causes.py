"""How well each cause of death is found."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tuner_job.report.figures import style
from tuner_job.report.text import shorten
from tuner_job.results.records import CauseRecord


def by_cause(model: str, default: Sequence[CauseRecord], tuned: Sequence[CauseRecord]) -> style.Drawing:
    """Draw true and predicted fractions, and chance-corrected concordance, of each cause."""
    ranked = sorted(tuned, key=lambda c: (c.true_fraction, c.cause))
    untuned = {c.cause: c for c in default}
    figure = Figure(figsize=(style.WIDE, 1.2 + 0.235 * len(ranked)))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for row, cause in enumerate(ranked):
        _fractions(left, row, cause, untuned.get(cause.cause))
        _concordance(right, row, cause, untuned.get(cause.cause))
    left.set_yticks(range(len(ranked)), [shorten(c.cause, 34) for c in ranked])
    left.set_ylim(-0.7, len(ranked) - 0.3)
    left.set_xlim(left=0)
    left.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    left.set_xlabel("share of all deaths (cause-specific mortality fraction)")
    right.set_xlabel("chance-corrected concordance (CCC)")
    right.axvline(0, color=style.MUTED, lw=1, ls=":")
    _legend(left)
    caption = (
        "Left: the bar's tick is the true share of deaths from a cause, the dot the share that the tuned "
        "model assigned to it, the diamond that of the untuned default; a line to the right of the tick is "
        "over-estimation. Right: how often deaths of that cause were recognised, corrected for chance: 1 is "
        "always, 0 (dotted) is what random assignment reaches. Causes with few deaths (see n in the table) "
        "have uncertain values. A cause without deaths has no CCC."
    )
    return style.Drawing(figure, f"Causes of death under {model}", caption)


def _fractions(axes: Axes, row: int, tuned: CauseRecord, default: CauseRecord | None) -> None:
    ends = [tuned.true_fraction, tuned.predicted_fraction]
    axes.plot(ends, [row, row], color=style.LIGHT, lw=2.5, solid_capstyle="butt", zorder=2)
    axes.plot(tuned.true_fraction, row, "|", color=style.TRUTH, ms=11, mew=2, zorder=3, clip_on=False)
    if default:
        _mark(axes, default.predicted_fraction, row, default=True)
    _mark(axes, tuned.predicted_fraction, row)


def _concordance(axes: Axes, row: int, tuned: CauseRecord, default: CauseRecord | None) -> None:
    before, after = default.ccc if default else None, tuned.ccc
    if before is not None and after is not None:
        axes.plot([before, after], [row, row], color=style.LIGHT, lw=2.5, solid_capstyle="butt", zorder=2)
    _mark(axes, before, row, default=True)
    _mark(axes, after, row)


def _mark(axes: Axes, x: float | None, row: int, default: bool = False) -> None:
    if x is None or not np.isfinite(x):
        return
    if default:
        axes.plot(x, row, style.DEFAULT_MARKER, mfc="white", mec=style.DEFAULT, ms=4.5, mew=1.2, zorder=4)
    else:
        axes.plot(x, row, style.TUNED_MARKER, color=style.TUNED, ms=5.5, zorder=5)


def _legend(axes: Axes) -> None:
    axes.plot([], [], "|", color=style.TRUTH, ms=11, mew=2, label="true")
    axes.plot([], [], style.TUNED_MARKER, color=style.TUNED, ms=5.5, label="tuned")
    axes.plot(
        [], [], style.DEFAULT_MARKER, mfc="white", mec=style.DEFAULT, ms=4.5, mew=1.2, label="untuned default"
    )
    style.legend_above(axes)
