"""Keyed HMACs, as everybody who stores or compares one sees the key ring."""

from __future__ import annotations

from typing import Protocol


class Macs(Protocol):
    """The keyed HMACs of the service's key ring. A label keeps what is made for one purpose from serving another."""

    def mac(self, label: str, data: bytes) -> bytes: ...

    def mac_candidates(self, label: str, data: bytes) -> tuple[bytes, ...]:
        """The MAC under every key that is still accepted, the current one first."""
