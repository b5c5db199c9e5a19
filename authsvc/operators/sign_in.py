"""An operator signs in: with a device key that verifies its user, or with an app's code and a sign-in key.

Both are two factors, and there is no password to guess, reuse or fish for. A wrong key, a wrong code, an unknown name and an
operator who has to wait are one answer that takes one time: Unauthenticated. A code is counted before it is judged; a device
key's assertion, which nobody guesses, is always judged, at the rate that its source is allowed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from authsvc.audit.chain import Entry, entry
from authsvc.device.assertion import Expected, verify_assertion
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refusal, Refused
from authsvc.device.response import AssertionResponse, base64url, unbase64url
from authsvc.device.webauthn import Offer, request_options
from authsvc.domain.attempts import Counter
from authsvc.errors import Unauthenticated
from authsvc.factor import Json
from authsvc.operators.account import LONGEST_NAME, OperatorAccount, OperatorState, name_key
from authsvc.operators.decoy import decoy_keys
from authsvc.operators.joining import SIGN_IN_LABEL, sign_in_digest
from authsvc.operators.parts import OperatorParts, actor_of
from authsvc.operators.session import LONGEST, Means, Session, SessionKind
from authsvc.operators.slowing import charged, mark_of_known_browser, source_of
from authsvc.operators.store import OperatorTransaction
from authsvc.operators.token import SESSION, Kind
from authsvc.operators.waiting import VISIT_LIFE, Waiting
from authsvc.otp import base32_readings, matching_step, strict_code

CHALLENGE_BYTES = 32
STRANGER = "stranger"
"""Who is named in the audit where nobody of that name is known. The name as typed may be a secret in the wrong field."""

WHILE_WAITING = "while-waiting"

_SIGN_IN_KEY = Kind("", SIGN_IN_LABEL)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """`account` is None for a name that nobody has; `admitted` says whether the attempt may be judged.

    `scope` is what was charged, None where nothing is.
    """

    account: OperatorAccount | None
    means: Means
    scope: str | None = None
    admitted: bool = True


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Who says they are signing in, and from where."""

    name: str
    source: str


