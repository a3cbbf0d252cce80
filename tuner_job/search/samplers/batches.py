"""Grouping configurations that one fit can score together."""

from collections.abc import Iterable

from tuner_job.search_space import Configuration, configuration_key


def batches_along(
    path: str | None, configurations: Iterable[Configuration]
) -> list[list[Configuration]]:
    """Group configurations that differ only in `path`; groups and members keep their first
    order."""
    groups: dict[object, list[Configuration]] = {}
    for configuration in configurations:
        alone = path not in configuration
        fit = len(groups) if alone else same_fit(path, configuration)
        groups.setdefault(fit, []).append(configuration)
    return list(groups.values())


def same_fit(path: str | None, configuration: Configuration) -> tuple[object, ...]:
    """Return what configurations have in common that differ in `path` only."""
    rest = {name: value for name, value in configuration.items() if name != path}
    return configuration_key(rest)
