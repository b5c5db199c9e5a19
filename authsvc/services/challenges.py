"""One challenge, for whoever holds its token, step by step. Nothing is returned that a thief could use."""

from __future__ import annotations

from collections.abc import Sequence

from authsvc.device.credential import Device
from authsvc.domain.decision import Decision, Status
from authsvc.domain.store import Transaction
from authsvc.domain.warned import Answer
from authsvc.errors import CaptureUnusable, InvalidRequest, NotFound, Unauthenticated
from authsvc.factor import Factor, Json, Submission, Unusable
from authsvc.http import span
from authsvc.keys.access import must_open
from authsvc.services.base import Service, challenge_decision
from authsvc.services.hints import hints_view
from authsvc.services.views import challenge_view, warning_view
from authsvc.stepup.closing import must_have_account
from authsvc.stepup.proving import Completed
from authsvc.stepup.warning import WARNED, can_freeze

CHOICES = ("not_me", "cancel")


class ChallengeService(Service):
    def find(self, challenge_id: str, token: str) -> Json:
        """What is asked, of whom, and what has come in so far."""
        decision = self._opened(challenge_id, token)
        is_open = decision.status is Status.CHALLENGE_REQUIRED
        received = self._stepup.received(decision) if is_open else ()
        view = challenge_view(decision, received, self._suspended(decision))
        return {**view, **self._freezing(decision)}

    def begin_warning(self, challenge_id: str, token: str) -> Json:
        """The warning in its words; from now on the payer has read it, or had the time to."""
        opened, now = self._opened(challenge_id, token), self._clock.now()
        texts = self._parts.warning_texts
        if opened.warning is None:
            raise InvalidRequest("this challenge carries no warning")
        kind = opened.warning.kind
        decision = self._ledger.transact(
            lambda tx: self._stepup.show_warning(tx, _must_find(tx, opened.id), texts.digest(kind), now)
        )
        return warning_view(decision, texts.text(kind), now)

    def answer_warning(self, challenge_id: str, token: str, answer: str) -> Json:
        decision_id, now = self._opened(challenge_id, token).id, self._clock.now()
        answered = self._ledger.transact(
            lambda tx: self._stepup.answer_warning(tx, _must_find(tx, decision_id), Answer(answer), now)
        )
        state = "" if answered.warning is None else answered.warning.state.value
        return {"state": state, "status": answered.status.value, "can_freeze": can_freeze(answered, now)}

    def freeze(self, challenge_id: str, token: str) -> Json:
        """Freeze the account of a payer whom a warning has stopped."""
        decision_id, now = self._opened(challenge_id, token).id, self._clock.now()
        self._ledger.transact(lambda tx: self._stepup.freeze(tx, _must_find(tx, decision_id), now))
        return {"frozen": True}

    def begin_step(self, challenge_id: str, token: str, factor: Factor) -> Json:
        return self._stepup.begin(self._opened(challenge_id, token), factor)

    def take_step(self, challenge_id: str, token: str, factor: Factor, submission: Submission) -> Json:
        """Take evidence; raises CaptureUnusable with what the person can do better."""
        decision = self._opened(challenge_id, token)
        answer = self._stepup.receive(decision, factor, submission)
        if isinstance(answer, Unusable):
            raise CaptureUnusable(
                "the capture cannot be judged", hints=hints_view(factor, answer, decision.locale)
            )
        return answer

    def begin_statement(self, challenge_id: str, token: str, factor: Factor) -> Json:
        return self._stepup.begin_statement(self._opened(challenge_id, token), factor)

    def take_statement(self, challenge_id: str, token: str, factor: Factor, statement: Json) -> Json:
        return self._stepup.state(self._opened(challenge_id, token), factor, statement)

    def switch(self, challenge_id: str, token: str, factors: Sequence[Factor]) -> Json:
        decision_id = self._opened(challenge_id, token).id
        now = self._clock.now()

        def unit(tx: Transaction) -> Decision:
            return self._stepup.switch(tx, _must_find(tx, decision_id), factors, now)

        decision = self._ledger.transact(unit)
        return {**challenge_view(decision, self._stepup.received(decision)), **self._freezing(decision)}

    def decline(self, challenge_id: str, token: str, choice: str) -> Json:
        if choice not in CHOICES:
            raise InvalidRequest("`choice` must be `not_me` or `cancel`")
        decision = self._opened(challenge_id, token)
        offer = self._stepup.offer(decision) if choice == "not_me" else None
        now = self._clock.now()

        def unit(tx: Transaction) -> Decision:
            return self._stepup.decline(tx, _must_find(tx, decision.id), choice, now, offer)

        declined = self._ledger.transact(unit)
        return {"status": declined.status.value, "device_suspended": declined.suspended}

    def complete(self, challenge_id: str, token: str) -> Completed:
        with span("complete challenge"):
            return self._stepup.complete(self._opened(challenge_id, token))

    def _suspended(self, decision: Decision) -> Device | None:
        """The device that the payer suspended by declining, under the name that they know."""
        if not decision.suspended:
            return None
        devices = self._ledger.read(lambda tx: tx.accounts.devices(decision.payment.subject))
        return next((device for device in devices if device.id == decision.device_id), None)

    def _freezing(self, decision: Decision) -> Json:
        """Whether a payer whom a warning stopped may freeze the account from here, and whether it is frozen."""
        if decision.declined != WARNED:
            return {"can_freeze": False, "frozen": False}
        account = self._ledger.read(lambda tx: tx.accounts.find(decision.payment.subject))
        # Whoever enrolled under this name since an erasure is nobody that this page may speak of.
        if account is None or not account.knew(decision.created_at):
            return {"can_freeze": False, "frozen": False}
        frozen = account.is_frozen
        return {"can_freeze": not frozen and can_freeze(decision, self._clock.now()), "frozen": frozen}

    def _opened(self, challenge_id: str, token: str) -> Decision:
        """The decision behind a challenge; a challenge that does not exist looks like a token that does not fit."""
        must_open(self._parts.macs, "ct", challenge_id, token)
        try:
            decision = self._stepup.find(challenge_decision(challenge_id))
        except NotFound:
            raise Unauthenticated("the token does not open this object") from None
        if decision.status is Status.CHALLENGE_REQUIRED:
            self._ledger.read(lambda tx: must_have_account(tx, decision))
        return decision


def _must_find(tx: Transaction, decision_id: str) -> Decision:
    decision = tx.decisions.find(decision_id)
    if decision is None:
        raise NotFound("no such decision")
    return decision
