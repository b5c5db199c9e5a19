"""Captures: pictures and sound as `multipart/form-data`, bounded before they are read and kept in memory alone.

For the face and voice steps. Nothing here looks into a picture; what it may be is the face room's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser

from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.factor import Json, Submission
from authsvc.web.body import JSON_BYTES, bounded, refused, validated_by
from authsvc.web.words import Json as JsonObject
from authsvc.web.words import Nonce, Wanted

if TYPE_CHECKING:
    from authsvc.web.http import ApiRequest

MULTIPART = "multipart/form-data"
_MB = 1_000_000
_LONGEST_BOUNDARY = 70  # RFC 2046 section 5.1.1.


class CaptureFields(Wanted):
    """What accompanies the files of a capture: the nonce it was made for, and what the page knows about its making."""

    nonce: Nonce
    meta: JsonObject = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaptureBody:
    """Files under one name, in order, with `nonce` and `meta`; sizes are bytes."""

    files: str
    media: tuple[str, ...]
    most_files: int
    largest_file: int
    largest_body: int

    def read(self, request: ApiRequest) -> bytes:
        """The bytes; raises PayloadTooLarge past the limit, UnsupportedMedia for anything but a multipart form."""
        if request.mimetype != MULTIPART:
            raise UnsupportedMedia(f"a capture must be `{MULTIPART}`")
        return bounded(request, self.largest_body)

    def parse(self, request: ApiRequest, raw: bytes) -> Submission:
        """The evidence; raises InvalidRequest for an unknown, missing or repeated part, PayloadTooLarge for a file."""
        form, files = self._parts(raw, request.mimetype_params.get("boundary", ""))
        found = [self._file(storage) for storage in _only(files, self.files)]
        if not 1 <= len(found) <= self.most_files:
            raise InvalidRequest(f"send 1 to {self.most_files} files named `{self.files}`")
        return Submission(_fields(form), {self.files: tuple(found)})

    def models(self) -> tuple[type[BaseModel], ...]:
        return (CaptureFields,)

    def described(self, schema_of: Callable[[type[BaseModel]], Json]) -> Json:
        # A file has no schema of its own in OpenAPI 3.1; its media type stands under `encoding`.
        one: Json = {"type": "string", "contentMediaType": "application/octet-stream"}
        files: Json = {
            "type": "array",
            "description": f"What was recorded, in its order: 1 to {self.most_files} files.",
            "items": one,
            "minItems": 1,
            "maxItems": self.most_files,
        }
        schema: Json = {
            "type": "object",
            "required": [self.files, "nonce"],
            "additionalProperties": False,
            "properties": {
                self.files: files,
                "nonce": {
                    "type": "string",
                    "pattern": "^[A-Za-z0-9_.-]{1,256}$",
                    "description": "As `begin` gave it: a capture counts only with it, and once.",
                    "examples": ["as2Sg_j2fKGsSFr5j6Ou4wMn1fsyVkQx"],
                },
                "meta": {
                    "type": "object",
                    "description": "When each file was made, in milliseconds of the page's clock, and what the device says.",
                    "examples": [{"taken_at_ms": [0]}],
                },
            },
        }
        encoding = {
            self.files: {"contentType": ", ".join(self.media)},
            "meta": {"contentType": "application/json"},
        }
        return {"required": True, "content": {MULTIPART: {"schema": schema, "encoding": encoding}}}

    def _parts(self, raw: bytes, boundary: str) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
        if not 1 <= len(boundary) <= _LONGEST_BOUNDARY or not boundary.isascii():
            raise InvalidRequest("the multipart form has no usable `boundary`")
        parser = MultiPartParser(
            stream_factory=_in_memory,
            max_form_memory_size=JSON_BYTES,
            max_form_parts=self.most_files + 2,
            # Werkzeug holds what it has not parsed yet against the same limit, a chunk of a file included.
            buffer_size=JSON_BYTES // 4,
        )
        try:
            return parser.parse(BytesIO(raw), boundary.encode(), len(raw))
        except RequestEntityTooLarge:
            raise PayloadTooLarge("the form has too many parts, or a part that is too large") from None
        except (ValueError, KeyError):
            raise InvalidRequest("the multipart form is not well-formed") from None

    def _file(self, storage: FileStorage) -> bytes:
        content = storage.stream.read()
        if len(content) > self.largest_file:
            raise PayloadTooLarge(f"a file may have {self.largest_file} bytes")
        if not content:
            raise InvalidRequest(f"a file named `{self.files}` is empty")
        return content


FRAMES = CaptureBody(
    "frame", ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif"), 60, 10 * _MB, 40 * _MB
)
AUDIO = CaptureBody(
    "audio", ("audio/wav", "audio/ogg", "audio/webm", "audio/flac"), 1, 4 * _MB, 4 * _MB + JSON_BYTES
)


def _in_memory(*_: object, **__: object) -> IO[bytes]:
    """Werkzeug would put what exceeds 500 kB into a file; a raw picture is never written to disk."""
    return BytesIO()


def _only(files: MultiDict[str, FileStorage], name: str) -> Iterable[FileStorage]:
    unknown = set(files) - {name}
    if unknown:
        raise InvalidRequest(f"unexpected file `{min(unknown)[:64]}`; files are named `{name}` here")
    return files.getlist(name)


def _fields(form: MultiDict[str, str]) -> Json:
    """`nonce` and `meta`, as JSON would have given them."""
    repeated = [name for name in form if len(form.getlist(name)) > 1]
    if repeated:
        raise InvalidRequest(f"the field `{repeated[0][:64]}` is given twice")
    given: dict[str, object] = {**form.to_dict()}
    if "meta" in form:
        given["meta"] = validated_by(_META, form["meta"].encode())
    try:
        return CaptureFields.model_validate(given).model_dump()
    except ValidationError as error:
        raise refused(error) from None


_META: TypeAdapter[JsonObject] = TypeAdapter(JsonObject)
