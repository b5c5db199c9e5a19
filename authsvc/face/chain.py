"""The chain of an active capture: one gesture at a time, each with a nonce of its own, against the server's clock.

The next gesture is shown only when the frames of the one before are in. A nonce is made of the last one and of those frames, so
parts have one order; a part that is late, out of order or sent twice finds no nonce that fits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from authsvc.clock import from_millis, rfc3339, to_millis
from authsvc.errors import InvalidRequest
from authsvc.face.capture import CaptureContext, Gesture
from authsvc.face.drawing import drawn, swapped
from authsvc.factor import Json, Submission

NONCE_BYTES = 24  # 192 bits; requirement 6 asks for 128.
PART_TIME = timedelta(seconds=3)
"""From the end of the pause until a part is on its way: time to read, to move and to come back."""

LONGEST_DELAY = timedelta(milliseconds=1_500)
"""What the network may take on top, both ways and the frames included; what the client states beyond that is not believed."""

COARSENESS = timedelta(milliseconds=100)
"""How coarse a phone's clock may be: some browsers blur theirs."""

CHAIN_LIFE = timedelta(seconds=120)
MOST_FRAMES = 30

_LEAST_PAUSE_MS, _PAUSES_MS = 200, 500


@dataclass(frozen=True, slots=True)
class Chain:
    """Instants are milliseconds of the server's clock, `shown_at_ms` one of the client's; `parts` what was observed so far."""

    seed: str
    gestures: tuple[Gesture, ...]
    nonce: str
    prompted_at: int
    pause_ms: int
    expires_at: int
    swapped: bool = False
    shown_at_ms: int | None = None
    parts: tuple[Json, ...] = ()
    prompt_to_part_ms: tuple[int, ...] = ()

    @classmethod
    def begin(cls, seed: bytes, count: int, now: datetime, earlier: Sequence[bytes] = ()) -> Chain:
        """The first part of `count`; the same seed shows the same gestures, and others than the `earlier` ones of a challenge."""
        return cls(
            seed=seed.hex(),
            gestures=drawn(seed, count, earlier),
            nonce=secrets.token_urlsafe(NONCE_BYTES),
            prompted_at=to_millis(now),
            pause_ms=_pause(),
            expires_at=to_millis(now + CHAIN_LIFE),
        )

    @classmethod
    def from_json(
        cls, fields: Mapping[str, Any]
    ) -> Chain:  # Any: written by ourselves, and sealed in between.
        return cls(
            **{
                **fields,
                "gestures": tuple(map(Gesture, fields["gestures"])),
                "parts": tuple(fields["parts"]),
                "prompt_to_part_ms": tuple(fields["prompt_to_part_ms"]),
            }
        )

    def to_json(self) -> Json:
        return asdict(self)

    @property
    def is_over(self) -> bool:
        return len(self.parts) == len(self.gestures)

    @property
    def is_revealed(self) -> bool:
        """Whether more than the first gesture has been shown: whoever begins anew now could have prepared."""
        return bool(self.parts) or self.swapped

    def view(self) -> Json:
        """What the person's page is given: the next gesture and nothing after it."""
        latest = timedelta(milliseconds=self.pause_ms) + PART_TIME + LONGEST_DELAY
        return {
            "nonce": self.nonce,
            "gestures": [self.gestures[len(self.parts)].value],
            "part": len(self.parts) + 1,
            "parts": len(self.gestures),
            "can_swap": not self.swapped,
            "pause_ms": self.pause_ms,
            "deadline_at": rfc3339(from_millis(self.prompted_at) + latest),
            "expires_at": rfc3339(from_millis(self.expires_at)),
        }

    def swap(self, now: datetime) -> Chain:
        """Another gesture for the one on show, and one more; the capture starts anew. Raises InvalidRequest the second time."""
        if self.swapped:
            raise InvalidRequest("a gesture was swapped already; begin again")
        gestures = swapped(self.gestures, len(self.parts), bytes.fromhex(self.seed))
        fresh = Chain.begin(bytes.fromhex(self.seed), len(gestures) - 1, now)
        return replace(fresh, gestures=gestures, swapped=True)

    def admit(self, submission: Submission, now: datetime) -> tuple[tuple[bytes, ...], CaptureContext]:
        """The frames of this part; raises InvalidRequest for a foreign nonce, too many or no frames, and one out of its time."""
        check_nonce(self.nonce, submission, from_millis(self.expires_at), now)
        frames = submission.files.get("frame", ())
        if not 1 <= len(frames) <= MOST_FRAMES:
            raise InvalidRequest(f"a part has 1 to {MOST_FRAMES} files named `frame`")
        meta = meta_of(submission)
        shown_at, sent_at = _instant(meta, "prompted_at_ms"), _instant(meta, "sent_at_ms")
        self._check_time(shown_at, sent_at, to_millis(now) - self.prompted_at)
        context = CaptureContext.from_json(
            {
                "gestures": [self.gestures[len(self.parts)]],
                "taken_at_ms": meta.get("taken_at_ms", []),
                "prompted_at_ms": shown_at + self.pause_ms,
                "part": len(self.parts),
            }
        )
        if max(context.taken_at_ms, default=0) > sent_at:
            raise InvalidRequest("`taken_at_ms` lies after `sent_at_ms`")
        return frames, context

    def followed(
        self, part: Json, frames: Sequence[bytes], submission: Submission, received: datetime, now: datetime
    ) -> Chain:
        """The chain with one part more: its next nonce depends on the last one and on the frames."""
        digest = hashlib.sha256(self.nonce.encode())
        for frame in frames:
            digest.update(hashlib.sha256(frame).digest())
        digest.update(secrets.token_bytes(NONCE_BYTES))
        return replace(
            self,
            nonce=base64.urlsafe_b64encode(digest.digest()[:NONCE_BYTES]).decode(),
            prompted_at=to_millis(now),
            pause_ms=_pause(),
            shown_at_ms=_instant(meta_of(submission), "sent_at_ms"),
            parts=(*self.parts, part),
            prompt_to_part_ms=(*self.prompt_to_part_ms, to_millis(received) - self.prompted_at),
        )

    def _check_time(self, shown_at: int, sent_at: int, passed: int) -> None:
        """`passed` since the prompt left, by our clock: no longer than a part may take, and no shorter than it says it took.

        So the pause, and everything that frames show after it, went by on the server's clock too.
        """
        delay = min(max(passed - (sent_at - shown_at), 0), _milliseconds(LONGEST_DELAY))
        if passed - delay > self.pause_ms + _milliseconds(PART_TIME):
            raise InvalidRequest("the part came too late; begin again")
        if sent_at - shown_at > passed + _milliseconds(COARSENESS):
            raise InvalidRequest("the part came before it can have been made; begin again")
        if self.shown_at_ms is not None and shown_at < self.shown_at_ms:
            raise InvalidRequest("`prompted_at_ms` lies before the part that came first")


def check_nonce(expected: str, submission: Submission, expires_at: datetime, now: datetime) -> None:
    """Raises InvalidRequest for a foreign or a late nonce."""
    nonce = submission.fields.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.encode()):
        raise InvalidRequest("`nonce` is not the one of this capture; begin again")
    if now >= expires_at:
        raise InvalidRequest("the capture took too long; begin again")


def meta_of(submission: Submission) -> Mapping[str, object]:
    meta = submission.fields.get("meta")
    return meta if isinstance(meta, Mapping) else {}


def wants_swap(submission: Submission) -> bool:
    return meta_of(submission).get("swap") is True


def _instant(meta: Mapping[str, object], name: str) -> int:
    value = meta.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(f"`meta.{name}` must be milliseconds of the clock that `taken_at_ms` is told by")
    return value


def _milliseconds(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)


def _pause() -> int:
    return _LEAST_PAUSE_MS + secrets.randbelow(_PAUSES_MS)
