"""When a delivery that failed is tried again: soon at first, then ever more rarely, for about three days.

The delays grow as in the example of the Standard Webhooks specification, section "Deliverability and reliability".
"""

from __future__ import annotations

import secrets
from datetime import timedelta

PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 64_800, 86_400)
)
"""After the first failed try, the second, and so on: 73.7 hours in all, before chance lengthens them."""

SPAN = sum(PAUSES, timedelta())

HOLDING_TRIES = 3
"""So many failed tries keep later events waiting, half a minute; then the delivery steps aside and lets them pass."""

LONGEST_WISH = timedelta(hours=1)
"""How much of a receiver's `Retry-After` is heeded."""

_SPREAD = 0.2


def pause_after(tries: int) -> timedelta | None:
    """How long to wait after so many failed tries, None when that was the last.

    Up to a fifth longer by chance, so that what failed together does not come back together.
    """
    if tries > len(PAUSES):
        return None
    return PAUSES[tries - 1] * (1 + _SPREAD * secrets.randbelow(1001) / 1000)
