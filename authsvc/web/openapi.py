"""The OpenAPI 3.1 document, made from the very declarations and types that serve the requests.

For integrators and for the tests, which hold every answer against it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from authsvc import __version__
from authsvc.events import TAGS as EVENTS
from authsvc.factor import Json
from authsvc.services.webhook_views import alert_view
from authsvc.web import record_answers
from authsvc.web.dispatch import PATH_PARAMETERS
from authsvc.web.openapi_fields import answer_of, describe, example_of, fields, parameter, with_examples
from authsvc.web.operations import Media, Operation, Plane
from authsvc.web.problems import PROBLEMS
from authsvc.web.refusals import PROBLEM_MEDIA
from authsvc.web.registry import OPERATIONS, TAGS
from authsvc.web.replies import JSON_MEDIA

_DESCRIPTION = (
    "A payment backend asks what a payer must prove for a payment; the payer proves it; the backend gets a signed receipt that"
    " is good for this payment only, and consumes it once.\n\n"
    "Unknown fields are refused in requests; in answers, ignore fields that you do not know. Every error is a problem (RFC 9457)"
    " whose `type` leads to its explanation. Calls that create or consume need an `Idempotency-Key`; repeating one with the same"
    " key gives the same answer, marked `Idempotent-Replayed: true`, for 24 hours."
)
_SCHEMES: Mapping[Plane, tuple[str, Json]] = {
    Plane.BACKEND: (
        "apiKey",
        {"type": "http", "scheme": "bearer", "bearerFormat": "ak_…", "description": "The backend's API key."},
    ),
    Plane.PAYER: (
        "challengeToken",
        {"type": "http", "scheme": "Challenge", "description": "The token `ct_…` of one challenge."},
    ),
    Plane.ENROLLMENT: (
        "enrollmentToken",
        {"type": "http", "scheme": "Enrollment", "description": "The token `et_…` of one enrollment."},
    ),
    Plane.OVERVIEW: (
        "overviewToken",
        {"type": "http", "scheme": "Overview", "description": "The token `vt_…` of one overview."},
    ),
    Plane.OPERATOR: (
        "operatorSession",
        {
            "type": "http",
            "scheme": "Operator",
            "description": "A session `os_…` that an operator opened in the console.",
        },
    ),
}
_KEY_PATTERN = r'^("[!#-\[\]-~]{1,255}"|[!#-+\--~]{1,255})$'
_ETAG_PATTERN = r'^"[!#-~]{1,64}"$'
_WEBHOOK_HEADERS = {
    "webhook-id": "The same for every attempt; a receiver takes each once.",
    "webhook-timestamp": "When the attempt was made, in seconds since 1970; older than five minutes is a replay.",
    "webhook-signature": "`v1,` and the HMAC-SHA-256 of id, timestamp and body with dots between, in base64; one a secret.",
}
_WAITS_AGAIN = (409, 423, 429, 503)


@lru_cache(maxsize=4)
def published(base_url: str) -> bytes:
    """The document as it is served."""
    return json.dumps(document(base_url), ensure_ascii=False, separators=(",", ":")).encode()


def document(base_url: str) -> dict[str, Any]:
    """The document as a value."""
    schema_of, schemas = _schemas()
    paths: defaultdict[str, dict[str, Json]] = defaultdict(dict)
    for operation in OPERATIONS:
        paths[operation.path][operation.method.lower()] = _operation(operation, schema_of, schemas)
    notification = schema_of(record_answers.Notification)
    notified = example_of(notification, schemas)
    problems = {_name(slugs): _problem(slugs, schema_of) for each in OPERATIONS for slugs in _by_status(each)}
    described = {
        "openapi": "3.1.0",
        "info": {"title": "authsvc", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": base_url}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": dict(paths),
        "webhooks": {
            tag: {"post": _webhook(tag, text, notification, notified)} for tag, text in EVENTS.items()
        },
        "components": {
            "schemas": schemas,
            "responses": problems,
            "securitySchemes": dict(_SCHEMES.values()),
        },
    }
    with_examples(described, schemas)
    return described


def slugs_of(operation: Operation) -> tuple[str, ...]:
    """Every problem that an operation may return: its own, and those of its plane and form."""
    implied = ["invalid-request"]
    if operation.plane is not Plane.PUBLIC:
        implied += ["unauthenticated", "rate-limited"]
    if operation.scope is not None:
        implied.append("insufficient-scope")
    if operation.act is not None:
        implied.append("not-permitted")
    if "{" in operation.path:
        implied.append("not-found")
    if operation.body is not None:
        implied += ["payload-too-large", "unsupported-media", "request-timeout"]
    if operation.once:
        implied += ["idempotency-key-missing", "idempotency-in-progress", "idempotency-key-reused"]
    if operation.repeatable:
        implied.append("idempotency-key-reused")
    return (*implied, "unavailable", "record-broken", *operation.problems)


_SchemaOf = Callable[[type[BaseModel]], Json]


def _schemas() -> tuple[_SchemaOf, Json]:
    """Where each type's schema stands, and all of them."""
    models: dict[type[BaseModel], None] = dict.fromkeys(
        [record_answers.Problem, record_answers.Notification, *_all_models()]
    )
    found, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )

    def schema_of(model: type[BaseModel]) -> Json:
        return found[model, "validation"]

    schemas: Json = _untitled(definitions["$defs"])
    describe(schemas)
    return schema_of, schemas


