"""Given configurations, one after the other."""

from collections.abc import Sequence

from tuner_job.search.trial import Trial
from tuner_job.search_space import Configuration


class FixedSampler:
    """Proposes what it was given, for example a model's untuned default."""

    learns = False

    def __init__(self, configurations: Sequence[Configuration]):
        self._left = iter(configurations)

    def learn(self, known: Sequence[Trial]) -> None:
        """Nothing to learn."""

    def ask(self) -> list[Configuration] | None:
        """Propose the next one."""
        configuration = next(self._left, None)
        return None if configuration is None else [configuration]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing to learn."""
