"""Waits for what must happen, with a bound that no busy machine reaches."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_S = 120.0


def eventually(happened: Callable[[], object], what: str = "it") -> None:
    """Return once it has happened; asked again and again. Raises TimeoutError, which names `what` was waited for."""
    ends = time.monotonic() + LONGEST_S
    while not happened():
        if time.monotonic() > ends:
            raise TimeoutError(f"{what} did not happen within {LONGEST_S:.0f} s")
        time.sleep(0.05)
