"""JSON bodies: the right media type, bounded before they are read, validated once from bytes into a type.

For every operation that declares `body=JsonBody(…)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.factor import Json, Submission
from authsvc.serving.admission import admit_body
from authsvc.web import in_words
from authsvc.web.json_text import must_be_plain_json
from authsvc.web.replies import JSON_MEDIA

if TYPE_CHECKING:
    from authsvc.web.http import ApiRequest

JSON_BYTES = 64 * 1024
MOST_ERRORS = 20
_LONGEST_FIELD_NAME = 128

Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class JsonBody(Generic[Model]):
    """A body that `model` describes. With `optional`, no body reads as an empty object."""

    model: type[Model]
    optional: bool = False
    most: int = JSON_BYTES

    def read(self, request: ApiRequest) -> bytes:
        """The bytes; raises PayloadTooLarge past `most` bytes, UnsupportedMedia for anything but UTF-8 JSON."""
        raw = bounded(request, self.most)
        if raw or not self.optional:
            must_be_json(request)
        return raw

    def parse(self, request: ApiRequest, raw: bytes) -> Model:
        """The body as its type; raises InvalidRequest, which names the fields."""
        return validated(self.model, raw or b"{}" if self.optional else raw)

    def models(self) -> tuple[type[BaseModel], ...]:
        return (self.model,)

    def described(self, schema_of: Callable[[type[BaseModel]], Json]) -> Json:
        return {"required": not self.optional, "content": {JSON_MEDIA: {"schema": schema_of(self.model)}}}


@dataclass(frozen=True, slots=True)
class JsonEvidence:
    """A JSON body that is handed on as evidence, its fields as they came."""

    model: type[BaseModel]

    def read(self, request: ApiRequest) -> bytes:
        return JsonBody(self.model).read(request)

    def parse(self, request: ApiRequest, raw: bytes) -> Submission:
        evidence = validated(self.model, raw)
        return Submission(evidence.model_dump(mode="json", exclude_unset=True))

    def models(self) -> tuple[type[BaseModel], ...]:
        return (self.model,)

    def described(self, schema_of: Callable[[type[BaseModel]], Json]) -> Json:
        return JsonBody(self.model).described(schema_of)


def bounded(request: ApiRequest, most: int) -> bytes:
    """The whole body; raises PayloadTooLarge before reading more than one byte past `most`: that one tells."""
    must_be_uncoded(request)
    length = request.content_length
    raw = b""
    if length is None or length <= most:
        admit_body(request.environ, request.caller, most)
        raw = _at_most(request, most + 1)
    if len(raw) > most or (length is not None and length > most):
        raise PayloadTooLarge(f"the body may have {most} bytes")
    return raw


def _at_most(request: ApiRequest, most: int) -> bytes:
    """A body of unknown length is cut off at its limit without a word."""
    environ = request.environ
    if environ.get("wsgi.input_terminated"):
        # Our own server has it whole, and says so: no further stream has to watch over its end.
        terminated: bytes = environ["wsgi.input"].read(most)
        return terminated
    request.max_content_length = most
    return request.get_data(cache=False)


def must_be_uncoded(request: ApiRequest) -> None:
    """Raises UnsupportedMedia for a compressed body: what it would grow to cannot be bounded by its size."""
    coding = request.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    transfer = request.environ.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower()
    if coding not in ("", "identity") or transfer not in ("", "chunked"):
        raise UnsupportedMedia("the body must not be compressed: send it without `Content-Encoding`")


def must_be_json(request: ApiRequest) -> None:
    """Raises UnsupportedMedia unless the request says `application/json`, in UTF-8 if it says so at all."""
    if request.content_type == JSON_MEDIA:
        return
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != JSON_MEDIA or charset not in ("utf-8", "utf8"):
        raise UnsupportedMedia(f"the body must be `{JSON_MEDIA}` in UTF-8")


def validated(model: type[Model], raw: bytes) -> Model:
    """JSON bytes as a type; raises InvalidRequest, which names the fields and never repeats a value."""
    must_be_plain_json(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise refused(error) from None


def validated_by(adapter: TypeAdapter[Value], raw: bytes) -> Value:
    """`validated` for a type that is not a model."""
    must_be_plain_json(raw)
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        raise refused(error) from None


def validated_query(model: type[Model], items: Sequence[tuple[str, str]]) -> Model:
    """Query parameters as a type; raises InvalidRequest, also for a parameter given twice."""
    named: Mapping[str, str] = dict(items)
    if len(named) != len(items):
        raise InvalidRequest("a query parameter is given twice")
    try:
        return model.model_validate(named)
    except ValidationError as error:
        raise refused(error) from None


def refused(error: ValidationError) -> InvalidRequest:
    """The field errors of a validation, for the caller: where, and what was expected there."""
    faults = error.errors(include_url=False, include_input=False)
    errors: list[dict[str, Any]] = [
        {"field": _field(fault["loc"]), "message": in_words.said(fault)} for fault in faults[:MOST_ERRORS]
    ]
    return InvalidRequest("the request does not have the form that is expected here", errors=errors)


def _field(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:_LONGEST_FIELD_NAME] for part in loc)
