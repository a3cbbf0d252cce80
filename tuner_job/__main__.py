"""``python -m tuner_job`` is ``va-tuning``."""

from tuner_job.cli import main

main()
