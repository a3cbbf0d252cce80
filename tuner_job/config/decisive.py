"""What of an experiment decides its trials, from the document that any version wrote of it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tuner_job.config.tuning import REMOVED_KEYS, HyperparameterSearchConfig
from tuner_job.config.validation import ValidationConfig
from tuner_job.data.config import DataConfig
from tuner_job.schema import Closed
from tuner_job.wording import shown

_SECTIONS: dict[str, type[Closed]] = {
    "data": DataConfig,
    "tuning": HyperparameterSearchConfig,
    "validation": ValidationConfig,
}


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
    for name, section in _SECTIONS.items():
        defaults = section.model_construct().model_dump(mode="json")
        content[name] = _changed(_inside(name, document.get(name) or {}), defaults)
    return content


def digest_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what decides the trials, but for the models' search spaces."""
    content = decisive(document)
    content["tuning"].pop("search_spaces", None)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what decides the trials of an experiment and is not the same in two documents of it.

    Search spaces are compared for the models that both documents have.
    """
    one, other = decisive(before), decisive(now)
    spaces = [content["tuning"].pop("search_spaces", {}) for content in (one, other)]
    found = _differences(one, other)
    for model in sorted(spaces[0].keys() & spaces[1].keys()):
        key = f"tuning.search_spaces.{model}"
        found += _differences(spaces[0][model], spaces[1][model], key)
    return found


def joined(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of an experiment that goes on: models searched before stay in it."""
    models = [*before.get("models", ()), *now.get("models", ())]
    tuning = dict(now.get("tuning") or {})
    spaces = [(content.get("tuning") or {}).get("search_spaces", {}) for content in (before, now)]
    tuning["search_spaces"] = {**spaces[0], **spaces[1]}
    return {**now, "models": list(dict.fromkeys(models)), "tuning": tuning}


def without_removed(tuning: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the keys that an earlier version had, where they have the default of then."""
    gone = {key for key, (default, _) in REMOVED_KEYS.items() if tuning.get(key) == default}
    return {key: value for key, value in tuning.items() if key not in gone}


def _inside(name: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what may change between runs that continue each other."""
    outside = set()
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
    return [] if before == now else [f"{key}: {shown(before, 40)} there, {shown(now, 40)} here"]
