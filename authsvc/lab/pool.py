"""Work on thousands of files: spread over processes, in order, with progress on standard error."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from authsvc.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

_EVERY_SECONDS = 5.0

# What this process works with, made once when it starts; the parent leaves it alone.
_work: Callable[[Any], Any] | None = None  # Any: whatever `mapped` was given.


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def mapped(
    make: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    *,
    processes: int,
    what: str,
    chunk: int = 8,
) -> list[Result]:
    """`make()` is called once in each process, and what it returns once for each item; results in the items' order.
    Items travel `chunk` at a time.

    Only items and results cross between processes, so pictures stay where they were opened. Raises what the work raises, and
    Unavailable when a process dies of it.
    """
    processes = min(processes, -(-len(items) // chunk))
    if processes <= 1:
        return list(with_progress(map(make(), items), len(items), what))
    # Spawned, not forked: networks and their threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(make,)) as pool:
            return list(with_progress(pool.map(_do, items, chunksize=chunk), len(items), what))
    except BrokenProcessPool as error:
        raise Unavailable(f"a process ended while it read {what}; try again with `--processes 1`") from error


def _begin(make: Callable[[], Callable[[Any], Any]]) -> None:  # Any: as above
    global _work  # noqa: PLW0603 - a worker process has one job, and no other place to keep its engines
    _work = make()


def _do(item: Any) -> Any:  # Any: as above
    if _work is None:
        raise Unavailable("the process was not set up")
    return _work(item)


def with_progress(results: Iterable[Result], count: int, what: str) -> Iterator[Result]:
    """The results as they are, and every few seconds a line that says how far it is."""
    begun = said = time.monotonic()
    for number, result in enumerate(results, 1):
        now = time.monotonic()
        if now - said >= _EVERY_SECONDS or (number == count and said > begun):
            said = now
            sys.stderr.write(f"{what}: {number} of {count}, {now - begun:.0f} s\n")
        yield result
