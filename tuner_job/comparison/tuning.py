"""Tuned parameters for training sets: searched here, once a training set, or taken from an
earlier search."""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ValidationError

from tuner_job.comparison.result import TunedChoice
from tuner_job.config.budget import Budget
from tuner_job.config.decisive import decisive
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import HyperparameterSearchConfig, ModelName
from tuner_job.config.validation import ValidationConfig
from tuner_job.data.codebook import Feature
from tuner_job.data.dataset import VaDataset
from tuner_job.errors import ConfigError, StoreError
from tuner_job.evaluation.folds import count_folds
from tuner_job.experiment.run import run_experiment
from tuner_job.problem import prepare_data, sites_left_out
from tuner_job.records import ExperimentSummary, StudySummary
from tuner_job.results.cache import TunedModelCache
from tuner_job.results.choose import choose_model
from tuner_job.results.experiment_store import ExperimentStore, open_experiment
from tuner_job.results.monitor import TuningMonitor
from tuner_job.results.store import Store
from tuner_job.schema import sentences
from tuner_job.wording import counted, listed


class HyperparameterTuner:
    """Tunes models on rows that it is given, and on no others.

    Every search is an experiment in `results`, named by its rows, configuration and seed: asked for
    the same again, it reads the result instead of searching. It may be a Ray actor:
    ``ray.remote(HyperparameterTuner).remote(config, results)``.

    Parameters
    ----------
    config
        How to search. There are never more folds than rows.
    results
        A folder or URL that keeps the searches.
    seed
        Of folds, models and search.
    budget
        Of each search.
    n_workers
        Processes that fit models on this machine; None: one a CPU. A Ray that runs already is used
        as it is.
    validation
        Which populations configurations are tested on; None: as in an experiment file that does not
        say.
    """

    def __init__(
        self,
        config: HyperparameterSearchConfig,
        results: str,
        seed: int = 42,
        budget: Budget | None = None,
        n_workers: int | None = None,
        validation: ValidationConfig | None = None,
    ):
        self._config, self._results, self._seed = config, results, seed
        self._budget, self._n_workers = budget or Budget(), n_workers
        self._validation = validation or ValidationConfig()
        self._known: ExperimentConfig | None = None

    def knowing(self, config: ExperimentConfig) -> Self:
        """Also tune the estimators of an experiment."""
        self._known = config
        return self

    def tune_model(
        self,
        model_type: ModelName,
        X_train: ArrayLike,
        y_train: ArrayLike,
        search_space: Mapping[str, Any] | None = None,
    ) -> TunedChoice:
        """Tune one model on arrays.

        Parameters
        ----------
        X_train : (n_train, n_features)
            Numbers; NaN is missing.
        y_train : (n_train,)
            Causes, of any type that can be sorted.
        search_space
            As in an experiment file; None: the one of the config, else the model's default.

        Raises
        ------
        ConfigError
            The search space is wrong.
        RunError
            The search could not go on.
        """
        X = np.asarray(X_train, dtype=np.float32)
        causes, y = np.unique(np.asarray(y_train), return_inverse=True)
        if X.ndim != 2 or len(X) != len(y):
            raise ConfigError(
                f"X_train must have two dimensions and as many rows as y_train; got {X.shape} and "
                f"{len(y)}"
            )
        data = VaDataset(
            X=X,
            y=y.astype(np.int32),
            site=np.zeros(len(y), dtype=np.int32),
            causes=tuple(map(str, causes)),
            sites=("all",),
            features=tuple(Feature(f"x{i}", f"x{i}") for i in range(X.shape[1])),
        )
        spaces: dict[str, Mapping[str, Any]] | None = (
            {model_type: search_space} if search_space is not None else None
        )
        return self.tune_data(data, [model_type], spaces)[model_type]

    def tune_data(
        self,
        data: VaDataset,
        models: Sequence[ModelName],
        search_spaces: Mapping[str, Mapping[str, Any]] | None = None,
        unseen_site: bool = False,
        listener: Callable[[TuningMonitor], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> dict[ModelName, TunedChoice]:
        """Tune models on all rows of a data set; see `tune_model`.

        Parameters
        ----------
        unseen_site
            The models will be used at a site that these data lack: where the composition is to stay
            as it is, they are validated by leaving out one site after the other.
        """
        config = self._experiment(data, models, search_spaces, unseen_site)
        prepared = prepare_data(config, data)
        summary = run_experiment(
            prepared, n_workers=self._n_workers, listener=listener, should_stop=should_stop
        )
        return self.read_choices(summary)

    def read_choices(self, summary: ExperimentSummary) -> dict[ModelName, TunedChoice]:
        """Read what a search of this tuner has chosen."""
        store = ExperimentStore(Store(self._results), summary.name)
        return {study.model: _choice(study, store) for study in summary.studies}

    def _experiment(
        self,
        data: VaDataset,
        models: Sequence[ModelName],
        spaces: Mapping[str, Mapping[str, Any]] | None,
        unseen_site: bool = False,
    ) -> ExperimentConfig:
        validation = self._validation.model_dump(mode="json")
        natural = validation["scheme"] == "stratified"
        if unseen_site and natural and count_folds(sites_left_out(data).folds) > 1:
            validation["scheme"] = "leave_one_site_out"
        tuning = self._config.model_dump(mode="json")
        if spaces is not None:
            tuning["search_spaces"] = spaces
        tuning["search_spaces"] = {
            m: space for m, space in tuning["search_spaces"].items() if m in models
        }
        tuning["cv_folds"] = min(self._config.cv_folds, data.n_different)
        content = {
            "name": "tuning",
            "data": {"source": counted(data.n_samples, "row"), "label": "cause"},
            "models": list(models),
            "tuning": tuning,
            "validation": validation,
            "budget": self._budget.model_dump(),
            "seed": self._seed,
            "results": self._results,
        }
        known = self._known
        if known and known.estimators:
            stated = known.document()
            content["estimators"] = {m: e for m, e in stated["estimators"].items() if m in models}
        if known and known.code:  # of a metric too
            content["code"] = dict(known.code)
        try:
            config = ExperimentConfig.model_validate(content)
            config = config.with_own_modules(known.own_modules if known else {})
            for model in config.families:
                config.space(model)
        except ValidationError as error:
            raise ConfigError(f"tuning: {'; '.join(sentences(error))}") from None
        except ValueError as error:
            raise ConfigError(f"tuning: {error}") from None
        name = sha256(f"{data.digest}/{_asked(config)}".encode()).hexdigest()[:16]
        return config.model_copy(update={"name": f"tuning-{name}"})


def read_tuned(
    url: str, data: VaDataset, models: Sequence[ModelName]
) -> dict[ModelName, TunedChoice]:
    """Take what an earlier experiment, a RayJob's for example, chose on all of these data.

    Its search saw every row, the test rows too, and each choice says so.

    Raises
    ------
    StoreError
        It is of other data or another cause list, lacks a model, or has not finished.
    """
    store = open_experiment(url)
    cache = TunedModelCache(store.store)
    summary, provenance = store.summary(), store.provenance()
    if tuple(summary.causes) != data.causes:
        other = sorted(set(summary.causes) ^ set(data.causes))
        differs = f"they differ in {listed(other)}" if other else "their order differs"
        raise StoreError(
            f"{store.url}: was tuned on other causes ({len(summary.causes):,}, here "
            f"{data.n_causes:,}): {differs}"
        )
    if provenance.data_digest != data.digest:
        raise StoreError(
            f"{store.url}: was tuned on other data (digest {provenance.data_digest[:12]}, here "
            f"{data.digest[:12]}); tune on these, or compare on those"
        )
    choices = {}
    for model in models:
        study = cache.load_summary(store.experiment, choose_model(store, model).model)
        if study:
            choices[model] = _choice(study, store).model_copy(update={"saw_test_rows": True})
    return choices


def _asked(config: ExperimentConfig) -> str:
    """All of a search that its outcome depends on, but for the data and the budget."""
    tuning = config.tuning
    extent = [config.families, tuning.n_trials, tuning.selection]  # the ensemble needs no search
    return json.dumps([decisive(config.document()), extent], sort_keys=True)


def _choice(study: StudySummary, store: ExperimentStore) -> TunedChoice:
    objective = study.objectives[0]
    default = next((step for step in study.steps if step.name == "default"), None)
    trials = store.load_trials(study.model)
    return TunedChoice(
        params=study.best.params,
        method=study.search_method,
        cv_score=study.best.scores[objective],
        cv_scores=[fold[objective] for fold in study.best.folds],
        n_trials=sum(study.n_trials.values()),
        seconds=study.fit_seconds,
        history=[trial.scores.get(objective) for trial in trials if trial.trial >= 0],
        convergence_plot=f"{store.url}/report.html",
        schedule=study.best.schedule,
        csmf_estimator=study.best.csmf_estimator,
        calibration=study.calibration,
        default_csmf_estimator=default and default.csmf_estimator,
        default_calibration=default and default.calibration,
        trial=study.best.trial,
        search=store.url,
    )
