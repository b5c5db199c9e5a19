"""Decisions with their challenge and receipt: one row each, and one open row per transaction id."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from authsvc.biometric.words import Capture
from authsvc.canonical import compact
from authsvc.clock import from_millis, to_millis
from authsvc.device.credential import DeviceState
from authsvc.domain.account import AccountStatus
from authsvc.domain.challenge import CHALLENGE_LIFE, Challenge
from authsvc.domain.decision import Decision, Habit, Passed, PolicyRef, ReceiptRef, Status
from authsvc.domain.receipt import LIFE
from authsvc.domain.sieve import Mark, Sieve
from authsvc.domain.warned import Warned
from authsvc.factor import Factor
from authsvc.gait.words import Likeness
from authsvc.payment import Binding, Payee, Payment
from authsvc.storage.bound import DECISIONS, DEVICES, ISSUED_CODES, USERS, Values
from authsvc.storage.database import Conflict, Connection
from authsvc.storage.rows import Rows
from authsvc.subject import Subject

# The unique index on (client, transaction_id, is_open) admits one open decision; NULL stands beside NULL.
_ONE_OPEN = "ON CONFLICT (client, transaction_id, is_open) DO NOTHING"
_OPEN = "client = :client AND transaction_id = :transaction_id AND is_open = 1"
_LAPSED = "is_open = 1 AND status = 'challenge_required' AND expires_at <= :now ORDER BY expires_at LIMIT 100"
_OF_USER = "client = :client AND user_id = :user ORDER BY created_at DESC LIMIT :limit"
_OPEN_OF_USER = "client = :client AND user_id = :user AND created_at >= :since AND is_open = 1"
_ASKED_OF_USER = "client = :client AND user_id = :user AND challenge IS NOT NULL"
_BEHIND = {
    order: f"(created_at {sign} :at OR (created_at = :at AND id {sign} :behind))"
    for order, sign in (("DESC", "<"), ("ASC", ">"))
}
_OF_TRANSACTION = "client = :client AND transaction_id = :transaction_id ORDER BY created_at DESC LIMIT 20"
_LIKE = re.compile(r"[%_!]")
_LIFE_MS = LIFE // timedelta(milliseconds=1)

OUTCOME = """INSERT INTO outcomes (decision_id, outcome, client, recorded_at)
    VALUES (:id, :outcome, :client, :now) ON CONFLICT (decision_id, outcome) DO NOTHING"""
OUTCOMES = "SELECT outcome, recorded_at FROM outcomes WHERE decision_id = :id ORDER BY recorded_at"

_OLD = "(SELECT id FROM decisions WHERE created_at < :before ORDER BY created_at, id LIMIT :most)"
FORGET_OF_OLD = tuple(f"DELETE FROM {table} WHERE decision_id IN {_OLD}" for table in ("outcomes", "lessons"))


class DecisionStore:
    def __init__(self, connection: Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def open(self, decision: Decision) -> Decision | None:
        """Add a decision; None when the transaction id has an open one already."""
        return decision if self._rows.expect(DECISIONS, _values(decision), _ONE_OPEN) else None

    def save(self, decision: Decision) -> Decision:
        """Write the next value of a decision; raises Conflict when it is not the next to what is stored."""
        after = replace(decision, version=decision.version + 1)
        if not self._rows.save(DECISIONS, _values(after), "version", decision.version):
            raise Conflict("the decision was changed in between")
        return after

    def find(self, decision_id: str) -> Decision | None:
        row = self._rows.one(DECISIONS, id=decision_id)
        return None if row is None else _decision(row)

    def find_open(self, client: str, transaction_id: str) -> Decision | None:
        rows = self._rows.read(DECISIONS, _OPEN, {"client": client, "transaction_id": transaction_id})
        return _decision(rows[0]) if rows else None

    def consume(
        self, decision: Decision, jti: str, now: datetime, *, frozen: bool = False, suspended: bool = False
    ) -> bool:
        """Use a receipt up. Of many callers one gets True.

        The caller holds the account, so that no freeze, removal or erasure comes in between.
        """
        row = self._standing(decision, jti, frozen=frozen, suspended=suspended)
        if row is None:
            return False
        used = {"consumed_at": to_millis(now), "is_open": None, "version": row["version"] + 1}
        self._rows.change(DECISIONS, row, used)
        return True

    def stands(self, decision: Decision, jti: str) -> bool:
        """Whether `consume` would be True."""
        return self._standing(decision, jti) is not None

    def lapsed(self, now: datetime) -> tuple[Decision, ...]:
        """Open challenges whose time is over, a hundred at most."""
        # One that is broken must not keep the others open.
        rows = self._rows.sound(DECISIONS, _LAPSED, {"now": to_millis(now)})
        return tuple(_decision(row) for row in rows)

    def of_user(self, subject: Subject, limit: int) -> tuple[Decision, ...]:
        params = {"client": subject.client, "user": subject.user, "limit": limit}
        return tuple(_decision(row) for row in self._rows.read(DECISIONS, _OF_USER, params))

    def open_of_user(self, subject: Subject, now: datetime) -> tuple[Decision, ...]:
        """By the index of a user's decisions: none is open for longer than a challenge and a receipt live."""
        params = {
            "client": subject.client,
            "user": subject.user,
            "since": to_millis(now - CHALLENGE_LIFE - LIFE),
        }
        rows = self._rows.sound(DECISIONS, _OPEN_OF_USER, params)
        found = (_decision(row).as_of(now) for row in rows)
        return tuple(each for each in found if each.is_open)

    def listed(self, sieve: Sieve, before: Mark | None, limit: int) -> tuple[Decision, ...]:
        """By the index of time; what else a column or the body says, the database sifts by its text."""
        where = ["created_at >= :since", "created_at < :until"]
        params: dict[str, object] = {
            "since": to_millis(sieve.since),
            "until": to_millis(sieve.until),
            "limit": limit,
        }
        columns = {"client": sieve.client, "user_id": sieve.user, "status": sieve.stored_status}
        for column, wanted in columns.items():
            if wanted:
                where.append(f"{column} = :{column}")
                params[column] = wanted
        for name, text in _fragments(sieve).items():
            where.append(f"body LIKE :{name} ESCAPE '!'")
            params[name] = f"%{_LIKE.sub(_escaped, text)}%"
        return self._ordered(where, params, before, "ASC" if sieve.oldest_first else "DESC")

    def of_transaction(self, client: str, transaction_id: str) -> tuple[Decision, ...]:
        params = {"client": client, "transaction_id": transaction_id}
        return tuple(_decision(row) for row in self._rows.sound(DECISIONS, _OF_TRANSACTION, params))

    def asked_of_user(self, subject: Subject, limit: int, before: Mark | None = None) -> tuple[Decision, ...]:
        """The latest of those that asked the payer for something, by the index of a user's decisions."""
        params = {"client": subject.client, "user": subject.user, "limit": limit}
        return self._ordered([_ASKED_OF_USER], params, before)

    def _ordered(
        self, where: Sequence[str], params: Mapping[str, object], before: Mark | None, order: str = "DESC"
    ) -> tuple[Decision, ...]:
        """What stands behind a mark, the latest first or (`ASC`) the oldest."""
        if before is not None:
            where = [*where, _BEHIND[order]]
            params = {**params, "at": to_millis(before.at), "behind": before.id}
        clause = f"{' AND '.join(where)} ORDER BY created_at {order}, id {order} LIMIT :limit"
        return tuple(_decision(row) for row in self._rows.sound(DECISIONS, clause, params))

    def forget(self, before: datetime, most: int) -> int:
        """Forget up to `most` decisions and what belongs to them, the oldest first; returns how many there were."""
        params = {"before": to_millis(before), "most": most}
        for statement in FORGET_OF_OLD:
            self._connection.run(statement, params)
        self._rows.remove(ISSUED_CODES, f"decision_id IN {_OLD}", params)
        return self._rows.remove(DECISIONS, f"id IN {_OLD}", params)

    def _standing(
        self, decision: Decision, jti: str, *, frozen: bool = False, suspended: bool = False
    ) -> Values | None:
        """The decision with this receipt, while it is not used up and its account and device are as they were."""
        row = self._rows.one(DECISIONS, id=decision.id)
        if row is None or _is_used_up(row, jti):
            return None
        owner = {"client": row["client"], "user_id": row["user_id"]}
        account = self._rows.one(USERS, **owner)
        if account is not None and (_is_shut(account, frozen) or _is_void(row, account, frozen)):
            return None
        found = (self._rows.one(DEVICES, **owner, device_id=each) for each in _devices_of(decision))
        return None if any(each and _is_out_of_use(each, suspended) for each in found) else row

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


