"""Making an estimator: its classes imported, what is fixed set, one thread and the seed."""

import difflib
import inspect
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Protocol

from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, create_model

from tuner_job.errors import ConfigError
from tuner_job.own_code.importing import load
from tuner_job.threads import quietly
from tuner_job.wording import listed, plain, shown

SEED = "random_state"
THREADS = frozenset({"n_jobs", "nthread", "num_threads", "thread_count"})
_NEEDED = ("fit", "predict_proba", "get_params", "set_params")
_MOST_OF_ERROR = 300
Scalar = bool | int | float | str | None


class Estimator(Protocol):
    """What is needed of an estimator."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn."""

    def predict_proba(self, X: Any) -> Any:
        """Probabilities, a column a class."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name."""

    def set_params(self, **params: Any) -> Any:
        """Set parameters."""


@dataclass(frozen=True)
class Recipe:
    """How an estimator is made, as an experiment file says it.

    Attributes
    ----------
    classes
        References to a class, or to something that returns an estimator when it is called; of
        several, a pipeline is made.
    fixed
        Parameter → its value in every fit.
    path
        The parameter, a whole number, whose values one fit scores where that is sound.
    sources
        Own module → its text.
    """

    classes: tuple[str, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    path: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    def make(self, params: Mapping[str, Any] | None = None, seed: int = 0) -> Estimator:
        """Make an estimator that is not fitted.

        Raises
        ------
        ConfigError
            It cannot be made, or refuses the parameters.
        """
        estimator: Estimator = self._made()
        try:
            if params:
                estimator.set_params(**params)
            own = self._own(estimator, seed)
            if own:
                estimator.set_params(**own)
        except Exception as error:
            raise ConfigError(f"{self}: {_said(error)}") from None
        return estimator

    def __str__(self) -> str:
        return listed(self.classes)

    def parameters(self) -> type[BaseModel]:
        """What may be searched, with defaults: every parameter that is one value of JSON, but for
        those that are fixed, the seed and the threads.

        Raises
        ------
        ConfigError
            The estimator cannot be made, or `path` is none of its parameters.
        """
        defaults = self._made().get_params(deep=True)
        open_: dict[str, tuple[Any, Any]] = {
            name: (Scalar, value)
            for name, value in defaults.items()
            if _is_scalar(value) and not _is_own(name) and name not in self.fixed
        }
        if self.path is not None:
            if self.path not in open_:
                raise ConfigError(f"path: {self._unknown(self.path, open_)}")
            default = open_[self.path][1]
            if isinstance(default, bool) or not isinstance(default, int) or default < 1:
                raise ConfigError(
                    f"path: must name a whole number that fits grow by, such as n_estimators; "
                    f"{self.path} is {shown(default, 40)}"
                )
            open_[self.path] = (Annotated[int, Ge(1)], default)
        if not open_:
            raise ConfigError(f"{self} has no parameter that could be searched")
        return parameters_of(open_)

    def _made(self) -> Any:
        """Make an estimator with what is fixed."""
        left = dict(self.fixed)
        if len(self.classes) == 1:
            estimator, taken = _called(self.classes[0], self.sources, self.fixed)
            left = {name: value for name, value in left.items() if name not in taken}
        else:
            estimator = self._pipeline()
        lacking = [name for name in _NEEDED if not callable(getattr(estimator, name, None))]
        if lacking or isinstance(estimator, type):
            what = listed(lacking) or "an instance"
            raise ConfigError(f"{self} is no estimator with probabilities: it lacks {what}")
        known = estimator.get_params(deep=True)
        for name in self.fixed:
            if name.rpartition("__")[2] in THREADS:
                raise ConfigError(f"fixed.{name}: is 1 in every fit: each worker runs one")
        for name in left:
            if name not in known:
                raise ConfigError(f"fixed.{self._unknown(name, known)}")
        try:
            if left:
                estimator.set_params(**left)
        except Exception as error:
            raise ConfigError(f"fixed: {_said(error)}") from None
        return estimator

    def _pipeline(self) -> Any:
        from sklearn.pipeline import make_pipeline  # importing it takes a second

        return make_pipeline(*(_called(text, self.sources, {})[0] for text in self.classes))

    def _own(self, estimator: Estimator, seed: int) -> dict[str, Any]:
        """The seed, where the file fixes none, and one thread."""
        found: dict[str, Any] = {}
        for name in estimator.get_params(deep=True):
            last = name.rpartition("__")[2]
            if last == SEED and name not in self.fixed:
                found[name] = seed
            elif last in THREADS:
                found[name] = 1
        return found

    def _unknown(self, name: str, known: Mapping[str, Any]) -> str:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {listed(known, most=20)}"
        return f"{plain(name, 80)}: is not a parameter of {self}; {hint}"


def parameters_of(fields: Mapping[str, tuple[Any, Any]]) -> type[BaseModel]:
    """Make a class of parameters, name → type and default."""
    config = ConfigDict(extra="forbid", protected_namespaces=())
    named: dict[str, Any] = {name: one for name, one in fields.items() if name[:1] != "_"}
    with quietly():  # a parameter may have the name of something that pydantic's models have
        return create_model("Parameters", __config__=config, **named)


def _called(
    text: str, sources: Mapping[str, str], fixed: Mapping[str, Any]
) -> tuple[Any, Collection[str]]:
    """Make what a reference names, with those of `fixed` that it takes as arguments; say which."""
    maker = load(text, sources)
    if not callable(maker):
        raise ConfigError(f"{text} must be a class, or a function that returns an estimator")
    try:
        arguments = inspect.signature(maker).parameters
    except (TypeError, ValueError):  # some that are written in C have none
        arguments = MappingProxyType({})
    named = [name for name, one in arguments.items() if one.kind is not one.VAR_KEYWORD]
    if len(named) < len(arguments):  # takes any: LightGBM knows parameters by several names
        for name in fixed.keys() - set(named):
            if near := difflib.get_close_matches(name, named, n=1, cutoff=0.8):
                raise ConfigError(f"fixed.{plain(name, 80)}: did you mean {near[0]}?")
        named += fixed
    given = {name: value for name, value in fixed.items() if name in named}
    try:
        return maker(**given), given
    except Exception as error:  # whatever somebody's class does
        raise ConfigError(f"{text} cannot be made: {_said(error)}") from None


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {plain(error, _MOST_OF_ERROR)}"


def _is_own(name: str) -> bool:
    """Whether it is for the search to set: the seed, or threads."""
    last = name.rpartition("__")[2]
    return last == SEED or last in THREADS


def _is_scalar(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or type(value) in (bool, int, str)
