"""CSMF accuracy by how many deaths there are and how far they differ from training, on deaths that
neither a model nor its estimator has seen: ``python -m benchmarks.populations [PHMRC_CHILD.csv]``.

Models are fitted on some deaths of a world, and their estimator is chosen by out-of-fold
probabilities as in a search; populations are drawn from the other deaths. Worlds, seeds and cells
were fixed before the rule was; the worlds of `FITTED` shaped it, those of `JUDGED` did not.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.tables import markdown
from tuner_job.data import load_dataset
from tuner_job.data.config import DataConfig, SyntheticConfig
from tuner_job.data.dataset import VaDataset
from tuner_job.data.synthetic import generate
from tuner_job.evaluation.assessment import MEAN, assess
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.csmf import count, estimate
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.folds import stratified
from tuner_job.evaluation.metrics import csmf, csmf_accuracy_of
from tuner_job.evaluation.protocols import ScoringProtocol, draw_samples
from tuner_job.models import FAMILIES
from tuner_job.records import SHIFTS, CsmfEstimator, EstimatorName, Shift
from tuner_job.results.store import read_bytes
from tuner_job.types import Causes, Floats, Probabilities

SIZES = (50, 100, 200, 500, 1_000, 1_000_000)
N_DRAWS = 40
BEFORE: tuple[EstimatorName, ...] = ("count", "mean", "em", "mixture")
NOW: tuple[EstimatorName, ...] = ("count", "mean", "bayes")
TUNED: dict[str, dict[str, object]] = {
    "naive_bayes": {"smoothing": 3.0},
    "logistic_regression": {"C": 0.02},
    "random_forest": {"n_estimators": 150, "min_samples_leaf": 2},
    "xgboost": {"n_estimators": 150, "learning_rate": 0.05, "max_depth": 3, "subsample": 0.7},
}
"""One configuration a family, better than its default: what a search would find is not the
question."""


@dataclass(frozen=True)
class World:
    """Where deaths come from.

    Attributes
    ----------
    seed
        Of the split of real deaths into five parts, or of generated deaths.
    n_train, n_causes, n_symptoms
        Of generated deaths; of real ones, three parts of five are trained on.
    """

    seed: int
    n_train: int = 0
    n_causes: int = 0
    n_symptoms: int = 0

    def __str__(self) -> str:
        if not self.n_train:
            return f"PHMRC child, split {self.seed}"
        return f"generated, {self.n_train:,} × {self.n_symptoms} × {self.n_causes} causes"


FITTED: tuple[World, ...] = (
    World(0),
    World(1),
    World(2),
    World(1, 1500, 14, 80),
    World(2, 600, 8, 60),
    World(4, 1400, 21, 150),
)
JUDGED: tuple[World, ...] = (
    World(11),
    World(12),
    World(21, 1000, 10, 100),
    World(22, 2500, 30, 170),
    World(23, 500, 16, 60),
)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model of a world: causes and probabilities of its training deaths, out of fold, and of the
    others; and what the untuned default says of these."""

    y: Causes
    folds: np.ndarray
    P: Probabilities
    y_test: Causes
    P_test: Probabilities
    P_default: Probabilities


