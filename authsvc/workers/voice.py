"""The voice room from afar: the web calls `RemoteVoice`, a worker answers with the real service through `voice_handlers`.

Templates, probes, fingerprints and recordings cross as blobs, everything else in the header. Importing this loads no array
library: only the worker does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

from authsvc.biometric import Comparison, Liveness, LivenessResult, Modality, Template
from authsvc.errors import Unavailable
from authsvc.factor import Json, Unusable
from authsvc.voice.capture import CaptureContext, Enrolled, Heard
from authsvc.workers.client import WorkerClient
from authsvc.workers.messages import ABOUT, RETRY_AFTER, Answer, Handler

T = TypeVar("T")

ENROLL = "voice.enroll"
VERIFY = "voice.verify"

Fields = Mapping[str, Any]  # Any: decoded JSON; whatever does not fit raises while it is read.
Blobs = Sequence[bytes]


class Voices(Protocol):
    """What both ends offer: `VoiceService` in the worker, `RemoteVoice` in the web."""

    def enroll(self, recordings: Blobs, context: CaptureContext) -> Enrolled | Unusable: ...

    def verify(self, recordings: Blobs, reference: Template, context: CaptureContext) -> Heard | Unusable: ...


class RemoteVoice:
    """`VoiceService` in a worker process. Raises what the service raises, and Unavailable when no worker answers in time."""

    def __init__(self, client: WorkerClient) -> None:
        self._client = client

    def enroll(self, recordings: Blobs, context: CaptureContext) -> Enrolled | Unusable:
        asked, carried = _sent(context)
        header, blobs = self._client.call(ENROLL, {"context": asked}, (*carried, *recordings))
        return _read(header, lambda it: _unusable(it) or _enrolled(it, blobs))

    def verify(self, recordings: Blobs, reference: Template, context: CaptureContext) -> Heard | Unusable:
        asked, carried = _sent(context)
        header, blobs = self._client.call(
            VERIFY,
            {"context": asked, "reference": _template_fields(reference)},
            (reference.vector, *carried, *recordings),
        )
        return _read(header, lambda it: _unusable(it) or _heard(it["comparison"], blobs))

    def describe(self) -> Json:
        """Engine, model digest and liveness mode, for health; answered even by a worker with a full queue."""
        header, _ = self._client.call(ABOUT, {})
        return _read(header, lambda it: dict(it["voice"]))


def voice_handlers(service: Voices) -> Mapping[str, Handler]:
    """What a worker serves for `RemoteVoice`."""

    def enroll(header: Fields, blobs: Blobs) -> Answer:
        context, recordings = _received(header["context"], blobs)
        answer = service.enroll(recordings, context)
        if isinstance(answer, Unusable):
            return {"unusable": list(answer.hints)}, ()
        return {"template": _template_fields(answer.template)}, (
            answer.template.vector,
            *map(str.encode, answer.fingerprints),
        )

    def verify(header: Fields, blobs: Blobs) -> Answer:
        vector, *others = blobs
        context, recordings = _received(header["context"], others)
        answer = service.verify(recordings, _template(header["reference"], vector), context)
        if isinstance(answer, Unusable):
            return {"unusable": list(answer.hints)}, ()
        fields = asdict(answer.comparison) | {"fingerprints": []}
        return {"comparison": fields}, (answer.probe, *map(str.encode, answer.comparison.fingerprints))

    return {ENROLL: enroll, VERIFY: verify}


def _sent(context: CaptureContext) -> tuple[Json, tuple[bytes, ...]]:
    """The context as header fields and as the blobs that go before the recordings."""
    held = () if context.held is None else (context.held,)
    fields = {
        "digits": list(context.digits),
        "language": context.language,
        "held": len(held),
        "earlier": len(context.earlier),
    }
    return fields, (*held, *map(str.encode, context.earlier))


def _received(fields: Fields, blobs: Blobs) -> tuple[CaptureContext, Blobs]:
    held, earlier = int(fields["held"]), int(fields["earlier"])
    context = CaptureContext(
        tuple(map(str, fields["digits"])),
        str(fields["language"]),
        tuple(blob.decode() for blob in blobs[held : held + earlier]),
        blobs[0] if held else None,
    )
    return context, blobs[held + earlier :]


def _template_fields(template: Template) -> Json:
    return {"modality": template.modality, "model": template.model, "samples": template.samples}


def _template(fields: Fields, vector: bytes) -> Template:
    return Template(Modality(fields["modality"]), str(fields["model"]), vector, int(fields["samples"]))


def _enrolled(header: Fields, blobs: Blobs) -> Enrolled:
    vector, *fingerprints = blobs
    return Enrolled(_template(header["template"], vector), tuple(text.decode() for text in fingerprints))


def _unusable(header: Fields) -> Unusable | None:
    return Unusable(tuple(map(str, header["unusable"]))) if "unusable" in header else None


def _heard(fields: Fields, blobs: Blobs) -> Heard:
    probe, *fingerprints = blobs
    liveness = fields["liveness"]
    comparison = Comparison(
        score=float(fields["score"]),
        model=str(fields["model"]),
        frames=int(fields["frames"]),
        liveness=LivenessResult(
            Liveness(liveness["verdict"]),
            tuple(map(str, liveness["detectors"])),
            _numbers(liveness["evidence"]),
        ),
        quality=_numbers(fields["quality"]),
        fingerprints=tuple(text.decode() for text in fingerprints),
    )
    return Heard(comparison, probe)


def _numbers(fields: Fields) -> dict[str, float]:
    return {str(name): float(value) for name, value in fields.items()}


def _read(header: Json, reading: Callable[[Fields], T]) -> T:
    """A worker of another version may answer in other words; no sense is no answer."""
    try:
        return reading(header)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable("the biometric worker gives no sense", retry_after=RETRY_AFTER) from error
