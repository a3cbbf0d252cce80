"""An experiment made ready: data loaded, folds laid out, nothing written yet."""

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import ModelName
from tuner_job.config.validation import ValidationConfig
from tuner_job.data import load_dataset
from tuner_job.data.dataset import IntArray, VaDataset
from tuner_job.errors import ConfigError
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.folds import (
    FoldIds,
    Scheme,
    count_folds,
    group_copies,
    hold_out,
    stratified,
    validated,
)
from tuner_job.evaluation.metrics import METRICS
from tuner_job.evaluation.own_metrics import OwnMetrics
from tuner_job.evaluation.protocols import Composition, ScoringProtocol
from tuner_job.evaluation.sites import NEEDED, SiteFolds, leave_one_site_out
from tuner_job.models import ENSEMBLE
from tuner_job.results.store import read_bytes
from tuner_job.wording import cell, counted, listed, plain

_LISTED = ("grid", "random", "asha", "pbt")
"""Methods that never try a configuration of the space twice."""


@dataclass(frozen=True)
class Prepared:
    """An experiment that has been found to be sound; nothing is written yet."""

    config: ExperimentConfig
    dataset: VaDataset
    held_out: NDArray[np.bool_]
    """(n_samples,): the rows that the search never sees."""
    folds: FoldIds
    """(n_searched,): folds of the others; `NEVER` for those that are only trained on."""
    protocol: ScoringProtocol

    @cached_property
    def search_data(self) -> VaDataset:
        """The rows that the search sees."""
        return (
            self.dataset.take(np.flatnonzero(~self.held_out))
            if self.held_out.any()
            else self.dataset
        )

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return count_folds(self.folds)

    @cached_property
    def deaths(self) -> Deaths:
        """All rows, with what predictions of them are scored by."""
        own = [name for name in self.config.tuning.objectives if name not in METRICS]
        metrics = OwnMetrics(tuple(own), dict(self.config.own_modules) if own else {})
        return Deaths(self.dataset.y, self.dataset.site, metrics)

    @cached_property
    def validated(self) -> Deaths:
        """(n_validated): the rows that have out-of-fold probabilities."""
        searched = np.flatnonzero(~self.held_out)
        return self.deaths.take(searched[validated(self.folds)])

    @property
    def validated_y(self) -> IntArray:
        """(n_validated,): their causes."""
        return self.search_data.y[validated(self.folds)]

    @cached_property
    def validated_folds(self) -> FoldIds:
        """(n_validated,): their folds."""
        return self.folds[validated(self.folds)]

    @property
    def notes(self) -> list[str]:
        """What the user is told once: handled in the data, not errors."""
        return [*self.dataset.notes, *_rare_causes(self), *_untested_sites(self)]

    def described(self) -> list[str]:
        """What is searched on, in one line, and a line a note."""
        data = self.dataset
        counts = [
            f"{counted(data.n_samples, 'death')}, {counted(data.n_causes, 'cause')}",
            f"{counted(len(data.sites), 'site')}, {counted(len(data.features), 'feature')}",
        ]
        folds = f"{counted(self.n_folds, 'fold')} ({self.config.validation.scheme})"
        first = f"{self.config.name}: {', '.join(counts)}; {folds}"
        return [first, *(f"note: {note}" for note in self.notes)]

    def planned(self) -> dict[ModelName, int | None]:
        """Model → trials that will be run; None where nobody knows before."""
        tuning, limit = self.config.tuning, self.config.budget.max_trials
        numbers: dict[ModelName, int | None] = dict.fromkeys(self.config.models, 0)
        for model in self.config.families:  # the ensemble has none
            size = self.config.space(model).count() if tuning.search_method in _LISTED else None
            asked = (
                size
                if tuning.search_method == "grid"
                else min(tuning.n_trials, size or tuning.n_trials)
            )
            numbers[model] = min(asked, limit) if limit and asked else asked or limit
        return numbers


def in_words(config: ExperimentConfig, model: ModelName, planned: int | None) -> str:
    """Say how many trials of how many configurations will be run, and why not as many as were
    asked for."""
    if model == ENSEMBLE:
        return f"made of {listed(config.families)}, at no fit and no trial of its own"
    tuning, size = config.tuning, config.space(model).count()
    space = f"a space of {counted(size, 'configuration')}" if size else "a space without end"
    trials = counted(planned, "trial") if planned else "trials until the budget ends"
    asked = size if tuning.search_method == "grid" else tuning.n_trials
    why = ""
    if size is not None and planned and planned > size:
        why = "; a configuration that the sampler asks for again takes the result that it has"
    elif planned and asked and planned < asked:
        limit = config.budget.max_trials
        why = (
            f"; budget.max_trials is {limit:,}"
            if planned == limit
            else f", each once; n_trials is {asked:,}"
        )
    return f"{trials} in {space}{why}"


def prepare(config: ExperimentConfig) -> Prepared:
    """Load the data and lay out the folds.

    Raises
    ------
    DataError, ConfigError, StoreError
    """
    return prepare_data(config, load_dataset(config.data, read_bytes))


