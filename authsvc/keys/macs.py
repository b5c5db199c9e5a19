"""Keyed HMACs, as everybody who stores or compares one sees the key ring."""

from __future__ import annotations

from typing import Protocol


class Macs(Protocol):
    """The keyed HMACs of the service's key ring. A label keeps what is made for one purpose from serving another."""

    def mac(self, label: str, data: bytes) -> bytes: ...

    def mac_candidates(self, label: str, data: bytes) -> tuple[bytes, ...]:
        """The MAC under every key that is still accepted, the current one first."""


class NamedMacs(Protocol):
    """The same for what is stored with the name of its key, so that checking it costs one MAC however many keys there are."""

    def named_mac(self, label: str, data: bytes) -> tuple[str, bytes]:
        """The id of the current key, and the MAC under it."""

    def mac_under(self, key_id: str, label: str, data: bytes) -> bytes | None:
        """The MAC under a key that is still accepted, None for any other."""
