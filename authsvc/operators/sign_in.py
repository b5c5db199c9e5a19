"""An operator signs in: with a device key that verifies its user, or with an app's code and a sign-in key.

Both are two factors, and there is no password to guess, reuse or fish for. An attempt is counted before it is judged, and a
wrong key, a wrong code, an unknown name and a locked operator are one answer that takes one time: Unauthenticated.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from authsvc.attempts import CONSECUTIVE_LIMIT
from authsvc.audit.chain import Entry, entry
from authsvc.device.assertion import Expected, verify_assertion
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refusal, Refused
from authsvc.device.response import AssertionResponse, base64url, unbase64url
from authsvc.device.webauthn import Offer, request_options
from authsvc.errors import Unauthenticated
from authsvc.factor import Json
from authsvc.operators.account import LONGEST_NAME, OperatorAccount, OperatorState, name_key
from authsvc.operators.joining import SIGN_IN_LABEL, sign_in_digest
from authsvc.operators.parts import OperatorParts, actor_of
from authsvc.operators.session import LONGEST, Means, Session, SessionKind
from authsvc.operators.store import OperatorTransaction
from authsvc.operators.token import SESSION, Kind
from authsvc.operators.waiting import VISIT_LIFE, Waiting
from authsvc.otp import matching_step, strict_code

CHALLENGE_BYTES = 32
STRANGER = "stranger"
"""Who is named in the audit where nobody of that name is known. The name as typed may be a secret in the wrong field."""

WHILE_LOCKED = "while-locked"

_SIGN_IN_KEY = Kind("", SIGN_IN_LABEL)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """`account` is None for a name that nobody has; `admitted` says whether the attempt may be judged."""

    account: OperatorAccount | None
    means: Means
    scope: str
    charged_at: datetime
    admitted: bool


class SignIn:
    """`visit` is a secret of the browser's own, which ties its requests together until it is signed in."""

    def __init__(self, parts: OperatorParts) -> None:
        self._parts = parts
        self._ledger = parts.ledger
        self._clock = parts.clock
        self._waiting = Waiting(parts.ephemeral, parts.box)

    def name(self, visit: str, typed: str) -> None:
        """Remember who says they are signing in. Nothing is looked up yet, so nothing can be learned."""
        self._waiting.put(visit, "name", {"name": " ".join(typed.split())[:LONGEST_NAME]}, VISIT_LIFE)

    def named(self, visit: str) -> str | None:
        """The name that was typed, None where none was or too long ago."""
        kept = self._waiting.look(visit, "name")
        return None if kept is None else str(kept["name"])

    # -- With a device key ------------------------------------------------------------------------------------------

    def begin_key(self, visit: str) -> Json:
        """Options for `navigator.credentials.get()`: the operator's keys, or one that nobody has and that never changes."""
        self._waiting.count_sign_in()
        name = self._name(visit)
        keys = self._ledger.read(lambda tx: tx.operators.keys(_id(_active(tx, name))))
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        offered = [Offer(each.id, each.transports) for each in keys] or [self._decoy(name)]
        self._waiting.put(visit, "key", {"challenge": base64url(challenge)})
        return {"publicKey": request_options(self._parts.party, challenge, offered, user_verification=True)}

    def finish_key(self, visit: str, credential: Json) -> str:
        """The secret of a new session, for a good assertion."""
        name = self._name(visit)
        kept = self._waiting.take(visit, "key")
        if kept is None:
            raise Unauthenticated("the device took too long to answer, or its answer came already")
        attempt = self._charge(name, Means.DEVICE_KEY)
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
        self._waiting.count_sign_in()
        typed, name = strict_code(code), self._name(visit)
        attempt = self._charge(name, Means.APP)
        account = attempt.account
        secret = (
            None if account is None else self._ledger.read(lambda tx: tx.operators.app_secret(account.id))
        )
        # Everything is computed, with no early exit: how long it takes says nothing about what was wrong.
        step = matching_step(secret, typed, self._clock.now())
        digest = sign_in_digest(sign_in_key).decode()
        knows_key = _SIGN_IN_KEY.matches(
            self._parts.macs, digest, None if account is None else account.sign_in_mac
        )

        def use(tx: OperatorTransaction) -> str | None:
            if step is None or not knows_key or account is None:
                return "wrong"
            return None if tx.operators.use_app_step(account.id, step) else "code-used"

        return self._settle(attempt, use)

    # -- What both share --------------------------------------------------------------------------------------------

    def _charge(self, name: str, means: Means) -> _Attempt:
        """Count an attempt before it is judged, in a transaction of its own, so that nothing hands it back by failing."""
        now = self._clock.now()

        def unit(tx: OperatorTransaction) -> _Attempt:
            account = _active(tx, name)
            scope = self._scope(account, name, means)
            before = tx.sessions.counter(scope)
            if not before.is_locked(now):
                tx.sessions.save_counter(scope, before, before.charge(now, CONSECUTIVE_LIMIT))
                return _Attempt(account, means, scope, now, True)
            # Counted as well, apart from what decides: a lock-out that wrote nothing would be told by its speed.
            refused = f"{scope}:{WHILE_LOCKED}"
            before = tx.sessions.counter(refused)
            tx.sessions.save_counter(refused, before, replace(before, consecutive=before.consecutive + 1))
            return _Attempt(account, means, scope, now, False)

        return self._ledger.transact(unit)

    def _settle(self, attempt: _Attempt, use: Callable[[OperatorTransaction], str | None]) -> str:
        """Use the proof up and open a session, or write down why not; `use` answers what was wrong, None for nothing."""
        now = self._clock.now()
        session_id, shown, mac = SESSION.new(self._parts.macs)

        def unit(tx: OperatorTransaction) -> bool:
            account = attempt.account
            wrong = use(tx) if attempt.admitted else "locked"
            if wrong is not None or account is None:
                tx.record(_refused(attempt, wrong or "wrong", now))
                return False
            before = tx.sessions.counter(attempt.scope)
            tx.sessions.save_counter(attempt.scope, before, before.hand_back(attempt.charged_at))
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
            return None if counted else Refusal.SIGN_COUNT.value

        return use

    def _name(self, visit: str) -> str:
        name = self.named(visit)
        if name is None:
            raise Unauthenticated("the sign-in took too long; begin again")
        return name

    def _scope(self, account: OperatorAccount | None, name: str, means: Means) -> str:
        """Which counter is charged. Names that nobody has share a few, so that a stranger fills no table."""
        if account is not None:
            return f"{account.id}:{means}"
        return f"{STRANGER}-{self._parts.macs.mac('operator-stranger', name_key(name).encode())[0]}:{means}"

    def _decoy(self, name: str) -> Offer:
        mac = self._parts.macs.mac("operator-decoy-credential", name_key(name).encode())
        return Offer(base64url(mac), ("internal",))


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
