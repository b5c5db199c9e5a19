"""What can be done to an account, what must be proved for it, when it takes effect, who hears of it and how it is undone.

The code asks this table, `docs/security-model.md` shows it, and a test holds the two together. A row's `name` is the type of
the transaction that proves it, where something must be proved first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Proof(StrEnum):
    """What an act asks of whoever does it, beside the credential that lets them ask at all."""

    STRONGEST = "a fresh receipt at the strongest level that the owner has enrolled"
    STRONGEST_OR_OPERATORS = (
        "a fresh receipt at the strongest level that the owner has enrolled, or two operators"
    )
    TICKET = "the backend's one-time ticket, for a user who never had an account"
    TWO_PROOFS = "a recovery code, and beside it the face, a one-time code or two operators"
    SESSION = "the backend's word that this person is signed in"
    BACKEND = "the backend's key with the scope"
    CHALLENGE = "the token of the open challenge"
    OPERATOR = "an operator who is signed in with that role"


@dataclass(frozen=True, slots=True)
class Act:
    """`told` are the events that it publishes. With `frozen` it can be done to a frozen account, and with `suspended` its proof
    may be given with the keys of a suspended device."""

    name: str
    proof: Proof
    changes: str
    effect: str
    told: tuple[str, ...]
    undone: str
    frozen: bool = False
    suspended: bool = False


TABLE: tuple[Act, ...] = (
    Act(
        "first-enrollment",
        Proof.TICKET,
        "makes the account, with everything that was enrolled",
        "at once",
        ("subject:enrolled",),
        "removal or erasure",
    ),
    Act(
        "enrollment",
        Proof.STRONGEST,
        "adds or replaces an app, a device, a key, a face, a voice, recovery codes",
        "waits for the cooling period; until then for no account act, and for payments only within an `amount_at_most`",
        ("subject:enrolled",),
        "veto in the overview while it waits, removal afterwards",
    ),
    Act(
        "recovery",
        Proof.TWO_PROOFS,
        "removes every device and key, renews the recovery codes, lifts locks, enrolls the new phone",
        "removal at once, and what was released or begun before is void; what is enrolled waits for the cooling period",
        ("subject:recovery:used", "subject:enrolled"),
        "freeze, then two operators",
    ),
    Act(
        "unfreeze",
        Proof.STRONGEST_OR_OPERATORS,
        "decisions are taken again; two operators lift locks as well",
        "at once; receipts of before stay void",
        ("subject:unfrozen",),
        "freeze",
        frozen=True,
    ),
    Act(
        "erasure",
        Proof.STRONGEST,
        "destroys the account's key and everything sealed under it",
        "at once; what was begun before, overviews too, does nothing to whoever enrolls next",
        ("subject:erased",),
        "never; whoever enrolls again waits for the cooling period",
    ),
    Act(
        "backend-erasure",
        Proof.BACKEND,
        "destroys the account's key and everything sealed under it",
        "at once; what was begun before, overviews too, does nothing to whoever enrolls next",
        ("subject:erased",),
        "never; whoever enrolls again waits for the cooling period",
    ),
    Act(
        "restore",
        Proof.STRONGEST_OR_OPERATORS,
        "a suspended device is active again, and so are its keys",
        "at once; receipts of before stay void",
        ("subject:device:restored",),
        "removal",
        suspended=True,
    ),
    Act(
        "freeze",
        Proof.SESSION,
        "everything is denied, and what was released before is void",
        "at once, on every worker",
        ("subject:frozen",),
        "unfreeze",
        frozen=True,
    ),
    Act(
        "withdrawal",
        Proof.SESSION,
        "destroys the template of a face, voice or gait; account acts still ask for a face and a voice for the cooling period",
        "at once",
        ("subject:face:withdrawn", "subject:voice:withdrawn", "subject:gait:withdrawn"),
        "enrollment",
        frozen=True,
    ),
    Act(
        "removal",
        Proof.SESSION,
        "removes a device with its keys; account acts still ask for a key for the cooling period",
        "at once; what was released from it or proved with its keys is void, an enrollment upon such a proof ends",
        ("subject:device:revoked",),
        "enrollment",
        frozen=True,
    ),
    Act(
        "rename",
        Proof.SESSION,
        "calls a device something else; since when it counts, and whether, stands beside its name",
        "at once",
        (),
        "rename",
        frozen=True,
    ),
    Act(
        "veto",
        Proof.SESSION,
        "removes what is on probation",
        "at once; of a device as by its removal",
        ("subject:device:vetoed", "subject:factor:vetoed"),
        "enrollment",
        frozen=True,
    ),
    Act(
        "verify-always",
        Proof.SESSION,
        "every payment is asked about; only the backend takes it back",
        "at once",
        (),
        "the backend's word",
        frozen=True,
    ),
    Act(
        "renewal",
        Proof.CHALLENGE,
        "replaces a face of an earlier model by the current one's of the same capture; of a payment proved at the "
        "strongest level that is enrolled, from a trusted phone",
        "at once, with the payment; standing and probation stay as they are",
        ("subject:face:renewed",),
        "withdrawal",
    ),
    Act(
        "not-me",
        Proof.CHALLENGE,
        "ends the payment; suspends the device for whoever showed its secret, or in this challenge a factor that counts",
        "at once; what the device proved is void while it is suspended and afterwards, an enrollment upon it ends",
        ("decision:challenge:declined", "attack:suspected", "subject:device:frozen"),
        "restore",
    ),
    Act(
        "warned-freeze",
        Proof.CHALLENGE,
        "everything is denied; for whoever showed the device's secret for a payment that a warning has just stopped",
        "at once, on every worker; what was released before is void",
        ("subject:frozen",),
        "unfreeze",
    ),
    Act(
        "disown",
        Proof.SESSION,
        "stops what is open or unused of one's own payment; suspends each device that showed its secret or used its key in it",
        "at once",
        (
            "decision:challenge:declined",
            "decision:challenge:cancelled",
            "attack:suspected",
            "subject:device:frozen",
        ),
        "restore",
        frozen=True,
    ),
    Act(
        "operator-freeze",
        Proof.OPERATOR,
        "everything is denied, and what was released before is void",
        "at once, on every worker",
        ("subject:frozen",),
        "unfreeze",
        frozen=True,
    ),
)

ACTS: Mapping[str, Act] = {act.name: act for act in TABLE}

PROVED = frozenset(act.name for act in TABLE if act.proof in (Proof.STRONGEST, Proof.STRONGEST_OR_OPERATORS))
"""The types of transactions that change the account itself: asked at the strongest level that the owner has enrolled."""


def is_for_the_frozen(kind: str) -> bool:
    """Whether a transaction of this type is what a frozen account may still prove."""
    return kind in PROVED and ACTS[kind].frozen
