"""The thief: what the security model says somebody could hold, held and tried. Every step names the control that stops it.

A step holds when the attack does not: whatever lets the thief in breaks the story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from authsvc.cli.demo.faces import Cast, Photograph
from authsvc.cli.demo.phone import Phone
from authsvc.cli.demo.service import OwnService
from authsvc.cli.demo.story import Broken, Outcome, Step, enrolled_face
from authsvc.client import AuthsvcClient, Challenge, Decision, Device, Payment, ReceiptRefused
from authsvc.errors import (
    AuthsvcError,
    CaptureUnusable,
    ChallengeFailed,
    InvalidRequest,
    NotFound,
    ProofRequired,
    RecordBroken,
    TransactionChanged,
    Unauthenticated,
    UserFrozen,
)

OWNER = "u_owner"
SMALL, MEDIUM = 2_500, 125_000
QUIET = 5
NEW_PHONE = Device("dev_thief")


class Thief:
    """One owner who enrolls, and somebody who then holds one thing after the other that is the owner's."""

    def __init__(self, service: OwnService, client: AuthsvcClient, cast: Cast) -> None:
        self._service, self._client, self._cast = service, client, cast
        self._owner = Phone(service.url)
        self._known = Device("")
        self._unseen: tuple[Photograph, ...] = ()
        self._shown: tuple[Payment, str] | None = None
        self._payments = 0

    def steps(self) -> Iterator[Step]:
        yield "the thief: an owner enrolls, and is robbed", self.enroll
        yield "  the session, and the phone without secret", self.phone_by_name
        yield "  codes by text message, and their own face", self.issued_code
        yield "  the owner's photograph, a guessed code", self.photograph
        yield "  a code that the owner has just used", self.code_again
        yield "  an approved payment, with another amount", self.another_amount
        yield "  its receipt, for another payee", self.anothers_receipt
        yield "  the token of a challenge of their own", self.anothers_token
        yield "  a phone for the account, by session alone", self.own_phone
        yield "  the same, with codes by text message", self.own_phone_by_code
        yield "the owner freezes; one operator is talked round", self.one_operator
        yield "  the account erased, to enroll it anew", self.erase_and_return
        yield "  the freeze struck out in the database", self.write_in_the_database

    def enroll(self) -> Outcome:
        ticket = self._client.enroll(OWNER, locale="en")
        self._owner.consent(ticket, "face")
        self._owner.add_app(ticket)
        _, self._unseen = enrolled_face(self._owner, ticket, self._cast)
        self._known = self._owner.add_device(ticket, "the owner's phone")
        return Outcome("-", f"{', '.join(self._owner.finish(ticket))} and a phone")

    # -- A payment ----------------------------------------------------------------------------------------------------

    def phone_by_name(self) -> Outcome:
        decision = self._decide(SMALL, replace(self._known, secret=None))
        _expect(decision.receipt is None and decision.level == "face", decision)
        return Outcome(decision.level, f"stopped: a phone is known by its secret; {decision.reasons[0]}")

    def issued_code(self) -> Outcome:
        decision = self._decide(MEDIUM, NEW_PHONE)
        code = self._client.issue_code(decision.id, locale="en").code
        self._refused(decision, self._cast.stranger, code)
        return Outcome("face", "stopped: a new phone takes two factors, and the face is not the owner's")

    def photograph(self) -> Outcome:
        decision = self._decide(MEDIUM, NEW_PHONE)
        self._refused(decision, self._unseen, self._owner.app.wrong_code())
        return Outcome(
            "face", "stopped: a face alone is nothing from a new phone (and in production it must live)"
        )

    def code_again(self) -> Outcome:
        code = self._owner.app.code()
        own = self._decide(MEDIUM, self._known)
        if self._owner.type_code(_challenge(own), code) is not None:
            raise Broken("the owner's own code was refused")
        stolen = self._decide(MEDIUM, self._known)
        left = self._owner.type_code(_challenge(stolen), code)
        if left is None:
            raise Broken("a code counted twice")
        return Outcome("otp", f"stopped: a code counts once; {left} attempts left")

    # -- A receipt ----------------------------------------------------------------------------------------------------

    def another_amount(self) -> Outcome:
        payment = self._payment(SMALL)
        self._client.decide(payment, device=self._known, risk_score=QUIET)
        self._decide_about(replace(payment, transaction_id="pay_changed", amount_minor=MEDIUM), self._known)
        changed = replace(payment, transaction_id="pay_changed", amount_minor=100 * MEDIUM)
        refused = _refusal(lambda: self._decide_about(changed, self._known), TransactionChanged)
        return Outcome("otp", f"stopped: what is proven is bound to the payment; {refused}")

    def anothers_receipt(self) -> Outcome:
        payment = self._payment(SMALL)
        receipt = self._client.decide(payment, device=self._known, risk_score=QUIET).receipt
        if receipt is None:
            raise Broken("a small payment from the known phone should be approved")
        elsewhere = replace(payment, payee=replace(payment.payee, id="thief_1"))
        try:
            self._client.consume(receipt, elsewhere)
        except ReceiptRefused as refused:
            return Outcome("none", f"stopped: a receipt is for one payment; {refused.reason}")
        raise Broken("a receipt went for another payee")

    def anothers_token(self) -> Outcome:
        own, victim = self._decide(MEDIUM, NEW_PHONE), self._decide(MEDIUM, self._known)
        mixed = replace(_challenge(victim), token=_challenge(own).token)
        refused = _refusal(lambda: self._owner.type_code(mixed, "000000"), Unauthenticated, NotFound)
        return Outcome("otp", f"stopped: a token opens one challenge; {refused}")

    # -- The account --------------------------------------------------------------------------------------------------

    def own_phone(self) -> Outcome:
        def enroll() -> None:
            thief = Phone(self._service.url)
            ticket = self._client.enroll(OWNER)
            thief.add_device(ticket, "the thief's phone")
            thief.finish(ticket)

        refused = _refusal(enroll, ProofRequired)
        return Outcome("-", f"stopped: what is enrolled later needs a proof; {refused}")

    def own_phone_by_code(self) -> Outcome:
        decision = self._decide(0, NEW_PHONE, type="enrollment")
        strongest = all("face" in ways for ways in _challenge(decision).sets)
        _expect(decision.is_open and strongest, decision)
        code = self._client.issue_code(decision.id, locale="en").code
        refused = _refusal(
            lambda: _must_fail(self._owner.type_code(_challenge(decision), code)),
            ChallengeFailed,
            InvalidRequest,
        )
        return Outcome(decision.level, f"stopped: an account act takes the strongest enrolled; {refused}")

    def one_operator(self) -> Outcome:
        self._client.freeze(OWNER, "my phone is gone")
        lone = _refusal(
            lambda: self._client.unfreeze(OWNER, operators=("ann",)), ProofRequired, InvalidRequest
        )
        twice = _refusal(
            lambda: self._client.unfreeze(OWNER, operators=("ann", "ann")), ProofRequired, InvalidRequest
        )
        return Outcome("deny", f"stopped: it takes two; {lone}, and the same one twice {twice}")

    def erase_and_return(self) -> Outcome:
        refused = _refusal(lambda: self._client.users.erase(OWNER), UserFrozen)
        return Outcome("deny", f"stopped: a frozen account is not erased; {refused}")

    def write_in_the_database(self) -> Outcome:
        self._service.write("UPDATE users SET status = 'active' WHERE user_id = :user", {"user": OWNER})
        refused = _refusal(lambda: self._decide(SMALL, self._known), RecordBroken)
        return Outcome("deny", f"stopped: rows that carry authority have a MAC; {refused}")

    # -- Helpers ------------------------------------------------------------------------------------------------------

    def _payment(self, amount_minor: int, type: str = "transfer") -> Payment:
        self._payments += 1
        return self._client.payment(
            OWNER,
            f"stolen_{self._payments}",
            type=type,
            amount_minor=amount_minor,
            currency="CNY",
            payee_id="shop_1",
            payee_name="友谊商店",
        )

    def _decide(self, amount_minor: int, device: Device, type: str = "transfer") -> Decision:
        return self._decide_about(self._payment(amount_minor, type), device)

    def _decide_about(self, payment: Payment, device: Device) -> Decision:
        return self._client.decide(payment, device=device, risk_score=QUIET)

    def _refused(self, decision: Decision, photographs: tuple[Photograph, ...], code: str) -> None:
        """The challenge fails with this face and this code."""
        for photograph in photographs:
            try:
                left = self._owner.show_face(_challenge(decision), photograph, code)
            except CaptureUnusable:
                continue
            return _must_fail(left)
        raise Broken("none of the photographs can be judged")


def _challenge(decision: Decision) -> Challenge:
    if decision.challenge is None:
        raise Broken(f"a challenge should be open, and not {decision.status}")
    return decision.challenge


def _must_fail(left: int | None) -> None:
    if left is None:
        raise Broken("the thief was let in")


def _refusal(attempt: Callable[[], object], *expected: type[AuthsvcError]) -> str:
    """The slug with which the service refuses; anything else breaks the story."""
    try:
        attempt()
    except expected as refused:
        return refused.slug
    raise Broken("the thief was let in")


def _expect(held: bool, decision: Decision) -> None:
    if not held:
        raise Broken(f"{decision.status} at level {decision.level} came")
