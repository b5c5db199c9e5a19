"""How a decision ends or lets a payment go: its receipt, its audit line, its event, in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from authsvc.audit.chain import Entry
from authsvc.audit.evidence import EVIDENCE_HASH
from authsvc.domain.account import Account
from authsvc.domain.decision import Decision, Status
from authsvc.domain.receipt import AuditPosition, ReceiptIssuer, evidence_of
from authsvc.domain.store import Transaction
from authsvc.errors import ChallengeClosed, NotFound
from authsvc.events import Event

_EVENT_OF = {
    Status.AUTHENTICATED: "decision:challenge:authenticated",
    Status.FAILED: "decision:challenge:failed",
    Status.DECLINED_BY_USER: "decision:challenge:declined",
    Status.CANCELLED: "decision:challenge:cancelled",
    Status.DENIED: "decision:challenge:failed",
}


def end(
    tx: Transaction, decision: Decision, actor: str, action: str, now: datetime, **details: object
) -> Decision:
    """Write a closing value, its audit line and its event."""
    saved = tx.decisions.save(decision)
    tx.record(entry(decision, actor, action, decision.status.value, now, **details))
    tag = _EVENT_OF.get(decision.status)
    if tag is not None:
        choice = {"choice": details["choice"]} if "choice" in details else {}
        data = {"decision": decision.id, "transaction_id": decision.payment.transaction_id, **choice}
        tx.publish(Event(tag, decision.payment.subject, now, data))
    return saved


def signed(receipts: ReceiptIssuer, tx: Transaction, decision: Decision, now: datetime) -> Decision:
    """The decision with its receipt, which names the audit line that this transaction is about to write."""
    chain, seq = tx.position()
    evidence = evidence_of(decision).hash()
    receipt = receipts.issue(decision, evidence, AuditPosition(chain, seq), now)
    return replace(decision, evidence=evidence, receipt=receipt)


def entry(
    decision: Decision, actor: str, action: str, result: str, now: datetime, **details: object
) -> Entry:
    """The audit line of something that happened to a decision."""
    return Entry(
        at=now,
        actor=actor,
        action=f"decision.{action}",
        subject=decision.payment.subject,
        object=decision.id,
        result=result,
        details={
            "level": decision.level,
            "policy": decision.policy.digest,
            "binding": decision.binding.digest,
            **({} if decision.evidence is None else {EVIDENCE_HASH: decision.evidence}),
            **({} if decision.warning is None else {"warning": decision.warning.to_json()}),
            **details,
        },
    )


def must_find(tx: Transaction, decision_id: str) -> Decision:
    """The decision as it was last written; raises NotFound."""
    decision = tx.decisions.find(decision_id)
    if decision is None:
        raise NotFound("no such decision")
    return decision


def must_have_account(tx: Transaction, decision: Decision) -> Account:
    """The payer's account; raises ChallengeClosed."""
    return present(tx.accounts.find(decision.payment.subject), decision)


def present(account: Account | None, decision: Decision) -> Account:
    """The account that a decision is about; raises ChallengeClosed where it was erased since, whoever has its name now."""
    if account is None or not account.knew(decision.created_at):
        raise ChallengeClosed("the account was erased")
    return account
