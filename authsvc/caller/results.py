"""What the service answers a payment backend, as frozen values. Fields that this version does not know are left aside."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from authsvc.errors import Unavailable

Json = Mapping[str, Any]  # Any: each field is read into the type that its dataclass names.
Value = TypeVar("Value")

OPEN = "challenge_required"


@dataclass(frozen=True, slots=True)
class Device:
    """The phone that the payment comes from. Its `secret` is what it was given when it was enrolled."""

    id: str
    secret: str | None = None
    novelty: str | None = None

    def to_json(self) -> Json:
        said = {"id": self.id, "secret": self.secret, "novelty": self.novelty}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the level is what it is: for the backend's records, never for the phone."""

    rule: str
    field: str
    value: object
    bound: object

    def __str__(self) -> str:
        return f"{self.rule}: {self.field} is {_shown(self.value)}, bound {_shown(self.bound)}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@dataclass(frozen=True, slots=True)
class Challenge:
    """Hand `url`, or `id` and `token`, to the payer's page or app; each of `sets` is one way to prove it, all of it."""

    id: str
    token: str
    url: str
    sets: tuple[tuple[str, ...], ...]
    attempts_remaining: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What the payer must prove, and what became of it. `receipt` is there once the payment may go."""

    id: str
    status: str
    level: str
    novelty: str
    reasons: tuple[Reason, ...]
    exemption: str | None
    missing: tuple[str, ...]
    challenge: Challenge | None
    receipt: str | None
    binding_digest: str
    policy_digest: str
    expires_at: datetime
    replayed: bool
    """Whether this very answer was given before, to the same Idempotency-Key."""

    @property
    def is_open(self) -> bool:
        """Whether the payer has still to prove something."""
        return self.status == OPEN


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """Send `text` as it stands, over a channel of your own. The code is good for this payment alone."""

    code: str
    text: str
    expires_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Consumed:
    """The receipt is used up. `replayed` says that an earlier request with this Idempotency-Key did it, not this one."""

    consumed_at: datetime
    decision_id: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class ReceiptState:
    """`is_good`: a consume would succeed now. `consumed_at` says when it was used up."""

    is_good: bool
    consumed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """Opens one enrollment for one person: hand `url`, or `id` and `token`, to their page or app."""

    id: str
    token: str
    url: str
    user_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OverviewTicket:
    """Opens a person's own overview for a quarter of an hour: hand `url` and `token` to their page."""

    id: str
    token: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UserStatus:
    """`locked_until` by scope: a factor, or `any`."""

    user_id: str
    status: str
    factors: tuple[str, ...]
    locked_until: Mapping[str, datetime]
    verify_always: bool


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """`type` is one of the event tags in the README; `user_id` is None where the event is about you and none of your users."""

    seq: int
    type: str
    user_id: str | None
    at: datetime
    data: Json
    alert: Mapping[str, str] | None = None
    """By language, a sentence for the payer to send as it stands; None where they have nothing to hear of it."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Oldest first; ask again with `next`, also when nothing came."""

    events: tuple[FeedEvent, ...]
    next: int


def understood(read: Callable[[Json], Value], value: Json) -> Value:
    """What an answer says; raises Unavailable for one that breaks the contract."""
    try:
        return read(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable(f"the service's answer is not understood: {error!r}") from error


def decision_from(said: Json, *, replayed: bool = False) -> Decision:
    return Decision(
        id=said["id"],
        status=said["status"],
        level=said["level"],
        novelty=said["device"]["novelty"],
        reasons=tuple(
            Reason(each["rule"], each["field"], each.get("is"), each.get("bound")) for each in said["reasons"]
        ),
        exemption=said.get("exemption"),
        missing=tuple(said.get("missing", ())),
        challenge=None if said["challenge"] is None else challenge_from(said["challenge"]),
        receipt=said["receipt"],
        binding_digest=said["binding"]["digest"],
        policy_digest=said["policy"]["digest"],
        expires_at=datetime.fromisoformat(said["expires_at"]),
        replayed=replayed,
    )


def challenge_from(said: Json) -> Challenge:
    return Challenge(
        id=said["id"],
        token=said["token"],
        url=said["url"],
        sets=tuple(tuple(choice) for choice in said["sets"]),
        attempts_remaining=said["attempts_remaining"],
        expires_at=datetime.fromisoformat(said["expires_at"]),
    )


def code_from(said: Json) -> IssuedCode:
    return IssuedCode(said["code"], said["text"], datetime.fromisoformat(said["expires_at"]), said["tries"])


def receipt_state_from(said: Json) -> ReceiptState:
    at = said["consumed_at"]
    return ReceiptState(said["valid"], None if at is None else datetime.fromisoformat(at))


def ticket_from(said: Json) -> Ticket:
    return Ticket(
        said["id"],
        said["token"],
        said["url"],
        said["user_id"],
        datetime.fromisoformat(said["expires_at"]),
    )


def overview_ticket_from(said: Json) -> OverviewTicket:
    return OverviewTicket(said["id"], said["token"], said["url"], datetime.fromisoformat(said["expires_at"]))


def status_from(said: Json) -> UserStatus:
    locks = {scope: datetime.fromisoformat(until) for scope, until in said["locked_until"].items()}
    return UserStatus(said["user_id"], said["status"], tuple(said["factors"]), locks, said["verify_always"])


def page_from(said: Json) -> EventPage:
    return EventPage(tuple(map(_event_from, said["events"])), said["next"])


def _event_from(said: Json) -> FeedEvent:
    alert = said.get("alert")
    return FeedEvent(
        said["seq"],
        said["type"],
        said["user_id"],
        datetime.fromisoformat(said["at"]),
        said["data"],
        None if alert is None else {str(language): str(text) for language, text in alert.items()},
    )
