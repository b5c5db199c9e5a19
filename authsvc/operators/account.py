"""An operator as the service keeps one: invited, active once something to sign in with was registered, revoked for good."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from authsvc.domain.operator import Operator, Role
from authsvc.errors import InvalidRequest
from authsvc.subject import Subject
from authsvc.text import identifier

LONGEST_NAME = 64


class OperatorState(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    REVOKED = "revoked"


# A revoked operator stays on record, since the audit names them; their name may be invited anew, as somebody else.
TRANSITIONS = {
    OperatorState.INVITED: {OperatorState.ACTIVE, OperatorState.INVITED, OperatorState.REVOKED},
    OperatorState.ACTIVE: {OperatorState.INVITED, OperatorState.REVOKED},
    OperatorState.REVOKED: set[OperatorState](),
}


@dataclass(frozen=True, slots=True)
class OperatorAccount:
    """`sign_in_mac` is the keyed HMAC of the sign-in key that goes with the app's codes; None for whoever has no app."""

    id: str
    name: str
    roles: frozenset[Role]
    created_at: datetime
    state: OperatorState = OperatorState.INVITED
    sign_in_mac: bytes | None = None
    version: int = 0

    def become(self, state: OperatorState) -> OperatorAccount:
        if state not in TRANSITIONS[self.state]:
            raise InvalidRequest(f"an operator who is {self.state} cannot become {state}")
        return replace(self, state=state)

    def as_operator(self) -> Operator:
        return Operator(self.id, self.name, self.roles)


def stated_name(text: str) -> str:
    """A name as it was typed, trimmed and in NFC; raises InvalidRequest for an empty or long one, and for what is not seen."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidRequest(f"an operator's name has 1 to {LONGEST_NAME} characters")
    return identifier(name, "name")


def name_key(name: str) -> str:
    """The same for all spellings of one name."""
    return unicodedata.normalize("NFKC", name).casefold()


def key_owner(operator_id: str) -> Subject:
    """Whose device keys are an operator's, in the words of the device room. No payment backend can have this name."""
    return Subject("", operator_id)
