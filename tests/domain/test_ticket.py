"""The ticket of an enrollment: open once, for a while, and with its proofs first where somebody lost the phone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.domain.ticket import RECOVERY_TRIES, EnrollmentStep, Grounds, Recovery, Ticket, TicketState
from authsvc.errors import ChallengeClosed, InvalidRequest, ProofRequired
from authsvc.factor import Factor
from authsvc.payment import Binding
from authsvc.subject import Subject

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
TICKET = Ticket("enr_1", Subject("shop", "ann"), TicketState.OPEN, "zh-CN", NOON + timedelta(minutes=15))


@pytest.mark.parametrize(
    "ticket",
    [
        replace(TICKET, state=TicketState.COMPLETED),
        replace(TICKET, state=TicketState.CANCELLED),
        replace(TICKET, expires_at=NOON),
    ],
)
def test_a_ticket_that_was_used_or_is_late_is_closed(ticket: Ticket) -> None:
    with pytest.raises(ChallengeClosed):
        ticket.must_be_open(NOON)
    assert TICKET.must_be_open(NOON) is TICKET


def test_a_recovery_is_proven_before_anything_is_enrolled() -> None:
    recovering = replace(TICKET, grounds=Grounds.RECOVERY, recovery=Recovery())
    with pytest.raises(ProofRequired):
        recovering.must_be_proven()
    replace(recovering, recovery=Recovery().proven("recovery_code", "face")).must_be_proven()
    with pytest.raises(InvalidRequest):
        TICKET.recovering()


def test_tries_of_a_recovery_end() -> None:
    recovery = Recovery()
    for _ in range(RECOVERY_TRIES):
        recovery = recovery.charged()
    with pytest.raises(ChallengeClosed):
        recovery.charged()


def test_what_is_proven_is_not_proven_again() -> None:
    with pytest.raises(InvalidRequest):
        Recovery(proofs=("operators",)).given(b"mac")


def test_proofs_of_two_tickets_are_bound_to_different_payments() -> None:
    other = replace(TICKET, id="enr_2")
    assert Binding.of(TICKET.as_payment()) != Binding.of(other.as_payment())


def test_a_step_says_whose_evidence_it_takes() -> None:
    assert EnrollmentStep.PROOF_FACE.factor is Factor.FACE
    assert EnrollmentStep.VOICE.factor is Factor.VOICE
    with pytest.raises(ValueError, match="consent"):
        _ = EnrollmentStep.CONSENT.factor
