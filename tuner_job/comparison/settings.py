"""What decides a comparison's results, and how it is run."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter

from tuner_job.config.decisive import without_removed
from tuner_job.config.experiment import ExperimentConfig
from tuner_job.config.tuning import HyperparameterSearchConfig, ModelName
from tuner_job.config.validation import ValidationConfig, as_begun
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.intervals import REPORTED_DRAWS
from tuner_job.evaluation.protocols import Composition, ScoringProtocol
from tuner_job.models import FAMILIES, Families
from tuner_job.problem import composition_of, make_protocol
from tuner_job.units import Duration
from tuner_job.wording import shown


@dataclass(frozen=True)
class Runtime:
    """How a comparison is run; nothing of it changes a result.

    Attributes
    ----------
    n_workers
        Processes that fit models; None: one a CPU.
    batch_size
        Fits handed to workers at once; None: two a worker.
    checkpoint_interval
        Fits after which full_results.csv is written anew and progress is told.
    """

    n_workers: int | None = None
    batch_size: int | None = None
    checkpoint_interval: int = 10


@dataclass(frozen=True)
class Settings:
    """What is compared and how it is scored.

    Attributes
    ----------
    memory_per_fit
        Bytes that a fit takes; None: not known. It changes no result.
    on_ray_tune
        Whether Ray Tune searches, so that Ray is there for the other fits too. It changes none.
    """

    models: tuple[ModelName, ...]
    protocols: tuple[ScoringProtocol, ...] = (ScoringProtocol(),)
    n_bootstrap: int = 100
    seed: int = 42
    memory_per_fit: float | None = None
    on_ray_tune: bool = False
    families: Families = field(default_factory=lambda: dict(FAMILIES))

    @classmethod
    def of(cls, config: ExperimentConfig, data: VaDataset) -> "Settings":
        """Translate an experiment file for these data.

        Raises
        ------
        ConfigError
            A cause of ``validation.shift`` is not in the cause list, or its ranges cannot hold.
        """
        protocols = [
            replace(make_protocol(validation, data, config.seed), n_draws=REPORTED_DRAWS)
            for validation in validations(config).values()
        ]
        return cls(
            tuple(config.models),
            tuple(protocols),
            config.comparison.n_bootstrap,
            config.seed,
            config.budget.memory_per_task,
            searches_on_ray_tune(config),
            config.catalogue,
        )


def searches_on_ray_tune(config: ExperimentConfig) -> bool:
    """Whether a comparison makes searches that Ray Tune runs."""
    return config.comparison.tune and config.tuning.on_ray_tune


def validations(config: ExperimentConfig) -> dict[Composition, ValidationConfig]:
    """How models are tuned for each composition that is compared.

    Test rows of natural composition are tuned for by stratified folds. Nothing is held out of a
    search: every test is.
    """
    stated = config.validation
    compositions = config.comparison.protocols or [composition_of(stated.scheme)]
    return {
        composition: stated.model_copy(
            update={
                "scheme": "stratified" if composition == "natural" else composition,
                "shift": _shift_of(stated, composition),
                "population_size": stated.population_size if composition != "natural" else None,
                "holdout": 0.0,
            }
        )
        for composition in compositions
    }


def _shift_of(stated: ValidationConfig, composition: Composition) -> Any:
    """What is stated of a protocol's shift: fractions of shift, a strength of dirichlet."""
    if composition == "shift":
        return stated.stated_fractions
    return stated.shift if composition == "dirichlet" and isinstance(stated.shift, str) else {}


def document(config: ExperimentConfig, data: VaDataset) -> dict[str, Any]:
    """Everything that decides the results.

    A key that came later stands in it only where it differs from its default, so that comparisons
    of earlier versions go on.
    """
    comparison, validation = config.comparison, config.validation
    content = {
        "data_digest": data.digest,
        "sites": list(data.sites),
        "models": list(config.models),
        "experiments": list(comparison.experiments),
        "training_sizes": sorted(comparison.training_sizes),
        "outer_folds": comparison.outer_folds,
        "protocols": list(validations(config)),
        "shift": validation.ranges if "shift" in validations(config) else None,
        "n_bootstrap": comparison.n_bootstrap,
        "seed": config.seed,
        "tuning": config.tuning.model_dump(mode="json") if comparison.tune else None,
        "tuning_timeout": config.budget.timeout if comparison.tune else None,
        "tuned_params": comparison.tuned_params,
    }
    if comparison.tune:
        content |= validation.model_dump(
            mode="json", include={"n_draws", "csmf_estimators"}, exclude_defaults=True
        )
        content |= config.budget.model_dump(
            include={"max_trials", "cpu_seconds"}, exclude_defaults=True
        )
    if set(validations(config)) != {"natural"}:
        content |= validation.model_dump(
            mode="json", include={"population_size"}, exclude_defaults=True
        )
        content["strength"] = validation.shift if isinstance(validation.shift, str) else None
    if config.estimators:
        content["estimators"] = config.document()["estimators"]
    if config.code:
        content["code"] = dict(config.code)
    return as_now(content)


def as_begun_earlier(config: ExperimentConfig) -> ExperimentConfig:
    """Keep the test populations and estimators of versions before 0.5.0, where the experiment file
    says nothing else: those of a comparison that one of them began."""
    now = config.validation.model_dump(mode="json")
    begun = as_begun(now, {"scheme": now["scheme"]})
    return config.model_copy(update={"validation": ValidationConfig.model_validate(begun)})


def as_now(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Write the document of any version as this one writes it; what cannot be read stays as it
    is, and differs."""
    content = {name: value for name, value in stored.items() if value is not None}
    if (
        content.get("ensemble") is False
    ):  # up to 0.3.0; true asked for another ensemble than today's
        del content["ensemble"]
    for name, read in _AS_NOW.items():
        if name in content:
            with suppress(ValueError, TypeError):
                content[name] = read(content[name])
    if "tuning" not in content:  # a limit of searches that are not made
        content.pop("tuning_timeout", None)
    return content


def read_shift(stated: Iterable[str]) -> dict[str, list[float]]:
    """Read ``CAUSE=0.2`` and ``CAUSE=0.1:0.4`` as cause → [least, largest].

    Raises
    ------
    ValueError
        One is written otherwise, or a cause is stated twice.
    """
    shares: dict[str, list[float]] = {}
    for text in stated:
        cause, _, share = text.rpartition("=")
        if cause in shares:
            raise ValueError(f"must state each cause once, states {shown(cause, 60)} twice")
        try:
            bounds = [float(bound) for bound in share.split(":")]
        except ValueError:
            bounds = []
        if not cause or len(bounds) not in (1, 2):
            raise ValueError(f"must be CAUSE=SHARE or CAUSE=LEAST:LARGEST, got {shown(text, 60)}")
        shares[cause] = [bounds[0], bounds[-1]]
    return shares


def _ranges(stored: Any) -> dict[str, list[float]]:
    """Of 0.2.0 too, which kept what followed ``--shift``."""
    shares = stored if isinstance(stored, dict) else read_shift(stored)
    return {cause: list(bounds) for cause, bounds in shares.items()}


def _search(stored: Any) -> dict[str, Any]:
    known = without_removed(stored)
    return HyperparameterSearchConfig.model_validate(known).model_dump(mode="json")


_AS_NOW: dict[str, Callable[[Any], Any]] = {
    "sites": sorted,
    "shift": _ranges,
    "tuning": _search,
    "tuning_timeout": TypeAdapter(Duration).validate_python,
}
"""Key of a document → how what any version wrote there is read."""
