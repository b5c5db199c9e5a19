"""Where a payment backend wants its events sent: an address of its own, and which events it asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

MOST_ENDPOINTS = 16
"""What one client may have: each multiplies what is sent."""


class Disabled(StrEnum):
    """Why nothing is sent to an endpoint: its owner wanted it so, it failed for days, or it answered 410."""

    SWITCHED_OFF = "switched-off"
    FAILING = "failing"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`types` are event tags, none of them means all. While `disabled`, events wait for it and nothing is lost."""

    id: str
    client: str
    url: str
    types: tuple[str, ...]
    created_at: datetime
    disabled: Disabled | None = None
    version: int = 0

    def wants(self, tag: str) -> bool:
        return not self.types or tag in self.types

    def changed(self, url: str | None, types: tuple[str, ...] | None, enabled: bool | None) -> Endpoint:
        """The endpoint as its owner wants it; what is None stays."""
        return replace(
            self,
            url=self.url if url is None else url,
            types=self.types if types is None else types,
            disabled=self._disabled_after(enabled),
        )

    def stopped(self, why: Disabled) -> Endpoint:
        """The endpoint once the service has found that nothing can be sent to it."""
        return replace(self, disabled=why)

    def saved(self) -> Endpoint:
        return replace(self, version=self.version + 1)

    def _disabled_after(self, enabled: bool | None) -> Disabled | None:
        if enabled is None:
            return self.disabled
        if enabled:
            return None
        # What the service found out says more than that it is wanted so now.
        return self.disabled or Disabled.SWITCHED_OFF
