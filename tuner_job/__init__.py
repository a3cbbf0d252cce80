"""va-tuning: tune cause-of-death models for verbal autopsy data, on a laptop or on Kubernetes.

What stands in `__all__` is for everybody and is described in docs/python.md. A name is imported
when it is asked for, so that ``import tuner_job`` costs nothing and no command waits for what it
does not use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner_job.api.classifier import TunedClassifier as TunedClassifier
    from tuner_job.api.experiment import Experiment as Experiment
    from tuner_job.api.model import Model as Model
    from tuner_job.api.report import Report as Report
    from tuner_job.api.run import Best as Best
    from tuner_job.api.run import Run as Run
    from tuner_job.api.run import open_results as open_results
    from tuner_job.api.tables import Comparison as Comparison
    from tuner_job.api.tables import Prediction as Prediction
    from tuner_job.comparison.result import ExperimentResult as ExperimentResult
    from tuner_job.comparison.result import TunedChoice as TunedChoice
    from tuner_job.comparison.tuning import HyperparameterTuner as HyperparameterTuner
    from tuner_job.config.budget import Budget as Budget
    from tuner_job.config.experiment import ExperimentConfig as ExperimentConfig
    from tuner_job.config.load import load_experiment as load_experiment
    from tuner_job.config.tuning import HyperparameterSearchConfig as HyperparameterSearchConfig
    from tuner_job.config.validation import ValidationConfig as ValidationConfig
    from tuner_job.data.config import DataConfig as DataConfig
    from tuner_job.data.dataset import VaDataset as VaDataset
    from tuner_job.errors import ClusterError as ClusterError
    from tuner_job.errors import ConfigError as ConfigError
    from tuner_job.errors import DataError as DataError
    from tuner_job.errors import InputError as InputError
    from tuner_job.errors import Interrupted as Interrupted
    from tuner_job.errors import MissingModelsError as MissingModelsError
    from tuner_job.errors import RunError as RunError
    from tuner_job.errors import StoreError as StoreError
    from tuner_job.errors import VaTuningError as VaTuningError
    from tuner_job.experiment.run import run_experiment as run_experiment
    from tuner_job.prediction.predict import load_model as load_model
    from tuner_job.prediction.tuned_model import TunedModel as TunedModel
    from tuner_job.problem import Prepared as Prepared
    from tuner_job.problem import prepare as prepare
    from tuner_job.records import ExperimentSummary as ExperimentSummary
    from tuner_job.records import ProgressRecord as ProgressRecord
    from tuner_job.records import StudySummary as StudySummary
    from tuner_job.records import TrialRecord as TrialRecord
    from tuner_job.results.cache import TunedModelCache as TunedModelCache
    from tuner_job.results.experiment_store import ExperimentStore as ExperimentStore
    from tuner_job.results.experiment_store import open_experiment as open_experiment
    from tuner_job.results.monitor import TuningMonitor as TuningMonitor
    from tuner_job.results.store import Store as Store
    from tuner_job.search_space.binding import ModelSearchSpace as ModelSearchSpace

    __version__: str

_HOMES = {
    "api.classifier": ["TunedClassifier"],
    "api.experiment": ["Experiment"],
    "api.model": ["Model"],
    "api.report": ["Report"],
    "api.run": ["Best", "Run", "open_results"],
    "api.tables": ["Comparison", "Prediction"],
    "comparison.result": ["ExperimentResult", "TunedChoice"],
    "comparison.tuning": ["HyperparameterTuner"],
    "config.budget": ["Budget"],
    "config.experiment": ["ExperimentConfig"],
    "config.load": ["load_experiment"],
    "config.tuning": ["HyperparameterSearchConfig"],
    "config.validation": ["ValidationConfig"],
    "data.config": ["DataConfig"],
    "data.dataset": ["VaDataset"],
    "errors": [
        "ClusterError",
        "ConfigError",
        "DataError",
        "InputError",
        "Interrupted",
        "MissingModelsError",
        "RunError",
        "StoreError",
        "VaTuningError",
    ],
    "experiment.run": ["run_experiment"],
    "prediction.predict": ["load_model"],
    "prediction.tuned_model": ["TunedModel"],
    "problem": ["Prepared", "prepare"],
    "records": ["ExperimentSummary", "ProgressRecord", "StudySummary", "TrialRecord"],
    "results.cache": ["TunedModelCache"],
    "results.experiment_store": ["ExperimentStore", "open_experiment"],
    "results.monitor": ["TuningMonitor"],
    "results.store": ["Store"],
    "search_space.binding": ["ModelSearchSpace"],
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(["__version__", *_HOME])

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name, or look up the version, when it is asked for."""
        if name == "__version__":
            from importlib.metadata import version  # a version is rarely asked for

            found = version("va-tuning")
        elif name in _HOME:
            found = getattr(import_module(f"tuner_job.{_HOME[name]}"), name)
        else:
            raise AttributeError(f"module 'tuner_job' has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return list(__all__)
