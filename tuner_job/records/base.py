"""What several records are made of."""

from typing import Any, Literal

from pydantic import ConfigDict, model_validator

from tuner_job.schema import Closed, Described

Scores = dict[str, float]
"""Metric name → value; see `tuner_job.evaluation.metrics`."""

TrialState = Literal["complete", "pruned", "failed"]

StopReason = Literal["finished", "exhausted", "timeout", "max_trials", "cpu_seconds", "unfinished"]
"""Why a search ended: all trials that were asked for have run (in 0.3.0 and before also where
every configuration was tried); no configuration is left; or a budget. What is stored never says
``unfinished``: only a summary of an experiment that has not ended does."""

DEFAULT_TRIAL = -1
"""Number of the untuned default among the trials of a model."""

GONE = frozenset({"free", "n_free"})
"""Fields that earlier versions wrote, and that nothing asks for any more."""


class Written(Described):
    """A record of which there are thousands, written by va-tuning alone.

    Nothing in it is taken for another kind of value, and no function of Python has a say: that is
    read twice as fast.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Stored(Closed):
    """A record that an earlier version may have written."""

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_gone(cls, content: Any) -> Any:
        return without_what_is_gone(content)


def without_what_is_gone(content: Any) -> Any:
    """A record's keys and values as they would be written today; anything else as it is."""
    if not isinstance(content, dict) or not GONE & content.keys():
        return content
    return {name: value for name, value in content.items() if name not in GONE}


class Interval(Closed):
    """An estimate with a 95 % interval; where it stands says over what: rows or compositions."""

    estimate: float
    low: float
    high: float
