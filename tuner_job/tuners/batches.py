"""Grouping configurations that one fit can score together."""

from collections.abc import Iterable

from tuner_job.search_space import Configuration


def batches_along(path: str | None, configurations: Iterable[Configuration]) -> list[list[Configuration]]:
    """Group configurations that differ only in `path`; groups and members keep their first order."""
    groups: dict[tuple[object, ...], list[Configuration]] = {}
    for configuration in configurations:
        rest = tuple((k, type(v), v) for k, v in configuration.items() if k != path)
        alone = () if path in configuration else (len(groups),)
        groups.setdefault((*rest, alone), []).append(configuration)
    return list(groups.values())
