"""A run tells in the store how it goes while it lasts, and how it ended."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version

from tuner_job.errors import Interrupted, StoreError, VaTuningError
from tuner_job.failure import describe_failure
from tuner_job.process import interruption
from tuner_job.process.owner import submitter
from tuner_job.public import without_secrets
from tuner_job.records import ProgressRecord, RunStage, RunState, utc
from tuner_job.results.keeper import PATIENCE, Keeper
from tuner_job.results.lease import Owner
from tuner_job.results.progress import in_words, read_progress, write_progress
from tuner_job.results.run_log import RunLog
from tuner_job.results.store import FIRST_CONTACT, Store
from tuner_job.units import human_duration
from tuner_job.wording import plain

_CANCELLED = "it was told to end; the same command goes on from here"
_UNFORESEEN = "something unforeseen happened"
_MOST_REASON = 1000  # characters
_LINE_SECONDS = 60.0
"""Between two lines on how far a stage is."""
_LAST_SECONDS: dict[RunState, float] = {"done": 15.0, "failed": 15.0, "cancelled": 2.0}
"""For the last write; whoever sends a signal waits for less than five seconds."""
_LAST_MOMENTS = 2.0
"""The same where the command gives up."""


@dataclass(frozen=True)
class End:
    """How a run has ended, and why."""

    state: RunState
    reason: str = ""


def end_by(error: BaseException | None) -> End:
    """Say how a run ended that ended with this error; None: it came to its end."""
    if error is None:
        return End("done")
    if isinstance(error, KeyboardInterrupt | Interrupted):
        given_up = interruption.because()
        return End("failed", _sentence(given_up)) if given_up else End("cancelled", _CANCELLED)
    if isinstance(error, VaTuningError):
        return End("failed", _sentence(str(error)))
    said = f"{_UNFORESEEN}: {type(error).__name__}: {error}"
    return End("failed", _sentence(said))


@dataclass
class Telling:
    """What a run tells, and where.

    Attributes
    ----------
    store, folder
        Where its results stand; an empty folder is the whole address.
    so_far
        How it is going; who runs it since when, and how it ended, is added to that.
    job
        Uid of the RayJob that runs it; None: none does.
    lost
        Whether somebody has taken it over, who tells from then on.
    """

    store: Store
    folder: str
    so_far: Callable[[], ProgressRecord]
    job: str | None = None
    lost: Callable[[], bool] = lambda: False
    end: End = End("running")
    log: RunLog = field(init=False)
    _began: str = field(default_factory=utc)
    _started: float = field(default_factory=time.monotonic)
    _told: tuple[RunStage | None, float] = (None, 0.0)
    _said: RunState = "running"
    _last_words: deque[str] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.store = Store(self.store.url, PATIENCE)
        self.log = RunLog(self.store, self.folder)
        self.run_by, self.owner = Owner.here(self.job).who, submitter(self.job)

    def finish(self, error: BaseException | None) -> None:
        """Take note of the end; the next `write` tells it."""
        end = end_by(error)
        if error and end.reason.startswith(_UNFORESEEN):
            self._last_words.extend(describe_failure(error).traceback.split("\n"))
        self.end = end

    def write(self, keep_progress: bool = False) -> None:
        """Write how it goes by now, unless somebody has taken it over.

        Parameters
        ----------
        keep_progress
            Leave what is told of an earlier run; only the log is written.

        Raises
        ------
        StoreError
        """
        if self.lost():
            return
        record = self._record()
        if record.state == "running":
            self._note(record)
        while self._last_words:
            self.log.say(self._last_words.popleft())
        self._say_end(record)
        self.log.write()
        if not keep_progress:
            write_progress(self.store, record, self.folder)

    def _say_end(self, record: ProgressRecord) -> None:
        """Say in the log that it has ended, or is told to: it may not live to say more."""
        if record.state in ("running", self._said):
            return
        self._said = record.state
        took = human_duration(time.monotonic() - self._started)
        self.log.say(f"{record.state} after {took}{f': {record.reason}' if record.reason else ''}")

    def _record(self) -> ProgressRecord:
        asked = self.end.state == "running" and interruption.asked()
        end = end_by(KeyboardInterrupt()) if asked else self.end
        found = self.so_far()
        told = {
            "state": end.state,
            "reason": end.reason,
            "stage": None if end.state == "done" else found.stage,
            "seconds_left": found.seconds_left if end.state == "running" else None,
            "began": self._began,
            "written": utc(),
            "run_by": self.run_by,
            "owner": self.owner,
        }
        return found.model_copy(update=told)

    def _note(self, record: ProgressRecord) -> None:
        """Say in the log how far it is, at each stage and now and then."""
        stage, since = self._told
        now = time.monotonic()
        if record.stage != stage or now - since > _LINE_SECONDS:
            self._told = record.stage, now
            self.log.say(in_words(record))


@contextmanager
def telling(what: Telling) -> Iterator[RunLog]:
    """Tell how a run goes as long as the block lasts, and how it ended; what the package logs
    meanwhile is told too."""
    logger, keeper = logging.getLogger("tuner_job"), Keeper(what.write)
    what.log.say(f"va-tuning {version('va-tuning')}, run by {what.run_by}")
    logger.addHandler(what.log)
    keeper.start()
    error: BaseException | None = None
    try:
        yield what.log
    except BaseException as raised:
        error = raised
        raise
    finally:
        what.finish(error)
        logger.removeHandler(what.log)
        keeper.end(_LAST_MOMENTS if interruption.asked() else _LAST_SECONDS[what.end.state])


@contextmanager
def refusal_told(store: str, name: str, metric: str, job: str | None) -> Iterator[None]:
    """In a RayJob, whose pods and logs go, tell why an experiment did not even begin.

    Its log is added to what is there; progress is told only where no results stand whose own it
    would be taken for.

    Parameters
    ----------
    store
        Address of the results.
    job
        Uid of the RayJob; None: nothing is told, as whoever runs the command sees it.
    """
    began = utc()
    try:
        yield
    except Exception as error:
        if job:
            with suppress(StoreError):
                _tell_refusal(Store(store, FIRST_CONTACT), name, metric, job, began, error)
        raise


def _tell_refusal(
    store: Store, name: str, metric: str, job: str, began: str, error: Exception
) -> None:
    before = read_progress(store, name)
    if before and before.began >= began:  # it began, and has told its end
        return
    record = ProgressRecord(
        experiment=name, state="running", stage="loading", metric=metric, began=began, written=began
    )
    what = Telling(store, name, lambda: record, job)
    what.finish(error)
    what.write(keep_progress=store.get(f"{name}/experiment.yaml") is not None)


def _sentence(text: str) -> str:
    return plain(" ".join(without_secrets(text).split()), _MOST_REASON)
