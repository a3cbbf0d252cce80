"""Metrics of the user's own see the populations that ours see, and are held to be numbers."""

import pickle

import numpy as np
import pytest

from tuner_job.errors import ConfigError
from tuner_job.evaluation.assessment import assess
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.own_metrics import OwnMetricError, OwnMetrics
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.evaluation.screening import screen, screened

TEXT = """
import numpy as np

def cod(P, y, site):
    return np.mean(P.argmax(axis=1) == y)

def of_the_first_site(P, y, site):
    return (P.argmax(axis=1) == y)[site == 0].mean()

def certain(P, y, site):
    return P.max(axis=1).mean()

def fails(P, y, site):
    return 1 / 0

def wide(P, y, site):
    return P

def nothing(P, y, site):
    return None

def endless(P, y, site):
    return float("nan")

def one_argument(P):
    return 1.0

NO_FUNCTION = 3
"""


def own(*names: str) -> OwnMetrics:
    return OwnMetrics(tuple(f"own_scores:{name}" for name in names), {"own_scores": TEXT})


def some_deaths(metrics: OwnMetrics) -> tuple[Deaths, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    y = np.repeat(np.arange(3, dtype=np.int32), 40)
    P = rng.dirichlet(np.ones(3), len(y)) + 0.6 * np.eye(3)[y]
    site = rng.integers(0, 2, len(y)).astype(np.int32)
    folds = (np.arange(len(y)) % 4).astype(np.int32)
    return Deaths(y, site, metrics), P / P.sum(axis=1, keepdims=True), folds


@pytest.mark.parametrize("methods", [["count"], ["mean"], ["bayes"], ["count", "mean", "em"]])
@pytest.mark.parametrize("composition", ["natural", "dirichlet"])
def test_an_own_cod_accuracy_is_ours(methods: list, composition) -> None:
    protocol = ScoringProtocol(composition, 20, sizes=(50, 1000))
    deaths, P, folds = some_deaths(own("cod"))
    found = assess(deaths, P, folds, protocol, methods, [(deaths, P)] * 4)
    for scores in (*found.folds, *found.train):
        assert scores["own_scores:cod"] == pytest.approx(scores["cod_accuracy"], abs=1e-12)


def test_sites_are_those_of_the_rows() -> None:
    deaths, P, folds = some_deaths(own("of_the_first_site"))
    found = assess(deaths, P, folds, ScoringProtocol(), ["mean"])
    for fold, scores in enumerate(found.folds):
        rows = (folds == fold) & (deaths.site == 0)
        expected = (P[rows].argmax(axis=1) == deaths.y[rows]).mean()
        assert scores["own_scores:of_the_first_site"] == pytest.approx(expected)


def test_probabilities_are_adjusted_as_the_estimator_has_it() -> None:
    deaths, P, _ = some_deaths(own("certain"))
    samples = ScoringProtocol("dirichlet", 8).samples(deaths.y, 3)
    found = screen(deaths, P, samples, screened(["bayes", "mean"]))
    assert found["mean"]["own_scores:certain"] != found["bayes"]["own_scores:certain"]
    by_hand = [np.average(P.max(axis=1), weights=counts) for counts in samples.counts]
    assert found["mean"]["own_scores:certain"] == pytest.approx(np.mean(by_hand))


def test_it_travels_to_another_process() -> None:
    deaths, P, folds = some_deaths(own("cod"))
    there = pickle.loads(pickle.dumps(deaths))
    here = assess(deaths, P, folds, ScoringProtocol(), ["mean"])
    assert assess(there, P, folds, ScoringProtocol(), ["mean"]) == here


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fails", "own_scores:fails failed: ZeroDivisionError: division by zero"),
        ("wide", "must return a number"),
        ("nothing", "must return a number, got None"),
        ("endless", "must return a finite number, got nan"),
        ("one_argument", "own_scores:one_argument failed: TypeError"),
        ("NO_FUNCTION", "own_scores:NO_FUNCTION failed: TypeError"),
        ("cods", "own_scores has no cods; did you mean cod"),
    ],
)
def test_what_is_no_metric_is_refused(name: str, said: str) -> None:
    deaths, P, folds = some_deaths(own(name))
    with pytest.raises(ConfigError, match=r"tuning\.scoring_metric: ") as error:
        deaths.own.check(deaths.y, deaths.site, 3)
    assert said in str(error.value)
    with pytest.raises((OwnMetricError, ConfigError)):
        assess(deaths, P, folds, ScoringProtocol(), ["mean"])