def prepare_data(config: ExperimentConfig, dataset: VaDataset) -> Prepared:
    """Lay out hold-out, folds and test populations on loaded data.

    Raises
    ------
    ConfigError
        They cannot be laid out on these data, or a metric of the user's own fails on them.
    """
    if config.tuning.sampler == "gp" and find_spec("torch") is None:
        raise ConfigError(
            "tuning.sampler: gp needs PyTorch, which is not installed; in a checkout: pip install "
            "'.[gp]'"
        )
    held_out = hold_out(dataset.y, config.validation.holdout, config.seed, dataset.copies)
    rows = np.flatnonzero(~held_out)
    if held_out.any():
        dataset = dataset.informative(rows)
    searched = dataset.take(rows)
    prepared = Prepared(
        config,
        dataset,
        held_out,
        _folds(config, searched),
        make_protocol(config.validation, dataset, config.seed),
    )
    validated = prepared.validated
    validated.own.check(validated.y, validated.site, dataset.n_causes)
    return prepared


def _folds(config: ExperimentConfig, searched: VaDataset) -> FoldIds:
    if config.validation.scheme == "leave_one_site_out":
        return _site_folds(searched)
    n_folds = config.tuning.cv_folds
    if n_folds > searched.n_different:
        raise ConfigError(
            f"tuning.cv_folds: must not exceed the {in_deaths(searched)} of the data, got {n_folds}"
        )
    return stratified(searched.y, n_folds, config.seed, searched.copies)


def in_deaths(dataset: VaDataset) -> str:
    """Say how many rows can be told apart, as in ``30 different deaths (90 rows)``."""
    n, n_rows = dataset.n_different, counted(dataset.n_samples, "row")
    return n_rows if n == dataset.n_samples else f"{counted(n, 'different death')} ({n_rows})"


def _site_folds(searched: VaDataset) -> FoldIds:
    n_sites = len(np.unique(searched.site))
    if n_sites < 2:
        raise ConfigError(
            "validation.scheme: leave_one_site_out needs at least two sites, but the data has "
            f"{n_sites}; name the site column in data.site"
        )
    found = sites_left_out(searched)
    if n_sites - len(found.untested) < 2:
        raise ConfigError(
            f"validation.scheme: leave_one_site_out needs at least two sites with {NEEDED}, but "
            f"the data has {n_sites - len(found.untested)}; too small: "
            f"{in_sites(searched, found.untested)}"
        )
    return found.folds


def sites_left_out(dataset: VaDataset) -> SiteFolds:
    """Leave out one site of a data set after the other."""
    return leave_one_site_out(dataset.y, dataset.site, dataset.copies)


def in_sites(dataset: VaDataset, untested: Mapping[int, str]) -> str:
    """Name sites that cannot be tested on, each with what it has, as in ``Tiny (1 death)``."""
    return listed(f"{plain(dataset.sites[site], 60)} ({why})" for site, why in untested.items())


def make_protocol(validation: ValidationConfig, dataset: VaDataset, seed: int) -> ScoringProtocol:
    """Translate how to validate into test populations of these data.

    Raises
    ------
    ConfigError
        A cause of ``validation.shift`` is not in the cause list, or its ranges cannot hold.
    """
    unknown = [cause for cause in validation.ranges if cause not in dataset.causes]
    if unknown:
        near = difflib.get_close_matches(unknown[0], dataset.causes, n=1)
        hint = f"did you mean {plain(near[0])}?" if near else f"they are {listed(dataset.causes)}"
        raise ConfigError(
            f"validation.shift.{plain(unknown[0])}: must be one of the {dataset.n_causes} causes; "
            f"{hint}"
        )
    most = sum(high for _, high in validation.ranges.values())
    if len(validation.ranges) == dataset.n_causes and most < 1 - 1e-9:
        raise ConfigError(
            "validation.shift: states every cause, so the largest fractions must sum to at least "
            f"1, got {most:g}"
        )
    ranges = tuple(
        (dataset.causes.index(cause), *bounds) for cause, bounds in validation.ranges.items()
    )
    return ScoringProtocol(
        composition_of(validation.scheme),
        validation.n_draws,
        ranges,
        seed,
        shifts=validation.shifts,
        sizes=validation.sizes,
    )


def composition_of(scheme: Scheme) -> Composition:
    """Compositions that a validation scheme tests."""
    return "natural" if scheme == "stratified" or scheme == "leave_one_site_out" else scheme


def _rare_causes(prepared: Prepared) -> list[str]:
    dataset = prepared.search_data
    if prepared.config.validation.scheme == "leave_one_site_out":
        return []
    first, _, _ = group_copies(dataset.copies)
    counts = Counter(dataset.y[first].tolist())
    rare = [dataset.causes[i] for i in range(dataset.n_causes) if 0 < counts[i] < prepared.n_folds]
    if not rare:
        return []
    names = listed(cell(cause) for cause in rare)
    return [
        f"{len(rare)} cause{'s have' if len(rare) > 1 else ' has'} fewer deaths than there are "
        "folds "
        f"({prepared.n_folds}) and stay{'' if len(rare) > 1 else 's'} in the cause list: {names}"
    ]


def _untested_sites(prepared: Prepared) -> list[str]:
    dataset = prepared.search_data
    if prepared.config.validation.scheme != "leave_one_site_out":
        return []
    found, notes = sites_left_out(dataset), []
    if found.untested:
        notes.append(
            f"{counted(len(found.untested), 'site')} too small to test on, which takes {NEEDED}, "
            f"so trained on in every fold: {in_sites(dataset, found.untested)}"
        )
    if found.n_elsewhere:
        notes.append(
            f"{counted(found.n_elsewhere, 'row has', 'rows have')} copies at another site, so "
            "trained on in every fold and not tested on"
        )
    return notes
