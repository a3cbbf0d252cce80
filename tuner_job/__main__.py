"""The commands' entry: ``python -m tuner_job`` is ``va-tuning``."""

import sys

from tuner_job.process.command import run

_GO_ON = "run the same command again to go on from here"
_INTERRUPTED = {
    "tune": f"the search was interrupted; {_GO_ON}",
    "compare": f"the comparison was interrupted; {_GO_ON}",
    "submit": "interrupted; what was submitted runs on in the cluster",
    "logs": "interrupted; the experiment runs on in the cluster",
}


def main() -> None:
    """Run ``va-tuning``."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    run(_cli, _INTERRUPTED.get(command, f"interrupted; {_GO_ON}"))


def main_of_comparison() -> None:
    """Run ``run-distributed-comparison``."""
    run(
        _comparison,
        "the comparison was interrupted; the same command with --resume goes on from here",
    )


def _cli() -> None:
    from tuner_job.cli.main import main as cli  # each script brings its own alone

    cli()


def _comparison() -> None:
    # each script brings its own alone
    from tuner_job.cli.run_distributed_comparison import main as comparison

    comparison()


if __name__ == "__main__":
    main()
