"""What every model family promises: plain assertions, each with a sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tuner_job.errors import ConfigError, DataError, StoreError
from tuner_job.models import FAMILIES, FoldData, ModelFamily, PathPoint
from tuner_job.testing.deaths import ABSENT, N_CLASSES, make_fold, make_rows
from tuner_job.types import Floats

_SEED = 3


@dataclass(frozen=True)
class Case:
    """A family, a configuration of it, and values of its path.

    Attributes
    ----------
    params
        Without the path parameter.
    values
        Two or more different ones, in no order; of a family without a path ``[None]``.
    tolerance
        By how much a path that is not nested may differ from single fits.
    """

    family: ModelFamily
    params: Mapping[str, Any]
    values: Sequence[Any]
    tolerance: float = 1e-6

    def path(
        self, fold: FoldData, values: Sequence[Any] = (), seed: int = _SEED
    ) -> list[PathPoint]:
        """Points of the path."""
        return self.family.fit_path(fold, self.params, values or self.values, seed)

    def single(self, value: Any) -> dict[str, Any]:
        """The configuration with one value of the path."""
        path = self.family.path_parameter
        return dict(self.params) if path is None else {**self.params, path: value}


def points_are_distributions(case: Case) -> None:
    """Every point is a distribution over the whole cause list; an absent cause has 0."""
    fold = make_fold()
    points = case.path(fold)
    assert len(points) == len(case.values), "fit_path must give one point a value"
    present = np.arange(N_CLASSES) != ABSENT
    for point in points:
        parts = ((point.P_validation, fold.X_validation), (point.P_probe, fold.X_probe))
        for P, X in parts:
            assert P.shape == (len(X), N_CLASSES), "P must have a row a death, a column a cause"
            assert (P >= 0).all(), "probabilities must not be negative"
            assert np.allclose(P.sum(axis=1), 1, rtol=1e-6), "rows of P must sum to 1"
            assert (P[:, ABSENT] == 0).all(), "a cause without training rows must have 0"
            assert (P[:, present].max(axis=0) > 0).all(), "a cause with training rows must be seen"
        assert point.fit_seconds > 0, "fit_seconds must be told"


def it_learns(case: Case) -> None:
    """It finds more causes than when the training causes are shuffled."""
    fold, truth = make_fold(), make_rows(40, seed=2)[1]
    rows = np.random.default_rng(0).permutation(len(fold.y_train))
    shuffled = replace(fold, y_train=fold.y_train[rows], prepared={})
    right, chance = (
        (case.path(one)[-1].P_validation.argmax(axis=1) == truth).mean() for one in (fold, shuffled)
    )
    assert right > chance + 0.15, f"it must learn: {right:.2f} right, {chance:.2f} by chance"


def paths_equal_single_fits(case: Case) -> None:
    """Each point of a path is what a fit of that configuration alone gives."""
    fold = make_fold()
    for value, point in zip(case.values, case.path(fold), strict=True):
        model = case.family.fit(fold.X_train, fold.y_train, N_CLASSES, case.single(value), _SEED)
        for P, X in ((point.P_validation, fold.X_validation), (point.P_probe, fold.X_probe)):
            alone, what = model.predict_proba(X), f"the path's point of {value} must equal a fit"
            exact = case.family.path_is_nested
            off = float(np.abs(alone - P).max())
            assert off <= (0 if exact else case.tolerance), f"{what} of it alone; off by {off:g}"


def repeated_values_cost_nothing(case: Case) -> None:
    """A value that is asked for again is the same point, at no fit."""
    first, again = case.path(make_fold(), [case.values[0]] * 2)
    _same(first.P_validation, again.P_validation, "a value asked for again must be the same point")
    assert first.fit_seconds > 0, "fit_seconds of the first must be told"
    assert again.fit_seconds == 0, "a value asked for again must cost nothing"


def results_are_functions(case: Case) -> None:
    """The result depends on rows, parameters and seed, not on what was fitted before."""
    fold = make_fold()
    once, with_cache, anew = case.path(fold), case.path(fold), case.path(make_fold())
    for other in (with_cache, anew):
        for a, b in zip(once, other, strict=True):
            _same(a.P_validation, b.P_validation, "the same fit again must give the same")
            _same(a.P_probe, b.P_probe, "the same fit again must give the same")
            assert a.diagnostics == b.diagnostics, "diagnostics must be the same at every run"
    case.family.fit_path(fold, {}, case.values, 4)
    again = case.path(fold)
    _same(once[0].P_validation, again[0].P_validation, "another fit in between must leave no trace")
    turned = case.path(make_fold(), list(reversed(case.values)))[::-1]
    for a, b in zip(once, turned, strict=True):
        _same(a.P_validation, b.P_validation, "the order of the values must not matter")


def prepared_is_named(case: Case) -> None:
    """What is kept for the next task on a fold is named by the family."""
    fold = make_fold()
    case.path(fold)
    named = all(key.startswith(case.family.name) for key in fold.prepared)
    assert named, f"keys of FoldData.prepared must begin with {case.family.name}"


def models_survive_their_bytes(case: Case) -> None:
    """A model read from its bytes is the same, and has the same bytes."""
    fold = make_fold()
    params = case.single(case.values[0])
    model = case.family.fit(fold.X_train, fold.y_train, N_CLASSES, params, _SEED)
    assert model.shape == (fold.X_train.shape[1], N_CLASSES), "shape must be features and causes"
    content = model.to_bytes()
    again = case.family.from_bytes(content)
    P = model.predict_proba(fold.X_validation)
    _same(P, again.predict_proba(fold.X_validation), "a model must survive its bytes")
    assert again.to_bytes() == content, "a model that was read must have the same bytes"


def foreign_bytes_are_refused(case: Case) -> None:
    """Bytes that are no such model raise `StoreError`."""
    other = next(one for one in FAMILIES.values() if one.name != case.family.name)
    X, y = make_rows(30, seed=1)
    foreign = other.fit(X, y, N_CLASSES, {}, seed=0).to_bytes()
    for broken in (foreign, b"", b"PK nonsense", foreign[: len(foreign) // 2]):
        _raises(StoreError, partial(case.family.from_bytes, broken))


def other_columns_are_refused(case: Case) -> None:
    """Rows with other columns raise `DataError`."""
    fold = make_fold()
    model = case.family.fit(fold.X_train, fold.y_train, N_CLASSES, case.params, seed=0)
    _raises(DataError, lambda: model.predict_proba(fold.X_validation[:, :10]))


def a_single_cause_is_certain(case: Case) -> None:
    """Where all training rows have one cause, it is certain."""
    fold = make_fold()
    one = replace(fold, y_train=np.full_like(fold.y_train, 2), prepared={})
    certain = np.eye(N_CLASSES)[np.full(len(fold.X_validation), 2)]
    for point in case.path(one):
        _same(point.P_validation, certain, "a single cause must be certain")
    model = case.family.fit(one.X_train, one.y_train, N_CLASSES, case.params, _SEED)
    P = case.family.from_bytes(model.to_bytes()).predict_proba(fold.X_validation)
    _same(P, certain, "a single cause must be certain after reading, too")


def two_causes_are_enough(case: Case) -> None:
    """Two causes can be told apart, the others have 0."""
    fold = make_fold()
    two = fold.y_train < 2
    small = replace(fold, X_train=fold.X_train[two], y_train=fold.y_train[two], prepared={})
    P = case.path(small)[-1].P_validation
    assert np.allclose(P[:, :2].sum(axis=1), 1, rtol=1e-6), "two causes must have all probability"
    assert (P[:, 2:] == 0).all(), "causes without training rows must have 0"
    assert P[:, 0].std() > 0, "deaths must be told apart"


def wrong_calls_are_refused(case: Case) -> None:
    """Codes outside the list, no rows, unknown parameters and empty paths are refused."""
    fold, family = make_fold(), case.family
    X, y = fold.X_train, fold.y_train
    _raises(DataError, lambda: family.fit(X, y, 2, {}, seed=0))
    _raises(DataError, lambda: family.fit(X[:0], y[:0], N_CLASSES, {}, seed=0))
    _raises(ConfigError, lambda: family.fit_path(fold, {}, [], seed=0))
    unknown = {"no_such_parameter": 3}
    told = _raises(ConfigError, lambda: family.fit(X, y, N_CLASSES, unknown, seed=0))
    named = told.startswith(f"{family.name}: ") and "no_such_parameter" in told
    assert named, f"the message must name the family and the parameter, found {told}"


def parameters_are_told(case: Case) -> None:
    """Parameters have defaults; complexities and what may change are of them."""
    family = case.family
    fields = family.Parameters.model_fields
    defaults = family.Parameters.model_validate({}).model_dump(mode="json")
    assert defaults.keys() == fields.keys(), "every parameter must have a default"
    family.Parameters.model_validate(defaults)
    path = family.path_parameter
    assert path is None or path in fields, f"the path parameter {path} must be a parameter"
    assert family.mutable <= set(fields), "what may change during a fit must be parameters"
    assert bool(family.mutable) != bool(family.why_not_mutable), "say why nothing may change"
    complexities = [family.complexity(one) for one in ({}, case.single(case.values[0]))]
    assert len({len(one) for one in complexities}) == 1, "complexities must be of one length"
    for name, entry in family.default_space.items():
        if name == "forbid" or not isinstance(entry, list):
            continue
        known = fields[name].rebuild_annotation()
        assert known is not None, f"{name} of the default space must be a parameter"


CHECKS: tuple[Callable[[Case], None], ...] = (
    points_are_distributions,
    it_learns,
    paths_equal_single_fits,
    repeated_values_cost_nothing,
    results_are_functions,
    prepared_is_named,
    models_survive_their_bytes,
    foreign_bytes_are_refused,
    other_columns_are_refused,
    a_single_cause_is_certain,
    two_causes_are_enough,
    wrong_calls_are_refused,
    parameters_are_told,
)
"""Every check, to be run one by one."""


def _same(a: Floats | Any, b: Floats | Any, what: str) -> None:
    assert np.array_equal(a, b), f"{what}; off by {float(np.abs(a - b).max()):g}"


def _raises(kind: type[Exception], call: Callable[[], Any]) -> str:
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError(f"{kind.__name__} must be raised")
