"""State that may be lost: open ceremonies, received evidence, rate limits.

Losing it costs a retry, never a second acceptance or a forgotten lock-out: whatever counts once is settled in the durable
store. Every key belongs to one owner (a user or a client), so that a cluster keeps an owner's keys on one node.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Key:
    """`owner` decides the node, `name` the entry."""

    owner: str
    name: str


class Ephemeral(Protocol):
    """Short-lived entries, shared by all worker processes.

    Every method raises Unavailable when the store cannot answer in time.
    """

    def put(self, key: Key, value: bytes, ttl: timedelta) -> None:
        """Store, replacing what was there."""

    def get(self, key: Key) -> bytes | None:
        """What is stored, or None when nothing is or its time is over."""

    def take(self, key: Key) -> bytes | None:
        """Read and remove in one step: of many takers one gets the value."""

    def add(self, key: Key, value: bytes, ttl: timedelta) -> bool:
        """Store unless something is there; says whether it was stored."""

    def increment(self, key: Key, ttl: timedelta) -> int:
        """Count up from 0 and return the new count; the time to live starts with the first count and is not renewed."""

    def delete(self, key: Key) -> None:
        """Remove; nothing there is fine."""

    def ping(self) -> None:
        """Raises Unavailable unless the store answers."""


class Box(Protocol):
    """Seals what must not be read by whoever can read the store; `name` is where it belongs."""

    def seal(self, name: str, plaintext: bytes) -> bytes: ...

    def open(self, name: str, sealed: bytes) -> bytes:
        """Raises Tampered for anything that was not sealed under this name."""
