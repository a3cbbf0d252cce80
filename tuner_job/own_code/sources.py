"""The texts of own modules.

An own module is one file, ``module.py``, in the experiment file's folder. Its text is read when
the experiment is loaded and goes with it, so that other processes and machines, which do not see
the file, make the module from the text.
"""

import ast
import hashlib
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tuner_job.errors import ConfigError
from tuner_job.own_code.importing import is_installed
from tuner_job.wording import place, plain

MOST_BYTES = 1 << 18
"""Of all own modules of an experiment together: they travel with it."""
_MOST_OF_ERROR = 300

Sources = Mapping[str, str]
"""Name of an own module → its text."""


def collect(modules: Iterable[str], folder: Path) -> dict[str, str]:
    """Read those of `modules` that stand in a folder, and what they import of it; nothing runs.

    Parameters
    ----------
    modules
        As in `Reference.module`; others than those of the folder are left out.

    Returns
    -------
    Name → text, sorted by name.

    Raises
    ------
    ConfigError
        A file cannot be used; the message names it.
    """
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or not _stands_in(folder, name):
            continue
        found[name] = _read(folder, name)
        waiting += _imports(folder / f"{name}.py", found[name])
        size = sum(len(text.encode()) for text in found.values())
        if size > MOST_BYTES:
            raise _too_large(folder / f"{name}.py", size)
    return dict(sorted(found.items()))


def digests(sources: Sources) -> dict[str, str]:
    """SHA-256 of each module's text."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sources.items()}


def _stands_in(folder: Path, name: str) -> bool:
    """Whether a module is an own one: a plain name, and a file of the folder."""
    if "." in name:
        top = name.partition(".")[0]
        beside = (folder / top).is_dir() and not is_installed(top, folder)
        if beside:
            raise ConfigError(
                f"{name} stands in the folder {place(folder / top)}: an own module must be one "
                "file, module.py, beside the experiment file; a package must be installed"
            )
        return False
    return os.path.lexists(folder / f"{name}.py")


def _read(folder: Path, name: str) -> str:
    path = folder / f"{name}.py"
    if name in sys.stdlib_module_names or is_installed(name, folder):
        kind = "standard" if name in sys.stdlib_module_names else "installed"
        raise ConfigError(f"{place(path)}: hides the {kind} module {name}; give it another name")
    try:
        inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
        if not inside:
            raise ConfigError(f"{place(path)}: cannot be read: a link leads out of its folder")
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{place(path)}: cannot be read: it is no plain file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{place(path)}: cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise _too_large(path, path.stat().st_size)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{place(path)}: line {line}: must be UTF-8 text") from None
    return text.replace("\r\n", "\n")  # so that a checkout elsewhere is the same module


def _too_large(path: Path, size: int) -> ConfigError:
    return ConfigError(
        f"{place(path)}: own modules must have at most {MOST_BYTES:,} bytes together, found "
        f"{size:,}"
    )


def imported(text: str) -> list[str]:
    """Names of the modules that a module imports, wherever in it; packages by their first part.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        It is no Python, or imports relatively.
    """
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise _RelativeError(node.lineno)
            names.append(str(node.module).partition(".")[0])
    return names


class _RelativeError(ValueError):
    """A relative import, with its line."""


def _imports(path: Path, text: str) -> list[str]:
    try:
        return imported(text)
    except SyntaxError as error:
        said = f"line {error.lineno}: {plain(error.msg, _MOST_OF_ERROR)}"
    except _RelativeError as error:
        raise ConfigError(
            f"{place(path)}: line {error}: an own module must not import relatively; name the "
            "module that stands beside it"
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL; nested too deeply
        said = plain(error, _MOST_OF_ERROR) or "nested too deeply"
    raise ConfigError(f"{place(path)}: is not valid Python: {said}")
