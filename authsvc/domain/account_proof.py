"""The proof that a change of the account itself needs: a fresh receipt for exactly this kind of change, used up by it.

No second way of proving exists beside the one flow: the person answers a challenge at the strongest level that is enrolled.
"""

from __future__ import annotations

from datetime import datetime

from authsvc.domain.account import Account
from authsvc.domain.account_table import ACTS, PROVED
from authsvc.domain.receipt import ReceiptReader
from authsvc.domain.store import Transaction
from authsvc.errors import ProofRequired


def use_proof(
    tx: Transaction, receipts: ReceiptReader, account: Account, proof: str | None, kind: str, now: datetime
) -> None:
    """Use up a receipt that this very user earned for this kind of account change; raises ProofRequired."""
    if proof is None:
        raise ProofRequired(f"decide a transaction of type `{kind}` first, and send its receipt as `proof`")
    claims = receipts.read(proof, account.subject.client, now)
    tx.accounts.hold(account.subject)
    decision = tx.decisions.find(str(claims["decision"]))
    if (
        decision is None
        or kind not in PROVED
        or decision.payment.type != kind
        or decision.payment.subject != account.subject
        or claims["acr"] != decision.level
        or not tx.decisions.consume(
            decision, str(claims["jti"]), now, frozen=ACTS[kind].frozen, suspended=ACTS[kind].suspended
        )
    ):
        raise ProofRequired(f"the receipt is not an unused proof of this user for `{kind}`")
