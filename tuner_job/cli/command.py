"""How every command speaks: what is wrong is one message that begins with ``va-tuning:``.

Exit codes: 0 done · 1 the work could not go on · 2 something given cannot be used · 130
interrupted.
"""

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from tuner_job.address import results_address
from tuner_job.errors import InputError, VaTuningError
from tuner_job.process.command import INTERRUPTED
from tuner_job.process.output import tell_notes
from tuner_job.wording import plain, shown

_MOST_CHARACTERS = 300  # of a message about arguments, which may repeat them
SETTINGS = {"max_content_width": 100}


class Command(click.Command):
    """A command that is a script of its own."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **more: Any) -> Any:
        """Run it and exit."""
        _speak(lambda: super(Command, self).main(args, *rest, **{**more, "standalone_mode": False}))


class Group(click.Group):
    """A script of several commands."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **more: Any) -> Any:
        """Run one of them and exit."""
        _speak(lambda: super(Group, self).main(args, *rest, **{**more, "standalone_mode": False}))


def _speak(run: Callable[[], object]) -> None:
    """Run a command line to its exit code, with every expected error as one message."""
    tell_notes()
    try:
        code = run()
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        code = asked.exit_code
    except click.Abort:
        code = INTERRUPTED
    except click.UsageError as wrong:
        code = _say(InputError(_sentence(wrong)))
    except VaTuningError as error:
        code = _say(error)
    sys.exit(code if isinstance(code, int) else 0)


def _say(error: VaTuningError) -> int:
    click.echo(f"va-tuning: {error}", err=True)
    return error.exit_code


def _sentence(error: click.UsageError) -> str:
    """What is wrong with the arguments, in the words of the other messages."""
    parameter = getattr(error, "param", None)
    if parameter and not isinstance(error, click.MissingParameter):
        return plain(f"{_name(parameter)}: {error.message}".rstrip("."), _MOST_CHARACTERS)
    message = error.format_message().replace(". Did you mean", "; did you mean").rstrip(".")
    message = plain(message[:1].lower() + message[1:], _MOST_CHARACTERS)
    if message.endswith("?") or error.ctx is None:
        return message
    return f"{message}; see {error.ctx.command_path} --help"


def _name(parameter: click.Parameter) -> str:
    option = isinstance(parameter, click.Option)
    return max(parameter.opts, key=len) if option else parameter.human_readable_name


class OutputFile(click.Path):
    """A file to write, as a `Path`, which forgets the slash by which a folder is meant."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse a folder."""
        if str(value).endswith(("/", os.sep)):
            self.fail(f"must be a file, not a folder: {plain(value)}", param, ctx)
        return super().convert(value, param, ctx)


class WholeNumber(click.ParamType[int]):
    """A whole number from `low` to `high`."""

    name = "n"

    def __init__(self, low: int, high: int):
        self._low, self._high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; longer ones Python refuses to read at some point, with a message of its own."""
        text = str(value)
        number = int(text) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text, re.ASCII) else None
        if number is None or not self._low <= number <= self._high:
            limits = f"from {self._low:,} to {self._high:,}"
            self.fail(f"must be a whole number {limits}, got {shown(text, 40)}", param, ctx)
        return number


class ResultsAddress(click.ParamType[str]):
    """A folder or URL where results can stand."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check it; what may not be shown of it is not."""
        try:
            return results_address(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


WORKERS = WholeNumber(1, 1024)
EXPERIMENT = click.argument("experiment", type=click.Path(path_type=Path))
RESULTS = click.argument("results")
