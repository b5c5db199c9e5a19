"""A person erases their own account: proved first, like a payment, at the highest level that they can prove.

An overview is the backend's word that somebody is signed in, and a session can be stolen. Whoever erased an account with it
could enroll next as somebody new, so the session alone does not suffice here.
"""

from __future__ import annotations

from datetime import datetime

from authsvc.domain import account_acts as acts
from authsvc.domain.account_proof import use_proof
from authsvc.domain.decision import Decision, Passed, Status
from authsvc.domain.ids import twin
from authsvc.domain.once import Answer, Once
from authsvc.domain.overview import OVERVIEW_LIFE, Overview
from authsvc.domain.store import Transaction
from authsvc.errors import ProofRequired, TransactionChanged
from authsvc.factor import Json
from authsvc.keys.access import must_open, object_token
from authsvc.payment import Payee, Payment
from authsvc.services.base import Service
from authsvc.services.overviews import ACTOR, opened, owner_of
from authsvc.services.views import erased_view, erasure_view
from authsvc.stepup.deciding import DecisionRequest
from authsvc.stepup.flow import Decided

ERASURE = "erasure"


class ErasureService(Service):
    def find(self, overview_id: str, token: str) -> Json:
        """How far the proof is."""
        now = self._clock.now()

        def query(tx: Transaction) -> Decision | None:
            return _proof_of(tx, opened(tx, self._parts.macs, overview_id, token, now), now)

        return self._progress(self._ledger.read(query))

    def begin(self, overview_id: str, token: str) -> Json:
        """Open the challenge that proves it, or return the one that is open."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Decided | TransactionChanged:
            overview = opened(tx, self._parts.macs, overview_id, token, now)
            owner_of(tx, overview)
            return self._stepup.decide(tx, self._asked(overview), now)

        decided = self._ledger.transact(unit)
        if isinstance(decided, TransactionChanged):
            raise decided
        return self._progress(decided.decision)

    def complete(self, overview_id: str, token: str, once: Once | None = None) -> Answer:
        """Erase the account upon that proof, which is used up by it; raises ProofRequired without a fresh one.

        Under an Idempotency-Key the answer is sent again for a quarter of an hour: the receipt is all that is left.
        """
        must_open(self._parts.macs, "vt", overview_id, token)
        now = self._clock.now()

        def unit(tx: Transaction) -> Answer:
            def effect() -> Answer:
                return Answer.of(self._erased(tx, opened(tx, self._parts.macs, overview_id, token, now), now))

            if once is None:
                return effect()
            return self._parts.answers.run(tx, overview_id, once, now, effect, OVERVIEW_LIFE)

        return self._ledger.transact(unit)

    def _erased(self, tx: Transaction, overview: Overview, now: datetime) -> Json:
        account = owner_of(tx, overview).must_be_active()
        decision = _proof_of(tx, overview, now)
        if decision is None or decision.receipt is None:
            raise ProofRequired("an erasure needs a proof that is two minutes old at most")
        use_proof(tx, self._parts.receipts, account, decision.receipt.token, ERASURE, now)
        position = acts.erase(tx, account, ACTOR, now)
        receipt = self._parts.issuer.erased(account.subject, position, now)
        view = erased_view(account.subject, position, receipt, now)
        return {**view, "return_url": overview.return_url}

    def _asked(self, overview: Overview) -> DecisionRequest:
        """The erasure as a payment of nothing. Of the device nothing is known, and of the risk the worst is assumed."""
        subject = overview.subject
        # In a currency that the policy does not know it would be larger than every bound, and sets would fall away.
        currency, payee = self._stepup.reference_currency(), Payee("authsvc", subject.client)
        payment = Payment(_transaction_of(overview), ERASURE, 0, currency, payee, subject)
        back = f"{self._parts.base_url}/o/{overview.id}/erasure"
        return DecisionRequest(payment, locale=overview.locale, passed=Passed(back))

    def _progress(self, decision: Decision | None) -> Json:
        if decision is None or decision.challenge is None:
            return erasure_view(decision, None, None)
        challenge_id = decision.challenge.id
        token = object_token(self._parts.macs, "ct", challenge_id)
        return erasure_view(decision, token, f"{self._parts.base_url}/c/{challenge_id}")


def _proof_of(tx: Transaction, overview: Overview, now: datetime) -> Decision | None:
    """The decision that asks for the proof, or holds it; None where there is none or its time is over."""
    found = tx.decisions.find_open(overview.subject.client, _transaction_of(overview))
    if found is None or found.payment.subject != overview.subject:
        return None
    current = found.as_of(now)
    lapsed = current.receipt is not None and current.receipt.expires_at <= now
    return None if lapsed or current.status is Status.EXPIRED else current


def _transaction_of(overview: Overview) -> str:
    return twin(overview.id, "ers")
