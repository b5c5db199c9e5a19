"""For each guard the shortest story in which the service must say no, or ask for more, because of it.

They are the ways that the search prints when the guard is taken away, up to the act or the question by which a walk notices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

CODE, FACE, KEY = frozenset({"code"}), frozenset({"code", "face"}), frozenset({"code", "key"})


class Story(NamedTuple):
    """What the owner has enrolled, what somebody holds of it, and what happens."""

    enrolled: frozenset[str]
    holds: frozenset[str]
    acts: tuple[str, ...]


def _story(enrolled: frozenset[str], holds: str, *acts: str) -> Story:
    return Story(enrolled, frozenset(filter(None, holds.split(", "))), acts)


_PAID = "pays at level 1 from elsewhere with code"
_PAID_BY_FACE = "pays at level 2 from elsewhere with code and face"
_SUSPENDED = "says `not me`, and the phone is suspended"
_RECOVERED = "recovers with the owner's recovery code and an issued code"

STORIES: Mapping[str, Story] = {
    "a capture counts once": _story(FACE, "codes, recordings", _PAID_BY_FACE, _PAID_BY_FACE),
    "a freeze ends enrollments": _story(
        CODE,
        "codes",
        "proves `enrollment` with code",
        "gets a ticket for the proof",
        "the owner freezes",
        "two operators unfreeze",
        "enrolls on a ticket that has ended",
    ),
    "a recovery ends enrollments": _story(
        CODE,
        "codes",
        "proves `enrollment` with code",
        "gets a ticket for the proof",
        "the owner recovers",
        "enrolls on a ticket that has ended",
    ),
    "an overview ends with its account": _story(
        CODE,
        "enroll key",
        "erases the account as its backend",
        "opens a first ticket as its backend",
        "enrolls their own code",
        "acts through an overview of before the erasure",
    ),
    "a frozen account is not erased": _story(
        CODE, "enroll key", "the owner freezes", "erases the account as its backend"
    ),
    "a lock does not lower an act": _story(FACE, "codes", "shows three wrong faces"),
    "a new key proves only beside a face": _story(
        FACE, "recordings, recovery code", "recovers with the owner's recovery code and the face"
    ),
    "a receipt is consumed once": _story(
        CODE, "codes", _PAID, "consumes the receipt", "consumes the receipt"
    ),
    "a receipt is consumed while the account is active": _story(
        CODE, "codes", _PAID, "the owner freezes", "consumes the receipt"
    ),
    "a receipt of a removed device is void": _story(
        CODE,
        "phone and PIN",
        "pays at level 1 from the phone with code",
        "the owner removes the phone",
        "consumes the receipt",
    ),
    "a receipt of a removed key is void": _story(
        KEY,
        "phone and PIN",
        "pays at level 2 from elsewhere with code and key",
        "the owner removes the phone",
        "consumes the receipt",
    ),
    "a removal ends enrollments": _story(
        KEY,
        "phone and PIN",
        "proves `enrollment` with code and key",
        "gets a ticket for the proof",
        "the owner removes the phone",
        "enrolls on a ticket that has ended",
    ),
    "a recovery takes two proofs": _story(
        CODE, "recovery code", "recovers with a recovery code and a wrong one beside it"
    ),
    "whoever opens a recovery proves none of it": _story(
        CODE,
        "recovery code, enroll key",
        "recovers with the owner's recovery code and what the backend's key says",
    ),
    "an account that was emptied is no new one": _story(
        frozenset({"face"}), "enroll key", "withdraws the face", "opens a first ticket as its backend"
    ),
    "an outage does not lower an act": _story(FACE, "codes", "the worker goes down"),
    "an unfreeze is proved": _story(CODE, "", "the owner freezes", "unfreezes without a proof"),
    "new recovery codes wait": _story(
        CODE, "codes, recovery code", _RECOVERED, "recovers with a code of their own that waits"
    ),
    "what is new waits": _story(CODE, "codes, recovery code", _RECOVERED),
    "what waits proves no act": _story(CODE, "codes, recovery code", _RECOVERED),
    "what was released before a freeze stays void": _story(
        CODE, "codes", _SUSPENDED, _PAID, "two operators restore the phone", "consumes the receipt"
    ),
    "what was removed is owed": _story(FACE, "codes", "withdraws the face"),
    "what was replaced is owed": _story(FACE, "codes", "the owner replaces the face"),
    "who has no secret suspends nobody": _story(CODE, "", _SUSPENDED),
    "who only named a phone suspends it by no overview": _story(
        CODE, "", "disowns a payment that only named the phone"
    ),
    "whoever was erased waits": _story(
        CODE,
        "enroll key",
        "erases the account as its backend",
        "opens a first ticket as its backend",
        "enrolls their own code",
    ),
}
