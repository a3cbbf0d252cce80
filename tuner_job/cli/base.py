"""How every command speaks: what is wrong is one message that begins with ``va-tuning:``.

Exit codes: 0 done · 1 the work could not go on · 2 something given cannot be used · 130
interrupted.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from tuner_job.address import results_address
from tuner_job.errors import InputError, VaTuningError
from tuner_job.process.command import INTERRUPTED
from tuner_job.process.output import choose_level, tell_notes
from tuner_job.wording import plain, shown

_MOST_CHARACTERS = 300  # of a message about arguments, which may repeat them
SETTINGS = {"max_content_width": 100}


class _Speaking:
    def main(self, *arguments: Any, **more: Any) -> NoReturn:
        """Run the command line to its exit code, with every expected error as one message."""
        more["standalone_mode"] = False  # click raises what is wrong
        sys.exit(_run(lambda: super(_Speaking, self).main(*arguments, **more)))  # type: ignore[misc]


class SeveralValues(click.Command):
    """Takes several values after one flag: ``--sites A B`` is ``--sites A --sites B``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write such flags out."""
        takers = {option.opts[0] for option in self.params if getattr(option, "multiple", False)}
        written: list[str] = []
        flag = ""
        for argument in args:
            is_value = not argument.startswith("-") or argument[1:2].isdigit()
            if flag and is_value and written[-1] != flag:
                written.append(flag)
            if flag and not is_value and written[-1] == flag:
                raise click.BadOptionUsage(flag, f"{flag}: must have a value", ctx)
            if not is_value:
                flag = argument if argument in takers else ""
            written.append(argument)
        return super().parse_args(ctx, written)


class Command(_Speaking, click.Command):
    """A command that is a script of its own."""

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        self.params += _log_options()


class Group(_Speaking, click.Group):
    """A script of several commands, each of which takes the options that say how much is told."""

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        self.params += _log_options()

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command with these options."""
        cmd.params += _log_options()
        super().add_command(cmd, name)


def _log_options() -> list[click.Parameter]:
    shared: dict[str, Any] = {"count": True, "expose_value": False, "callback": _set_level}
    more = "Say what is done; -vv: tracebacks and details too."
    return [
        click.Option(["-v", "--verbose"], help=more, **shared),
        click.Option(["-q", "--quiet"], help="Neither notes nor progress.", **shared),
    ]


def _set_level(context: click.Context, parameter: click.Parameter, times: int) -> None:
    """Say more or less from now on, whether the option stands before or after the command."""
    if not times:
        return
    chosen = context.meta.setdefault("va-tuning.level", parameter.name)
    if chosen != parameter.name:
        raise click.UsageError("--verbose and --quiet cannot be used together", context)
    choose_level("error" if chosen == "quiet" else "info" if times == 1 else "debug")


def _run(command: Callable[[], object]) -> int:
    try:
        tell_notes()
        code = command()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        return asked.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.UsageError as wrong:
        error: VaTuningError = InputError(_sentence(wrong))
    except VaTuningError as expected:
        error = expected
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


def checked(rule: Callable[[str], Any]) -> Callable[..., Any]:
    """Make a callback that reads an option by a rule, which raises ValueError."""

    def check(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None else rule(value)
        except ValueError as error:
            raise click.BadParameter(str(error), context, parameter) from None

    return check


def output_file(text: str) -> Path:
    """Read the name of a file to write: a `Path` forgets the slash by which a folder is meant."""
    if text.endswith(("/", os.sep)):
        raise ValueError(f"must be a file, not a folder: {plain(text)}")
    return Path(text)


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Make a rule that reads whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        # Longer ones Python refuses to read at some point, with a message of its own.
        number = int(text) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text, re.ASCII) else None
        if number is None or not low <= number <= high:
            raise ValueError(
                f"must be a whole number from {low:,} to {high:,}, got {shown(text, 40)}"
            )
        return number

    return read


EXPERIMENT = click.argument("experiment", type=click.Path(path_type=Path))
RESULTS = click.argument("results")
IS_ADDRESS: dict[str, Any] = {"metavar": "URL", "callback": checked(results_address)}
IS_FILE: dict[str, Any] = {"type": click.Path(), "callback": checked(output_file)}
IS_WORKERS: dict[str, Any] = {"metavar": "N", "callback": checked(whole_number(1, 1024))}
WORKERS = click.option(
    "--workers", **IS_WORKERS, help="Processes that fit models. [default: one a CPU]"
)
