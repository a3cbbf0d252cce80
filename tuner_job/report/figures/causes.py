"""How well each cause of death is found."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from tuner_job.records import CauseRecord
from tuner_job.report.figures import style
from tuner_job.report.text import shorten

Values = Sequence[float | None]

_CAPTION = (
    "At the composition of the data. Left: the bar's tick is the true share of deaths from a "
    "cause, the dot the share in the tuned model's CSMF, the diamond that in the untuned "
    "default's; a line to the right of the tick is over-estimation. Right: how often deaths of "
    "that cause were recognised, corrected for chance: 1 is always, 0 (dotted) is what random "
    "assignment reaches. Causes with few deaths (see n in the table) have uncertain values. A "
    "cause without deaths has no CCC."
)


def by_cause(
    model: str, default: Sequence[CauseRecord], tuned: Sequence[CauseRecord]
) -> style.Drawing:
    """Draw true and predicted fractions, and chance-corrected concordance, of each cause."""
    ranked = sorted(tuned, key=lambda c: (c.true_fraction, c.cause))
    untuned = {c.cause: c for c in default}
    figure = Figure(figsize=(style.WIDE, 1.2 + 0.235 * len(ranked)))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    before = [untuned.get(c.cause) for c in ranked]
    truth = [c.true_fraction for c in ranked]
    _dumbbells(left, truth, [c.predicted_fraction for c in ranked])
    _marks(left, [c.predicted_fraction if c else None for c in before], default=True)
    _marks(left, [c.predicted_fraction for c in ranked])
    left.plot(truth, range(len(ranked)), "|", color=style.TRUTH, ms=11, mew=2, ls="", label="true")
    _dumbbells(right, [c.ccc if c else None for c in before], [c.ccc for c in ranked])
    _marks(right, [c.ccc if c else None for c in before], default=True)
    _marks(right, [c.ccc for c in ranked])
    left.set_yticks(range(len(ranked)), [shorten(c.cause, 34) for c in ranked])
    left.set_ylim(-0.7, len(ranked) - 0.3)
    left.set_xlim(left=0)
    left.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    left.set_xlabel("share of all deaths (cause-specific mortality fraction)")
    right.set_xlabel("chance-corrected concordance (CCC)")
    right.axvline(0, color=style.MUTED, lw=1, ls=":")
    style.legend_above(left)
    return style.Drawing(figure, f"Causes of death under {model}", _CAPTION)


def _dumbbells(axes: Axes, starts: Values, ends: Values) -> None:
    """Join the two values of each row."""
    first, last = _floats(starts), _floats(ends)
    rows = np.flatnonzero(np.isfinite(first) & np.isfinite(last))
    axes.hlines(rows, first[rows], last[rows], color=style.LIGHT, lw=2.5, zorder=2)


def _marks(axes: Axes, values: Values, default: bool = False) -> None:
    look: dict[str, Any]
    if default:
        look = {
            "marker": style.DEFAULT_MARKER,
            "mfc": "white",
            "mec": style.DEFAULT,
            "ms": 4.5,
            "mew": 1.2,
        }
    else:
        look = {"marker": style.TUNED_MARKER, "color": style.TUNED, "ms": 5.5}
    label = "untuned default" if default else "tuned"
    axes.plot(
        _floats(values), np.arange(len(values)), ls="", zorder=4, clip_on=False, label=label, **look
    )


def _floats(values: Values) -> NDArray[np.float64]:
    """Values as numbers, (n_rows,); NaN, which is not drawn, for `None`."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)
