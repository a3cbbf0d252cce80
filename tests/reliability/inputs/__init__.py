"""Bad inputs by kind: each module makes the cases of one group."""

from collections.abc import Callable, Iterator
from typing import Final

from tests.reliability.case import Case
from tests.reliability.inputs import (
    arguments,
    cluster,
    compare,
    data_files,
    environment,
    experiments,
    keys,
    new_deaths,
    results_folders,
    resumed,
    secrets,
    spaces,
)

MODULES = (
    experiments,
    keys,
    spaces,
    data_files,
    new_deaths,
    results_folders,
    resumed,
    arguments,
    cluster,
    compare,
    environment,
    secrets,
)
GROUPS: Final[dict[str, Callable[[], Iterator[Case]]]] = {
    module.GROUP: module.cases for module in MODULES
}
"""Group → the function that makes its cases."""
