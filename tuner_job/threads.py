"""One thread for linear algebra, as every worker runs one fit a core."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy  # noqa: F401 (its BLAS, and scipy's, must be loaded when libraries are looked for)
import scipy.linalg  # noqa: F401
from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[Any]:
    """Hold BLAS to one thread for a block.

    Libraries are looked for once a process, which takes milliseconds that `threadpool_limits` takes
    each time.
    """
    limit: AbstractContextManager[Any] = _controller().limit(limits=1)
    return limit


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
