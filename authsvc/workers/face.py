"""The face room from afar: the web calls `RemoteFace`, a worker answers with the real service through `face_handlers`.

Templates and frames cross as blobs, everything else in the header. Importing this loads no array library: only the worker
does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Protocol

from authsvc.biometric.words import Comparison, Template
from authsvc.face.capture import CaptureContext
from authsvc.face.part import Part
from authsvc.factor import Json, Unusable
from authsvc.workers.client import WorkerClient
from authsvc.workers.fields import (
    Fields,
    read,
    read_comparison,
    read_result,
    read_template,
    template_fields,
    unusable_answer,
)
from authsvc.workers.messages import ABOUT, Answer, Handler

ENROLL = "face.enroll"
VERIFY = "face.verify"
LOOK_ALIKES = "face.look_alikes"
OBSERVE = "face.observe"
ENROLL_PARTS = "face.enroll_parts"
VERIFY_PARTS = "face.verify_parts"
_AT_ONCE = 50_000
"""Templates of one call: 26 MB of vectors."""


class Faces(Protocol):
    """What both ends offer: `FaceService` in the worker, `RemoteFace` in the web."""

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable: ...

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable: ...

    def look_alikes(self, template: Template, others: Sequence[Template]) -> tuple[int, ...]: ...

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable: ...

    def enroll_parts(self, parts: Sequence[Part], context: CaptureContext) -> Template | Unusable: ...

    def verify_parts(
        self, parts: Sequence[Part], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable: ...


class RemoteFace:
    """`FaceService` in a worker process. Raises what the service raises, and Unavailable when no worker answers in time."""

    def __init__(self, client: WorkerClient) -> None:
        self._client = client

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable:
        header, blobs = self._client.call(ENROLL, {"context": context.to_json()}, frames)
        return read_result(header, lambda it: read_template(it["template"], *blobs))

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        asked = {"context": context.to_json(), "reference": template_fields(reference)}
        header, _ = self._client.call(VERIFY, asked, (reference.vector, *frames))
        return read_result(header, lambda it: read_comparison(it["comparison"]))

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable:
        header, _ = self._client.call(OBSERVE, {"context": context.to_json(), "model": model}, frames)
        return read_result(header, lambda it: Part.from_json(it["part"]))

    def enroll_parts(self, parts: Sequence[Part], context: CaptureContext) -> Template | Unusable:
        asked = {"context": context.to_json(), "parts": [part.to_json() for part in parts]}
        header, blobs = self._client.call(ENROLL_PARTS, asked, ())
        return read_result(header, lambda it: read_template(it["template"], *blobs))

    def verify_parts(
        self, parts: Sequence[Part], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        asked = {
            "context": context.to_json(),
            "parts": [part.to_json() for part in parts],
            "reference": template_fields(reference),
        }
        header, _ = self._client.call(VERIFY_PARTS, asked, (reference.vector,))
        return read_result(header, lambda it: read_comparison(it["comparison"]))

    def look_alikes(self, template: Template, others: Sequence[Template]) -> tuple[int, ...]:
        """The places of those in `others` who resemble the template, by batches, within each the most alike first."""
        found: list[int] = []
        for start in range(0, len(others), _AT_ONCE):
            batch = others[start : start + _AT_ONCE]
            asked = {"template": template_fields(template)}
            header, _ = self._client.call(
                LOOK_ALIKES, asked, (template.vector, b"".join(o.vector for o in batch))
            )
            found += [start + number for number in read(header, lambda it: [int(n) for n in it["numbers"]])]
        return tuple(found)

    def describe(self) -> Json:
        """Engine, model digest and liveness mode, for health; answered even by a worker with a full queue."""
        header, _ = self._client.call(ABOUT, {})
        return read(header, lambda it: dict(it["face"]))


def face_handlers(service: Faces) -> Mapping[str, Handler]:
    """What a worker serves for `RemoteFace`."""
    handlers = _FaceHandlers(service)
    return {
        ENROLL: handlers.enroll,
        VERIFY: handlers.verify,
        LOOK_ALIKES: handlers.look_alikes,
        OBSERVE: handlers.observe,
        ENROLL_PARTS: handlers.enroll_parts,
        VERIFY_PARTS: handlers.verify_parts,
    }


class _FaceHandlers:
    """Each unpacks a message, calls the service, and packs what it returns."""

    def __init__(self, service: Faces) -> None:
        self._service = service

    def enroll(self, header: Fields, blobs: Sequence[bytes]) -> Answer:
        return _made(self._service.enroll(blobs, _context(header)))

    def verify(self, header: Fields, blobs: Sequence[bytes]) -> Answer:
        vector, *frames = blobs
        reference = read_template(header["reference"], vector)
        return _compared(self._service.verify(frames, reference, _context(header)))

    def observe(self, header: Fields, blobs: Sequence[bytes]) -> Answer:
        part = self._service.observe(blobs, _context(header), header.get("model"))
        if isinstance(part, Unusable):
            return unusable_answer(part)
        return {"part": part.to_json()}, ()

    def enroll_parts(self, header: Fields, blobs: Sequence[bytes]) -> Answer:
        return _made(self._service.enroll_parts(_parts(header), _context(header)))

    def verify_parts(self, header: Fields, blobs: Sequence[bytes]) -> Answer:
        (vector,) = blobs
        reference = read_template(header["reference"], vector)
        return _compared(self._service.verify_parts(_parts(header), reference, _context(header)))

    def look_alikes(self, header: Fields, blobs: Sequence[bytes]) -> Answer:
        vector, together = blobs
        template = read_template(header["template"], vector)
        others = [
            replace(template, vector=together[start : start + len(vector)])
            for start in range(0, len(together), len(vector))
        ]
        return {"numbers": list(self._service.look_alikes(template, others))}, ()


def _made(answer: Template | Unusable) -> Answer:
    if isinstance(answer, Unusable):
        return unusable_answer(answer)
    made = {**template_fields(answer), "fingerprints": list(answer.fingerprints)}
    return {"template": made}, (answer.vector,)


def _compared(answer: Comparison | Unusable) -> Answer:
    if isinstance(answer, Unusable):
        return unusable_answer(answer)
    return {"comparison": asdict(answer)}, ()


def _parts(header: Fields) -> tuple[Part, ...]:
    return tuple(Part.from_json(part) for part in header["parts"])


def _context(header: Fields) -> CaptureContext:
    return CaptureContext.from_json(header["context"])