def _all_models() -> Iterable[type[BaseModel]]:
    for operation in OPERATIONS:
        if operation.body is not None:
            yield from operation.body.models()
        yield from (answer for answer in operation.answers.values() if not isinstance(answer, Media))


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes of names; a property may be called `title`, and is then no string."""
    if isinstance(schema, list):
        return [_untitled(each) for each in schema]
    if isinstance(schema, dict):
        return {
            key: _untitled(each)
            for key, each in schema.items()
            if not (key == "title" and isinstance(each, str))
        }
    return schema


def _operation(operation: Operation, schema_of: _SchemaOf, schemas: Json) -> Json:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": list(_parameters(operation)),
        "responses": {**_answers(operation, schema_of, schemas), **_problems(operation)},
        "security": [] if operation.plane is Plane.PUBLIC else [{_SCHEMES[operation.plane][0]: []}],
    }
    if operation.description or operation.scope:
        scope = f"Needs the scope `{operation.scope}`." if operation.scope else ""
        described["description"] = f"{operation.description} {scope}".strip()
    if operation.body is not None:
        described["requestBody"] = operation.body.described(schema_of)
    return described


def _webhook(tag: str, meaning: str, schema: Json, example: Json) -> Json:
    return {
        "operationId": re.sub(r"\W", "_", tag),
        "tags": ["webhooks"],
        "summary": f"{meaning[0].upper()}{meaning[1:]}.",
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in _WEBHOOK_HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON_MEDIA: {
                    "schema": schema,
                    "example": _notified(tag, example),
                }
            },
        },
        "responses": {
            "2XX": {"description": "The receiver has it; anything else is tried again for three days."},
            "410": {"description": "The receiver wants nothing more: the endpoint is disabled."},
        },
    }


def _notified(tag: str, example: Json) -> Json:
    """A webhook of this type, with what its payer should be told."""
    data = fields().notifications[tag]
    alert = alert_view(tag, data)
    said = {name: value for name, value in example.items() if name != "alert"}
    return {**said, "type": tag, "data": data, **({} if alert is None else {"alert": alert})}


def _parameters(operation: Operation) -> Iterable[Json]:
    for name in re.findall(r"\{(\w+)\}", operation.path):
        schema = _untitled(PATH_PARAMETERS[name].json_schema())
        yield parameter(operation.tag, name, "path", schema, required=True)
    if operation.query is not None:
        for name, schema in operation.query.model_json_schema()["properties"].items():
            yield parameter(
                operation.tag, name, "query", _untitled(schema), required=False, call=operation.name
            )
    if operation.once or operation.repeatable:
        schema = {"type": "string", "pattern": _KEY_PATTERN}
        key = parameter(operation.tag, "Idempotency-Key", "header", schema, required=operation.once)
        yield {**key, "example": f"order-1001-{operation.name}"}
    if operation.if_match:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "RFC 9110; the `ETag` of the active policy as it was seen.",
            "schema": {"type": "string", "pattern": _ETAG_PATTERN},
            "example": '"17-2c26b46b68ffc68f"',
        }
    if operation.waits:
        yield {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "description": "RFC 7240; `wait=25` waits up to 25 seconds for the end of the challenge.",
            "schema": {"type": "string"},
            "example": "wait=25",
        }


def _answers(operation: Operation, schema_of: _SchemaOf, schemas: Json) -> Json:
    found: dict[str, Json] = {}
    for status, answer in operation.answers.items():
        if isinstance(answer, Media):
            content: Json = {answer.type: {"schema": {"type": "string"}}}
        else:
            schema = schema_of(answer)
            content = {JSON_MEDIA: {"schema": schema, "example": answer_of(operation.name, schema, schemas)}}
        described: dict[str, Any] = {"description": HTTPStatus(status).phrase, "content": content}
        if operation.once or operation.repeatable:
            described["headers"] = {
                "Idempotent-Replayed": {
                    "description": "`true` where a stored answer is told again.",
                    "schema": {"type": "string", "enum": ["true"]},
                }
            }
        found[str(status)] = described
    return found


def _by_status(operation: Operation) -> list[tuple[str, ...]]:
    """The operation's problem slugs, those of one status together."""
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for slug in slugs_of(operation):
        groups[PROBLEMS[slug].status].append(slug)
    return [tuple(groups[status]) for status in sorted(groups)]


def _name(slugs: tuple[str, ...]) -> str:
    return ".".join(slugs)


def _problems(operation: Operation) -> Json:
    return {
        str(PROBLEMS[slugs[0]].status): {"$ref": f"#/components/responses/{_name(slugs)}"}
        for slugs in _by_status(operation)
    }


def _problem(slugs: tuple[str, ...], schema_of: _SchemaOf) -> Json:
    described: dict[str, Any] = {
        "description": " ".join(f"`{slug}`: {PROBLEMS[slug].title}." for slug in slugs),
        "content": {PROBLEM_MEDIA: {"schema": schema_of(record_answers.Problem)}},
    }
    if PROBLEMS[slugs[0]].status in _WAITS_AGAIN:
        described["headers"] = {
            "Retry-After": {
                "description": "Seconds to wait.",
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return described
