"""The voice room from afar: the web calls `RemoteVoice`, a worker answers with the real service through `voice_handlers`.

Templates, shares, probes, fingerprints and recordings cross as blobs, everything else in the header. Importing this loads no
array library: only the worker does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Protocol

from authsvc.biometric.words import Template
from authsvc.factor import Json, Unusable
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase, Heard
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

LISTEN = "voice.listen"
ENROLL = "voice.enroll"
VERIFY = "voice.verify"

Blobs = Sequence[bytes]


class Voices(Protocol):
    """What both ends offer: `VoiceService` in the worker, `RemoteVoice` in the web."""

    def listen(self, recording: bytes, context: CaptureContext) -> EnrollmentPhrase | Unusable: ...

    def enroll(self, shares: Blobs) -> Template | Unusable: ...

    def verify(self, recording: bytes, reference: Template, context: CaptureContext) -> Heard | Unusable: ...


class RemoteVoice:
    """`VoiceService` in a worker process. Raises what the service raises, and Unavailable when no worker answers in time."""

    def __init__(self, client: WorkerClient) -> None:
        self._client = client

    def listen(self, recording: bytes, context: CaptureContext) -> EnrollmentPhrase | Unusable:
        asked, carried = _sent(context)
        header, blobs = self._client.call(LISTEN, {"context": asked}, (*carried, recording))
        return read_result(header, lambda it: _phrase(it, blobs))

    def enroll(self, shares: Blobs) -> Template | Unusable:
        header, blobs = self._client.call(ENROLL, {}, tuple(shares))
        return read_result(header, lambda it: read_template(it["template"], *blobs))

    def verify(self, recording: bytes, reference: Template, context: CaptureContext) -> Heard | Unusable:
        asked, carried = _sent(context)
        header, blobs = self._client.call(
            VERIFY,
            {"context": asked, "reference": template_fields(reference)},
            (reference.vector, *carried, recording),
        )
        return read_result(header, lambda it: _heard(it["comparison"], blobs))

    def describe(self) -> Json:
        """Engine, model digest and liveness mode, for health; answered even by a worker with a full queue."""
        header, _ = self._client.call(ABOUT, {})
        return read(header, lambda it: dict(it["voice"]))


def voice_handlers(service: Voices) -> Mapping[str, Handler]:
    """What a worker serves for `RemoteVoice`."""

    def listen(header: Fields, blobs: Blobs) -> Answer:
        context, recording = _received(header["context"], blobs)
        answer = service.listen(recording, context)
        if isinstance(answer, Unusable):
            return unusable_answer(answer)
        return {"model": answer.model}, (answer.share, answer.fingerprint.encode())

    def enroll(header: Fields, blobs: Blobs) -> Answer:
        answer = service.enroll(blobs)
        if isinstance(answer, Unusable):
            return unusable_answer(answer)
        return {"template": template_fields(answer)}, (answer.vector,)

    def verify(header: Fields, blobs: Blobs) -> Answer:
        vector, *others = blobs
        context, recording = _received(header["context"], others)
        answer = service.verify(recording, read_template(header["reference"], vector), context)
        if isinstance(answer, Unusable):
            return unusable_answer(answer)
        fields = asdict(answer.comparison) | {"fingerprints": []}
        return {"comparison": fields}, (answer.probe, *map(str.encode, answer.comparison.fingerprints))

    return {LISTEN: listen, ENROLL: enroll, VERIFY: verify}


def _sent(context: CaptureContext) -> tuple[Json, tuple[bytes, ...]]:
    """The context as header fields and as the blobs that go before the recording."""
    held = () if context.held is None else (context.held,)
    fields = {
        "digits": context.digits,
        "language": context.language,
        "held": len(held),
        "earlier": len(context.earlier),
        "corrects": context.corrects,
    }
    return fields, (*held, *map(str.encode, context.earlier))


def _received(fields: Fields, blobs: Blobs) -> tuple[CaptureContext, bytes]:
    held, earlier = int(fields["held"]), int(fields["earlier"])
    context = CaptureContext(
        str(fields["digits"]),
        str(fields["language"]),
        tuple(blob.decode() for blob in blobs[held : held + earlier]),
        blobs[0] if held else None,
        bool(fields.get("corrects")),
    )
    (recording,) = blobs[held + earlier :]
    return context, recording


def _phrase(header: Fields, blobs: Blobs) -> EnrollmentPhrase:
    share, fingerprint = blobs
    return EnrollmentPhrase(share, fingerprint.decode(), str(header["model"]))


def _heard(fields: Fields, blobs: Blobs) -> Heard:
    probe, *fingerprints = blobs
    return Heard(
        replace(read_comparison(fields), fingerprints=tuple(text.decode() for text in fingerprints)), probe
    )
