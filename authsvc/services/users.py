"""Users, for a payment backend: their devices, consents and account, erasure and export included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from authsvc.biometric.words import Modality
from authsvc.clock import rfc3339
from authsvc.device.credential import Device
from authsvc.domain import account_acts as acts
from authsvc.domain.account import Account
from authsvc.domain.account_proof import use_proof
from authsvc.domain.decision import Decision
from authsvc.domain.payer import act_of
from authsvc.domain.sieve import Mark
from authsvc.domain.store import Transaction
from authsvc.errors import InvalidRequest
from authsvc.factor import Json
from authsvc.habit.described import described
from authsvc.keys.access import ApiKey
from authsvc.services.base import Service
from authsvc.services.views import (
    account_view,
    consent_view,
    consents_view,
    decision_view,
    device_view,
    erased_view,
    verification_views,
)
from authsvc.subject import Subject

ACTOR = "backend"
LARGEST_PAGE = 500
DECISIONS_IN_EXPORT = 1000


class UserService(Service):
    def devices(self, key: ApiKey, user: str) -> Json:
        now = self._clock.now()
        devices = self._ledger.read(lambda tx: tx.accounts.devices(_existing(tx, key, user).subject))
        return {"devices": [device_view(device, now) for device in devices]}

    def activity(self, key: ApiKey, user: str, before: str | None, limit: int) -> Json:
        """What this person was asked about, the latest first, as their own page shows it; ask again with `next` for more."""
        now, most = self._clock.now(), min(limit, LARGEST_PAGE)

        def query(tx: Transaction) -> Json:
            account = _existing(tx, key, user)
            latest = tx.decisions.asked_of_user(account.subject, most, _mark(tx, account, before))
            # An earlier account of the same name is somebody else's.
            asked = tuple(each for each in latest if account.knew(each.created_at))
            return {
                "verifications": verification_views(asked, tx.accounts.devices(account.subject), now),
                "next": asked[-1].id if len(asked) == most else None,
            }

        return self._ledger.read(query)

    def device(self, key: ApiKey, user: str, device_id: str) -> Json:
        found = self._ledger.read(lambda tx: acts.device_of(tx, _existing(tx, key, user), device_id))
        return device_view(found, self._clock.now())

    def rename_device(self, key: ApiKey, user: str, device_id: str, name: str) -> Json:
        now = self._clock.now()

        def unit(tx: Transaction) -> Device:
            return acts.rename_device(tx, _existing(tx, key, user), device_id, name, ACTOR, now)

        return device_view(self._ledger.transact(unit), now)

    def revoke_device(self, key: ApiKey, user: str, device_id: str) -> Json:
        """Remove a device; its id stays on record and is never used again."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Device:
            account, device = acts.revoke_device(tx, _existing(tx, key, user), device_id, ACTOR, now)
            tx.accounts.save(account)
            return device

        return device_view(self._ledger.transact(unit), now)

    def withdraw_biometric(self, key: ApiKey, user: str, modality: str) -> Json:
        """Withdraw consent and destroy the template; effective on the next request."""
        kind, now = Modality(modality), self._clock.now()

        def unit(tx: Transaction) -> None:
            tx.accounts.save(acts.withdraw_biometric(tx, _existing(tx, key, user), kind, ACTOR, now))

        self._ledger.transact(unit)
        return {"modality": kind.value, "withdrawn_at": rfc3339(now)}

    def erase(self, key: ApiKey, user: str) -> Json:
        """Destroy the user's key, and so everything sealed under it; returns a signed receipt for it.

        A frozen account is unfrozen first: erased and enrolled again, it would be nobody's freeze any more.
        """
        now = self._clock.now()

        def unit(tx: Transaction) -> Json:
            account = _existing(tx, key, user).must_be_active()
            position = acts.erase(tx, account, ACTOR, now)
            receipt = self._parts.issuer.erased(account.subject, position, now)
            return erased_view(account.subject, position, receipt, now)

        return self._ledger.transact(unit)

    def export(self, key: ApiKey, user: str) -> Json:
        """Everything kept about a user, for that user: no template and no secret is ever exported."""
        now = self._clock.now()

        def query(tx: Transaction) -> Json:
            account = _existing(tx, key, user)
            subject = account.subject
            decisions = tx.decisions.of_user(subject, DECISIONS_IN_EXPORT)
            return {
                "user": account_view(account, now),
                "devices": [device_view(device, now) for device in tx.accounts.devices(subject)],
                "consents": consents_view(tx.templates.consents(subject)),
                "habits": _habits(tx, account, decisions, now),
                "gait": _gait(tx, subject),
                "decisions": [decision_view(replace(each, receipt=None), None, None) for each in decisions],
                "exported_at": rfc3339(now),
            }

        return self._ledger.read(query)

    def freeze(self, key: ApiKey, user: str, reason: str) -> Json:
        """Deny everything for this user from the next request on, whichever worker gets it."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Account:
            return acts.freeze(tx, _existing(tx, key, user), reason, ACTOR, now)

        return account_view(self._ledger.transact(unit), now)

    def unfreeze(self, key: ApiKey, user: str, proof: str | None, operators: Sequence[str]) -> Json:
        """Take decisions again: upon a receipt at the user's highest level, or two operators' word, which lifts locks."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Json:
            account = _existing(tx, key, user)
            vouching = acts.two_operators(operators)
            if not vouching:
                use_proof(tx, self._parts.receipts, account, proof, "unfreeze", now)
            return account_view(acts.unfreeze(tx, account, ACTOR, now, operators=vouching), now)

        return self._ledger.transact(unit)

    def restore_device(
        self, key: ApiKey, user: str, device_id: str, proof: str | None, operators: Sequence[str]
    ) -> Json:
        """Take a suspended device back: upon a receipt at the strongest level that is enrolled, or two operators' word."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Device:
            account = _existing(tx, key, user).must_be_active()
            vouching = acts.two_operators(operators)
            if not vouching:
                use_proof(tx, self._parts.receipts, account, proof, "restore", now)
            return acts.restore_device(tx, account, device_id, ACTOR, now, operators=vouching)

        return device_view(self._ledger.transact(unit), now)

    def status(self, key: ApiKey, user: str) -> Json:
        account = self._ledger.read(lambda tx: _existing(tx, key, user))
        return account_view(account, self._clock.now())

    def set_status(self, key: ApiKey, user: str, verify_always: bool) -> Json:
        """The user's own switch: with `verify_always` no payment is exempted for its low value."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Account:
            return acts.set_verify_always(tx, _existing(tx, key, user), verify_always, ACTOR, now)

        return account_view(self._ledger.transact(unit), now)


