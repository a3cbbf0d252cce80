"""What the server asks of the process that draws."""

from pathlib import Path
from typing import Literal

from tuner_job.schema import Closed

CONTENT, PAGE, FACTS = "content.html", "page.html", "facts.json"
"""Files that it writes: what goes into a page; a page of its own; what it found out."""


class Target(Closed):
    """An experiment that is drawn."""

    name: str
    url: str
    """Of the place."""
    path: str
    """Below it."""
    kept: Path
    """Folder of this machine for trials that were read."""


class Job(Closed):
    """What is to be drawn."""

    kind: Literal["experiment", "several"]
    targets: list[Target]
    out: Path
    """Folder of this machine for what is drawn."""
