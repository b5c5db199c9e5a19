"""Waits for what must happen, with a bound that no busy machine reaches."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_S = 120.0


def eventually(happened: Callable[[], bool]) -> bool:
    """Whether it happened; asked again and again, ten times a second."""
    ends = time.monotonic() + LONGEST_S
    while not happened():
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True
