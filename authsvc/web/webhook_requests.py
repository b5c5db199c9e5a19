"""What a caller sends about webhook endpoints. See `requests`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from authsvc.events import TAGS
from authsvc.web.words import Cursor, Limit, Wanted, matching


def _known(tag: str) -> str:
    if tag not in TAGS:
        raise ValueError("must be the type of an event")
    return tag


WebhookUrl = Annotated[
    str,
    matching(
        r"^https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?][!\"$-\[\]-~]*)?$",
        "must be an address that begins with https://, in ASCII, without user, password and fragment",
        longest=2048,
    ),
]
EventType = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(TAGS)})]
EventTypes = Annotated[tuple[EventType, ...], Field(max_length=len(TAGS))]


class WebhookWanted(Wanted):
    """Where to send what happens from now on. `https` alone; without `types`, everything."""

    url: WebhookUrl
    types: EventTypes | None = None


class WebhookChanged(Wanted):
    """What is left out stays as it is."""

    url: WebhookUrl | None = None
    types: EventTypes | None = None
    enabled: bool | None = None


DEFAULT_OVERLAP = 24


class RotationWanted(Wanted):
    """For how many hours the former secret signs beside the new one; 24 where nothing is said."""

    overlap_hours: Annotated[int, Field(ge=0, le=168)] | None = None


class DeliveriesBefore(Wanted):
    """A page of the log: what came before the last one seen."""

    state: Literal["pending", "delivered", "failed"] | None = None
    before: Cursor | None = None
    limit: Limit = 100
