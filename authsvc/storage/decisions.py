"""Decisions with their challenge and receipt: one row each, and one open row per transaction id."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

from authsvc.biometric.words import Capture
from authsvc.canonical import compact
from authsvc.clock import from_millis, to_millis
from authsvc.domain.challenge import Challenge
from authsvc.domain.decision import Decision, Passed, PolicyRef, ReceiptRef, Status
from authsvc.domain.receipt import LIFE
from authsvc.factor import Factor
from authsvc.payment import Binding, Payee, Payment
from authsvc.storage.bound import DEVICES, USERS
from authsvc.storage.database import Conflict, Connection, Row
from authsvc.storage.rows import Rows
from authsvc.subject import Subject

_COLUMNS = """id, client, user_id, transaction_id, status, binding, body, challenge, receipt, receipt_jti,
    receipt_expires_at, consumed_at, created_at, expires_at, version"""

# The unique index on (client, transaction_id, is_open) admits one open decision; NULL stands beside NULL.
OPEN = """INSERT INTO decisions (id, client, user_id, transaction_id, status, is_open, binding, body, challenge, receipt,
    receipt_jti, receipt_expires_at, consumed_at, created_at, expires_at, version)
    VALUES (:id, :client, :user, :transaction_id, :status, :is_open, :binding, :body, :challenge, :receipt, :receipt_jti,
    :receipt_expires_at, :consumed_at, :created_at, :expires_at, :version)
    ON CONFLICT (client, transaction_id, is_open) DO NOTHING"""
SAVE = """UPDATE decisions SET status = :status, is_open = :is_open, body = :body, challenge = :challenge,
    receipt = :receipt, receipt_jti = :receipt_jti, receipt_expires_at = :receipt_expires_at, consumed_at = :consumed_at,
    expires_at = :expires_at, version = version + 1 WHERE id = :id AND version = :version"""
FIND = f"SELECT {_COLUMNS} FROM decisions WHERE id = :id"
FIND_OPEN = f"""SELECT {_COLUMNS} FROM decisions
    WHERE client = :client AND transaction_id = :transaction_id AND is_open = 1"""
_STANDS = f"""id = :id AND receipt_jti = :jti AND consumed_at IS NULL AND is_open = 1
    AND NOT EXISTS (SELECT 1 FROM users u WHERE u.client = decisions.client AND u.user_id = decisions.user_id
        AND (u.receipts_after >= decisions.receipt_expires_at - {LIFE // timedelta(milliseconds=1)} + :later
            OR u.status NOT IN ('active', :also)))
    AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.client = decisions.client AND d.user_id = decisions.user_id
        AND d.device_id = :device AND d.state <> 'active')"""
CONSUME = f"UPDATE decisions SET consumed_at = :now, is_open = NULL, version = version + 1 WHERE {_STANDS}"
STANDS = f"SELECT 1 FROM decisions WHERE {_STANDS}"
LAPSED = f"""SELECT {_COLUMNS} FROM decisions
    WHERE is_open = 1 AND status = 'challenge_required' AND expires_at <= :now ORDER BY expires_at LIMIT 100"""
OUTCOME = """INSERT INTO outcomes (decision_id, outcome, client, recorded_at)
    VALUES (:id, :outcome, :client, :now) ON CONFLICT (decision_id, outcome) DO NOTHING"""
OUTCOMES = "SELECT outcome, recorded_at FROM outcomes WHERE decision_id = :id ORDER BY recorded_at"
OF_USER = f"""SELECT {_COLUMNS} FROM decisions WHERE client = :client AND user_id = :user
    ORDER BY created_at DESC LIMIT :limit"""


class DecisionStore:
    def __init__(self, connection: Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def open(self, decision: Decision) -> Decision | None:
        """Add a decision; None when the transaction id has an open one already."""
        return decision if self._connection.expect(OPEN, _params(decision)) else None

    def save(self, decision: Decision) -> Decision:
        """Write the next value of a decision; raises Conflict when it is not the next to what is stored."""
        if self._connection.run(SAVE, _params(decision)) != 1:
            raise Conflict("the decision was changed in between")
        return replace(decision, version=decision.version + 1)

    def find(self, decision_id: str) -> Decision | None:
        rows = self._connection.all(FIND, {"id": decision_id})
        return _decision(rows[0]) if rows else None

    def find_open(self, client: str, transaction_id: str) -> Decision | None:
        rows = self._connection.all(FIND_OPEN, {"client": client, "transaction_id": transaction_id})
        return _decision(rows[0]) if rows else None

    def consume(
        self, decision: Decision, jti: str, now: datetime, *, frozen: bool = False, suspended: bool = False
    ) -> bool:
        """Use a receipt up. Of many callers one gets True: the row count is the permission.

        The caller holds the account, so that no freeze, removal or erasure comes in between.
        """
        self._refuse_broken(decision)
        params = {**_standing(decision, jti, frozen, suspended), "now": to_millis(now)}
        return self._connection.run(CONSUME, params) == 1

    def stands(self, decision: Decision, jti: str) -> bool:
        """Whether `consume` would be True."""
        self._refuse_broken(decision)
        return bool(self._connection.all(STANDS, _standing(decision, jti)))

    def lapsed(self, now: datetime) -> tuple[Decision, ...]:
        """Open challenges whose time is over, a hundred at most."""
        return tuple(_decision(row) for row in self._connection.all(LAPSED, {"now": to_millis(now)}))

    def of_user(self, subject: Subject, limit: int) -> tuple[Decision, ...]:
        params = {"client": subject.client, "user": subject.user, "limit": limit}
        return tuple(_decision(row) for row in self._connection.all(OF_USER, params))

    def _refuse_broken(self, decision: Decision) -> None:
        """Raises RecordBroken where account or device are not as they were written: a receipt stands by what they say."""
        subject = decision.payment.subject
        owner = {"client": subject.client, "user_id": subject.user}
        self._rows.one(USERS, **owner)
        if decision.device_id is not None:
            self._rows.one(DEVICES, **owner, device_id=decision.device_id)

    def record_outcome(self, decision: Decision, outcome: str, now: datetime) -> bool:
        """Whether the outcome is new for this decision."""
        params = {
            "id": decision.id,
            "outcome": outcome,
            "client": decision.payment.subject.client,
            "now": to_millis(now),
        }
        return self._connection.run(OUTCOME, params) == 1

    def outcomes(self, decision_id: str) -> tuple[tuple[str, datetime], ...]:
        return tuple(
            (name, from_millis(at)) for name, at in self._connection.all(OUTCOMES, {"id": decision_id})
        )


def _standing(
    decision: Decision, jti: str, frozen: bool = False, suspended: bool = False
) -> dict[str, object]:
    return {
        "id": decision.id,
        "jti": jti,
        "also": "frozen" if frozen else "active",
        # Of the very millisecond of a freeze nothing is good but what lifts it.
        "later": int(frozen),
        "device": None if suspended else decision.device_id,
    }


def _params(decision: Decision) -> dict[str, object]:
    receipt = decision.receipt
    return {
        "id": decision.id,
        "client": decision.payment.subject.client,
        "user": decision.payment.subject.user,
        "transaction_id": decision.payment.transaction_id,
        "status": decision.status.value,
        "is_open": 1 if decision.is_open else None,
        "binding": decision.binding.digest,
        "body": _body(decision),
        "challenge": None if decision.challenge is None else _challenge_json(decision.challenge),
        "receipt": None if receipt is None else receipt.token,
        "receipt_jti": None if receipt is None else receipt.jti,
        "receipt_expires_at": None if receipt is None else to_millis(receipt.expires_at),
        "consumed_at": None
        if receipt is None or receipt.consumed_at is None
        else to_millis(receipt.consumed_at),
        "created_at": to_millis(decision.created_at),
        "expires_at": to_millis(decision.expires_at),
        "version": decision.version,
    }


def _body(decision: Decision) -> str:
    payment = decision.payment
    body = {
        "level": decision.level,
        "type": payment.type,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "payee": (payment.payee.id, payment.payee.name),
        "inputs": decision.inputs,
        "reasons": decision.reasons,
        "fired": decision.fired,
        "policy": (decision.policy.id, decision.policy.version, decision.policy.digest),
        "novelty": decision.novelty,
        "exemption": decision.exemption,
        "device_id": decision.device_id,
        "locale": decision.locale,
        **decision.passed.to_json(),
        "missing": decision.missing,
        **({} if decision.possible_from is None else {"possible_from": to_millis(decision.possible_from)}),
        **({"suspended": True} if decision.suspended else {}),
        "proofs": decision.proofs,
        "evidence": decision.evidence,
    }
    return compact(body)


def _decision(row: Row) -> Decision:
    (
        decision_id,
        client,
        user,
        transaction_id,
        status,
        binding,
        body_text,
        challenge,
        receipt,
        jti,
        receipt_expires_at,
        consumed_at,
        created_at,
        expires_at,
        version,
    ) = row
    body = json.loads(body_text)
    payment = Payment(
        transaction_id=transaction_id,
        type=body["type"],
        amount_minor=body["amount_minor"],
        currency=body["currency"],
        payee=Payee(*body["payee"]),
        subject=Subject(client, user),
    )
    return Decision(
        id=decision_id,
        status=Status(status),
        level=body["level"],
        payment=payment,
        binding=Binding(binding),
        inputs=body["inputs"],
        reasons=tuple(body["reasons"]),
        fired=tuple(body["fired"]),
        policy=PolicyRef(*body["policy"]),
        novelty=body["novelty"],
        created_at=from_millis(created_at),
        expires_at=from_millis(expires_at),
        exemption=body["exemption"],
        device_id=body["device_id"],
        locale=body["locale"],
        passed=Passed.among(body),
        missing=tuple(body["missing"]),
        suspended="suspended" in body,
        possible_from=from_millis(body["possible_from"]) if "possible_from" in body else None,
        proofs=tuple(body["proofs"]),
        evidence=body["evidence"],
        challenge=None if challenge is None else _challenge(challenge),
        receipt=None if receipt is None else _receipt(receipt, jti, receipt_expires_at, consumed_at),
        version=version,
    )


def _receipt(token: str, jti: str, expires_at: int, consumed_at: int | None) -> ReceiptRef:
    return ReceiptRef(
        token, jti, from_millis(expires_at), None if consumed_at is None else from_millis(consumed_at)
    )


def _challenge_json(challenge: Challenge) -> str:
    return compact(
        {
            "id": challenge.id,
            "sets": challenge.sets,
            "chosen": challenge.chosen,
            "attempts_remaining": challenge.attempts_remaining,
            "captures": challenge.captures,
        }
    )


def _challenge(text: str) -> Challenge:
    stored = json.loads(text)
    return Challenge(
        id=stored["id"],
        sets=tuple(tuple(Factor(name) for name in choice) for choice in stored["sets"]),
        chosen=tuple(Factor(name) for name in stored["chosen"]),
        attempts_remaining=stored["attempts_remaining"],
        # Challenges of before the upgrade know no captures.
        captures=tuple(map(Capture, stored.get("captures", ()))),
    )
