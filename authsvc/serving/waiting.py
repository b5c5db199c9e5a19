"""Long polling that costs no thread: how an application asks its server to come back with the same request later.

The web room answers `Prefer: wait=25` with it. The server keeps the request on its event loop and calls the application
again after each pause, so a waiting client costs a few hundred microseconds of CPU a look and no thread between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

WAITED = "authsvc.waited"
"""The environ key that says for how many seconds this request has been held; absent where the server cannot hold one."""

AGAIN = "Authsvc-Again"
"""The header of an answer that the server discards: after how many seconds it is to call again."""

HELD_LONG_ENOUGH = math.inf
_AGAIN = AGAIN.lower().encode()


def hold(environ: Mapping[str, object], patience: float, *, every: float = 0.25) -> Mapping[str, str] | None:
    """The headers of an answer that has the server call again in `every` seconds, or None: answer now.

    It is None once the request was held for `patience` seconds, when the server is stopping, and under a server that
    cannot hold a request, since a preference may go unheeded (RFC 7240 section 2).
    """
    waited = environ.get(WAITED)
    if not isinstance(waited, float) or waited >= patience:
        return None
    return {AGAIN: f"{min(every, patience - waited):.3f}"}


def is_first_look(environ: Mapping[str, object]) -> bool:
    """Whether the request is new, as access logs and rate limits want to know: a held one was counted already."""
    return environ.get(WAITED, 0.0) == 0.0


def seconds_to_hold(headers: tuple[tuple[bytes, bytes], ...]) -> float | None:
    """What an answer asks of the server: the pause before the next look, or None for an answer to be sent."""
    for name, value in headers:
        if name == _AGAIN:
            return float(value)
    return None
