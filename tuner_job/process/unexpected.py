"""What is said of an error that nobody thought of."""

import sys
import tempfile
import traceback

from tuner_job.process.output import DEBUG, debugging
from tuner_job.public import without_secrets
from tuner_job.wording import plain


def describe(error: BaseException) -> str:
    """Say in one sentence what happened and where the traceback is: in a file, or on standard
    error."""
    what = f"something unforeseen happened: {type(error).__name__}: {without_secrets(plain(error))}"
    trace = without_secrets("".join(traceback.format_exception(error)))
    if debugging():
        sys.stderr.write(trace)
        return what
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="va-tuning-",
            suffix=".log",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as file:
            file.write(trace)
    except OSError:
        return f"{what}; {DEBUG}=debug in the environment shows where"
    return f"{what}; please report it with {file.name}"
