"""What an experiment starts from: the trials of others, settled when it begins."""

from tuner_job.records.base import Stored
from tuner_job.schema import Closed


class SettledSource(Closed):
    """Another experiment, as it was when this one began."""

    address: str
    """As `start_from` names it."""
    location: str
    """Address of the experiment itself."""
    commits: dict[str, int]
    """Model → number of its newest commit then; 0: none yet."""
    trials: dict[str, list[tuple[int, int]]]
    """Model → first and last number of each run of trials that it gives; -1 is the default."""
    versions: dict[str, str]
    """Of what its trials were made with."""


class StartRecord(Stored):
    """``start_from.json``: written once, before the first trial."""

    sources: list[SettledSource]


class KnownRecord(Stored):
    """``<model>/start_from.json``: written once all known trials of a model are there."""

    n_known: int
    """Trials 0, 1 … are known; the search's own follow."""
    left_out: dict[str, dict[str, int]]
    """Address → why trials of that experiment are not known here → how many."""