class SignIn:
    """`visit` is a secret of the browser's own, which ties its requests together until it is signed in."""

    def __init__(self, parts: OperatorParts) -> None:
        self._parts = parts
        self._ledger = parts.ledger
        self._clock = parts.clock
        self._waiting = Waiting(parts.ephemeral, parts.box)

    def source(self, mark: str, address: str) -> str:
        """Where somebody comes from, by the mark that `mark` gave their browser and by their network address."""
        return source_of(self._parts.macs, mark, address)

    def mark(self) -> str:
        """What a browser keeps that has signed in: from then on it is a source of its own."""
        return mark_of_known_browser(self._parts.macs)

    def name(self, visit: str, typed: str, source: str) -> None:
        """Remember who says they are signing in. Nothing is looked up yet, so nothing can be learned."""
        known = {"name": " ".join(typed.split())[:LONGEST_NAME], "source": source}
        self._waiting.put(visit, "name", known, VISIT_LIFE)

    def named(self, visit: str) -> str | None:
        """The name that was typed, None where none was or too long ago."""
        kept = self._waiting.look(visit, "name")
        return None if kept is None else str(kept["name"])

    # -- With a device key ------------------------------------------------------------------------------------------

    def begin_key(self, visit: str) -> Json:
        """Options for `navigator.credentials.get()`: the operator's keys, or one that nobody has and that never changes."""
        name = self._visitor(visit).name
        keys = self._ledger.read(lambda tx: tx.operators.keys(_id(_active(tx, name))))
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        offered = [Offer(each.id, each.transports) for each in keys]
        # Drawn in every case, so that it takes its time in every case.
        decoys = decoy_keys(self._parts.macs, name_key(name))
        offered = offered or list(decoys)
        self._waiting.put(visit, "key", {"challenge": base64url(challenge)})
        return {"publicKey": request_options(self._parts.party, challenge, offered, user_verification=True)}

    def finish_key(self, visit: str, credential: Json) -> str:
        """The secret of a new session, for a good assertion."""
        name = self._visitor(visit).name
        kept = self._waiting.take(visit, "key")
        if kept is None:
            raise Unauthenticated("the device took too long to answer, or its answer came already")
        attempt = _Attempt(self._ledger.read(lambda tx: _active(tx, name)), Means.DEVICE_KEY)
        keys = self._ledger.read(lambda tx: tx.operators.keys(_id(attempt.account)))
        try:
            use = self._judged(keys, unbase64url(kept["challenge"], CHALLENGE_BYTES), credential)
        except Refused as refused:
            reason = refused.code.value
            return self._settle(attempt, lambda tx: reason)
        return self._settle(attempt, use)

    # -- With an app and a sign-in key ------------------------------------------------------------------------------

    def by_app(self, visit: str, sign_in_key: str, code: str) -> str:
        """The secret of a new session, for the app's code and the sign-in key; raises InvalidRequest for what is no code."""
        typed, name = strict_code(code), self._visitor(visit).name
        account = self._ledger.read(lambda tx: _active(tx, name))
        # Everything is computed, with no early exit: how long it takes says nothing about what was wrong.
        expected = None if account is None else account.sign_in_mac
        digests = [sign_in_digest(reading).decode() for reading in base32_readings(sign_in_key)]
        found = [_SIGN_IN_KEY.matches(self._parts.macs, each, expected) for each in digests]
        knows_key = any(found)
        attempt = self._charge(account, name, knows_key=knows_key)
        secret = self._ledger.read(lambda tx: tx.operators.app_secret(_id(account)))
        step = matching_step(secret, typed, self._clock.now())

        def use(tx: OperatorTransaction) -> str | None:
            if step is None or not knows_key or account is None:
                return "wrong"
            return None if tx.operators.use_app_step(account.id, step) else "code-used"

        return self._settle(attempt, use)

    # -- What both share --------------------------------------------------------------------------------------------

    def _charge(self, account: OperatorAccount | None, name: str, *, knows_key: bool) -> _Attempt:
        """Count a code before it is judged, in a transaction of its own, so that nothing hands it back by failing.

        Without the sign-in key nothing is charged to the operator, and something else in its place.
        """
        now = self._clock.now()
        scope = self._scope(account if knows_key else None, name)

        def unit(tx: OperatorTransaction) -> _Attempt:
            before = tx.sessions.counter(scope)
            if not knows_key or not before.is_locked(now):
                tx.sessions.save_counter(scope, before, charged(before, now))
                return _Attempt(account, Means.APP, scope)
            # Counted as well, apart from what decides: a refusal that wrote nothing would be told by its speed.
            refused = f"{scope}:{WHILE_WAITING}"
            before = tx.sessions.counter(refused)
            tx.sessions.save_counter(refused, before, replace(before, consecutive=before.consecutive + 1))
            return _Attempt(account, Means.APP, scope, admitted=False)

        return self._ledger.transact(unit)

    def _settle(self, attempt: _Attempt, use: Callable[[OperatorTransaction], str | None]) -> str:
        """Use the proof up and open a session, or write down why not; `use` returns what was wrong, None for nothing."""
        now = self._clock.now()
        session_id, shown, mac = SESSION.new(self._parts.macs)

        def unit(tx: OperatorTransaction) -> bool:
            account = attempt.account
            wrong = use(tx) if attempt.admitted else "waiting"
            if wrong is not None or account is None:
                tx.record(_refused(attempt, wrong or "wrong", now))
                return False
            if attempt.scope is not None:
                tx.sessions.save_counter(attempt.scope, tx.sessions.counter(attempt.scope), Counter())
            tx.sessions.add(_session(session_id, account, attempt.means, mac, now))
            actor = actor_of(account.id)
            tx.record(
                entry(
                    actor, "operator.sign-in", None, session_id, "signed-in", now, means=attempt.means.value
                )
            )
            return True

        if not self._ledger.transact(unit):
            raise Unauthenticated("the sign-in was not accepted")
        return shown

    def _judged(
        self, keys: tuple[CredentialRecord, ...], challenge: bytes, credential: Json
    ) -> Callable[[OperatorTransaction], str | None]:
        """How a good assertion is used up; raises Refused for any other."""
        response = AssertionResponse.read(credential)
        record = next((each for each in keys if each.id == response.id), None)
        if record is None:
            raise Refused(Refusal.NOT_OFFERED)
        expected = Expected(challenge, user_verification=True)
        assertion = verify_assertion(self._parts.party, record, response, expected)
        operator_id, now = record.subject.user, self._clock.now()

        def use(tx: OperatorTransaction) -> str | None:
            counted = tx.operators.use_key(
                operator_id, record.id, assertion.sign_count, assertion.backed_up, now
            )
            if not counted:
                return Refusal.SIGN_COUNT.value
            if assertion.backup_eligible and tx.operators.key_synced(operator_id, record.id):
                actor = actor_of(operator_id)
                tx.record(entry(actor, "operator.key-synced", None, record.id, "synced", now))
            return None

        return use

    def _visitor(self, visit: str) -> _Visitor:
        """Who is here, one of those whom their source is allowed in a minute; raises RateLimited."""
        kept = self._waiting.look(visit, "name")
        if kept is None:
            raise Unauthenticated("the sign-in took too long; begin again")
        visitor = _Visitor(str(kept["name"]), str(kept["source"]))
        self._waiting.count_sign_in(visitor.source)
        return visitor

    def _scope(self, account: OperatorAccount | None, name: str) -> str:
        """Which counter is charged. Without an operator it is one of a few, so that a stranger fills no table."""
        if account is not None:
            return f"{account.id}:{Means.APP}:code"
        return (
            f"{STRANGER}-{self._parts.macs.mac('operator-stranger', name_key(name).encode())[0]}:{Means.APP}"
        )


def _active(tx: OperatorTransaction, name: str) -> OperatorAccount | None:
    account = tx.operators.named(name_key(name))
    return account if account is not None and account.state is OperatorState.ACTIVE else None


def _id(account: OperatorAccount | None) -> str:
    """The operator's id; for nobody one that nobody has, so that the same is asked of the store."""
    return "" if account is None else account.id


def _session(session_id: str, account: OperatorAccount, means: Means, mac: bytes, now: datetime) -> Session:
    return Session(
        id=session_id,
        kind=SessionKind.BROWSER,
        operator=account.as_operator(),
        means=means,
        mac=mac,
        created_at=now,
        seen_at=now,
        expires_at=now + LONGEST,
    )


def _refused(attempt: _Attempt, reason: str, now: datetime) -> Entry:
    who = STRANGER if attempt.account is None else attempt.account.id
    actor = STRANGER if attempt.account is None else actor_of(who)
    return entry(
        actor, "operator.sign-in", None, who, "refused", now, means=attempt.means.value, reason=reason
    )
