"""Whose code may run when a kept model is loaded: whoever loads it decides, nothing stored does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner_job.errors import ConfigError, StoreError
from tuner_job.own_code.importing import is_installed, provide
from tuner_job.own_code.sources import collect
from tuner_job.wording import listed, shown

_HARMLESS = frozenset({"collections.OrderedDict"})
"""Types that only hold others, and that skops does not know as such."""


@dataclass(frozen=True)
class Trust:
    """What somebody who loads a model trusts.

    Attributes
    ----------
    modules
        Modules whose classes and functions may run, with all below them.
    pickle
        Whether pickles are read, which can run anything.
    """

    modules: tuple[str, ...] = ()
    pickle: bool = False

    def misses(self, types: Iterable[str]) -> list[str]:
        """Modules of types, ``module.Class``, that are not trusted."""
        found = {
            name.rpartition(".")[0]
            for name in types
            if name not in _HARMLESS and not any(_below(name, one) for one in self.modules)
        }
        return sorted({_to_be_named(module) for module in found})

    def own_modules(self) -> dict[str, str]:
        """Texts of trusted modules that are not installed, from the current folder."""
        here = Path()
        return collect(
            [one for one in self.modules if "." not in one and not is_installed(one, here)], here
        )

    def make_importable(self) -> None:
        """Let own modules be imported from the current folder."""
        provide(self.own_modules())


def trusting(modules: Sequence[str] | str = (), allow_pickle: bool = False) -> Trust:
    """Take what somebody says of whom they trust.

    Raises
    ------
    ConfigError
        It names no modules.
    """
    names = (modules,) if isinstance(modules, str) else tuple(modules)
    for name in names:
        if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
            raise ConfigError(f"trust: must name modules, such as lightgbm, got {shown(name, 80)}")
    return Trust(names, allow_pickle)


class UntrustedError(StoreError):
    """A model cannot be loaded without running code that is not trusted; the message says what to
    add.

    Attributes
    ----------
    modules
        Modules whose code would run.
    pickle
        Whether it is kept as a pickle.
    """

    def __init__(self, modules: Iterable[str], pickle: bool = False):
        self.modules, self.pickle = tuple(sorted(set(modules))), pickle
        what = [f"code of {listed(self.modules)}"] if self.modules else []
        what += ["a pickle, which can be any code,"] if pickle else []
        flags = [f"--trust {name}" for name in self.modules]
        named = [f"trust={list(self.modules)}"] if self.modules else []
        if pickle:
            flags, named = [*flags, "--allow-pickle"], [*named, "allow_pickle=True"]
        super().__init__(
            f"{' and '.join(what)} would run when the model is loaded: if you trust it, and "
            f"everybody who can write these results, add {' '.join(flags)} (in Python: "
            f"{', '.join(named)})"
        )


def _below(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _to_be_named(module: str) -> str:
    """The module to trust: of scikit-learn the one, of other packages the whole."""
    return module if _below(module, "sklearn") else module.partition(".")[0]
