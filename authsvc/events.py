"""What happened, for whoever must act on it: the payment backend's feed and webhooks. Events are in the past tense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from authsvc.http import Trace
from authsvc.subject import Subject

NOBODY = ""
"""The user of an event that is about the client itself and none of its users."""


@dataclass(frozen=True, slots=True)
class Event:
    """`tag` is one of TAGS; `data` holds ids and reasons, never evidence. `trace` is of the request in which it happened."""

    tag: str
    subject: Subject
    at: datetime
    data: Mapping[str, object] = field(default_factory=dict)
    trace: Trace | None = None

    def __post_init__(self) -> None:
        if self.tag not in TAGS:
            raise ValueError(f"unknown event tag `{self.tag}`")


TAGS: Mapping[str, str] = {
    "decision:challenge:authenticated": "the payer proved what was asked; a receipt waits",
    "decision:challenge:failed": "no attempt is left",
    "decision:challenge:declined": "the payer declined; `choice` is `cancel`, `not_me` or `warned`",
    "decision:habits:unlike": "a payment is unlike its payer's habits in two ways, or in its amount; `signals` says which",
    "decision:warning:stopped": "a warning stopped a payment: its payer was `asked` to make it, or is `unsure`",
    "decision:challenge:cancelled": "the backend cancelled, the payment changed, or the policy became stricter",
    "decision:outcome:recorded": "the backend told how the payment ended",
    "receipt:consumed": "a receipt was used up",
    "subject:enrolled": "an enrollment was completed",
    "subject:otp:enrolled": "an authenticator app was added",
    "subject:face:enrolled": "a face template was added",
    "subject:face:renewed": "a payment's capture was enrolled by the current model; the template of the earlier one is destroyed",
    "subject:face:resembles": "a new face resembles those of other `users` who agreed to be compared; nothing was refused",
    "subject:face:withdrawn": "consent was withdrawn and the face template destroyed",
    "subject:voice:enrolled": "a voice template was added",
    "subject:voice:withdrawn": "consent was withdrawn and the voice template destroyed",
    "subject:gait:enrolled": "a template of how somebody walks was added",
    "subject:gait:withdrawn": "consent was withdrawn and the template of the walk destroyed",
    "subject:recovery-codes:renewed": "fresh recovery codes were handed out; on probation, those of before stay good",
    "subject:factor:vetoed": "a `factor` was removed while on probation: somebody says that it is not theirs",
    "subject:device:restored": "a suspended device is active again",
    "subject:device:enrolled": "a device was added",
    "subject:device:frozen": "a device was suspended, because its payer said `not me` or it looked cloned",
    "subject:device:synced": "a key that was bound to its device may be on other devices from now on",
    "subject:device:revoked": "a device was removed",
    "subject:device:vetoed": "a device was removed while on probation: somebody says that it is not theirs",
    "subject:recovery:used": "a lost phone was replaced with a recovery code and one more proof",
    "subject:frozen": "every decision for the user is denied from now on",
    "subject:unfrozen": "decisions are taken again",
    "subject:locked": "too many failures; a factor or the user is blocked for a while",
    "subject:unlocked": "every lock and count of failures was lifted; `by` is `operators` or `recovery`",
    "subject:erased": "the user's key was destroyed and everything sealed under it with it",
    "attack:suspected": "liveness or replay detection answered ATTACK",
    "attack:record:broken": "a stored record of this user in `table` is not as the service wrote it; it lets nobody in",
    "webhook:endpoint:disabled": "nothing more is sent to an endpoint: it failed for three days, or answered 410",
}


class Tally(Protocol):
    """Counts what happens, for whoever watches the service."""

    def judged(self, factor: str, outcome: str) -> None: ...

    def happened(self, tag: str) -> None: ...

    def scored(self, model: str, score: float) -> None: ...

    def committed(self, seconds: float, units: int) -> None:
        """The durable store committed so many units of work at once."""

    def store_failed(self, store: str) -> None:
        """`database` or `ephemeral` did not answer, or not in time."""

    def chore_done(self, name: str, result: str) -> None:
        """Something that is done every so often ended `well` or `failed`, or is `behind`."""

    def clock_jumped(self, direction: str) -> None:
        """The machine's clock jumped `forward` or `backward`."""

    def biometrics_asked(self, op: str, result: str, seconds: float) -> None:
        """The biometric worker was asked; `answered`, `busy`, `late` or `gone`."""
