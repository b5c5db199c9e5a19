"""How much a payer must prove, from nothing to refusal, and the sets of factors that prove it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from authsvc.factor import Factor

FactorSet = tuple[Factor, ...]
"""Factors of which all are proved, in the order a person goes through them; see `factor_set`."""


class Level(StrEnum):
    """A challenge level, from the mildest to the strictest; compare by `rank`."""

    NONE = "none"
    OTP = "otp"
    FACE = "face"
    FACE_FINGERPRINT = "face_fingerprint"
    DENY = "deny"

    @property
    def rank(self) -> int:
        """0 for `none`; higher is stricter."""
        return _LEVEL_RANK[self]

    @property
    def asks(self) -> bool:
        """Whether the payer is challenged: neither let through nor refused."""
        return self in CHALLENGES


def factor_set(factors: Iterable[Factor]) -> FactorSet:
    """One spelling for one set: the capture that may fail for light or noise comes first, the short-lived code last."""
    return tuple(sorted(factors, key=_STEP_ORDER.index))


_LEVEL_RANK = {level: rank for rank, level in enumerate(Level)}
_STEP_ORDER = (Factor.FACE, Factor.VOICE, Factor.DEVICE_UV, Factor.DEVICE_KEY, Factor.OTP)

CHALLENGES = (Level.OTP, Level.FACE, Level.FACE_FINGERPRINT)
"""The levels that ask for something, and so have sets of factors."""
