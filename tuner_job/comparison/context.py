"""A comparison under way, which its steps share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tuner_job.comparison.plan import TrainingSet, experiment_id
from tuner_job.comparison.progress import FitCounts
from tuner_job.comparison.result import ExperimentResult, TunedChoice
from tuner_job.comparison.score import score_tests
from tuner_job.comparison.settings import Runtime, Settings
from tuner_job.comparison.store import ComparisonStore, predictions_name
from tuner_job.comparison.tuning import HyperparameterTuner
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.execution.fit_runner import FitResult

Tuners = Mapping[str, HyperparameterTuner]
"""Protocol → what tunes for it."""


@dataclass
class Comparison:
    """A comparison under way: what is fixed, and what is done so far."""

    data: VaDataset
    sets: Sequence[TrainingSet]
    settings: Settings
    store: ComparisonStore
    runtime: Runtime = field(default_factory=Runtime)
    say: Callable[[str], None] = lambda line: None
    should_stop: Callable[[], bool] = lambda: False
    done: dict[str, ExperimentResult] = field(default_factory=dict)
    fits: FitCounts = field(default_factory=FitCounts)

    def take(self, results: Sequence[ExperimentResult]) -> None:
        """Write results and count them in."""
        self.store.save(results)
        self.done.update({result.experiment_id: result for result in results})

    def is_finished(
        self,
        training: TrainingSet,
        model: str,
        protocols: Sequence[ScoringProtocol],
        tuned: bool,
        given: TunedChoice | None = None,
    ) -> bool:
        """Whether every test of a fit has its result, and the fit its predictions.

        Parameters
        ----------
        given
            What must have been fitted; None: whatever was tuned.
        """
        results = [
            self.done.get(experiment_id(test, model, tuned, protocol.composition))
            for test in training.tests
            for protocol in protocols
        ]
        scored = all(
            one is not None and (given is None or given.is_same(one.tuned)) for one in results
        )
        name = predictions_name(training, model, protocols[0].composition if tuned else None)
        return scored and self.store.load_predictions(name) is not None

    def score(
        self,
        training: TrainingSet,
        fitted: FitResult,
        tuned: TunedChoice | None,
        protocols: Sequence[ScoringProtocol],
    ) -> None:
        """Score a fit on its tests in each protocol."""
        n_bootstrap = self.settings.n_bootstrap
        for protocol in protocols:
            scored = score_tests(self.data, training, fitted, tuned, protocol, n_bootstrap)
            self.take(list(scored))
