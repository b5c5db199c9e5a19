"""What the room's values need of a durable store. `storage` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from authsvc.webhook.delivery import Attempt, Delivery, Outcome
from authsvc.webhook.endpoint import Endpoint
from authsvc.webhook.lease import Beat
from authsvc.webhook.signature import Signing


class Endpoints(Protocol):
    """`save` makes the unit run again when somebody else was faster. Secrets are sealed at rest."""

    def add(self, endpoint: Endpoint, secret: bytes, cursor: int) -> None: ...

    def find(self, endpoint_id: str) -> Endpoint | None: ...

    def of_client(self, client: str) -> tuple[Endpoint, ...]: ...

    def save(self, endpoint: Endpoint) -> Endpoint: ...

    def remove(self, endpoint_id: str) -> None:
        """The endpoint; its deliveries go little by little (`Deliveries.forget`)."""

    def any_enabled(self) -> bool: ...

    def signing(self, endpoint_id: str, now: datetime) -> Signing: ...

    def rotate(self, endpoint_id: str, secret: bytes, former_until: datetime) -> None:
        """A new secret; what was the current one signs beside it until then."""

    def behind(self, most_pending: int) -> tuple[str, ...]:
        """Enabled endpoints whose client has newer events, and for which fewer than so many deliveries wait."""

    def cursor(self, endpoint_id: str) -> int: ...

    def move_cursor(self, endpoint_id: str, seen: int, to: int) -> bool:
        """True for one of many that saw the same."""


class Deliveries(Protocol):
    def add_all(self, deliveries: Sequence[Delivery]) -> None: ...

    def find(self, delivery_id: str) -> Delivery | None: ...

    def page(
        self, endpoint_id: str, state: str | None, before: int | None, limit: int
    ) -> tuple[tuple[Delivery, Attempt | None], ...]:
        """The latest first, each with its last attempt; `before` is the number of the last one seen."""

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]: ...

    def due(self, now: datetime) -> tuple[str, ...]:
        """Enabled endpoints with something to send, the longest waiting first."""

    def next_due(self, endpoint_id: str, now: datetime) -> Delivery | None: ...

    def claim(self, delivery: Delivery, now: datetime, until: datetime) -> Delivery | None:
        """Begin the next attempt; of many that saw the same delivery one gets it, the others None."""

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """The outcome of the delivery's last attempt. A failure changes nothing that somebody has changed meanwhile."""

    def restart(self, delivery: Delivery) -> None: ...

    def restart_pending(self, endpoint_id: str, now: datetime) -> None:
        """Every delivery that waits for an endpoint starts anew."""

    def any_delivered(self, endpoint_id: str, since: datetime) -> bool: ...

    def forget(self, before: datetime, limit: int) -> int: ...


class Leases(Protocol):
    def read(self, name: str) -> Beat | None: ...

    def write(self, name: str, holder: str, seen: Beat | None) -> bool:
        """The next beat, if nobody has written since `seen`."""
