"""How much of a web process may one client take? A rate, and a share of the threads while others want some too.

For `dispatch`, of clients whose key was checked. Counted in each process for itself: a host's rate is divided among them.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from authsvc.errors import RateLimited

_PRESENT_S = 2.0
"""Who asked for something so lately is there, and threads are kept for it."""

_ALL = 1_000_000


@dataclass(slots=True)
class _Bucket:
    """A second's requests, refilled as time passes."""

    left: float
    at: float


class Quotas:
    """`rate` requests a second, 0 for any number; `at_once` under way at a time while another client is there."""

    def __init__(self, rate: int = 0, at_once: int = _ALL, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._at_once = at_once
        self._now = now
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self._seen: dict[str, float] = {}
        self._buckets: dict[str, _Bucket] = {}

    @contextmanager
    def turn(self, client: str) -> Iterator[None]:
        """Around a request of this client; raises RateLimited."""
        with self._lock:
            now = self._now()
            self._seen[client] = now
            if self._rate:
                self._charge(client, now)
            if self._under_way[client] >= self._at_once and self._is_anybody_else_there(client, now):
                raise RateLimited("this client has its share of requests under way", retry_after=1)
            self._under_way[client] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[client] -= 1

    def headers(self, client: str) -> dict[str, str]:
        """What is left, as draft-ietf-httpapi-ratelimit-headers writes it; nothing without a rate."""
        if not self._rate:
            return {}
        with self._lock:
            bucket = self._buckets.get(client)
            left = self._rate if bucket is None else max(0, int(bucket.left))
        return {"RateLimit-Policy": f'"client";q={self._rate};w=1', "RateLimit": f'"client";r={left};t=1'}

    def _charge(self, client: str, now: float) -> None:
        bucket = self._buckets.setdefault(client, _Bucket(self._rate, now))
        bucket.left = min(float(self._rate), bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.left < 1:
            raise RateLimited("this client asks more often than it may", retry_after=1)
        bucket.left -= 1

    def _is_anybody_else_there(self, client: str, now: float) -> bool:
        return any(now - at < _PRESENT_S for other, at in self._seen.items() if other != client)
