"""A device key for a name that nobody has: shaped as real ones are, always the same, and nobody's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from authsvc.device.response import base64url
from authsvc.device.webauthn import Offer
from authsvc.keys.macs import Macs


@dataclass(frozen=True, slots=True)
class _Shape:
    """How the credential ids of one kind of authenticator look; `weight` of 16 is how common it is among operators."""

    length: int
    transports: tuple[str, ...]
    weight: int


_SHAPES = (
    _Shape(32, ("internal",), 5),
    _Shape(32, ("hybrid", "internal"), 3),
    _Shape(20, ("hybrid", "internal"), 3),
    _Shape(16, ("hybrid", "internal"), 2),
    _Shape(48, ("nfc", "usb"), 2),
    _Shape(64, ("usb",), 1),
)


def decoy_keys(macs: Macs, name_key: str) -> Sequence[Offer]:
    """What is offered to sign in with under a name that has no key.

    From the oldest key of the ring, so that a rotation does not change all decoys at once, and nothing else.
    """
    seed = macs.mac_candidates("operator-decoy-credential", name_key.encode())[-1]
    drawn = [shape for shape in _SHAPES for _ in range(shape.weight)][seed[0] % 16]
    raw = hashlib.shake_256(seed).digest(drawn.length)
    return (Offer(base64url(raw), drawn.transports),)
