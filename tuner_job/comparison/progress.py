"""How a comparison is going, as the store tells it: fits in place of trials."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner_job.records import ModelProgressRecord, ProgressRecord, RunStage, utc


@dataclass
class FitCounts:
    """Fits of a comparison, pools of such too.

    Attributes
    ----------
    planned
        Model → fits of its untuned default and of what is tuned.
    done
        The same as far as they have ended, in earlier runs too.
    stage
        ``default``: untuned fits; ``search``: models are tuned; ``last fits``: tuned ones.
    seconds
        Of fitting in this run.
    """

    planned: Mapping[str, int] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    stage: RunStage = "loading"
    seconds: float = 0.0
    last: str | None = None

    def ended(self, model: str, seconds: float = 0.0, failed: bool = False) -> None:
        """Take note of a fit that ended now."""
        self.done[model] += 1
        self.failed[model] += failed
        self.seconds += seconds
        self.last = utc()

    def progress(self, name: str) -> ProgressRecord:
        """Say how far the comparison is by now; who runs it, and how it ended, others know."""
        return ProgressRecord(
            experiment=name,
            state="running",
            stage=self.stage,
            metric="csmf_accuracy",
            models={model: self._of_model(model) for model in self.planned},
            began=utc(),
            written=utc(),
            fit_seconds=self.seconds,
            last_trial=self.last,
        )

    def _of_model(self, model: str) -> ModelProgressRecord:
        done, failed = self.done[model], self.failed[model]
        states = {"complete": done - failed, "failed": failed}
        return ModelProgressRecord(
            planned=self.planned[model],
            done=done,
            states={state: n for state, n in states.items() if n},
        )