def _escaped(found: re.Match[str]) -> str:
    return f"!{found.group()}"


def _fragments(sieve: Sieve) -> dict[str, str]:
    """Texts that stand in the compact JSON of every body that the sieve takes; others may hold them, too."""
    wanted = {"level": sieve.level, "currency": sieve.currency, "device_id": sieve.device_id,
              "factor": sieve.factor, "kind": sieve.warned}  # fmt: skip
    found = {name: f"{compact(name)}:{compact(text)}" for name, text in wanted.items() if text}
    bare = {"fired": sieve.fired, "signal": sieve.signal}
    return found | {name: compact(text) for name, text in bare.items() if text}


def _is_used_up(decision: Values, jti: str) -> bool:
    """Whether the decision has no receipt of this name that may be consumed."""
    is_fresh = decision["consumed_at"] is None and decision["is_open"] is not None
    return not (is_fresh and decision["receipt_jti"] == jti)


def _is_shut(account: Values, frozen: bool) -> bool:
    """Whether nothing is consumed for this account; `frozen` is for what lifts the freeze."""
    usable = (AccountStatus.ACTIVE, AccountStatus.FROZEN) if frozen else (AccountStatus.ACTIVE,)
    return account["status"] not in usable


def _is_void(decision: Values, account: Values, frozen: bool) -> bool:
    """Whether the account ended what was released before."""
    after, issued_at = account["receipts_after"], decision["receipt_expires_at"] - _LIFE_MS
    # Of the very millisecond of a freeze nothing is good but what lifts it.
    return after is not None and after >= issued_at + int(frozen)


