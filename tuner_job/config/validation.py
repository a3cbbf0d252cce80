"""Which populations a configuration is tested on: the section ``validation``."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from tuner_job.evaluation.folds import Scheme
from tuner_job.records import SHIFTS, EstimatorName, Shift
from tuner_job.schema import Closed
from tuner_job.wording import plain, shown

Fraction = Annotated[float, Field(ge=0, le=1)]
Stated = dict[str, Fraction | Annotated[list[Fraction], Field(min_length=2, max_length=2)]]
"""Cause → its fraction, or [least, largest]."""


class _StrengthOrFractions:
    """Reads `Shift | Stated`: a text is one of `SHIFTS`, so what is wrong with anything else is
    said of fractions alone."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            cls._read,
            handler(Stated),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value),
        )

    @staticmethod
    def _read(value: Any, read_fractions: Callable[[Any], Any]) -> Any:
        if not isinstance(value, str):
            return read_fractions(value)
        if value not in SHIFTS:
            raise ValueError(
                f"must be {', '.join(SHIFTS[:-1])} or {SHIFTS[-1]}, or fractions of causes, got "
                f"{shown(value)}"
            )
        return value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"enum": list(SHIFTS)}, handler(core)]}


Deaths = Annotated[int, Field(ge=10, le=1_000_000)]
FEWEST, MOST = 50, 1_000_000
"""Deaths of the populations where nothing is said of their size; no population has more deaths
than a fold holds out."""


class ValidationConfig(Closed):
    """Which populations a configuration is tested on, and how a CSMF is made of its
    probabilities."""

    scheme: Scheme = "dirichlet"
    """dirichlet: stratified folds, their held-out deaths resampled to populations of several sizes
    that differ from training by `shift`; shift: the same, with fractions as `shift` states them;
    leave_one_site_out: train on all sites but one, validate on that one; stratified: held-out
    deaths as they are, composed as in training."""
    n_draws: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Populations drawn for dirichlet and shift, shared by the folds; the same for every
    configuration. It takes 6 a fold for small and large ones of each strength of shift."""
    population_size: (
        Deaths | Annotated[list[Deaths], Field(min_length=2, max_length=2)] | Literal["all"] | None
    ) = None
    """Deaths of the populations that the model will be used for (dirichlet, shift): a number,
    [fewest, most], or all: as many as a fold holds out, which is also the most that there are. By
    default from 50 to all."""
    shift: Annotated[Shift | Stated, _StrengthOrFractions] = {}
    """How far their cause fractions differ from those of training. For dirichlet: near (drawn from
    a Dirichlet distribution around the training fractions with 10 pseudo-deaths a cause), moderate
    (with 1) or any (Dirichlet(1, …, 1): wherever they lie); by default all three, a third of the
    populations each. For shift: cause → its expected fraction, or [least, largest]; the others keep
    their proportions."""
    csmf_estimators: Annotated[list[EstimatorName], Field(min_length=1)] = [
        "count",
        "mean",
        "bayes",
    ]
    """Estimators to choose from, with each configuration, at no refit: count (most probable
    causes), mean (mean probability), bayes (composition inferred, held back by as much as the
    number of deaths and what they look like ask for), em and mixture (composition inferred, held
    back by a fixed number of pseudo-deaths)."""
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of each cause's deaths that the search never sees: default and tuned model, fitted on
    the others, are tested on them. The model that is kept is then fitted on all."""

    @model_validator(mode="after")
    def _fits_the_scheme(self) -> Self:
        stated = isinstance(self.shift, dict)
        if (self.scheme == "shift") != (stated and bool(self.shift)):
            raise ValueError(
                "scheme shift and the key shift need each other: cause → its expected fraction"
            )
        drawn = self.scheme in ("dirichlet", "shift")
        if not drawn and (self.shift or self.population_size is not None):
            raise ValueError(
                f"shift and population_size must be left out with scheme {self.scheme}, whose "
                "populations are the held-out deaths as they are"
            )
        if isinstance(size := self.population_size, list) and size[0] > size[1]:
            raise ValueError(f"population_size: must be [fewest, most], got {size}")
        for cause, bounds in self.stated_fractions.items():
            if isinstance(bounds, list) and bounds[0] > bounds[1]:
                raise ValueError(
                    f"shift.{plain(cause, 80)}: must be [least, largest], got {bounds}"
                )
        least = sum(low for low, _ in self.ranges.values())
        if least > 1 + 1e-9:
            raise ValueError(f"shift: the least fractions must sum to at most 1, got {least:g}")
        if len(set(self.csmf_estimators)) < len(self.csmf_estimators):
            raise ValueError(f"csmf_estimators must be distinct, got {shown(self.csmf_estimators)}")
        if self.holdout and self.scheme == "leave_one_site_out":
            raise ValueError(
                "holdout does not test other sites: with leave_one_site_out use `va-tuning compare`"
            )
        return self

    @property
    def stated_fractions(self) -> Stated:
        """Cause → what is stated of its fraction."""
        return self.shift if isinstance(self.shift, dict) else {}

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Cause → least and largest fraction."""
        return {
            cause: (s[0], s[1]) if isinstance(s, list) else (s, s)
            for cause, s in self.stated_fractions.items()
        }

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """How far compositions differ from training."""
        return (self.shift,) if isinstance(self.shift, str) else SHIFTS

    @property
    def sizes(self) -> tuple[int, int] | None:
        """Fewest and most deaths of a population; None: as many as a fold holds out."""
        match self.population_size:
            case None:
                return FEWEST, MOST
            case "all":
                return None
            case int(size):
                return size, size
            case bounds:
                return bounds[0], bounds[1]


EARLIER: dict[str, Any] = {
    "population_size": "all",
    "shift": "any",
    "csmf_estimators": ["count", "mean", "em", "mixture"],
}
"""What was tested, and by which estimators, before version 0.5.0, where scheme was dirichlet."""


def before_sizes(section: Mapping[str, Any]) -> dict[str, Any]:
    """Write the section of any version as this one writes it: one without `population_size` is of
    a version that did not know it."""
    if "population_size" in section:
        return dict(section)
    scheme = section.get("scheme", "dirichlet")
    added = {"csmf_estimators": EARLIER["csmf_estimators"]} | dict(section)
    if scheme in ("dirichlet", "shift"):
        added["population_size"] = EARLIER["population_size"]
    if scheme == "dirichlet":
        added["shift"] = EARLIER["shift"]
    return added


def as_begun(section: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Say how an experiment that an earlier version began goes on: what nothing is said of now
    stays as it was.

    Parameters
    ----------
    section
        As this version writes it.
    stored
        As any version wrote it.
    """
    if "population_size" in stored:
        return dict(section)
    before, defaults = before_sizes(stored), ValidationConfig().model_dump(mode="json")
    return dict(section) | {
        key: before[key]
        for key in EARLIER
        if key in before and section.get(key, defaults[key]) == defaults[key]
    }
