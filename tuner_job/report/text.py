"""Words and numbers as they stand in the report."""

import math
import re
from collections.abc import Mapping
from typing import Any

from tuner_job.evaluation.metrics import LABELS
from tuner_job.wording import STOPS, short

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

DASH = "–"
"""Stands where there is no value."""

BASELINES = {
    "copy_train": (
        "Copy-train",
        "predicts the cause fractions of the training rows, whatever the deaths are",
    ),
    "uniform": ("Uniform", "predicts the same fraction for every cause"),
    "majority": ("Majority", "gives every death the commonest cause of the training rows"),
}

SCHEMES = {
    "stratified": (
        "stratified folds",
        "Each fold's validation deaths have nearly the same cause fractions as the deaths it was "
        "trained on. The scores say how a model does where causes are composed as in training, "
        "not in a population with other cause fractions. Repeating the training fractions "
        "without looking at any death scores high under this protocol, so read every CSMF "
        "accuracy beside that of copy-train.",
    ),
    "leave_one_site_out": (
        "leave one site out",
        "Each fold trains on all sites but one and is validated on that one. The scores say how "
        "a model does at a site that it has not seen, with that site's own cause fractions. CSMF "
        "estimators that infer a composition take a cause to look the same everywhere, which "
        "other sites need not bear out.",
    ),
    "dirichlet": (
        "resampled populations",
        "Each fold's validation deaths were resampled within each cause to populations whose cause "
        "fractions were drawn from Dirichlet distributions, the same draws for every "
        "configuration. The scores say how a model does where the composition may differ from "
        "training and is not known, but causes look as they do in training.",
    ),
    "shift": (
        "stated compositions",
        "Each fold's validation deaths were resampled within each cause to the cause fractions "
        "that the experiment file states, the other causes keeping their proportions; the same "
        "draws for every configuration. The scores say how a model does in populations composed "
        "like that.",
    ),
}

ESTIMATORS = {
    "count": "the share of deaths whose most probable cause it is",
    "mean": "the mean probability over deaths",
    "em": "the composition that makes the calibrated probabilities of all deaths together most "
    "likely",
    "bayes": "the composition that explains all deaths together, averaged over how far it may "
    "differ from training",
    "mixture": "the mix of the causes’ typical probabilities that comes closest to the mean over "
    "deaths",
}

SHIFT_LABELS = {
    "near": "nearly as in training",
    "moderate": "moderately otherwise",
    "any": "in any way",
}

SELECTIONS = {
    "best": "the complete trial with the best score",
    "one_standard_error": "the simplest complete trial that is hardly (one standard error of the "
    "difference) behind the best",
    "cod_within_standard_error": "of the complete trials that are hardly (one standard error of "
    "the difference) behind the best, the one with the highest COD accuracy",
}


def visible(page: str) -> str:
    """Mark what a page cannot show: control characters, and those that turn the direction of
    what follows."""
    return _INVISIBLE.sub("\ufffd", page)


def metric_label(name: str) -> str:
    """Return the name of a metric as a reader knows it; an unknown one is left as it is."""
    return LABELS.get(name, name)


def baseline_label(name: str) -> str:
    """Return the short name of a baseline."""
    return BASELINES.get(name, (name, ""))[0]


def baseline_meaning(name: str) -> str:
    """Say what a baseline predicts."""
    return BASELINES.get(name, ("", ""))[1]


def scheme_label(scheme: str) -> str:
    """Return the name of a validation protocol."""
    return SCHEMES.get(scheme, (scheme, ""))[0]


def scheme_meaning(scheme: str) -> str:
    """Say which composition a protocol tests."""
    return SCHEMES.get(scheme, ("", ""))[1]


def shift_label(shift: str) -> str:
    """Say how far a population is composed otherwise than training."""
    return SHIFT_LABELS.get(shift, shift)


def estimator_meaning(method: str) -> str:
    """Say how a CSMF estimator makes fractions of probabilities."""
    return ESTIMATORS.get(method, method)


def selection_rule(selection: str) -> str:
    """Say which trial is committed."""
    return SELECTIONS.get(selection, selection)


def stop_reason(stopped_by: str) -> str:
    """Say why a search ended."""
    return STOPS.get(stopped_by, stopped_by)


def number(value: float | None, digits: int = 3) -> str:
    """Write a score with a fixed number of decimals; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """Write a difference with its sign."""
    text = number(value, digits)
    above_zero = value is not None and math.isfinite(value) and round(value, digits) > 0
    return f"+{text}" if above_zero else text


def percent(value: float | None) -> str:
    """Write a fraction as per cent with one decimal."""
    return number(None if value is None else 100 * value, 1)


def value(setting: Any) -> str:
    """Write a parameter's value in full, so that it can be typed again."""
    if isinstance(setting, bool):
        return str(setting).lower()
    return str(setting)


def short_value(setting: Any) -> str:
    """Write a parameter's value in at most four significant digits."""
    return short(setting).replace("-", "−") if isinstance(setting, float) else short(setting)


def shorten(name: str, length: int) -> str:
    """Cut a name that is too long for its place, keeping both ends: names often differ in the
    last word."""
    if len(name) <= length:
        return name
    tail = length // 3
    return f"{name[: length - tail - 1].rstrip()}…{name[-tail:].lstrip()}"


def settings(params: Mapping[str, Any]) -> str:
    """Write a configuration in one line."""
    return ", ".join(f"{name} = {short_value(setting)}" for name, setting in params.items())


def count(n: int, noun: str) -> str:
    """Write a number with its noun in the right form."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}".replace(",", "\u202f")


def capitalised(sentence: str) -> str:
    """Begin a sentence with a capital and leave the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def thousands(n: int) -> str:
    """Write a whole number with narrow spaces between thousands."""
    return f"{n:,}".replace(",", "\u202f")