def main() -> None:
    """Print the table of cells, all models and worlds together, and the worst cell of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="raw PHMRC child data")
    parser.add_argument("--worlds", choices=["fitted", "judged"], default="judged")
    arguments = parser.parse_args()
    rows = []
    for world in JUDGED if arguments.worlds == "judged" else FITTED:
        if world.n_train or arguments.data:
            rows += [
                {"world": str(world), **row} for row in _rows_of(*_deaths(world, arguments.data))
            ]
    print(tables(pd.DataFrame(rows)))


def tables(scores: pd.DataFrame) -> str:
    """Mean CSMF accuracy of each cell, and each model's worst difference to what needs no
    estimator."""
    simple = ["default counted", "tuned counted", "mean", "copy-train"]
    shown = [*simple, "before", "now", "stated"]
    cells = scores.groupby(["shift", "deaths"], sort=False)[shown].mean()
    sizes = [*(f"{size:,}" for size in SIZES[:-1]), "all"]
    cells = cells.loc[[cell for cell in product(SHIFTS, sizes) if cell in cells.index]]
    table = [
        [shift, deaths, *(f"{value:.3f}" for value in values)]
        for (shift, deaths), values in zip(cells.index, cells.to_numpy(), strict=True)
    ]
    table.append(["mean", "", *(f"{value:.3f}" for value in cells.mean())])
    worst = []
    for model, own in scores.groupby("model"):
        mean = own.groupby(["shift", "deaths"], sort=False)[shown].mean()
        best = mean[simple].max(axis=1)
        least = [(mean[kind] - best).sort_values().iloc[:1] for kind in ("before", "now", "stated")]
        worst.append(
            [model, *(f"{one.iloc[0]:+.3f} {'/'.join(map(str, one.index[0]))}" for one in least)]
        )
    ratio = f"Seconds of scoring a configuration, now / before: {scores.seconds.mean():.2f}"
    return "\n\n".join(
        [
            markdown(["shift", "deaths", *shown], table),
            markdown(
                ["least difference to the best of the four", "before", "now", "stated"], worst
            ),
            ratio,
        ]
    )


def _deaths(world: World, path: Path | None) -> tuple[VaDataset, VaDataset]:
    """Deaths to train on, and others."""
    if not world.n_train:
        data = load_dataset(DataConfig(source=str(path), format="phmrc"), read_bytes)
        part = stratified(data.y, 5, world.seed, data.copies)
        return data.take(np.flatnonzero(part >= 2)), data.take(np.flatnonzero(part < 2))
    config = SyntheticConfig(
        n_samples=world.n_train + 4_000,
        n_causes=world.n_causes,
        n_symptoms=world.n_symptoms,
        seed=world.seed,
    )
    data = generate(config)
    order = np.random.default_rng(world.seed).permutation(data.n_samples)
    return data.take(np.sort(order[: world.n_train])), data.take(np.sort(order[world.n_train :]))


def _rows_of(train: VaDataset, test: VaDataset) -> Iterator[dict[str, object]]:
    for model, better in TUNED.items():
        fitted = _fit(model, better, train, test)
        before = ScoringProtocol("dirichlet", 100)
        now = ScoringProtocol("dirichlet", 100, shifts=SHIFTS, sizes=(50, 1_000_000))
        chosen, taken = {}, {}
        for name, protocol, methods in (("before", before, BEFORE), ("now", now, NOW)):
            chosen[name], taken[name] = _choose(fitted, protocol, methods)
        seconds = taken["now"] / taken["before"]
        for shift in SHIFTS:
            stated = ScoringProtocol("dirichlet", 100, shifts=(shift,), sizes=(50, 1_000_000))
            chosen["stated"], _ = _choose(fitted, stated, NOW)
            for size in sorted({min(one, len(test.y)) for one in SIZES}):
                yield {
                    "model": model,
                    "seconds": seconds,
                    **_cell(fitted, chosen, shift, size),
                }
        print(f"# {model}: {', '.join(f'{k} {v}' for k, v in chosen.items())}", flush=True)


def _fit(model: str, better: dict[str, object], train: VaDataset, test: VaDataset) -> Fitted:
    family, n_classes = FAMILIES[model], train.n_causes
    folds = stratified(train.y, 5, 1, train.copies)

    def fitted(rows: np.ndarray, X: np.ndarray, params: dict[str, object]) -> Probabilities:
        full = family.Parameters.model_validate(params).model_dump()
        at = np.ascontiguousarray(train.X[rows])
        return family.fit(at, train.y[rows], n_classes, full, 0).predict_proba(X)

    P = np.empty((len(train.y), n_classes))
    for fold in range(5):
        P[folds == fold] = fitted(folds != fold, train.X[folds == fold], better)
    everything = np.ones(len(train.y), dtype=bool)
    P_test, P_default = (fitted(everything, test.X, params) for params in (better, {}))
    return Fitted(train.y, folds, P, test.y, P_test, P_default)


def _choose(
    fitted: Fitted, protocol: ScoringProtocol, methods: tuple[EstimatorName, ...]
) -> tuple[CsmfEstimator, float]:
    """The estimator that a search would keep, and the seconds that it takes to find."""
    started = time.perf_counter()
    found = assess(Deaths(fitted.y), fitted.P, fitted.folds, protocol, methods)
    return found.estimator, time.perf_counter() - started


def _cell(
    fitted: Fitted, chosen: dict[str, CsmfEstimator], shift: Shift, size: int
) -> dict[str, object]:
    """Mean CSMF accuracy of each way in populations of one size and shift, drawn from the deaths
    that were not trained on."""
    n_classes = fitted.P.shape[1]
    protocol = ScoringProtocol("dirichlet", N_DRAWS, shifts=(shift,), sizes=(size, size))
    rng = np.random.default_rng([size, SHIFTS.index(shift)])
    samples = draw_samples(protocol, fitted.y_test, n_classes, rng)
    counts = samples.counts
    calibration = Calibration.fit(fitted.y, fitted.P)
    names = list(chosen)
    found = estimate([chosen[name] for name in names], fitted.P_test, counts, calibration)
    ways: dict[str, Floats] = dict(zip(names, found, strict=True))
    ways |= {
        "default counted": count(fitted.P_default, counts),
        "tuned counted": count(fitted.P_test, counts),
        "mean": estimate([MEAN], fitted.P_test, counts, None)[0],
        "copy-train": csmf(fitted.y, n_classes)[None],
    }
    scores = {name: float(csmf_accuracy_of(samples.true, way).mean()) for name, way in ways.items()}
    return {"shift": shift, "deaths": "all" if size not in SIZES else f"{size:,}", **scores}


if __name__ == "__main__":
    main()
