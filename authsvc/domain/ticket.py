"""The ticket of one enrollment: the payment backend's word that this person may enroll now, once, and on which grounds.

A first enrollment stands on the ticket alone, a further one on a receipt at the account's highest level, and that of somebody
who has lost the phone on two independent proofs (requirement 11), which come before anything can be enrolled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from authsvc.errors import ChallengeClosed, InvalidRequest, ProofRequired
from authsvc.factor import Factor
from authsvc.payment import Payee, Payment
from authsvc.subject import Subject

TICKET_LIFE = timedelta(minutes=15)
RECOVERY_TRIES = 5

RECOVERY_CODE, OPERATORS, APP_CODE, ISSUED_CODE = "recovery_code", "operators", "app_code", "issued_code"
"""Names of proofs, as events and audit lines give them, beside the factors' own."""


class TicketState(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Grounds(StrEnum):
    """Why this person may enroll: they have nothing yet, they showed a receipt, or they prove themselves within the ticket."""

    FIRST = "first"
    RECEIPT = "receipt"
    RECOVERY = "recovery"


class EnrollmentStep(StrEnum):
    """The steps of a recovery come first; `proof_…` proves with what was enrolled before, the others enroll."""

    RECOVERY = "recovery"
    PROOF_FACE = "proof_face"
    PROOF_OTP = "proof_otp"
    CONSENT = "consent"
    OTP = "otp"
    FACE = "face"
    VOICE = "voice"
    GAIT = "gait"
    DEVICE = "device"

    @property
    def factor(self) -> Factor:
        """The factor whose evidence the step takes; raises ValueError for a step that takes none."""
        return PROOFS[self] if self in PROOFS else Factor(self.value)


PROOFS: Mapping[EnrollmentStep, Factor] = {
    EnrollmentStep.PROOF_FACE: Factor.FACE,
    EnrollmentStep.PROOF_OTP: Factor.OTP,
}
"""What may stand beside a recovery code."""

PROVING = frozenset({EnrollmentStep.RECOVERY, *PROOFS})
"""The steps that prove who somebody is; the others enroll."""

CAPTURES = frozenset({EnrollmentStep.FACE, EnrollmentStep.VOICE, EnrollmentStep.GAIT})
"""The steps that count with the person's consent only."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How far somebody has come who has lost the phone.

    `operators` vouched for the person and stand for the second proof. `code` is the stored MAC of the recovery code that was
    given: None before, empty for one that is not on record, which nobody is told. `proofs` names what was accepted.
    """

    operators: tuple[str, ...] = ()
    code: bytes | None = None
    tries: int = 0
    proofs: tuple[str, ...] = ()

    @property
    def is_proven(self) -> bool:
        return bool(self.proofs)

    @property
    def attempts_remaining(self) -> int:
        return max(0, RECOVERY_TRIES - self.tries)

    def given(self, code: bytes) -> Recovery:
        return replace(self._open(), code=code)

    def charged(self) -> Recovery:
        """One try less, before it is judged; raises ChallengeClosed when none is left."""
        if self.attempts_remaining == 0:
            raise ChallengeClosed("no attempt is left")
        return replace(self._open(), tries=self.tries + 1)

    def proven(self, *proofs: str) -> Recovery:
        return replace(self._open(), proofs=proofs)

    def _open(self) -> Recovery:
        if self.is_proven:
            raise InvalidRequest("the recovery is proven already; go on with what is to be enrolled")
        return self


@dataclass(frozen=True, slots=True)
class Ticket:
    """`recovery` is there with the grounds of that name, and only then.

    `display_name` is what the payer's authenticators call the account, if the backend states one.
    """

    id: str
    subject: Subject
    state: TicketState
    locale: str
    expires_at: datetime
    return_url: str | None = None
    grounds: Grounds = Grounds.FIRST
    recovery: Recovery | None = None
    display_name: str | None = None

    @property
    def account_name(self) -> str:
        return self.subject.user if self.display_name is None else self.display_name

    def must_be_open(self, now: datetime) -> Ticket:
        """This ticket; raises ChallengeClosed once it is used or its time is over."""
        if self.state is not TicketState.OPEN or now >= self.expires_at:
            raise ChallengeClosed("the enrollment is over")
        return self

    def recovering(self) -> Recovery:
        """How far the recovery is; raises InvalidRequest for a ticket on other grounds."""
        if self.recovery is None:
            raise InvalidRequest("this enrollment is not a recovery")
        return self.recovery

    def as_payment(self) -> Payment:
        """The enrollment as a payment of nothing: what ties a proof to this ticket and to no other."""
        # XXX is ISO 4217's own code for "no currency".
        return Payment(self.id, self.grounds.value, 0, "XXX", Payee("authsvc", "enrollment"), self.subject)

    def must_be_proven(self) -> None:
        """Raises ProofRequired while a recovery still waits for its two proofs."""
        if self.recovery is not None and not self.recovery.is_proven:
            raise ProofRequired("a recovery needs its two proofs before anything is enrolled")
