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
from tuner_job.report.text import number, percent, shorten

Values = Sequence[float | None]

_CAPTION = (
    "At the composition of the data. Left (above on a narrow screen): the bar's tick is the "
    "true share of deaths from a cause, the dot the share in the tuned model's CSMF, the "
    "diamond that in the untuned default's; a line to the right of the tick is over-"
    "estimation. Right (below): how often deaths of that cause were recognised, corrected for"
    " chance: 1 is always, 0 (dotted) is what random assignment reaches. Causes with few "
    "deaths (see n in the table) have uncertain values. A cause without deaths has no CCC."
)


def by_cause(
    model: str, default: Sequence[CauseRecord], tuned: Sequence[CauseRecord]
) -> style.Drawing:
    """Draw true and predicted fractions, and chance-corrected concordance, of each cause."""
    ranked = sorted(tuned, key=lambda c: (c.true_fraction, c.cause))
    untuned = {c.cause: c for c in default}
    height = 1.2 + 0.235 * len(ranked)
    beside, below = Figure(figsize=(style.WIDE, height)), Figure(figsize=(style.NARROW, 2 * height))
    before = [untuned.get(c.cause) for c in ranked]
    _panels(beside.subplots(1, 2, sharey=True, width_ratios=(3, 2)), before, ranked)
    _panels(below.subplots(2, 1), before, ranked)
    return style.Drawing(beside, f"Causes of death under {model}", _CAPTION, below)


def _panels(
    panels: Sequence[Axes], before: Sequence[CauseRecord | None], ranked: Sequence[CauseRecord]
) -> None:
    left, right = panels
    truth = [c.true_fraction for c in ranked]
    _dumbbells(left, truth, [c.predicted_fraction for c in ranked])
    _marks(left, [c.predicted_fraction if c else None for c in before], ranked, default=True)
    _marks(left, [c.predicted_fraction for c in ranked], ranked)
    (ticks,) = left.plot(
        truth, range(len(ranked)), "|", color=style.TRUTH, ms=11, mew=2, ls="", label="true"
    )
    style.note(ticks, [f"{c.cause}: true {percent(c.true_fraction)} %" for c in ranked])
    _dumbbells(right, [c.ccc if c else None for c in before], [c.ccc for c in ranked])
    _marks(right, [c.ccc if c else None for c in before], ranked, default=True)
    _marks(right, [c.ccc for c in ranked], ranked)
    length = 34 if left.get_figure().get_figwidth() > style.NARROW else 20  # type: ignore[union-attr]
    for axes in panels:
        axes.set_yticks(range(len(ranked)), [shorten(c.cause, length) for c in ranked])
        axes.set_ylim(-0.7, len(ranked) - 0.3)
    left.set_xlim(left=0)
    left.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    left.set_xlabel("share of all deaths (CSMF)")
    right.set_xlabel("chance-corrected concordance (CCC)")
    right.axvline(0, color=style.MUTED, lw=1, ls=":")
    style.legend_above(left)


def _dumbbells(axes: Axes, starts: Values, ends: Values) -> None:
    """Join the two values of each row."""
    first, last = _floats(starts), _floats(ends)
    rows = np.flatnonzero(np.isfinite(first) & np.isfinite(last))
    axes.hlines(rows, first[rows], last[rows], color=style.LIGHT, lw=2.5, zorder=2)


def _marks(
    axes: Axes, values: Values, causes: Sequence[CauseRecord], default: bool = False
) -> None:
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
    known = [(v, at) for at, v in enumerate(values) if v is not None]
    (marks,) = axes.plot(
        [value for value, _ in known], [at for _, at in known],
        ls="", zorder=4, clip_on=False, label=label, **look,
    )  # fmt: skip
    style.note(marks, [f"{causes[at].cause}: {label} {number(value)}" for value, at in known])


def _floats(values: Values) -> NDArray[np.float64]:
    """Values as numbers, (n_rows,); NaN, which is not drawn, for `None`."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)
