"""An experiment made ready: data loaded, folds laid out, nothing written yet."""

from collections import Counter
from dataclasses import dataclass

from tuner_job.config import ExperimentConfig, ModelName
from tuner_job.data import load_dataset
from tuner_job.data.dataset import VaDataset
from tuner_job.errors import ConfigError
from tuner_job.evaluation.folds import FoldIds, leave_one_site_out, stratified
from tuner_job.results.store import read_bytes

_LISTED = ("grid", "random", "asha", "pbt")
"""Methods that never try a configuration of the space twice."""


@dataclass(frozen=True)
class Prepared:
    """An experiment that has been found to be sound; nothing is written yet."""

    config: ExperimentConfig
    dataset: VaDataset
    folds: FoldIds

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.folds.max()) + 1

    @property
    def notes(self) -> list[str]:
        """What the user is told once: handled in the data, not errors."""
        return [*self.dataset.notes, *_rare_causes(self)]

    def planned(self) -> dict[ModelName, int | None]:
        """Model → trials that will be run; None where nobody knows before."""
        tuning, limit = self.config.tuning, self.config.budget.max_trials
        numbers: dict[ModelName, int | None] = {}
        for model in self.config.models:
            size = self.config.space(model).count() if tuning.search_method in _LISTED else None
            asked = size if tuning.search_method == "grid" else min(tuning.n_trials, size or tuning.n_trials)
            numbers[model] = min(asked, limit) if limit and asked else asked or limit
        return numbers


def prepare(config: ExperimentConfig) -> Prepared:
    """Load the data and lay out the folds.

    Raises
    ------
    DataError, ConfigError, StoreError
    """
    dataset = load_dataset(config.data, read_bytes)
    return Prepared(config, dataset, _folds(config, dataset))


def _folds(config: ExperimentConfig, dataset: VaDataset) -> FoldIds:
    if config.validation.scheme == "leave_one_site_out":
        if len(dataset.sites) < 2:
            raise ConfigError(
                "validation.scheme: leave_one_site_out needs at least two sites, but the data has "
                f"{len(dataset.sites)}; name the site column in data.site"
            )
        return leave_one_site_out(dataset.site)
    n_folds = config.tuning.cv_folds
    if n_folds > dataset.n_samples:
        raise ConfigError(f"tuning.cv_folds: must not exceed the {dataset.n_samples} rows of the data, got {n_folds}")
    return stratified(dataset.y, n_folds, config.seed)


def _rare_causes(prepared: Prepared) -> list[str]:
    dataset = prepared.dataset
    if prepared.config.validation.scheme != "stratified":
        return []
    counts = Counter(dataset.y.tolist())
    rare = [dataset.causes[i] for i in range(dataset.n_causes) if 0 < counts[i] < prepared.n_folds]
    if not rare:
        return []
    names = ", ".join(rare[:5]) + (" …" if len(rare) > 5 else "")
    return [
        f"{len(rare)} cause{'s have' if len(rare) > 1 else ' has'} fewer deaths than there are folds "
        f"({prepared.n_folds}) and stay{'' if len(rare) > 1 else 's'} in the cause list: {names}"
    ]
