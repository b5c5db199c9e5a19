"""The story itself, step by step, as a payment backend and a payer live it. Every step says what held, or breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from authsvc.cli.demo.faces import Cast, Photograph
from authsvc.cli.demo.phone import Phone
from authsvc.cli.demo.service import OwnService
from authsvc.client import AuthsvcClient, Challenge, Decision, Device, Payment, ReceiptRefused, Ticket
from authsvc.errors import AuthsvcError, CaptureUnusable, ReceiptConsumed

USER = "u_demo"
SMALL = 2_500
MEDIUM = 125_000
QUIET = 5
"""A risk score that no rule minds."""

MOST_ROLES = 9
NEW_PHONE = Device("dev_new")


class Broken(AuthsvcError):
    """A step did not do what it tells."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to: the level that was asked or proven, and why."""

    level: str
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """One step as it is told. `milliseconds` is what a caller waited for all of its requests."""

    number: int
    what: str
    held: bool
    level: str
    reason: str
    milliseconds: float


def enrolled_face(
    phone: Phone, ticket: Ticket, cast: Cast
) -> tuple[Sequence[Photograph], tuple[Photograph, ...]]:
    """The photographs that the payer enrolled with, the first that are good enough, and those nobody has seen yet."""
    for chosen, unseen in islice(cast.roles(), MOST_ROLES):
        try:
            phone.add_face(ticket, chosen)
        except CaptureUnusable:
            continue
        return chosen, unseen
    raise Broken("no three of the photographs are good enough to enroll with")


Step = tuple[str, Callable[[], Outcome]]
Value = TypeVar("Value")


def tell(steps: Iterator[Step]) -> Iterator[Told]:
    """Play the steps in order; after one that breaks, the rest would mean nothing."""
    for number, (what, step) in enumerate(steps, start=1):
        began = time.perf_counter()
        try:
            outcome, held = step(), True
        except AuthsvcError as error:
            outcome, held = Outcome("-", f"{error.slug}: {error.detail}"), False
        milliseconds = (time.perf_counter() - began) * 1000
        yield Told(number, what, held, outcome.level, outcome.reason, milliseconds)
        if not held:
            return


