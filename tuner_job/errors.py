"""The project's exceptions.

VaTuningError
├── InputError      what the user gave cannot be used: exit code 2, nothing was written
│   ├── ConfigError     the experiment file or a search space
│   ├── DataError       the data set
│   ├── StoreError      the results location or a data URL: absent, refused, full
│   │   └── UnreadableError   one object in it, the others can be read
│   └── ClusterError    the Kubernetes cluster: absent, refusing, without the chart
└── RunError        the search itself could not go on: exit code 1, finished trials are kept
    ├── Interrupted     it was asked to stop: exit code 130
    └── MissingModelsError  some models have nothing to commit; the others are committed and
    reported
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tuner_job.public import without_secrets
from tuner_job.wording import printable

if TYPE_CHECKING:
    from tuner_job.records import ExperimentSummary


class VaTuningError(Exception):
    """Base of every error that is told to the user as one message, without a traceback.

    Messages quote what others say, which may repeat an address with its password or signature:
    those are left out.
    """

    exit_code = 1

    def __init__(self, message: str = ""):
        super().__init__(printable(without_secrets(message)))


class InputError(VaTuningError):
    """Something the user gave cannot be used; the message says what, where and what must hold."""

    exit_code = 2


class ConfigError(InputError):
    """The experiment file or a search space is wrong; the message lists every problem."""


class DataError(InputError):
    """The data set cannot be used; the message names the file and the column or row."""


class StoreError(InputError):
    """A results or data location cannot be read or written."""


class UnreadableError(StoreError):
    """One object cannot be read, though the store is in order."""


class ClusterError(InputError):
    """The Kubernetes cluster cannot be reached, refuses, or lacks what is needed; the message
    says what to do."""


class RunError(VaTuningError):
    """The search could not go on; finished trials are kept in the results store."""


class Interrupted(RunError):  # noqa: N818 (it is what happened)
    """The user or the platform asked the search to stop; finished trials are kept."""

    exit_code = 130

    def __init__(
        self,
        message: str = "the search was interrupted; run the same command again to go on from here",
    ):
        super().__init__(message)


class MissingModelsError(RunError):
    """Some models have nothing to commit; the others are committed and reported.

    Attributes
    ----------
    missing
        Model → why.
    summary
        Of the models that are committed.
    """

    def __init__(self, missing: Mapping[str, RunError], summary: "ExperimentSummary", report: str):
        self.missing, self.summary = dict(missing), summary
        done = ", ".join(study.model for study in summary.studies)
        super().__init__(
            "; ".join(str(error) for error in self.missing.values())
            + ": allow it more (budget, or other spaces) and run the same command again, which goes on from here"
            + (f"; committed: {done}, see {report}" if done else "")
        )
