"""How many threads computations take, as every worker runs one fit a core; and fits that warn
nobody."""

import warnings
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

_n_threads: ContextVar[int] = ContextVar("n_threads", default=1)


@contextmanager
def threads_to_spare(n: int) -> Iterator[None]:
    """Let a fit in the block take `n` threads where that changes no bit of its result."""
    before = _n_threads.set(n)
    try:
        yield
    finally:
        _n_threads.reset(before)


def n_threads() -> int:
    """How many threads a fit may take whose result does not depend on them."""
    return _n_threads.get()


def one_thread(loaded: Hashable = None) -> AbstractContextManager[Any]:
    """Hold BLAS and OpenMP to one thread for a block.

    Libraries are looked for once a process, which takes milliseconds that `threadpool_limits` takes
    each time.

    Parameters
    ----------
    loaded
        Stands for libraries that have been imported before the block: they are looked for again.
    """
    limit: AbstractContextManager[Any] = _controller(loaded).limit(limits=1)
    return limit


def quietly() -> AbstractContextManager[list[warnings.WarningMessage]]:
    """Catch the warnings of a block, as a list."""
    caught: Any = warnings.catch_warnings(record=True, action="always")
    return caught  # type: ignore[no-any-return]


@lru_cache(maxsize=64)
def _controller(loaded: Hashable) -> ThreadpoolController:
    import numpy  # noqa: F401 (its BLAS, and scipy's, must be loaded when libraries are looked for)
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()
