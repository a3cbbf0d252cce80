"""Running the command line's cluster commands in this process."""

from click.testing import CliRunner, Result

from tuner_job.cli.main import main


def va_tuning(*arguments: str, answer: str = "") -> Result:
    """Run a command; `answer` is what is typed."""
    return CliRunner().invoke(main, arguments, input=answer)


def sentence(*arguments: str, code: int = 2) -> str:
    """Run a command that must fail; return the one sentence that it says."""
    done = va_tuning(*arguments)
    lines = done.stderr.strip().split("\n")
    assert done.exit_code == code, f"{done.exit_code}: {done.output}{done.exception!r}"
    assert isinstance(done.exception, SystemExit), repr(done.exception)
    assert lines[-1].startswith("va-tuning: "), done.stderr
    assert all(line.startswith("results: ") for line in lines[:-1]), done.stderr
    assert lines[-1].isprintable()
    assert len(lines[-1]) < 1000
    return lines[-1]
