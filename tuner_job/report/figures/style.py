"""The one look of all figures, and how they become SVG inside the page."""

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from markupsafe import Markup, escape
from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure, SubFigure

# Blue and vermillion of Okabe and Ito's palette differ for every kind of colour vision; each also
# has its own marker, so that nothing hangs on colour alone.
TUNED, DEFAULT, TRUTH = "#0072B2", "#D55E00", "#1f2328"
MUTED, LIGHT, GRID = "#6b7280", "#9cc3e0", "#e5e7eb"
TUNED_MARKER, DEFAULT_MARKER = "o", "D"
WIDE, HALF, NARROW = 8.6, 4.3, 3.75
"""Widths in inches: the whole column, half of it, a telephone. At these a page of A4 and a screen
of 390 pixels shrink letters hardly."""
MAX_VECTOR_MARKS = 600
"""More marks than this become pixels: a page must not grow with the number of trials."""
_PIXELS_PER_INCH = 130
"""Resolution of what is drawn as pixels."""

_MARK = re.compile(r"<defs>.*?</defs>|<(use|path)\b([^>]*)/>", re.DOTALL)

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's font, any script
    "svg.hashsalt": "va-tuning",  # the same input gives the same ids
    "text.parse_math": False,  # a $ in a name is a $
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same layout on every machine
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "axes.edgecolor": "#9ca3af",
    "axes.labelcolor": "#374151",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": "#4b5563",
    "ytick.color": "#4b5563",
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.constrained_layout.use": True,
}


_NOTES: WeakKeyDictionary[Figure, dict[str, Sequence[str]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Drawing:
    """A figure with what the reader must know to read it."""

    figure: Figure
    title: str
    caption: str
    narrow: Figure | None = None
    """The same for a narrow screen; None: the figure itself fits there."""

    @property
    def width(self) -> float:
        """Natural width in CSS pixels."""
        return width_of(self.figure)


def width_of(figure: Figure) -> float:
    """Return the natural width of a figure in CSS pixels."""
    return float(figure.get_figwidth()) * 96


@contextmanager
def applied() -> Iterator[None]:
    """Draw in the report's style, whatever the user's own matplotlib settings are."""
    with rc_context():
        rcdefaults()
        rcParams.update(_STYLE)
        yield


def legend_above(axes: Axes, columns: int = 6) -> None:
    """Put the legend above the axes, where it hides nothing."""
    if _is_narrow(axes.figure):
        longest = max(map(len, axes.get_legend_handles_labels()[1]), default=0)
        columns = min(columns, 1 if longest > 24 else 2)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        handletextpad=0.4,
        columnspacing=1.4,
    )


def cloud(axes: Axes, x: Sequence[float], y: Sequence[float], notes: Iterable[str]) -> None:
    """Draw all trials as light dots, behind those that matter, each with its numbers."""
    dense, size = (True, 5) if len(x) > MAX_VECTOR_MARKS else (False, 16)
    at = np.asarray(x), np.asarray(y)  # of lists Matplotlib makes arrays number by number
    marks = axes.scatter(*at, c=LIGHT, s=size, rasterized=dense, label="trial", zorder=2)
    note(marks, notes)


def note(artist: Artist, texts: Iterable[str]) -> None:
    """Have a reader see a text over each mark of a scatter, of a line's markers, or of a
    collection of lines.

    A telephone has nothing that hovers, and what is drawn as pixels has no marks.
    """
    figure = artist.get_figure(root=True)
    if isinstance(figure, Figure) and not _is_narrow(figure) and not artist.get_rasterized():
        notes = _NOTES.setdefault(figure, {})
        artist.set_gid(f"note{len(notes)}")
        notes[f"note{len(notes)}"] = list(texts)


def _is_narrow(figure: Figure | SubFigure | None) -> bool:
    return isinstance(figure, Figure) and figure.get_figwidth() <= NARROW


def _with_notes(content: str, notes: Mapping[str, Sequence[str]]) -> str:
    """Put each note into the element of its mark, as SVG's ``<title>``, which browsers show."""
    for name, texts in notes.items():
        begin = content.find(f'<g id="{name}">')
        if begin < 0:
            continue
        end = content.find('<g id="', begin + 1)
        end = len(content) if end < 0 else end
        left = iter(texts)

        def titled(mark: re.Match[str], left: Iterator[str] = left) -> str:
            text = next(left, "") if mark[1] else ""
            return (
                f"<{mark[1]}{mark[2]}><title>{escape(text)}</title></{mark[1]}>"
                if text
                else mark[0]
            )

        content = content[:begin] + _MARK.sub(titled, content[begin:end]) + content[end:]
    return content


def to_svg(drawing: Drawing, prefix: str) -> Markup:
    """Render a drawing as ``<svg>`` for an HTML page: one element, or one for wide pages and one
    for narrow screens.

    Parameters
    ----------
    prefix
        Put before every id, so that figures of one page do not meet each other's clip paths.
    """
    wide = _svg(drawing.figure, drawing.title, prefix)
    if drawing.narrow is None:
        return wide
    narrow = _svg(drawing.narrow, drawing.title, f"{prefix}n")
    return Markup('<div class="wide">{}</div><div class="narrow">{}</div>').format(wide, narrow)


def _svg(figure: Figure, title: str, prefix: str) -> Markup:
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The text is drawn by the reader's browser, which has fonts for other scripts.
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing from font", category=UserWarning
        )
        _fix_layout(figure)
        figure.set_dpi(_PIXELS_PER_INCH)
        # Not savefig, which draws everything twice.
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    content = buffer.getvalue()
    content = content[content.index("<svg") :]
    content = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", content, flags=re.DOTALL)
    content = _with_notes(content, _NOTES.get(figure, {}))
    content = re.sub(r"<[^>]+>", lambda tag: _own_ids(tag[0], prefix), content)
    opening = (
        f'<svg role="img" aria-label="{escape(title)}" style="width:{width_of(figure):.0f}px" '
    )
    view = re.search(r'viewBox="[^"]+"', content)
    body = content[content.index(">") + 1 :]
    return Markup(opening + (view[0] if view else "") + ">" + re.sub(r"\n\s*", "\n", body).strip())


def _fix_layout(figure: Figure) -> None:
    """Lay out once: left on, the engine would do it again while drawing."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def _own_ids(tag: str, prefix: str) -> str:
    tag = re.sub(r' id="', f' id="{prefix}-', tag)
    tag = re.sub(r' xlink:href="#', f' href="#{prefix}-', tag).replace(" xlink:href=", " href=")
    return tag.replace("url(#", f"url(#{prefix}-")
