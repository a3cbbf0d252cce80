"""How a page's templates are read."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tuner_job.report.text import count, metric_label
from tuner_job.wording import GLOSSARY


def environment(folder: Path) -> Environment:
    """Return an environment for the templates in a folder: what is undefined is an error, all
    text is escaped."""
    found = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"metric_label": metric_label, "count": count}
    found.globals["glossary"] = GLOSSARY
    return found
