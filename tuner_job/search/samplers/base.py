"""What a search strategy must offer."""

from collections.abc import Sequence
from typing import Protocol

from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration


class Sampler(Protocol):
    """Proposes configurations.

    The study that drives it keeps a fixed lag: `ask` for batch b is called when exactly the batches
    up to ``b - lag`` were told, in order; earlier if the sampler does not learn. A sampler that
    draws from its own seeded generator therefore proposes the same configurations whatever the
    number of workers and of trials, and again when a run is resumed.
    """

    @property
    def learns(self) -> bool:
        """Whether what it proposes depends on what it was told."""

    def learn(self, known: Sequence[Trial]) -> None:
        """Know of finished trials of other experiments, before the first `ask`."""

    def ask(self) -> list[Configuration] | None:
        """Propose the next batch; None when nothing is left.

        A batch is one configuration, or several that differ in the model's path parameter only, so
        that one fit scores them all.
        """

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn how a batch ended: its trials, in the order in which they were asked."""
