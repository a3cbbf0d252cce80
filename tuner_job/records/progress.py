"""How an experiment is going, or how it ended: ``progress.json``."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict

from tuner_job.schema import Described

RunState = Literal["running", "done", "failed", "cancelled"]
"""``cancelled``: told to end, by a signal above all. A run that was killed outright says
``running`` for ever, and is told by the age of what it has written."""

SILENT = 60.0
"""Seconds without a word after which nobody is believed to run an experiment any more."""

RunStage = Literal["loading", "default", "search", "last fits", "report"]
"""``loading``: workers start, earlier trials are read; ``default``: as long as a model's untuned
default is under way; ``last fits``: of each model's choice, on all rows."""


def _moment(written: str) -> str:
    if datetime.fromisoformat(written).tzinfo is None:
        raise ValueError("must say its time zone")
    return written


Moment = Annotated[str, AfterValidator(_moment)]


class Told(Described):
    """What is told of a run; it is read by others while it runs, so that what a later version adds
    is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ModelProgressRecord(Told):
    """How far the search of one model is."""

    planned: int | None = None
    """Trials that will be run; None where nobody knows."""
    done: int = 0
    """Trials that have ended, earlier runs' too; the untuned default is none of them."""
    states: dict[str, int] = {}
    """The same by state."""
    best_score: float | None = None
    """In the first objective; None while no trial is complete."""
    best_trial: int | None = None


class BestSoFar(Told):
    """The best trial of all models; once the experiment is done, the one that its report holds for
    the best."""

    model: str
    trial: int
    score: float
    """Mean over folds of the first objective."""


class ProgressRecord(Told):
    """How an experiment, or a comparison, is going: written every few seconds while it runs, and
    once more at its end."""

    experiment: str
    state: RunState
    stage: RunStage | None = None
    """What is under way, or was when it failed or was cancelled; None once it is done."""
    metric: str
    """The first objective."""
    models: dict[str, ModelProgressRecord] = {}
    best: BestSoFar | None = None
    """None while no trial is complete."""
    seconds_left: float | None = None
    """None while there is no telling, and at the end."""
    began: Moment
    """When this run began: UTC, ISO 8601."""
    written: Moment
    """When this was written: UTC, ISO 8601."""
    fit_seconds: float = 0.0
    """Seconds that workers have fitted for the trials that have ended, earlier runs' too."""
    run_by: str = ""
    """Process or RayJob, and where."""
    owner: str = ""
    """Who submitted it; empty where nobody said."""
    reason: str = ""
    """Why it failed or was cancelled, in one sentence."""
    last_trial: str | None = None
    """When the newest trial ended: UTC, ISO 8601."""

    @property
    def planned(self) -> int | None:
        """Trials of all models; None where nobody knows of one."""
        planned = [one.planned for one in self.models.values()]
        return None if None in planned else sum(n for n in planned if n)

    @property
    def done(self) -> int:
        """Trials of all models that have ended."""
        return sum(one.done for one in self.models.values())

    @property
    def seconds(self) -> float:
        """From the beginning of this run to what was written last."""
        return max(0.0, (_read(self.written) - _read(self.began)).total_seconds())

    def age(self, now: datetime) -> float:
        """Seconds since this was written, by the reader's clock; never below 0."""
        return max(0.0, (now - _read(self.written)).total_seconds())

    def is_silent(self, now: datetime) -> bool:
        """Whether nothing has been heard for so long of a run that has told no end that nobody can
        be running it."""
        return self.state == "running" and self.age(now) > SILENT


def _read(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def utc(moment: datetime | None = None) -> str:
    """Write a moment as records have it: UTC, ISO 8601, with milliseconds and Z; None: now."""
    moment = (moment or datetime.now(UTC)).astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
