"""The steps of an enrollment as people take them: in which order, what each may use, and which one is next."""

from __future__ import annotations

from enrollment.api import Json

PROVING = ("recovery", "proof_otp", "proof_face")
"""What somebody proves who has lost the phone: a recovery code, and one of the others."""

ORDER = (*PROVING, "consent", "device", "otp", "face", "voice", "gait")
SENSORS = {
    "device": ("publickey-credentials-create",),
    "face": ("camera",),
    "proof_face": ("camera",),
    "voice": ("microphone",),
    "gait": ("accelerometer", "gyroscope"),
}


def with_walk(enrollment: Json) -> Json:
    """The pilot among the other steps, as these pages show it."""
    walk, step = enrollment["gait"], ["gait"]
    return {
        **enrollment,
        "offered": [*enrollment["offered"], *(step if walk["offered"] else ())],
        "received": [*enrollment["received"], *(step if walk["received"] else ())],
        "consented": [*enrollment["consented"], *(step if walk["consented"] else ())],
    }


def steps_of(enrollment: Json) -> list[str]:
    """The steps on offer, in the order in which people take them."""
    return [step for step in ORDER if step in enrollment["offered"]]


def needs_consent(step: str, enrollment: Json) -> bool:
    """Whether a capture has to wait until the person has agreed to it."""
    return step in ("face", "voice", "gait") and step not in enrollment["consented"]


def following(step: str, enrollment: Json) -> str:
    """The step after this one that the person can take; empty when there is none."""
    offered = steps_of(enrollment)
    later = offered[offered.index(step) + 1 :] if step in offered else offered
    return next((each for each in later if not needs_consent(each, enrollment)), "")
