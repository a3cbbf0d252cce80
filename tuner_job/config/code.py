"""The own modules of an experiment: which it names, and their texts."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuner_job.errors import ConfigError
from tuner_job.own_code.reference import parse
from tuner_job.own_code.sources import Sources, collect, digests
from tuner_job.wording import plain, shown


def references(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every reference to code that an experiment file holds: its key, and what stands there.

    What is no text is left to validation.
    """
    tuning = content.get("tuning")
    asked = tuning.get("scoring_metric") if isinstance(tuning, dict) else None
    for metric in asked if isinstance(asked, list) else [asked]:
        if isinstance(metric, str) and ":" in metric:
            yield "tuning.scoring_metric", metric
    estimators = content.get("estimators")
    for name, one in estimators.items() if isinstance(estimators, dict) else ():
        classes = one.get("class") if isinstance(one, dict) else None
        for given in classes if isinstance(classes, list) else [classes]:
            if isinstance(given, str):
                yield f"estimators.{plain(name, 80)}.class", given


def read_own_modules(
    content: dict[str, Any], folder: Path, given: Sources | None, problems: list[str]
) -> dict[str, str]:
    """Read the own modules that an experiment file names; what is wrong with one is a problem.

    `code` of the content then holds their digests. Where it stated one, the module must have it:
    the document of an experiment can be run again only with the modules that it was run with.

    Parameters
    ----------
    given
        Texts of own modules, where they do not stand in the folder; None: they do.
    """
    sources = dict(given or {})
    for key, text in references(content):
        try:
            module = parse(text).module
            if given is None:
                sources |= collect([module], folder)
        except ConfigError as error:
            problems.append(f"{key}: {error}")
    stated, found = content.get("code"), digests(sources)
    for name, digest in stated.items() if isinstance(stated, dict) else ():
        if name in found and digest != found[name]:
            problems.append(
                f"code.{plain(name, 80)}: is not the module that stands there: its SHA-256 must be "
                f"{shown(digest, 70)}, found {found[name]}"
            )
    if found:
        content["code"] = found
    return sources
