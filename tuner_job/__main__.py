"""The commands' entry: ``python -m tuner_job`` is ``va-tuning``."""

import os
import sys

from tuner_job.process.command import run

_GO_ON = "run the same command again to go on from here"
_INTERRUPTED = {
    "tune": f"the search was interrupted; {_GO_ON}",
    "compare": f"the comparison was interrupted; {_GO_ON}",
    "submit": "interrupted; what was submitted runs on in the cluster",
    "operator": "stopped; experiments run on in the cluster",
    "serve": "the page has ended; results are as they were",
    "logs": "interrupted; the experiment runs on in the cluster",
}
_FITTING = ("tune", "compare", "flow")


def main() -> None:
    """Run ``va-tuning``."""
    run(_cli, _INTERRUPTED.get(_command(), f"interrupted; {_GO_ON}"))


def main_of_comparison() -> None:
    """Run ``run-distributed-comparison``."""
    run(
        _comparison,
        "the comparison was interrupted; the same command with --resume goes on from here",
    )


def _command() -> str:
    return next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")


def _cli() -> None:
    if _command() in _FITTING and "--help" not in sys.argv:
        _load_ahead()
    from tuner_job.cli.main import main as cli  # each script brings its own alone

    cli()


def _comparison() -> None:
    if "--help" not in sys.argv:
        _load_ahead()
    # each script brings its own alone
    from tuner_job.cli.run_distributed_comparison import main as comparison

    comparison()


def _load_ahead() -> None:
    """Have workers load libraries while this process reads what it is to do."""
    if not os.environ.get("RAY_ADDRESS", "").strip():
        from tuner_job.execution.local.launch import launcher  # only what fits needs it

        launcher()


if __name__ == "__main__":
    main()
