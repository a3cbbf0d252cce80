"""Tune, compare, report as a Prefect flow, with retries, and states that Prefect's UI shows:
``va-tuning flow``."""

from pathlib import Path
from typing import Any

from prefect import flow, task

from tuner_job.comparison.compare import Place, compare
from tuner_job.comparison.settings import Runtime
from tuner_job.config.load import load_experiment
from tuner_job.errors import InputError
from tuner_job.experiment.page import write_report
from tuner_job.experiment.run import run_experiment
from tuner_job.problem import prepare
from tuner_job.results.experiment_store import open_experiment

_RETRIES = 2
_PAUSE = 10.0


def _is_worth_another_try(task: Any, run: Any, state: Any) -> bool:
    """A fault may pass; what the user gave stays wrong."""
    try:
        state.result()
    except InputError:
        return False
    except Exception:
        return True
    return False


@task(
    name="tune",
    retries=_RETRIES,
    retry_delay_seconds=_PAUSE,
    retry_condition_fn=_is_worth_another_try,
)
def tune_experiment(experiment: Path, n_workers: int | None) -> str:
    """Run an experiment file, or go on where it stopped; return the address of its results."""
    prepared = prepare(load_experiment(experiment))
    run_experiment(prepared, n_workers=n_workers)
    return f"{prepared.config.results.rstrip('/')}/{prepared.config.name}"


@task(
    name="compare",
    retries=_RETRIES,
    retry_delay_seconds=_PAUSE,
    retry_condition_fn=_is_worth_another_try,
)
def compare_tuned(experiment: Path, tuned: str, output: str, n_workers: int | None) -> None:
    """Compare models with what was tuned, or go on with it.

    Prefect may keep what a task is given: so the experiment file, not the data's address in it,
    which may hold a password or a signature.
    """
    config = load_experiment(experiment)
    chosen = config.comparison.model_copy(update={"tune": False, "tuned_params": tuned})
    config = config.model_copy(update={"comparison": chosen})
    compare(config, Place(output), Runtime(n_workers))


@task(
    name="report",
    retries=_RETRIES,
    retry_delay_seconds=_PAUSE,
    retry_condition_fn=_is_worth_another_try,
)
def report_experiment(tuned: str) -> str:
    """Write the experiment's report anew; return its address. The comparison writes its own."""
    store = open_experiment(tuned)
    write_report(store, store.summary())
    return f"{store.url}/report.html"


@flow(name="va-tuning")
def tune_compare_report(
    experiment: Path, output: str, n_workers: int | None = None
) -> tuple[str, str]:
    """Tune on all data, compare across sites with what was tuned, report; return the reports'
    addresses."""
    tuned = tune_experiment(experiment, n_workers)
    compare_tuned(experiment, tuned, output, n_workers)
    return report_experiment(tuned), f"{output.rstrip('/')}/report.html"
