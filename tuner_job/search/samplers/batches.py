"""Grouping configurations that one fit can score together."""

from collections.abc import Iterable

from tuner_job.search_space import Configuration


def batches_along(
    path: str | None, configurations: Iterable[Configuration]
) -> list[list[Configuration]]:
    """Group configurations that differ only in `path`; groups and members keep their first
    order."""
    groups: dict[object, list[Configuration]] = {}
    for configuration in configurations:
        fit = same_fit(path, configuration)
        groups.setdefault(len(groups) if fit is None else fit, []).append(configuration)
    return list(groups.values())


def same_fit(path: str | None, configuration: Configuration) -> tuple[object, ...] | None:
    """Return what configurations have in common that one fit can score; None: no other can share
    its fit."""
    if path not in configuration:
        return None
    return tuple(
        (name, type(value), value) for name, value in configuration.items() if name != path
    )
