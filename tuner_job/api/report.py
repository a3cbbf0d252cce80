"""A report that shows itself in a notebook."""

from dataclasses import dataclass, field
from html import escape
from pathlib import Path

_HEIGHT = 640
"""Pixels of the frame in a notebook."""


@dataclass(frozen=True)
class Report:
    """The HTML page of an experiment.

    In a notebook it shows itself, in a frame of its own, so that its styles stay inside.

    Attributes
    ----------
    html
        The page: nothing is loaded from elsewhere, and it has no script.
    address
        Where it stands.
    """

    html: str = field(repr=False)
    address: str

    def save(self, path: str | Path) -> Path:
        """Write the page to a file; return its path."""
        path = Path(path)
        path.write_text(self.html, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        return (
            f'<iframe sandbox title="report" style="width:100%;height:{_HEIGHT}px;border:0" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )
