"""What is said of a `TuningExperiment`: states and conditions, as functions of what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

from tuner_job.cluster.objects import Object, RayJob
from tuner_job.operator.asked import digest_of
from tuner_job.operator.resource import SPEC, TuningExperiment
from tuner_job.records import ProgressRecord
from tuner_job.wording import plain

State = Literal[
    "Invalid", "Waiting", "Running", "Suspending", "Suspended", "Succeeded", "Failed", "Cancelled"
]
TERMINAL: Final = ("Succeeded", "Failed", "Cancelled")
_LONGEST = 2_000
"""Characters of a condition's message: the whole status stays below 4 KiB."""
_MOST_STATUS_TEXT = 400


@dataclass(frozen=True)
class Verdict:
    """Whether what is asked for can be run.

    Attributes
    ----------
    reason
        In one word, as conditions have it.
    message
        What to do, where something is to be done.
    """

    accepted: bool = True
    reason: str = "Accepted"
    message: str = "it can be run"


@dataclass(frozen=True)
class Outcome:
    """What one look at an experiment comes to.

    Attributes
    ----------
    run
        The RayJob that it is about; None: there is none.
    message
        Why it is in this state, where there is something to say.
    anew
        What was said of the run before is no longer of use: another one begins.
    """

    state: State
    verdict: Verdict = Verdict()
    run: RayJob | None = None
    message: str = ""
    anew: bool = False


def told(
    asked_for: TuningExperiment, outcome: Outcome, progress: ProgressRecord | None, results: str
) -> Object:
    """Return the whole new status.

    Parameters
    ----------
    progress
        As the store has it; None: nothing is known, and what was said before stays.
    results
        Address of the experiment's results; empty: what was said before stays.
    """
    before = asked_for.status
    kept = ("trials", "best", "results")
    status: Object = {key: before[key] for key in kept if key in before}
    status |= _run(asked_for, outcome)
    if results:
        status["results"] = results
    if progress:
        status |= _figures(progress, outcome.state)
    if outcome.state in TERMINAL:
        status["completionTime"] = before.get("completionTime") or _end(outcome.run)
    generation = asked_for.metadata.generation
    whole = {"observedGeneration": generation, "state": outcome.state, **status}
    return whole | {"conditions": _conditions(before.get("conditions", []), outcome, generation)}


def merge_patch(before: Mapping[str, Any], after: Object) -> Object:
    """Return what makes one object of the other: null takes a key away, at every depth."""
    patch: Object = {key: None for key in before if key not in after}
    for key, value in after.items():
        known = before.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            patch[key] = merge_patch(known, value)
        else:
            patch[key] = value
    return patch


def condition_of(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return one condition; empty if it was never said."""
    found: Mapping[str, Any] = next(
        (one for one in status.get("conditions", ()) if one.get("type") == kind), {}
    )
    return found


def outcome_of(asked_for: TuningExperiment) -> Outcome:
    """Return what was said last, but for the run that it was about."""
    accepted, verdict = condition_of(asked_for.status, "Accepted"), Verdict()
    if accepted.get("status") == "False":
        verdict = Verdict(False, str(accepted["reason"]), str(accepted["message"]))
    message = str(condition_of(asked_for.status, "Failed").get("message", ""))
    return Outcome(cast(State, asked_for.state or "Waiting"), verdict, message=message)


def now() -> str:
    """This moment, as Kubernetes writes it."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """A moment as Kubernetes writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _run(asked_for: TuningExperiment, outcome: Outcome) -> Object:
    """Which RayJob it is about, and since when it runs."""
    if outcome.anew:
        return {}
    before, run = asked_for.status, outcome.run
    if run is None:
        found: Object = {key: before[key] for key in ("rayJob", "startTime") if key in before}
    else:
        since = run.metadata.creation_timestamp
        found = {"rayJob": _named(run)} | ({"startTime": written(since)} if since else {})
    if outcome.state == "Cancelled" and "rayJob" in found:
        found["rayJob"] = {**found["rayJob"], "spec": _cancelled(asked_for, found["rayJob"]["uid"])}
    return found


def _named(run: RayJob) -> Object:
    about = run.metadata
    return {"name": about.name, "uid": about.uid, "spec": about.annotations.get(SPEC, "")}


def _cancelled(asked_for: TuningExperiment, uid: str) -> str:
    """What an experiment asked for when this run of it was cancelled: a change that waited for its
    end was cancelled with it, and only a later one begins."""
    before = asked_for.status.get("rayJob", {})
    if asked_for.state == "Cancelled" and before.get("uid") == uid:
        return str(before["spec"])
    return digest_of(asked_for)


def _figures(progress: ProgressRecord, state: State) -> Object:
    found: Object = {"trials": {"done": progress.done}}
    if progress.planned is not None:
        found["trials"]["planned"] = progress.planned
    if best := progress.best:
        score = float(f"{best.score:.4g}")
        found["best"] = {"model": best.model, "trial": best.trial, "score": score}
    if state == "Running":
        if progress.stage:
            found["stage"] = progress.stage
        if progress.seconds_left is not None:  # in two digits, so that it is not always another one
            found["secondsLeft"] = int(float(f"{progress.seconds_left:.2g}"))
    return found


def _end(run: RayJob | None) -> str:
    return written(run.status.end_time) if run and run.status.end_time else now()


def _conditions(before: list[Object], outcome: Outcome, generation: int) -> list[Object]:
    state, verdict, said = outcome.state, outcome.verdict, outcome.message
    failed = state in ("Failed", "Cancelled")
    wanted = {
        "Accepted": (verdict.accepted, verdict.reason, verdict.message),
        "Running": (state == "Running", state, said if state in ("Waiting", "Running") else ""),
        "Succeeded": (state == "Succeeded", state, ""),
        "Failed": (failed, state, said if failed else ""),
        "Suspended": (state == "Suspended", state, said if state == "Suspended" else ""),
    }
    known = {one.get("type"): one for one in before}
    return [
        _condition(known.get(kind, {}), kind, holds, reason, message, generation)
        for kind, (holds, reason, message) in wanted.items()
    ]


def _condition(
    before: Mapping[str, Any], kind: str, holds: bool, reason: str, message: str, generation: int
) -> Object:
    status = str(holds)
    most = _LONGEST if kind == "Accepted" else _MOST_STATUS_TEXT
    since = before.get("lastTransitionTime") if before.get("status") == status else None
    return {
        "type": kind,
        "status": status,
        "observedGeneration": generation,
        "lastTransitionTime": since or now(),
        "reason": reason,
        "message": plain(message, most),
    }
