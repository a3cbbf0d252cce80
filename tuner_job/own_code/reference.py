"""How code is named in an experiment file."""

import keyword
from dataclasses import dataclass

from tuner_job.errors import ConfigError
from tuner_job.wording import shown

_LONGEST = 200


@dataclass(frozen=True)
class Reference:
    """A name in a module."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


def parse(text: str) -> Reference:
    """Read ``package.module.Class`` or ``module:name``; nothing is imported.

    Raises
    ------
    ConfigError
        It is neither; the message has no key.
    """
    module, _, name = text.partition(":") if ":" in text else text.rpartition(".")
    parts = [*module.split("."), name]
    if len(text) > _LONGEST or not all(map(_is_name, parts)):
        raise ConfigError(
            "must name code as package.module.Class, or as module:name where module.py stands "
            f"beside the experiment file, got {shown(text, 80)}"
        )
    return Reference(module, name)


def _is_name(part: str) -> bool:
    return part.isidentifier() and not keyword.iskeyword(part) and not part.startswith("__")
