"""TunedClassifier: the search as a scikit-learn estimator."""

import tempfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from tuner_job.api import rows
from tuner_job.api.estimators import written
from tuner_job.api.model import Model
from tuner_job.config.estimators import trusted_by
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.load import check_experiment
from tuner_job.data.config import DataConfig
from tuner_job.data.dataset import VaDataset
from tuner_job.errors import ConfigError, DataError
from tuner_job.experiment.run import run_experiment
from tuner_job.prediction.predict import load_model
from tuner_job.problem import prepare_data
from tuner_job.results.experiment_store import open_experiment
from tuner_job.types import Probabilities
from tuner_job.wording import counted

if TYPE_CHECKING:
    import pandas as pd

_NAME = "tuned-classifier"
_NUMBERS = {"dtype": np.float32, "ensure_all_finite": "allow-nan"}


class TunedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that tunes one or more models on the rows that it is fitted on.

    `predict` and `predict_proba` judge each row alone, with calibrated probabilities;
    `cause_fractions` and ``predict_proba(X, adjust=True)`` take rows together.

    Parameters
    ----------
    models
        Which models to tune, as in an experiment file; the best one predicts.
    search_method, n_trials, cv_folds, scoring_metric, search_spaces
        How to search: the keys of `tuning` in an experiment file.
    data
        How the columns of a data frame are read: `columns`, `missing`, `drop`, `format` … of the
        section `data` in an experiment file. A frame of numbers alone is taken as it is where this
        is None; any other is read by a codebook, which new rows are held to.
    estimators
        Models of other packages by names of one's own, as in an experiment file; ``class`` may be
        a class, or an instance, whose parameters are fixed then unless they are searched. Own
        modules stand in the current folder.
    scheme
        Which populations configurations are tested on: `validation.scheme`. There are never more
        folds than the smallest number of rows that they can be laid out on.
    timeout
        Seconds after which the search ends; None: it does not.
    results
        A folder or URL that keeps the search, and from which the same search goes on; None: a
        temporary folder, gone at the end of `fit`.
    n_jobs
        Processes that fit models; None: one a CPU.
    random_state
        Seed of folds, models and search.

    Attributes
    ----------
    classes_
        (n_classes,): sorted labels, the columns of probabilities.
    model_
        The tuned `Model`.
    summary_
        The `ExperimentSummary` of the search.
    n_features_in_, feature_names_in_
        As of every scikit-learn estimator.
    """

    def __init__(
        self,
        models: Sequence[str] = ("xgboost",),
        *,
        search_method: str = "bayesian",
        n_trials: int = 30,
        cv_folds: int = 5,
        scoring_metric: str = "csmf_accuracy",
        search_spaces: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        estimators: Mapping[str, Any] | None = None,
        scheme: str = "dirichlet",
        timeout: float | None = None,
        results: str | None = None,
        n_jobs: int | None = None,
        random_state: int = 42,
    ):
        self.models = models
        self.search_method = search_method
        self.n_trials = n_trials
        self.cv_folds = cv_folds
        self.scoring_metric = scoring_metric
        self.search_spaces = search_spaces
        self.data = data
        self.estimators = estimators
        self.scheme = scheme
        self.timeout = timeout
        self.results = results
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> "TunedClassifier":
        """Tune the models, and fit the best one on all rows.

        Parameters
        ----------
        X : (n_rows, n_features)
            Numbers, NaN is missing; or a data frame of raw answers.
        y : (n_rows,)
            Labels.
        groups : (n_rows,)
            Sites; needed where `scheme` leaves out sites.

        Raises
        ------
        ConfigError
            A parameter is wrong.
        DataError
            A data frame cannot be read.
        RunError
            The search could not go on.
        """
        config, data = self._as_dataset(X, y, groups)
        if self.results is not None:
            self._search(config, data, self.results)
        else:
            with tempfile.TemporaryDirectory() as folder:
                self._search(config, data, folder)
        return self

    def _as_dataset(
        self, X: Any, y: ArrayLike, groups: ArrayLike | None
    ) -> tuple[DataConfig, VaDataset]:
        self._reads_words = rows.has_words(X) or (self.data is not None and hasattr(X, "columns"))
        checked = {"skip_check_array": True} if self._reads_words else _NUMBERS
        found = validate_data(self, X, y, **checked)
        labels: NDArray[Any] = column_or_1d(found[1], warn=True)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold two classes or more; got 1 class: {self.classes_[0]!r}")
        causes = list(map(str, self.classes_))
        if self._reads_words:
            check_consistent_length(X, labels)
            try:
                return rows.of_frame(X, codes, causes, groups, self.data or {})
            except ValueError as error:
                raise ConfigError(f"TunedClassifier: {error}") from None
        X = found[0]
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(X.shape[1])])
        source = counted(len(labels), "row")
        config = DataConfig(source=source, label="cause")
        return config, rows.of_array(X, list(map(str, names)), codes, causes, groups)

    def _search(self, data_config: DataConfig, data: VaDataset, results: str) -> None:
        config = self._experiment(data_config, data, results)
        kept = self.results is not None
        self.summary_ = run_experiment(
            prepare_data(config, data), n_workers=self.n_jobs, to_be_read=kept
        )
        # What was given here is run here; a pickle only from a folder that nobody else writes.
        trusted = trusted_by(config.estimators, config.own_modules)
        store = open_experiment(f"{config.results}/{config.name}")
        self.model_ = Model(load_model(store, None, trusted, allow_pickle=not kept))

    def _experiment(
        self, data_config: DataConfig, data: VaDataset, results: str
    ) -> ExperimentConfig:
        tuning: dict[str, Any] = {
            "search_method": self.search_method,
            "cv_folds": max(2, min(self.cv_folds, int(np.bincount(data.y).max()))),
            "scoring_metric": self.scoring_metric,
            "search_spaces": dict(self.search_spaces or {}),
        }
        if self.search_method != "grid":
            tuning["n_trials"] = self.n_trials
        content: dict[str, Any] = {
            "name": _NAME,
            "data": {"source": "rows", "label": "cause"},
            "models": list(self.models),
            "estimators": written(self.estimators or {}, tuning["search_spaces"]),
            "tuning": tuning,
            "validation": {"scheme": self.scheme},
            "budget": {} if self.timeout is None else {"timeout": self.timeout},
            "seed": self.random_state,
            "results": results,
        }
        config = check_experiment(content, "TunedClassifier")
        named = {"name": f"{_NAME}-{data.digest[:12]}", "data": data_config}
        return config.model_copy(update=named)

    def predict_proba(self, X: Any, adjust: bool = False) -> Probabilities:
        """Calibrated probabilities (n_rows, n_classes); see `Model.predict_proba`."""
        rows = self._checked(X)
        return self.model_.predict_proba(rows, adjust)

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each row, (n_rows,)."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])

    def cause_fractions(self, X: Any, level: float = 0.95) -> "pd.DataFrame":
        """Fractions of the classes among these rows, with intervals; see
        `Model.cause_fractions`."""
        rows = self._checked(X)
        found = self.model_.cause_fractions(rows, level)
        return found.set_axis(self.classes_, axis=0)

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self)
        if not self._reads_words:
            return validate_data(self, X, reset=False, **_NUMBERS)
        if not hasattr(X, "columns"):
            raise DataError(
                "rows must be a data frame, as those that the classifier was fitted on; got "
                f"{type(X).__name__}"
            )
        return X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
