"""Work that a few threads do ahead of whoever reads the results."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

_THREADS = min(4, os.cpu_count() or 1)
_AHEAD = 64  # results that wait at most


def ahead(things: Iterable[T], work: Callable[[T], U]) -> Iterator[tuple[T, U]]:
    """Each thing with what `work` makes of it, in order; a caller who leaves early stops it.

    Args:
        things: read as far ahead as results may wait.
        work: called in several threads.
    """
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="es_hybrid-ahead") as pool:
        waiting: deque[tuple[T, Future[U]]] = deque()
        try:
            for thing in things:
                waiting.append((thing, pool.submit(work, thing)))
                if len(waiting) > _AHEAD:
                    first, made = waiting.popleft()
                    yield first, made.result()
            while waiting:
                first, made = waiting.popleft()
                yield first, made.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