def _habits(tx: Transaction, account: Account, decisions: Sequence[Decision], now: datetime) -> Json | None:
    habits = tx.habits.find(account)
    return None if habits is None else described(habits, map(act_of, decisions), now)


def _gait(tx: Transaction, subject: Subject) -> Json | None:
    """Consents, by which method a template was made, and how many recordings are told again; neither of these is handed out."""
    consents = [
        consent_view(each) for each in tx.templates.consents(subject) if each.modality is Modality.GAIT
    ]
    if not consents:
        return None
    stored = tx.templates.find(subject, Modality.GAIT)
    return {
        "consents": consents,
        "model": None if stored is None else stored.template.model,
        "recordings": len(tx.templates.captures(subject, Modality.GAIT)),
    }


def _mark(tx: Transaction, account: Account, before: str | None) -> Mark | None:
    """The place of the decision that was listed last; raises InvalidRequest for one of somebody else."""
    if before is None:
        return None
    last = tx.decisions.find(before)
    if last is None or last.payment.subject != account.subject:
        raise InvalidRequest("`before` must be a cursor that was answered as `next`")
    return Mark(last.created_at, last.id)


def _existing(tx: Transaction, key: ApiKey, user: str) -> Account:
    return acts.existing(tx, Subject(key.client, user))
