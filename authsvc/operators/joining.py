"""An invited operator registers what they will sign in with: a device key, or an authenticator app and a sign-in key.

The invitation is used up in the transaction that stores it. What was wrong with a device key is for the audit.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from authsvc.audit.chain import entry
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refused
from authsvc.device.registration import begin_registration, finish_registration
from authsvc.errors import ChallengeClosed, ChallengeFailed, InvalidRequest, Unauthenticated
from authsvc.factor import Json
from authsvc.operators.account import OperatorAccount, OperatorState, key_owner
from authsvc.operators.invitation import Invitation
from authsvc.operators.parts import OperatorParts, actor_of
from authsvc.operators.store import OperatorTransaction
from authsvc.operators.token import INVITATION
from authsvc.operators.waiting import VISIT_LIFE, Waiting
from authsvc.otp import AppSecret, matching_step, strict_code
from authsvc.subject import Subject

SIGN_IN_KEY_BYTES = 15
"""120 bits: six groups of four letters and digits."""

CODES_PER_VISIT = 10


class Joining:
    """`invitation` is the secret `oi_…` in every call; the browser that brought it keeps it in a cookie."""

    def __init__(self, parts: OperatorParts) -> None:
        self._parts = parts
        self._ledger = parts.ledger
        self._clock = parts.clock
        self._issuer = f"{parts.display_name} console"
        self._waiting = Waiting(parts.ephemeral, parts.box)

    def invited(self, invitation: str) -> OperatorAccount:
        """Whom this invitation is for; raises Unauthenticated for one that is unknown, used, withdrawn or too old."""
        now = self._clock.now()
        return self._ledger.read(lambda tx: self._opened(tx, invitation, now))[1]

    def begin_key(self, invitation: str) -> Json:
        """Options for `navigator.credentials.create()`."""
        account = self.invited(invitation)
        account_name = Subject("", account.name)
        begun = begin_registration(self._parts.party, account_name, (), self._clock.now())
        self._waiting.put(invitation, "key", begun.kept)
        return begun.sent

    def finish_key(self, invitation: str, credential: Json) -> OperatorAccount:
        """Store the key that was made; raises InvalidRequest for one that cannot be used."""
        account, now = self.invited(invitation), self._clock.now()
        kept = self._waiting.take(invitation, "key")
        if kept is None:
            raise InvalidRequest("the device took too long to answer; begin again")
        try:
            owner = key_owner(account.id)
            made = finish_registration(self._parts.party, kept, credential, owner, account.id, now)
        except Refused as refused:
            self._record_refusal(account, refused.code.value, now)
            raise InvalidRequest("this device key cannot be used") from None
        return self._take_up(invitation, "device-key", now, lambda tx, found: _with_key(tx, found, made))

    def begin_app(self, invitation: str) -> AppSecret:
        """A new secret for an authenticator app, the same for as long as the page is looked at."""
        account = self.invited(invitation)
        kept = self._waiting.look(invitation, "app")
        if kept is None:
            secret = AppSecret.new(account.name, self._issuer)
            raw = base64.b64encode(secret.raw).decode()
            self._waiting.put(invitation, "app", {"raw": raw}, VISIT_LIFE)
            return secret
        return AppSecret(base64.b64decode(str(kept["raw"])), account.name, self._issuer)

    def finish_app(self, invitation: str, code: str) -> str:
        """Store the app's secret once a code proves that it arrived; returns the sign-in key, shown this once.

        Raises ChallengeFailed for a code that is not the app's.
        """
        secret, now = self.begin_app(invitation), self._clock.now()
        typed = strict_code(code)
        # Charged before it is judged, so that parallel guesses cannot outrun the counter.
        self._waiting.count(invitation, "app", CODES_PER_VISIT)
        step = matching_step(secret.raw, typed, now)
        if step is None:
            raise ChallengeFailed("the code is not the app's current one")
        sign_in_key = new_sign_in_key()
        mac = self._parts.macs.mac(SIGN_IN_LABEL, sign_in_digest(sign_in_key))

        def store(tx: OperatorTransaction, account: OperatorAccount) -> OperatorAccount:
            tx.operators.put_app(account.id, secret.raw, step)
            return replace(account, sign_in_mac=mac)

        self._take_up(invitation, "app-and-sign-in-key", now, store)
        self._waiting.take(invitation, "app")
        return sign_in_key

    def _take_up(
        self,
        invitation: str,
        means: str,
        now: datetime,
        store: Callable[[OperatorTransaction, OperatorAccount], OperatorAccount],
    ) -> OperatorAccount:
        """Use the invitation up, and in the same transaction make of its operator one who can sign in."""

        def unit(tx: OperatorTransaction) -> OperatorAccount:
            found, account = self._opened(tx, invitation, now)
            if not tx.operators.use_invitation(found.id, now):
                raise ChallengeClosed("the invitation was taken up in the same moment")
            account = tx.operators.save(store(tx, account).become(OperatorState.ACTIVE))
            tx.record(
                entry(actor_of(account.id), "operator.join", None, account.id, "active", now, means=means)
            )
            return account

        return self._ledger.transact(unit)

    def _opened(
        self, tx: OperatorTransaction, invitation: str, now: datetime
    ) -> tuple[Invitation, OperatorAccount]:
        invitation_id, secret = INVITATION.split(invitation)
        found = tx.operators.invitation(invitation_id)
        matches = INVITATION.matches(self._parts.macs, secret, None if found is None else found.mac)
        account = None if found is None else tx.operators.find(found.operator_id)
        if found is None or account is None or not matches or not found.is_good(now):
            raise Unauthenticated("the invitation opens nothing")
        if account.state is not OperatorState.INVITED:
            raise Unauthenticated("the invitation opens nothing")
        return found, account

    def _record_refusal(self, account: OperatorAccount, reason: str, now: datetime) -> None:
        actor = actor_of(account.id)
        line = entry(
            actor, "operator.join", None, account.id, "refused", now, means="device-key", reason=reason
        )
        self._ledger.transact(lambda tx: tx.record(line))


SIGN_IN_LABEL = "operator-sign-in-key"


def new_sign_in_key() -> str:
    """120 bits in six groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(SIGN_IN_KEY_BYTES)).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def sign_in_digest(text: str) -> bytes:
    """What is MACed of a sign-in key, however it was typed."""
    return "".join(text.upper().replace("-", " ").split()).encode()


def _with_key(tx: OperatorTransaction, account: OperatorAccount, made: CredentialRecord) -> OperatorAccount:
    if not tx.operators.add_key(made):
        raise InvalidRequest("this device key is registered already")
    return account
