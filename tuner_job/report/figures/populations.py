"""How good cause fractions are, by how many deaths there are."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from tuner_job.records import SHIFTS, PopulationScore, Shift
from tuner_job.report.figures import style
from tuner_job.report.text import number, shift_label

_CAPTION = (
    "Populations drawn from deaths that were held out, by how far their causes are composed "
    "otherwise than in training. Solid: the tuned model with its CSMF estimator; 95 of "
    "100 populations lie in the band. Dashed: the untuned default, its most "
    "probable causes counted. Dotted: the training fractions repeated. Few deaths leave any method "
    "uncertain; where the solid line lies below another one, that one is to be preferred for so "
    "many deaths."
)


def by_size(model: str, scores: Sequence[PopulationScore]) -> style.Drawing:
    """Draw CSMF accuracy over the number of deaths, a panel for each shift."""
    wide = Figure(figsize=(style.WIDE, 3.1))
    narrow = Figure(figsize=(style.NARROW, 8.2))
    _panels(wide, wide.subplots(1, len(SHIFTS), sharey=True), scores)
    _panels(narrow, narrow.subplots(len(SHIFTS), 1, sharex=True), scores)
    return style.Drawing(wide, f"CSMF accuracy of {model} by number of deaths", _CAPTION, narrow)


def _panels(figure: Figure, panels: Sequence[Axes], scores: Sequence[PopulationScore]) -> None:
    for axes, shift in zip(panels, SHIFTS, strict=True):
        _panel(axes, [one for one in scores if one.shift == shift], shift)
    panels[0].set_ylabel("CSMF accuracy")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)


def _panel(axes: Axes, scores: Sequence[PopulationScore], shift: Shift) -> None:
    sizes = [one.n_deaths for one in scores]
    tuned = [one.csmf_accuracy for one in scores]
    axes.fill_between(
        sizes, [t.low for t in tuned], [t.high for t in tuned], color=style.LIGHT, alpha=0.35, lw=0
    )
    (line,) = axes.plot(
        sizes, [t.estimate for t in tuned], style.TUNED_MARKER, ls="-", color=style.TUNED, ms=5,
        lw=1.6, label="tuned",
    )  # fmt: skip
    style.note(
        line, [f"{n:,} deaths: {number(t.estimate)}" for n, t in zip(sizes, tuned, strict=True)]
    )
    axes.plot(
        sizes, [one.default_counted for one in scores], style.DEFAULT_MARKER, ls=(0, (5, 3)),
        color=style.DEFAULT, mfc="white", ms=4, lw=1.3, label="default, counted",
    )  # fmt: skip
    copied = [one.copy_train for one in scores]
    axes.plot(sizes, copied, ls=":", color=style.MUTED, lw=1.6, label="copy-train")
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(_ticks(sizes))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.set_xlabel("deaths")
    axes.set_title(shift_label(shift), loc="left", color=style.TRUTH)


def _ticks(sizes: Sequence[int]) -> list[int]:
    """Sizes that have room for their numbers: each at least 1.8 times the one before."""
    shown: list[int] = []
    for size in sizes:
        if not shown or size >= 1.8 * shown[-1]:
            shown.append(size)
    return shown
