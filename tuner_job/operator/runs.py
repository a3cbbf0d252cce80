"""One look at a `TuningExperiment`: what there is, what is to be done, what is to be said.

Nothing is remembered between two looks but what stands in the object's status and on its RayJob;
what a look has done, the next one finds. So it may end at any instant.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from tuner_job.cluster.cancel import delete_ours
from tuner_job.cluster.kube import Kube
from tuner_job.cluster.objects import ConfigMap, Object, RayJob
from tuner_job.cluster.state import ENDED, state_of
from tuner_job.cluster.template import Template
from tuner_job.errors import ClusterError
from tuner_job.operator.asked import Asked, InvalidError, digest_of, read
from tuner_job.operator.ends import SAID, end_of, end_of_gone
from tuner_job.operator.ledger import End, Ledger
from tuner_job.operator.making import (
    RefusalError,
    begin,
    bring,
    check_same,
    is_for,
    name_taken,
    objects_of,
)
from tuner_job.operator.noting import entry_of
from tuner_job.operator.resource import SPEC, TuningExperiment
from tuner_job.operator.results import Results
from tuner_job.operator.status import TERMINAL, Outcome, Verdict, outcome_of

_log = logging.getLogger(__name__)
_ACCEPTED = Verdict()
_CHANGED = Verdict(
    True,
    "ChangedWhileRunning",
    "what runs was begun before the object was changed; suspend: true and then false goes on with "
    "the change from the finished trials",
)


@dataclass(frozen=True)
class Found:
    """An experiment and what there is of its name."""

    asked_for: TuningExperiment
    job: RayJob | None
    experiment: ConfigMap | None

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.asked_for.metadata.name

    @property
    def run(self) -> RayJob | None:
        """The RayJob, if it was made for this object."""
        return self.job if self.job and self.asked_for.owns(self.job) else None


class Runs:
    """Takes the steps that an experiment needs."""

    def __init__(
        self, kube: Kube, template: Callable[[], Template], ledger: Ledger, results: Results
    ):
        self._kube, self._template = kube, template
        self._ledger, self._results = ledger, results
        self._read: dict[str, tuple[int, Asked | InvalidError]] = {}

    def step(self, found: Found) -> Outcome:
        """Take the next step of an experiment, if there is one to be taken."""
        asked_for, run = found.asked_for, found.run
        if run and state_of(run) == "ending":
            return self._as_before(found)
        if asked_for.spec.suspend:
            return self._suspend(found)
        asked = self._asked(asked_for)
        try:
            if run is None:
                return self._without_run(found, asked)
            if state_of(run) in ENDED:
                return self._with_ended(found, run, asked)
            return self._with_running(found, run, asked)
        except RefusalError as error:
            said = Verdict(False, error.reason, str(error))
            return Outcome("Invalid" if error.reason == "Changed" else "Waiting", said, anew=True)

    def _asked(self, asked_for: TuningExperiment) -> Asked | InvalidError:
        """What is asked for, or what is wrong with it, looked at once a generation."""
        uid, generation = asked_for.metadata.uid, asked_for.metadata.generation
        known = self._read.get(uid)
        if known is None or known[0] != generation:
            try:
                known = (generation, read(asked_for))
            except InvalidError as error:
                known = (generation, error)
            self._read[uid] = known
        return known[1]

    def keep(self, uids: set[str]) -> None:
        """Forget what was read of objects that are gone."""
        self._read = {uid: one for uid, one in self._read.items() if uid in uids}

    def _suspend(self, found: Found) -> Outcome:
        run, before = found.run, found.asked_for.state
        if run is None:
            return Outcome("Succeeded" if before == "Succeeded" else "Suspended")
        if state_of(run) in ENDED:
            self._ledger.pause(run.metadata.uid, False)  # it has ended by itself
            done = end_of(run)[0] == "done"
            return Outcome("Succeeded" if done else "Suspended", run=run)
        if before == "Suspending":  # it is said, so that nobody takes it for an end
            self._drop(run)
        return Outcome("Suspending", run=run)

    def _with_running(self, found: Found, run: RayJob, asked: Asked | InvalidError) -> Outcome:
        changed = run.metadata.annotations.get(SPEC) != digest_of(found.asked_for)
        brought = found.experiment and is_for(found.experiment, run)
        if not brought and changed:  # nothing of it has begun
            self._drop(run)
            return Outcome("Waiting", anew=True)
        refused = ""
        if not brought and isinstance(asked, Asked):
            refused = self._bring_again(found, run, asked)
        self._ledger.pause(run.metadata.uid, False)
        verdict = _verdict(asked, _CHANGED if changed else _ACCEPTED)
        if refused:
            verdict = Verdict(False, "Refused", refused)
        state = state_of(run)
        if state in ("running", "retrying"):
            return Outcome("Running", verdict, run)
        queued = "Kueue has not admitted it yet" if state == "suspended" else ""
        return Outcome("Waiting", verdict, run, queued)

    def _bring_again(self, found: Found, run: RayJob, asked: Asked) -> str:
        """Make the ConfigMap that was not made with its RayJob, or was changed or deleted."""
        experiment, _ = objects_of(found.asked_for, asked, self._template(), self._kube.namespace)
        if found.experiment and found.experiment.is_of(found.name):
            self._kube.delete(found.experiment)
        return self._bring(experiment, run)

    def _bring(self, experiment: Object, run: RayJob) -> str:
        """Make the ConfigMap that a RayJob's pods wait for; return why the API server does not.

        Raises
        ------
        RefusalError
            Somebody else's has its name, and the RayJob, whose pods would read that, is dropped.
        """
        try:
            return bring(self._kube, experiment, run)
        except RefusalError:
            self._drop(run)
            raise

    def _with_ended(self, found: Found, run: RayJob, asked: Asked | InvalidError) -> Outcome:
        asked_for, ran = found.asked_for, found.asked_for.status.get("rayJob", {})
        is_said = ran.get("uid") == run.metadata.uid
        changed = ran.get("spec") != digest_of(asked_for)
        again = asked_for.state == "Suspended" or (asked_for.state in TERMINAL and changed)
        if is_said and again and isinstance(asked, Asked):
            self._kube.delete(run)
            return Outcome("Waiting", anew=True)
        self._ledger.pause(run.metadata.uid, False)
        end, why = end_of(run)
        return Outcome(SAID[end], _verdict(asked), run, why)

    def _without_run(self, found: Found, asked: Asked | InvalidError) -> Outcome:
        asked_for, ran = found.asked_for, found.asked_for.status.get("rayJob", {})
        entry = self._ledger.entries.get(ran.get("uid", ""))
        is_dropped = entry is not None and entry.paused
        if asked_for.state in ("Running", "Waiting") and ran and not is_dropped:
            end, why = self._end_of_gone(found)
            return Outcome(SAID[end], _verdict(asked), message=why)
        is_same = ran.get("spec") == digest_of(asked_for)
        if asked_for.state in TERMINAL and (is_same or isinstance(asked, InvalidError)):
            return replace(self._as_before(found), verdict=_verdict(asked))
        if isinstance(asked, InvalidError):
            return Outcome("Invalid", _verdict(asked))
        run = self._begin(found, asked)
        return Outcome("Waiting", run=run, anew=run is None)

    def _end_of_gone(self, found: Found) -> tuple[End, str]:
        """How the run has ended whose RayJob is gone, in the same words as others are told it."""
        status = found.asked_for.status
        uid = status["rayJob"]["uid"]
        if (entry := self._ledger.entries.get(uid)) and entry.end:
            return entry.end, entry.reason
        url, _, name = str(status.get("results", "")).rpartition("/")
        last = self._results.last_words(url, name)
        return end_of_gone(uid, status.get("startTime", ""), last)

    def _begin(self, found: Found, asked: Asked) -> RayJob | None:
        """Begin an experiment; None if what is in its place is to go first."""
        if found.job:
            if state_of(found.job) not in ENDED:
                raise name_taken(found.name)
            self._kube.delete(found.job)
            return None
        try:
            template = self._template()
            experiment, job = objects_of(found.asked_for, asked, template, self._kube.namespace)
        except RefusalError:
            raise
        except ClusterError as error:
            raise RefusalError("NotReady", str(error)) from None
        check_same(asked, self._results, template.results_of(asked.content))
        run = begin(self._kube, found.asked_for, job, found.experiment)
        self._bring(experiment, run)  # where it is refused, the next look tries again and says so
        return run

    def _as_before(self, found: Found) -> Outcome:
        """Say again what was said, and of which run, if that is still to be said."""
        said, run = outcome_of(found.asked_for), found.run
        named = found.asked_for.status.get("rayJob", {}).get("uid")
        if run is None or run.metadata.uid == named:
            return replace(said, run=run)
        return said if self._is_dropped(run) else Outcome("Waiting", said.verdict, run)

    def _is_dropped(self, run: RayJob) -> bool:
        """Whether a RayJob that is going, and that no status names, was deleted to begin anew; else
        what was said of it has been lost, and somebody cancels it."""
        entry = self._ledger.entries.get(run.metadata.uid)
        return entry is None or entry.paused or bool(entry.end)

    def _drop(self, run: RayJob) -> None:
        """Delete a RayJob without this being the end of its experiment."""
        uid = run.metadata.uid
        self._ledger.entries.setdefault(uid, entry_of(run, self._ledger.since))
        self._ledger.pause(uid)
        delete_ours(self._kube, run, run.metadata.name)


def _verdict(asked: Asked | InvalidError, otherwise: Verdict = _ACCEPTED) -> Verdict:
    return otherwise if isinstance(asked, Asked) else Verdict(False, "Invalid", str(asked))
