"""The project's exceptions.

VaTuningError
├── InputError      what the user gave cannot be used: exit code 2, nothing was written
│   ├── ConfigError     the experiment file or a search space
│   ├── DataError       the data set
│   ├── StoreError      the results location or a data URL: absent, refused, full
│   └── ClusterError    the Kubernetes cluster: absent, refusing, without the chart
└── RunError        the search itself could not go on: exit code 1, finished trials are kept
"""

from tuner_job.public import without_secrets


class VaTuningError(Exception):
    """Base of every error that is told to the user as one message, without a traceback.

    Messages quote what others say, which may repeat an address with its password or signature: those are left out.
    """

    exit_code = 1

    def __init__(self, message: str = ""):
        super().__init__(without_secrets(message))


class InputError(VaTuningError):
    """Something the user gave cannot be used; the message says what, where and what must hold."""

    exit_code = 2


class ConfigError(InputError):
    """The experiment file or a search space is wrong; the message lists every problem."""


class DataError(InputError):
    """The data set cannot be used; the message names the file and the column or row."""


class StoreError(InputError):
    """A results or data location cannot be read or written."""


class ClusterError(InputError):
    """The Kubernetes cluster cannot be reached, refuses, or lacks what is needed; the message says what to do."""


class RunError(VaTuningError):
    """The search could not go on; finished trials are kept in the results store."""
