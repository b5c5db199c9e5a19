"""What is told of what happened, to backends and auditors, and what the public may read. See `answers`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from authsvc.events import TAGS
from authsvc.web.response_part import Count, Digest, OpenResponsePart, ResponsePart
from authsvc.web.words import AnyJson


class Alert(ResponsePart):
    """What the payer should be told, in Chinese and in English: send it over your own channel."""

    zh_cn: Annotated[str, Field(alias="zh-CN")]
    en: str


class EventShown(ResponsePart):
    """`user_id` is null where an event is about the client itself."""

    seq: int
    type: Annotated[str, Field(json_schema_extra={"enum": list(TAGS)})]
    user_id: str | None
    at: datetime
    data: AnyJson
    alert: Alert | None


class Notification(ResponsePart):
    """What is posted to an endpoint (Standard Webhooks). Take each `webhook-id` once, and answer 2xx within seconds."""

    type: Annotated[str, Field(json_schema_extra={"enum": list(TAGS)})]
    timestamp: datetime
    seq: int
    user_id: str | None
    data: AnyJson
    alert: Alert | None = None


class Events(ResponsePart):
    """Oldest first; `next` is the `after` of the next page, also when nothing came."""

    events: list[EventShown]
    next: int


class AuditSubject(ResponsePart):
    client: str
    user: str


class AuditLine(ResponsePart):
    """Who did what to what, about whom, when, and how it ended."""

    chain: str
    seq: int
    hash: str
    actor: str
    action: str
    at: datetime
    details: AnyJson
    object: str
    result: str
    subject: AuditSubject | None


class AuditLines(ResponsePart):
    events: list[AuditLine]
    next: str | None


class Checkpoint(ResponsePart):
    """`body` is the signed text, `signature` Ed25519 in base64."""

    seq: int
    body: str
    key_id: str
    signature: str


class Checkpoints(ResponsePart):
    """Signed heads of every chain: a line that goes missing before a head is noticed."""

    checkpoints: list[Checkpoint]
    next: int


class Evidence(ResponsePart):
    """One decision with everything it rests on, for a third party to check without this service."""

    format: Literal["authsvc-evidence-v1"]
    evidence: AnyJson
    evidence_hash: Digest
    policy_document: AnyJson
    timeline: list[AnyJson]


class KeySet(ResponsePart):
    """JSON Web Key Set (RFC 7517): what receipts are signed with, earlier keys included."""

    keys: list[AnyJson]


class RelatedOrigins(ResponsePart):
    origins: list[str]


class Document(OpenResponsePart):
    """An OpenAPI document."""

    openapi: Literal["3.1.0"]
    info: AnyJson
    paths: AnyJson
    components: AnyJson


class Health(ResponsePart):
    status: Literal["alive"]


class Ready(OpenResponsePart):
    """What was found: the stores, the engine and model digest of each modality, and the frightening settings in force."""

    status: Literal["ready"]
    warnings: list[str]


class ProblemExplained(ResponsePart):
    """What a slug means, in English and Chinese."""

    slug: str
    status: int
    title: str
    en: str
    zh: str


class FieldError(ResponsePart):
    field: str
    message: str


class HintShown(ResponsePart):
    """What the person can do better; `code` is stable, `text` is in their language."""

    code: str
    text: str


class Problem(OpenResponsePart):
    """RFC 9457. `type` is stable and leads to its explanation."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    hints: list[HintShown] | None = None
    attempts_remaining: Count | None = None
    retry_after: Count | None = None
