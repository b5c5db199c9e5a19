"""Failed sign-ins slow down and never lock out: whoever knows no more than a name has no way to keep its owner from the console.

What can be guessed is a code, and guessing it takes the sign-in key, which cannot be guessed. So only tries with the right
sign-in key make an operator wait; everything else is bounded by where it comes from.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from datetime import datetime, timedelta

from authsvc.domain.attempts import Counter
from authsvc.keys.macs import Macs

FREE_TRIES = 5
"""Failures in a row until the next try has to wait."""

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
"""At 96 tries a day a six-digit code is found by chance, over its three time steps, in 0.03 % of days."""

FORGIVEN_AFTER = timedelta(days=1)

_KNOWN = "operator-known-browser"


def charged(before: Counter, now: datetime) -> Counter:
    """The counter after one more failure."""
    is_old = before.locked_until is not None and now - before.locked_until > FORGIVEN_AFTER
    failures = 1 if is_old else before.consecutive + 1
    return Counter(failures, now + _pause(failures) if failures >= FREE_TRIES else None)


def _pause(failures: int) -> timedelta:
    # Beyond ten doublings the longest has long been reached.
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(failures - FREE_TRIES, 10)))


def mark_of_known_browser(macs: Macs) -> str:
    """What a browser carries from its first sign-in on; it names nobody, and makes it a source of its own."""
    nonce = secrets.token_hex(16)
    return f"{nonce}.{macs.mac(_KNOWN, nonce.encode()).hex()}"


def source_of(macs: Macs, mark: str, address: str) -> str:
    """Where a sign-in comes from: the browser, where it has signed in before, else its network.

    An IPv6 subscriber has a /64, and would otherwise have 2**64 sources.
    """
    nonce, _, mac = mark.partition(".")
    expected = [each.hex() for each in macs.mac_candidates(_KNOWN, nonce.encode())]
    if mark and any(hmac.compare_digest(mac.encode(), each.encode()) for each in expected):
        return f"known:{nonce}"
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "network:unknown"
    bits = 64 if found.version == 6 else 32
    return f"network:{ipaddress.ip_network((found, bits), strict=False)}"
