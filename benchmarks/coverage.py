"""Whether intervals of cause fractions hold on deaths that neither model nor intervals saw:
``python -m benchmarks.coverage [DATA]``.

DATA is a raw PHMRC file; without it, deaths are generated. Three fifths of the deaths are for
training: out-of-fold probabilities, estimator and intervals come from them alone. Populations are
made of the others.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.tables import markdown
from tuner_job.data import DataConfig, load_dataset
from tuner_job.data.dataset import VaDataset
from tuner_job.evaluation.assessment import Predictions, assess
from tuner_job.evaluation.calibration import Calibration
from tuner_job.evaluation.coverage import FRACTIONS, LEVELS, SIZES, check_intervals, summarise
from tuner_job.evaluation.deaths import Deaths
from tuner_job.evaluation.folds import stratified
from tuner_job.evaluation.fractions import fit_residual
from tuner_job.evaluation.protocols import ScoringProtocol
from tuner_job.models import FAMILIES
from tuner_job.records import SHIFTS, CoverageRecord
from tuner_job.results.store import read_bytes
from tuner_job.threads import one_thread

MODELS = ("naive_bayes", "logistic_regression", "random_forest")
WORLDS = (
    {"n_samples": 2000, "n_causes": 8, "n_symptoms": 60},
    {"n_samples": 3500, "n_causes": 16, "n_symptoms": 100},
    {"n_samples": 5000, "n_causes": 30, "n_symptoms": 150},
)
PROTOCOL = ScoringProtocol("dirichlet", 100, shifts=SHIFTS, sizes=(50, 10**6))
N_DRAWS = 90
"""Populations of each size, of all strengths of shift."""
N_FOLDS = 5
COLUMNS = ("coverage", "width", "score")
METHODS = ("count", "mean", "bayes")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print coverage by size and fraction, then the scores."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", nargs="?", help="a raw PHMRC file")
    options.add_argument("--seeds", type=int, default=2, help="splits, or worlds of each kind")
    chosen = options.parse_args(arguments)
    made = [
        record
        for seed in range(chosen.seeds)
        for dataset in worlds(chosen.data, seed)
        for record in judge(dataset, seed)
    ]
    for table in tables(made):
        print(table, end="\n\n", flush=True)


def worlds(source: str | None, seed: int) -> Iterator[VaDataset]:
    """The file's deaths, or generated ones."""
    if source:
        yield load_dataset(DataConfig(source=source, format="phmrc"), read_bytes)
        return
    for size in WORLDS:
        document = {"format": "synthetic", "synthetic": {**size, "seed": 100 + seed}}
        yield load_dataset(DataConfig.model_validate(document), read_bytes)


def judge(
    dataset: VaDataset, seed: int, models: Sequence[str] = MODELS
) -> Iterator[CoverageRecord]:
    """Train on three fifths of the deaths and test each model's intervals on the others."""
    parts = stratified(dataset.y, N_FOLDS, seed, dataset.copies)
    seen, unseen = (dataset.take(np.flatnonzero(where)) for where in (parts > 1, parts <= 1))
    folds = stratified(seen.y, N_FOLDS, seed, seen.copies)
    for name in models:
        P = np.zeros((len(seen.y), dataset.n_causes))
        for fold in range(N_FOLDS):
            P[folds == fold] = _predict(name, seen, np.flatnonzero(folds != fold), seen)[
                folds == fold
            ]
        estimator = assess(Deaths(seen.y), P, folds, PROTOCOL, METHODS).estimator
        residual = fit_residual(seen.y, P, estimator, PROTOCOL, seed)
        new = _predict(name, seen, np.arange(len(seen.y)), unseen)
        part = Predictions(Deaths(unseen.y), new, Calibration.fit(seen.y, P))
        drawn, rng = replace(PROTOCOL, n_draws=N_DRAWS), np.random.default_rng(seed)
        tested = check_intervals(part, estimator, residual, drawn, rng)
        for level in LEVELS:
            yield from summarise(tested, level)


def _predict(name: str, dataset: VaDataset, rows: np.ndarray, on: VaDataset) -> np.ndarray:
    """Probabilities of deaths by a model with default parameters, fitted on some rows."""
    family = FAMILIES[name]
    params = family.Parameters().model_dump()
    model = family.fit(dataset.X[rows], dataset.y[rows], dataset.n_causes, params, 0)
    return np.asarray(model.predict_proba(on.X), dtype=np.float64)


def tables(records: Sequence[CoverageRecord]) -> Iterator[str]:
    """Coverage by size and class of fraction, then coverage, width and score by method; each is
    averaged by how many fractions were tested."""
    cells: dict[tuple[str, float, str, str], list[CoverageRecord]] = {}
    for one in records:
        cells.setdefault((one.method, one.level, one.size, one.fraction), []).append(one)
    yield markdown(
        ["deaths", *FRACTIONS],
        [
            [
                size,
                *(
                    _mean(cells.get(("interval", 0.95, size, name), []), "coverage")
                    for name in FRACTIONS
                ),
            ]
            for size in SIZES
            if ("interval", 0.95, size, "middle") in cells
        ],
    )
    yield markdown(
        ["method", "level", *COLUMNS],
        [
            [method, level, *(_mean(found, column) for column in COLUMNS)]
            for (method, level, size, _), found in cells.items()
            if size == "every"
        ],
    )


def _mean(records: Sequence[CoverageRecord], column: str) -> str:
    if not records:
        return "–"
    values, weights = ([getattr(one, name) for one in records] for name in (column, "n"))
    return f"{np.average(values, weights=weights):.3f}"


if __name__ == "__main__":
    with one_thread():
        main()
