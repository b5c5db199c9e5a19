"""Sealed boxes for what belongs to the service: ceremonies in the short-lived store, answers in the durable one."""

from __future__ import annotations

from authsvc.storage.sealing import Place, Sealer


class ServiceBox:
    """Seals under the service's own key, to a table and a name; opens nowhere else."""

    def __init__(self, sealer: Sealer, table: str) -> None:
        self._sealer = sealer
        self._table = table

    def seal(self, name: str, plaintext: bytes) -> bytes:
        return self._sealer.seal_service(self._place(name), plaintext)

    def open(self, name: str, sealed: bytes) -> bytes:
        """Raises Tampered for anything that was not sealed under this name."""
        return self._sealer.open_service(self._place(name), sealed)

    def _place(self, name: str) -> Place:
        return Place(self._table, "sealed", name, None)
