"""Estimators that are given as objects of Python, written as an experiment file has them."""

import sys
from collections.abc import Mapping
from typing import Any

from tuner_job.errors import ConfigError
from tuner_job.wording import shown


def written(
    estimators: Mapping[str, Any], spaces: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write references to classes, and parameters of instances, in place of the objects.

    What travels to workers and clusters is these words, and the text of own modules; no object
    does.

    Parameters
    ----------
    estimators
        Name → section of an experiment file, or the class or instance alone.
    spaces
        Model → its search space: what is searched is not fixed by an instance.

    Raises
    ------
    ConfigError
        A class cannot be found by its name, or a parameter is no value of JSON.
    """
    found = {}
    for name, given in estimators.items():
        section = dict(given) if isinstance(given, Mapping) else {"class": given}
        searched = (spaces or {}).get(name)
        found[name] = _section(f"estimators.{name}", section, set(searched or ()))
    return found


def _section(key: str, section: dict[str, Any], searched: set[str]) -> dict[str, Any]:
    given = section.get("class")
    if isinstance(given, str) or given is None:
        return section
    if isinstance(given, list | tuple):
        return {**section, "class": [_reference(key, one) for one in given]}
    if isinstance(given, type) or not hasattr(given, "get_params"):
        return {**section, "class": _reference(key, given)}
    params = given.get_params(deep=False)
    defaults = _defaults(type(given))
    own = {
        name: value
        for name, value in params.items()
        if name not in searched and not _same(value, defaults.get(name, ...))
    }
    for name, value in own.items():
        if not _is_json(value):
            raise ConfigError(
                f"{key}.fixed.{name}: of an instance must be numbers, texts or lists, got "
                f"{shown(value, 80)}; write a function that returns the estimator in a module"
            )
    return {
        **section,
        "class": _reference(key, type(given)),
        "fixed": {**own, **section.get("fixed", {})},
    }


def _reference(key: str, given: Any) -> str:
    """Name a class or function so that another process finds it."""
    if isinstance(given, str):
        return given
    module, name = getattr(given, "__module__", ""), getattr(given, "__qualname__", "")
    there = getattr(sys.modules.get(str(module)), str(name), None)
    if module == "__main__" or there is not given:
        raise ConfigError(
            f"{key}.class: {shown(given, 80)} cannot be found by other processes: put it into a "
            "module, a file in the current folder, and import it from there"
        )
    return f"{module}:{name}"


def _defaults(kind: type) -> dict[str, Any]:
    try:
        made: dict[str, Any] = kind().get_params(deep=False)
    except Exception:  # it needs arguments: all are the instance's own then
        return {}
    return made


def _same(value: Any, default: Any) -> bool:
    try:
        return type(value) is type(default) and bool(value == default)
    except Exception:  # arrays have no single answer
        return False


def _is_json(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_json(v) for k, v in value.items())
    return value is None or type(value) in (bool, int, float, str)
