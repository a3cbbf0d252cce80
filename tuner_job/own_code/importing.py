"""Importing what an experiment names; own modules are made from their texts."""

import difflib
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tuner_job.errors import ConfigError
from tuner_job.own_code.reference import parse
from tuner_job.wording import plain

_MOST_OF_ERROR = 300


class NotInstalledError(ConfigError):
    """A package is not installed on this machine; it may be on another."""


def load(text: str, sources: Mapping[str, str]) -> Any:
    """Import what a reference names; own modules are made from their text.

    Raises
    ------
    NotInstalledError
        There is no such package here, or one that it imports.
    ConfigError
        There is no such name, no such own module, or importing it fails. No message has a key.
    """
    reference = parse(text)
    try:
        module = _import(reference.module, sources)
    except NotInstalledError as error:
        if ":" in text and "." not in reference.module and reference.module not in sources:
            raise ConfigError(str(error)) from None  # it was to stand beside the experiment file
        raise
    if not hasattr(module, reference.name):
        near = difflib.get_close_matches(reference.name, dir(module), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{reference.module} has no {reference.name}{hint}")
    return getattr(module, reference.name)


def provide(sources: Mapping[str, str]) -> None:
    """Make own modules importable in this process, with exactly these texts."""
    with _LOCK:
        if _FINDER not in sys.meta_path:
            sys.meta_path.insert(0, _FINDER)
        changed = any(_FINDER.sources.get(name) != text for name, text in sources.items())
        if not changed:
            return
        _FINDER.sources.update(sources)
        for name in sources:  # one that did not change may hold names of one that did
            sys.modules.pop(name, None)


def forget() -> None:
    """Make the own modules of this process importable no more."""
    with _LOCK:
        for name in _FINDER.sources:
            sys.modules.pop(name, None)
        _FINDER.sources.clear()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the own modules that were provided."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the module's spec; None: it is none of ours."""
        if fullname not in self.sources:
            return None
        loader = _Loader(self.sources[fullname])
        return importlib.machinery.ModuleSpec(fullname, loader, origin=f"{fullname}.py")


class _Loader(importlib.abc.InspectLoader):
    """Makes one module from its text; tracebacks show its lines."""

    def __init__(self, text: str):
        self._text = text

    def get_source(self, fullname: str) -> str:
        """Return the text."""
        return self._text

    def get_code(self, fullname: str) -> Any:
        """Compile the text."""
        return self.source_to_code(self._text, f"{fullname}.py")

    def is_package(self, fullname: str) -> bool:
        """Whether it is a package: it is one file."""
        return False


_FINDER = _Finder()
_LOCK = threading.RLock()


def _import(name: str, sources: Mapping[str, str]) -> ModuleType:
    own = name in sources
    with _LOCK:
        if own:
            provide(sources)
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                raise NotInstalledError(_not_there(name, error.name)) from None
            raise NotInstalledError(_broken(name, own, error)) from None
        except (Exception, SystemExit) as error:  # whatever stands in somebody's module
            raise ConfigError(_broken(name, own, error)) from None


def _not_there(name: str, missing: str) -> str:
    beside = "" if "." in name else f", and no file {name}.py stands beside the experiment file"
    told = f"module {missing}" if missing == name else f"module {name} (nor {missing})"
    return f"there is no {told} installed here{beside}"


def _broken(name: str, own: bool, error: BaseException) -> str:
    """Say what happened while a module was imported, and of an own one in which line."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == f"{name}.py":
            line = trace.tb_lineno
        trace = trace.tb_next
    what = f"{name}.py" if own else f"module {name}"
    where = f" in line {line}" if own and line else ""
    said = plain(error, _MOST_OF_ERROR)
    return f"{what} cannot be imported: {type(error).__name__}{where}{f': {said}' if said else ''}"


def is_installed(name: str, folder: Path) -> bool:
    """Whether a module of this name is found elsewhere than in a folder, which may be importable
    too."""
    own = Path(os.path.realpath(folder))
    elsewhere = [entry for entry in sys.path if Path(os.path.realpath(entry or ".")) != own]
    for finder in sys.meta_path:
        if finder is _FINDER:
            continue
        path = elsewhere if finder is importlib.machinery.PathFinder else None
        spec = finder.find_spec(name, path)
        if spec is None or spec.origin is None:
            continue
        if Path(os.path.realpath(spec.origin)).parent not in (own, own / name):
            return True
    return False