class Story:
    """One payer, one stranger, one backend."""

    def __init__(self, service: OwnService, client: AuthsvcClient, cast: Cast) -> None:
        self._service = service
        self._client = client
        self._cast = cast
        self._phone = Phone(service.url)
        self._known = Device("")
        self._unseen: tuple[Photograph, ...] = ()
        self._payments = 0
        self._otp: tuple[Payment, Decision] | None = None
        self._face: tuple[Payment, Decision] | None = None
        self._paid: tuple[Payment, Decision] | None = None
        self._receipt = ""
        self._issued = ""

    def steps(self) -> Iterator[Step]:
        yield "enrolls face (three photographs), app and phone", self.enroll
        yield "25.00 CNY from the known phone", self.small_payment
        yield "1 250.00 CNY from the known phone", self.medium_payment
        yield "  a wrong code", self.wrong_code
        yield "  the app's code", self.right_code
        yield "1 250.00 CNY from a new phone", self.new_phone
        yield "  another person's photograph, a guessed code", self.strangers_face
        yield "  the payer's own, unseen photograph, the code", self.own_face
        yield "the receipt, checked offline", self.receipt_is_good
        yield "  for one fen more", self.receipt_for_another_amount
        yield "  consumed", self.consume
        yield "  a second time", self.consume_again
        yield "the same request again", self.same_request
        yield "five wrong codes in a row", self.lock
        yield "  a right one after them", self.right_code_while_locked
        yield "the account is frozen", self.freeze
        yield "  every payment, small or large", self.denied
        yield "the audit log", self.audit

    # -- Who pays ---------------------------------------------------------------------------------------------------

    def enroll(self) -> Outcome:
        ticket = self._client.enroll(USER, locale="en")
        self._phone.consent(ticket, "face")
        self._phone.add_app(ticket)
        chosen, self._unseen = enrolled_face(self._phone, ticket, self._cast)
        self._known = self._phone.add_device(ticket, "the phone they always had")
        factors = self._phone.finish(ticket)
        _expect(set(factors) == {"face", "otp"}, f"face and otp should be enrolled, not {factors}")
        return Outcome("-", f"{', '.join(photograph.name for photograph in chosen)}")

    # -- Three payments ---------------------------------------------------------------------------------------------

    def small_payment(self) -> Outcome:
        decision = self._client.decide(self._payment(SMALL), device=self._known, risk_score=QUIET)
        _expect(decision.status == "approved" and decision.receipt is not None, _came(decision))
        return Outcome(decision.level, f"{decision.status}: {decision.novelty} phone, no rule asks for more")

    def medium_payment(self) -> Outcome:
        payment = self._payment(MEDIUM)
        decision = self._asked_again(payment, self._known)
        _expect(decision.is_open and decision.level == "otp", _came(decision))
        self._otp = payment, decision
        return Outcome(decision.level, str(decision.reasons[0]))

    def wrong_code(self) -> Outcome:
        left = self._phone.type_code(self._otp_challenge(), self._phone.app.wrong_code())
        _expect(left == 2, f"a wrong code should leave two attempts, not {left}")
        return Outcome("otp", "refused, 2 attempts left")

    def right_code(self) -> Outcome:
        payment, decision = _present(self._otp)
        left = self._phone.type_code(self._otp_challenge(), self._phone.app.code())
        _expect(left is None, "the app's code should be accepted")
        found = self._client.decision(decision.id, wait=5)
        receipt = self._client.verify(found.receipt or "", payment)
        self._paid, self._receipt = self._otp, found.receipt or ""
        return Outcome(receipt.acr, f"{found.status} by {', '.join(receipt.amr)}")

    def new_phone(self) -> Outcome:
        payment = self._payment(MEDIUM)
        decision = self._asked_again(payment, NEW_PHONE)
        _expect(decision.is_open and decision.level == "face", _came(decision))
        self._face = payment, decision
        return Outcome(decision.level, str(decision.reasons[0]))

    def strangers_face(self) -> Outcome:
        name, left = self._show(self._cast.stranger, self._phone.app.wrong_code())
        _expect(left == 2, f"{name} should be refused and leave two attempts, not {left}")
        return Outcome("face", f"{name} refused, 2 attempts left")

    def own_face(self) -> Outcome:
        _, decision = _present(self._face)
        name, left = self._show(self._unseen, self._client.issue_code(decision.id, locale="en").code)
        _expect(left is None, f"{name} should be recognised")
        found = self._client.decision(decision.id, wait=5)
        _expect(found.status == "authenticated" and found.receipt is not None, _came(found))
        self._paid, self._receipt = self._face, found.receipt or ""
        return Outcome("face", f"{name} {found.status}")

    # -- One receipt ------------------------------------------------------------------------------------------------

    def receipt_is_good(self) -> Outcome:
        payment, decision = _present(self._paid)
        receipt = self._client.verify(self._receipt, payment)
        _expect(receipt.acr == decision.level and receipt.dynamic_linked, f"acr is {receipt.acr}")
        left = (receipt.expires_at - receipt.issued_at).total_seconds()
        linked = f"linked to the payment, good for {left:.0f} s"
        warned = f"; says {', '.join(receipt.warnings)}" if receipt.warnings else ""
        return Outcome(receipt.acr, linked + warned)

    def receipt_for_another_amount(self) -> Outcome:
        payment, _ = _present(self._paid)
        try:
            self._client.verify(self._receipt, replace(payment, amount_minor=payment.amount_minor + 1))
        except ReceiptRefused as refused:
            return Outcome(self._level(), f"refused: {refused.detail}")
        raise Broken("a receipt for another amount was accepted")

    def consume(self) -> Outcome:
        payment, decision = _present(self._paid)
        consumed = self._client.consume(self._receipt, payment)
        _expect(
            consumed.decision_id == decision.id and not consumed.replayed, "another decision was consumed"
        )
        return Outcome(self._level(), "the money may move, once")

    def consume_again(self) -> Outcome:
        payment, _ = _present(self._paid)
        try:
            self._client.consume(self._receipt, payment)
        except ReceiptConsumed as refused:
            return Outcome(self._level(), f"refused: {refused.slug}")
        raise Broken("a receipt was consumed twice")

    def same_request(self) -> Outcome:
        payment, decision = _present(self._paid)
        again = self._asked_again(payment, NEW_PHONE if self._face else self._known)
        _expect(again == replace(decision, replayed=True), "the stored answer should come back unchanged")
        return Outcome(again.level, "the first answer, from the idempotency store")

    # -- The door shuts ---------------------------------------------------------------------------------------------

    def lock(self) -> Outcome:
        for attempts in (3, 2):
            payment = self._payment(MEDIUM)
            decision = self._client.decide(payment, device=self._known, risk_score=QUIET)
            self._otp = payment, decision
            if attempts == 2:
                # Issued before the lock, so that what refuses it afterwards is the lock and not its being used or late.
                self._issued = self._client.issue_code(decision.id, locale="en").code
            for _ in range(attempts):
                left = self._phone.type_code(self._otp_challenge(), self._phone.app.wrong_code())
                _expect(left is not None, "a wrong code was accepted")
        until = self._client.status(USER).locked_until
        _expect("any" in until, "five failures should lock the user")
        return Outcome("otp", f"locked until {until['any']:%H:%M:%S} UTC")

    def right_code_while_locked(self) -> Outcome:
        left = self._phone.type_code(self._otp_challenge(), self._issued)
        _expect(left == 0, "a right code should be refused while the user is locked")
        return Outcome("otp", "refused like the wrong ones")

    def freeze(self) -> Outcome:
        status = self._client.freeze(USER, "the demo is nearly over")
        _expect(status.status == "frozen", f"the account is {status.status}")
        return Outcome("deny", "until two operators, or a receipt of the highest level, unfreeze it")

    def denied(self) -> Outcome:
        decisions = [
            self._client.decide(self._payment(amount), device=device, risk_score=QUIET)
            for amount in (1, SMALL, MEDIUM, 100 * MEDIUM)
            for device in (self._known, NEW_PHONE)
        ]
        for decision in decisions:
            _expect(decision.status == "denied" and decision.receipt is None, _came(decision))
        return Outcome("deny", f"{len(decisions)} of {len(decisions)}, {decisions[0].reasons[0]}")

    def audit(self) -> Outcome:
        report = self._service.audit_is_sound()
        _expect(report["sound"] is True, f"findings: {report['findings']}")
        return Outcome(
            "-",
            f"{report['links']} entries, {report['heads']} signed heads, sound (told by `authsvc audit verify`)",
        )

    # -- Helpers ----------------------------------------------------------------------------------------------------

    def _payment(self, amount_minor: int) -> Payment:
        self._payments += 1
        return self._client.payment(
            USER,
            f"pay_{self._payments}",
            type="transfer",
            amount_minor=amount_minor,
            currency="CNY",
            payee_id="shop_1",
            payee_name="友谊商店",
        )

    def _asked_again(self, payment: Payment, device: Device) -> Decision:
        """A decision under one Idempotency-Key, however often it is asked for."""
        return self._client.decide(
            payment,
            device=device,
            risk_score=QUIET,
            idempotency_key=f"demo-{payment.transaction_id}",
        )

    def _level(self) -> str:
        return _present(self._paid)[1].level

    def _otp_challenge(self) -> Challenge:
        return _present(_present(self._otp)[1].challenge)

    def _show(self, photographs: tuple[Photograph, ...], code: str) -> tuple[str, int | None]:
        """Show the first photograph that can be judged, and a code; an unusable one costs no attempt."""
        challenge = _present(_present(self._face)[1].challenge)
        for photograph in photographs:
            try:
                return photograph.name, self._phone.show_face(challenge, photograph, code)
            except CaptureUnusable:
                continue
        raise Broken("none of the photographs can be judged")


def _present(value: Value | None) -> Value:
    if value is None:
        raise Broken("an earlier step has not happened")
    return value


def _expect(held: bool, otherwise: str) -> None:
    if not held:
        raise Broken(otherwise)


def _came(decision: Decision) -> str:
    reasons = "; ".join(map(str, decision.reasons)) or "no reason"
    return f"{decision.status} at level {decision.level} came ({reasons})"