def _devices_of(decision: Decision) -> list[str]:
    """The device that was named, and those that spoke: whoever took a phone need not name it."""
    spoke = decision.devices_that_spoke
    return sorted(spoke if decision.device_id is None else spoke | {decision.device_id})


def _is_out_of_use(device: Values, suspended: bool) -> bool:
    """Whether nothing that it proved is good any more; `suspended` is for what takes it back."""
    usable = (DeviceState.ACTIVE, DeviceState.SUSPENDED) if suspended else (DeviceState.ACTIVE,)
    return device["state"] not in usable


def _values(decision: Decision) -> dict[str, object]:
    receipt = decision.receipt
    return {
        "id": decision.id,
        "client": decision.payment.subject.client,
        "user_id": decision.payment.subject.user,
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
        **({} if decision.declined is None else {"declined": decision.declined}),
        **({"suspended": True} if decision.suspended else {}),
        **({} if decision.habit is None else {"habit": decision.habit.to_json()}),
        **({} if decision.gait is None else {"gait": decision.gait}),
        **({} if decision.warning is None else {"warning": decision.warning.to_stored()}),
        "proofs": decision.proofs,
        "evidence": decision.evidence,
    }
    return compact(body)


def _decision(row: Values) -> Decision:
    body, challenge = json.loads(row["body"]), row["challenge"]
    payment = Payment(
        transaction_id=row["transaction_id"],
        type=body["type"],
        amount_minor=body["amount_minor"],
        currency=body["currency"],
        payee=Payee(*body["payee"]),
        subject=Subject(row["client"], row["user_id"]),
    )
    return Decision(
        id=row["id"],
        status=Status(row["status"]),
        level=body["level"],
        payment=payment,
        binding=Binding(row["binding"]),
        inputs=body["inputs"],
        reasons=tuple(body["reasons"]),
        fired=tuple(body["fired"]),
        policy=PolicyRef(*body["policy"]),
        novelty=body["novelty"],
        created_at=from_millis(row["created_at"]),
        expires_at=from_millis(row["expires_at"]),
        exemption=body["exemption"],
        device_id=body["device_id"],
        locale=body["locale"],
        passed=Passed.among(body),
        missing=tuple(body["missing"]),
        declined=body.get("declined"),
        suspended="suspended" in body,
        possible_from=from_millis(body["possible_from"]) if "possible_from" in body else None,
        habit=Habit.of(body.get("habit")),
        gait=Likeness(body["gait"]) if "gait" in body else None,
        warning=Warned.of(body.get("warning")),
        proofs=tuple(body["proofs"]),
        evidence=body["evidence"],
        challenge=None if challenge is None else _challenge(challenge),
        receipt=None if row["receipt"] is None else _receipt(row),
        version=row["version"],
    )


def _receipt(row: Values) -> ReceiptRef:
    consumed_at = row["consumed_at"]
    return ReceiptRef(
        row["receipt"],
        row["receipt_jti"],
        from_millis(row["receipt_expires_at"]),
        None if consumed_at is None else from_millis(consumed_at),
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
