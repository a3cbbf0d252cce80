"""What of an experiment decides its trials, from the document that any version wrote of it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tuner_job.config.tuning import REMOVED_KEYS, HyperparameterSearchConfig
from tuner_job.config.validation import ValidationConfig, as_begun, before_sizes
from tuner_job.data.config import DataConfig
from tuner_job.schema import Closed
from tuner_job.wording import shown

_SECTIONS: dict[str, type[Closed]] = {
    "data": DataConfig,
    "tuning": HyperparameterSearchConfig,
    "validation": ValidationConfig,
}
_NAMED = ("estimators", "code")
"""Sections by the names of what they hold, which models come and go with."""
_SPACES = "tuning.search_spaces"


def decisive(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides an experiment's trials, and of that only what is not the default.

    Which models are searched, how many trials there are, the choice among them, the budget and all
    addresses stand outside: they may change between runs that continue each other. So may keys that
    a later version adds, or has removed, as long as they have their default.

    Parameters
    ----------
    document
        What `ExperimentConfig.document` returns, or returned in an earlier version.
    """
    content: dict[str, Any] = {"seed": document.get("seed")}
    if sources := document.get("start_from"):
        content["start_from"] = sources
    for name, section in _SECTIONS.items():
        defaults = section.model_construct().model_dump(mode="json")
        content[name] = _changed(_inside(name, document.get(name) or {}), defaults)
    return content | {key: document[key] for key in _NAMED if document.get(key)}


def digest_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what decides the trials, but for what is a model's own: its search
    space, its estimator, its code."""
    content = decisive(document)
    _take_named(content)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what decides the trials of an experiment and is not the same in two documents of it.

    What is a model's own, its search space, its estimator and its code, is compared where both
    documents have it.
    """
    if stored := before.get("validation"):
        now = {**now, "validation": as_begun(now.get("validation") or {}, stored)}
    one, other = decisive(before), decisive(now)
    owned, here = _take_named(one), _take_named(other)
    found = _differences(one, other)
    for section in owned:
        for name in sorted(owned[section].keys() & here[section].keys()):
            key = f"{section}.{name}"
            differ = _in_spaces if section == _SPACES else _differences
            found += differ(owned[section][name], here[section][name], key)
    return found


def _take_named(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Take out what models may have that another document of the experiment has not."""
    spaces = content["tuning"].pop("search_spaces", {})
    named = {key: content.pop(key, {}) for key in _NAMED}
    return {_SPACES: spaces, **named}


def _in_spaces(before: Mapping[str, Any], now: Mapping[str, Any], key: str) -> list[str]:
    return [
        f"{key}.{name}: {_values(before.get(name))} there, {_values(now.get(name))} here"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def _values(parameter: Any) -> str:
    """Write what a space says of a parameter, or of what it forbids."""
    if not isinstance(parameter, dict):
        return "nothing" if parameter is None else shown(parameter, 80)
    if "choices" in parameter:
        text = shown(parameter["choices"], 80)
    else:
        step, scale = parameter.get("step"), " on a log scale" if parameter.get("log") else ""
        steps = f" in steps of {step}" if step else ""
        text = f"{parameter.get('low')} to {parameter.get('high')}{steps}{scale}"
    when = parameter.get("when")
    return f"{text} where {shown(when, 80)}" if when else text


def incomparable(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what of two documents keeps trials of the one from being compared with the other's: what
    decides how a configuration is fitted and scored."""
    found = _differences(_scored_by(before), _scored_by(now))
    for section in _NAMED:  # of what a model may have for itself, only what both have
        one, other = before.get(section) or {}, now.get(section) or {}
        for name in sorted(one.keys() & other.keys()):
            found += _differences(one[name], other[name], f"{section}.{name}")
    return found


def _scored_by(document: Mapping[str, Any]) -> dict[str, Any]:
    tuning, validation = document.get("tuning") or {}, document.get("validation") or {}
    defaults = ValidationConfig().model_dump(mode="json")
    whole = {**defaults, **before_sizes(validation)}
    by_site = whole["scheme"] == "leave_one_site_out"
    default = HyperparameterSearchConfig.model_fields["cv_folds"].default
    folds = {} if by_site else {"cv_folds": tuning.get("cv_folds", default)}
    return {"seed": document.get("seed"), "tuning": folds, "validation": whole}


def joined(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of an experiment that goes on: models searched before stay in it, and so
    does the section `validation` as it was begun, by which a later run knows the version."""
    models = [*before.get("models", ()), *now.get("models", ())]
    tuning = dict(now.get("tuning") or {})
    spaces = [(content.get("tuning") or {}).get("search_spaces", {}) for content in (before, now)]
    tuning["search_spaces"] = {**spaces[0], **spaces[1]}
    kept = {key: before[key] for key in ("validation",) if key in before}
    for key in _NAMED:  # what those models are made of
        if named := {**(before.get(key) or {}), **(now.get(key) or {})}:
            kept[key] = named
    return {**now, **kept, "models": list(dict.fromkeys(models)), "tuning": tuning}


def without_removed(tuning: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the keys that an earlier version had, where they have the default of then."""
    gone = {key for key, (default, _) in REMOVED_KEYS.items() if tuning.get(key) == default}
    return {key: value for key, value in tuning.items() if key not in gone}


def _inside(name: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what may change between runs that continue each other."""
    outside = set()
    if name == "validation":
        section = before_sizes(section)
    if name == "data":  # the data have a digest of their own
        outside.add("source")
    elif name == "tuning":
        outside.add("selection")
        section = without_removed(section)
        if section.get("search_method") != "pbt":  # of which it is the population
            outside.add("n_trials")
    return {key: value for key, value in section.items() if key not in outside}


def _changed(content: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs from the defaults."""
    found = {}
    for key, value in content.items():
        default = defaults.get(key, ...)
        if isinstance(default, dict) and default and isinstance(value, dict):
            value = _changed(value, default) or default
        if value != default:
            found[key] = value
    return found


def _differences(before: Any, now: Any, key: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            difference
            for name in {**before, **now}
            for difference in _differences(
                before.get(name), now.get(name), f"{key}.{name}".strip(".")
            )
        ]
    if before == now:
        return []
    there, here = ("the default" if one is None else shown(one, 40) for one in (before, now))
    return [f"{key}: {there} there, {here} here"]
