"""What the comparison costs beside its fits, and how fast trials are read from object storage.

Usage: python -m benchmarks.comparison [DATA]     (raw PHMRC; without it, synthetic data of six
sites)
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.integration.s3_server import serve
from tuner_job import ExperimentStore, Store, TrialRecord
from tuner_job.comparison.context import Comparison
from tuner_job.comparison.plan import plan
from tuner_job.comparison.run import run_comparison
from tuner_job.comparison.settings import Settings
from tuner_job.comparison.store import ComparisonStore
from tuner_job.config.comparison import ComparisonConfig
from tuner_job.data import DataConfig, load_dataset
from tuner_job.execution.ray_start import ray_running
from tuner_job.records import FoldRecord
from tuner_job.results.store import read_bytes
from tuner_job.results.writer import BackgroundWriter

WORKERS = 2
MODELS = ("xgboost", "random_forest", "logistic_regression")


def comparison(source: str | None, folder: Path) -> None:
    """Wall × cores / Σ fit seconds of in- and out-domain runs of three untuned models, on a warm
    Ray."""
    if source:
        config = DataConfig(source=source, format="phmrc", label="va34")
    else:
        size = {"n_samples": 7800, "n_causes": 34, "n_symptoms": 160, "n_sites": 6}
        config = DataConfig.model_validate({"format": "synthetic", "synthetic": size})
    data = load_dataset(config, read_bytes)
    sets = plan(data, ComparisonConfig(experiments=["in_domain", "out_domain"]), seed=42).sets
    settings = Settings(MODELS)
    with ray_running(WORKERS, data.X.nbytes):
        smallest = min(sets, key=lambda training: len(training.rows))
        store = ComparisonStore(str(folder / "warm-up"))
        run_comparison(Comparison(data, [smallest], settings, store))
        started = time.perf_counter()
        store = ComparisonStore(str(folder / "run"))
        results = run_comparison(Comparison(data, sets, settings, store))
        wall = time.perf_counter() - started
    models = [result for result in results if result.model in MODELS]
    training = {(r.train_site, r.model): r.training_time_seconds for r in models}
    inference = sum(
        result.inference_time_seconds for result in models
    )  # each has its share of its fit's
    fitting = sum(training.values()) + inference
    print(
        f"{len(data.sites)} sites × {len(MODELS)} models: {len(models)} experiments by "
        f"{len(training)} fits; wall {wall:.1f} s, fitting and predicting {fitting:.1f} s, wall × "
        f"{WORKERS} / Σ = {wall * WORKERS / fitting:.3f}"
    )


def reading(folder: Path) -> None:
    """Seconds to read 1,000 trials from an S3 server on this machine."""
    root = folder / "buckets"
    root.mkdir()
    with serve(root) as server:
        os.environ.update(server.environment)
        store = ExperimentStore(Store(server.make_bucket("trials")), "many")
        score = {
            "csmf_accuracy": 0.8,
            "cccsmf_accuracy": 0.5,
            "cod_accuracy": 0.4,
            "ccc": 0.4,
            "pccc3": 0.6,
        }
        folds = [
            FoldRecord(fold=i, n_validation=400, validation=score, train=score, fit_seconds=1.0)
            for i in range(5)
        ]
        with BackgroundWriter() as writer:
            for number in range(1000):
                params = {"max_depth": number}
                trial = TrialRecord(
                    trial=number,
                    batch=number,
                    params=params,
                    state="complete",
                    folds=folds,
                    scores=score,
                )
                writer.submit(store.save_trial, "xgboost", trial)
        started = time.perf_counter()
        trials = store.load_trials("xgboost")
        print(f"{len(trials):,} trials read from S3 in {time.perf_counter() - started:.2f} s")


def main() -> None:
    """Print both."""
    with tempfile.TemporaryDirectory() as name:
        comparison(sys.argv[1] if len(sys.argv) > 1 else None, Path(name))
        reading(Path(name))


if __name__ == "__main__":
    main()
