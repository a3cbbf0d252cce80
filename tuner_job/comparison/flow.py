"""Tune, compare, report as a Prefect flow, with retries, and states that Prefect's UI shows.

``python -m tuner_job.comparison.flow experiment.yaml --output-dir URL [flags of
run-distributed-comparison]``

Needs the extra ``prefect``: in a checkout, ``pip install --editable '.[prefect]'``. Without
PREFECT_API_URL, Prefect starts a server for the run.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from prefect import flow, task

from tuner_job.comparison.run_distributed_comparison import compare
from tuner_job.config.load import load_experiment
from tuner_job.errors import InputError, VaTuningError
from tuner_job.experiment.finish import write_report
from tuner_job.experiment.run import run_experiment
from tuner_job.problem import prepare
from tuner_job.process.command import run
from tuner_job.public import holds_secrets
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
def compare_tuned(experiment: Path, tuned: str, output_dir: str, arguments: list[str]) -> None:
    """Compare models with what was tuned, or go on with it.

    Prefect may keep what a task is given: so not the data's address, which may hold a password or a
    signature.
    """
    data_path = str(load_experiment(experiment).data.source)
    compare(
        [
            "--data-path",
            data_path,
            "--tuned-params",
            tuned,
            "--output-dir",
            output_dir,
            "--resume",
            *arguments,
        ]
    )


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
    experiment: Path,
    output_dir: str,
    arguments: list[str] | None = None,
    n_workers: int | None = None,
) -> list[str]:
    """Tune on all data, compare across sites with what was tuned, report; return the reports'
    addresses."""
    if load_experiment(experiment).data.source is None:
        raise InputError(
            f"{experiment}: data.source: must name a file for a comparison; it is generated data"
        )
    tuned = tune_experiment(experiment, n_workers)
    compare_tuned(experiment, tuned, output_dir, arguments or [])
    return [report_experiment(tuned), f"{output_dir.rstrip('/')}/report.html"]


def main() -> None:
    """Run as the module's documentation says."""
    parser = argparse.ArgumentParser("python -m tuner_job.comparison.flow", description=__doc__)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--output-dir", required=True)
    known, others = parser.parse_known_args()
    try:
        if any(holds_secrets(argument) for argument in (known.output_dir, *others)):
            raise InputError(
                "no argument may hold a password, a key or a query: Prefect keeps what a flow is "
                "given"
            )
        for address in tune_compare_report(known.experiment, known.output_dir, others):
            print(address)
    except VaTuningError as error:
        print(f"va-tuning: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run(main, "the flow was interrupted; run the same command again to go on from here")
