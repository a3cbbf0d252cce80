"""What tuning gives, step by step: counting, a CSMF estimator that suits the default, tuned
parameters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tuner_job.records import Step, StepGain, StepName, StudySummary

SHOWN = ("csmf_accuracy", "cccsmf_accuracy", "cod_accuracy", "ccc")
"""Metrics of the steps, in the order of the tables."""
STEPS: tuple[StepName, ...] = ("default_counted", "default", "tuned")
CLAIMED = (0.1, 0.3)
"""What tuning is often said to add to CSMF accuracy, as shares of what was there."""
LABELS: dict[StepName, str] = {
    "default_counted": "default, counted",
    "default": "default, its estimator",
    "tuned": "tuned, its estimator",
}
IN_ALL = "in all"
PAIRS: tuple[tuple[StepName, StepName], ...] = (
    ("default_counted", "default"),
    ("default", "tuned"),
    ("default_counted", "tuned"),
)
"""Each step and the one before, then the last and the first: what both give together."""

Verdict = Literal["more", "yes", "perhaps", "no"]
SAID: dict[Verdict, str] = {"more": "more", "yes": "yes", "perhaps": "open", "no": "less"}
"""Verdict → the answer to "is it 10 to 30 %?"."""


def gains_of(steps: Sequence[Step]) -> list[StepGain]:
    """What each step adds to the one before, and the last to the first, in every metric shown."""
    by_name = {step.name: step for step in steps}
    return [
        gain
        for before, after in PAIRS
        if before in by_name and after in by_name
        for gain in _gains(by_name[before], by_name[after])
    ]


def _gains(before: Step, after: Step) -> Iterator[StepGain]:
    for metric in SHOWN:
        if metric not in before.scores or metric not in after.scores:
            continue
        pairs = zip(before.folds, after.folds, strict=True)
        differences = np.array([then[metric] - now[metric] for now, then in pairs])
        mean, n_folds = before.scores[metric], len(differences)
        gain = float(differences.mean())
        yield StepGain(
            before=before.name,
            after=after.name,
            metric=metric,
            gain=gain,
            error=float(differences.std(ddof=1) / np.sqrt(n_folds)) if n_folds > 1 else None,
            relative=gain / mean if mean > 0 else None,
        )


@dataclass(frozen=True)
class StepRow:
    """A row of the table of steps.

    Attributes
    ----------
    label
        How the step is called.
    step
        None: the last row, of all steps together.
    gain
        In CSMF accuracy, over the row before; over the first in the last row. None in the first.
    """

    label: str
    step: Step | None
    gain: StepGain | None

    @property
    def answer(self) -> str:
        """Whether the gain is the 10 to 30 % that is often claimed; empty where nobody can say."""
        found = verdict_over_folds(self.gain) if self.gain else None
        return SAID[found] if found else ""


def step_rows(study: StudySummary) -> list[StepRow]:
    """The table of a model's steps; empty where an earlier version recorded none."""
    if not study.steps:
        return []
    by_pair = {(g.before, g.after): g for g in study.gains if g.metric == "csmf_accuracy"}
    into = {after: by_pair.get((before, after)) for before, after in PAIRS[:-1]}
    rows = [StepRow(LABELS[step.name], step, into.get(step.name)) for step in study.steps]
    return [*rows, StepRow(IN_ALL, None, by_pair.get(PAIRS[-1]))]


def verdict(relative: float, low: float, high: float) -> Verdict:
    """Whether a relative gain in CSMF accuracy is the 10 to 30 % that is often claimed.

    Parameters
    ----------
    low, high
        Its 95 % interval.

    Returns
    -------
    ``yes`` or ``more`` where the whole interval lies above 10 %, by where the gain itself lies;
    ``no`` where all of it lies below; else ``perhaps``.
    """
    least, most = CLAIMED
    if high < least:
        return "no"
    if low < least:
        return "perhaps"
    return "yes" if relative <= most else "more"


def verdict_over_folds(gain: StepGain) -> Verdict | None:
    """The verdict on a gain, with two standard errors to both sides; None where it has none."""
    if gain.relative is None or gain.error is None or not gain.gain:
        return None if gain.gain else "no"
    reach = 2 * gain.error * abs(gain.relative / gain.gain)
    return verdict(gain.relative, gain.relative - reach, gain.relative + reach)
