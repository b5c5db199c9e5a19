"""The account desk: enrolment tickets, devices, consents, freeze and unfreeze, erasure and export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from authsvc.access import ApiKey, must_open, object_token
from authsvc.account import Account, AccountStatus
from authsvc.biometric import Modality
from authsvc.clock import rfc3339
from authsvc.desk import Desk, act
from authsvc.device.credential import Device, DeviceState
from authsvc.enrolling import EnrollmentStep, Ticket
from authsvc.errors import CaptureUnusable, InvalidRequest, NotFound, ProofRequired, Unauthenticated
from authsvc.events import Event
from authsvc.factor import Factor, Json, Submission, Unusable
from authsvc.hints import hints_view
from authsvc.once import Answer, Once
from authsvc.stepup import ACCOUNT_ACTS
from authsvc.store import Transaction
from authsvc.subject import Subject
from authsvc.views import account_view, consent_view, decision_view, device_view, enrollment_view, ticket_view

DECISIONS_IN_EXPORT = 1000


class EnrollmentDesk(Desk):
    def create_enrollment(
        self,
        key: ApiKey,
        once: Once,
        user_id: str,
        locale: str,
        proof: str | None,
        return_url: str | None = None,
    ) -> Answer:
        """A ticket. Whoever has factors already needs `proof`: a receipt for an `enrollment` at their highest level."""
        subject = Subject(key.client, user_id)

        def effect(tx: Transaction, now: datetime) -> Answer:
            account = tx.accounts.find(subject)
            if account is not None and account.factors:
                self._use_proof(tx, key, account, proof, "enrollment", now)
            ticket = self._parts.enrolling.open(tx, subject, locale, return_url, now)
            token = object_token(self._parts.macs, "et", ticket.id)
            return Answer.of(ticket_view(ticket, token, f"{self._parts.base_url}/e/{ticket.id}"))

        return self._once(key, once, effect)

    def enrollment(self, enrollment_id: str, token: str) -> Json:
        ticket = self._ticket(enrollment_id, token)
        enrolling = self._parts.enrolling
        return enrollment_view(
            ticket, enrolling.offered(), enrolling.done(ticket), enrolling.consented(ticket)
        )

    def begin_enrollment_step(self, enrollment_id: str, token: str, step: str, fields: Json) -> Json:
        ticket = self._ticket(enrollment_id, token)
        return self._parts.enrolling.begin(ticket, EnrollmentStep(step))

    def answer_enrollment_step(
        self, enrollment_id: str, token: str, step: str, submission: Submission
    ) -> Json:
        """Take a step's evidence; raises CaptureUnusable with what the person can do better."""
        ticket = self._ticket(enrollment_id, token)
        answer = self._parts.enrolling.answer(ticket, EnrollmentStep(step), submission)
        if isinstance(answer, Unusable):
            raise CaptureUnusable(
                "the capture cannot be used", hints=hints_view(Factor(step), answer, ticket.locale)
            )
        return answer

    def complete_enrollment(self, enrollment_id: str, token: str) -> Json:
        return self._parts.enrolling.complete(self._ticket(enrollment_id, token))

    def _ticket(self, enrollment_id: str, token: str) -> Ticket:
        must_open(self._parts.macs, "et", enrollment_id, token)
        try:
            return self._parts.enrolling.find(enrollment_id)
        except NotFound:
            raise Unauthenticated("the token does not open this object") from None

    def _use_proof(
        self, tx: Transaction, key: ApiKey, account: Account, proof: str | None, kind: str, now: datetime
    ) -> None:
        """Use up a receipt that this very user earned for this kind of account change."""
        if proof is None:
            raise ProofRequired(
                f"decide a transaction of type `{kind}` first, and send its receipt as `proof`"
            )
        claims = self._parts.receipts.read(proof, key.client, now)
        decision = tx.decisions.find(str(claims["decision"]))
        if (
            decision is None
            or kind not in ACCOUNT_ACTS
            or decision.payment.type != kind
            or decision.payment.subject != account.subject
            or claims["acr"] != decision.level
            or not tx.decisions.consume(decision.id, str(claims["jti"]), now)
        ):
            raise ProofRequired(f"the receipt is not an unused proof of this user for `{kind}`")


class AccountDesk(EnrollmentDesk):
    def devices(self, key: ApiKey, user: str) -> Json:
        now = self._clock.now()
        devices = self._ledger.read(lambda tx: tx.accounts.devices(self._existing(tx, key, user).subject))
        return {"devices": [device_view(device, now) for device in devices]}

    def device(self, key: ApiKey, user: str, device_id: str) -> Json:
        return device_view(
            self._ledger.read(lambda tx: self._device(tx, key, user, device_id)), self._clock.now()
        )

    def rename_device(self, key: ApiKey, user: str, device_id: str, name: str) -> Json:
        return self._change_device(key, user, device_id, "device.rename", lambda device: device.renamed(name))

    def revoke_device(self, key: ApiKey, user: str, device_id: str) -> Json:
        """Remove a device; its id stays on record and is never used again."""
        return self._change_device(key, user, device_id, "device.revoke", Device.revoked)

    def withdraw_biometric(self, key: ApiKey, user: str, modality: str) -> Json:
        """Withdraw consent and destroy the template; effective on the next request."""
        kind, now = Modality(modality), self._clock.now()

        def unit(tx: Transaction) -> None:
            account = self._existing(tx, key, user)
            tx.templates.forget(account.subject, kind)
            tx.templates.withdraw_consent(account.subject, kind, now)
            tx.accounts.save(account.withdrawn(Factor(kind.value)))
            tx.record(act("backend", "biometric.withdraw", account.subject, kind.value, "withdrawn", now))
            tx.publish(Event(f"subject:{kind}:withdrawn", account.subject, now))

        self._ledger.transact(unit)
        return {"modality": kind.value, "withdrawn_at": rfc3339(now)}

    def erase_user(self, key: ApiKey, user: str) -> Json:
        """Destroy the user's key, and so everything sealed under it; the audit position is the receipt for it."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Json:
            account = self._existing(tx, key, user)
            subject = account.subject
            for modality in Modality:
                tx.templates.forget(subject, modality)
                tx.templates.withdraw_consent(subject, modality, now)
            tx.codes.forget(subject)
            tx.credentials.forget(subject)
            tx.accounts.forget_devices(subject)
            tx.accounts.save(account.erased())
            chain, seq = tx.position()
            tx.record(act("backend", "user.erase", subject, user, "erased", now))
            tx.publish(Event("subject:erased", subject, now))
            return {"user_id": user, "erased_at": rfc3339(now), "audit": {"chain": chain, "seq": seq}}

        return self._ledger.transact(unit)

    def export_user(self, key: ApiKey, user: str) -> Json:
        """Everything kept about a user, for that user: no template and no secret is ever exported."""
        now = self._clock.now()

        def query(tx: Transaction) -> Json:
            account = self._existing(tx, key, user)
            subject = account.subject
            decisions = tx.decisions.of_user(subject, DECISIONS_IN_EXPORT)
            return {
                "user": account_view(account, now),
                "devices": [device_view(device, now) for device in tx.accounts.devices(subject)],
                "consents": [consent_view(consent) for consent in tx.templates.consents(subject)],
                "decisions": [decision_view(replace(each, receipt=None), None, None) for each in decisions],
                "exported_at": rfc3339(now),
            }

        return self._ledger.read(query)

    def freeze(self, key: ApiKey, user: str, reason: str) -> Json:
        """Deny everything for this user from the next request on, whichever worker gets it."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Json:
            account = tx.accounts.save(self._existing(tx, key, user).frozen())
            tx.record(act("backend", "user.freeze", account.subject, user, "frozen", now, why=reason))
            tx.publish(Event("subject:frozen", account.subject, now, {"reason": reason}))
            return account_view(account, now)

        return self._ledger.transact(unit)

    def unfreeze(self, key: ApiKey, user: str, proof: str | None, operators: Sequence[str]) -> Json:
        """Take decisions again: upon a receipt at the user's highest level, or the word of two operators."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Json:
            account = self._existing(tx, key, user)
            if len({name.strip().casefold() for name in operators if name.strip()}) < 2:
                self._use_proof(tx, key, account, proof, "unfreeze", now)
            account = tx.accounts.save(account.unfrozen())
            who = sorted(operators) or None
            tx.record(act("backend", "user.unfreeze", account.subject, user, "active", now, operators=who))
            tx.publish(Event("subject:unfrozen", account.subject, now))
            return account_view(account, now)

        return self._ledger.transact(unit)

    def user_status(self, key: ApiKey, user: str) -> Json:
        account = self._ledger.read(lambda tx: self._existing(tx, key, user))
        return account_view(account, self._clock.now())

    def set_user_status(self, key: ApiKey, user: str, verify_always: bool) -> Json:
        """The user's own switch: with `verify_always` no payment is exempted for its low value."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Account:
            account = self._existing(tx, key, user)
            tx.record(
                act("backend", "user.verify-always", account.subject, user, str(verify_always).lower(), now)
            )
            return tx.accounts.save(replace(account, verify_always=verify_always))

        return account_view(self._ledger.transact(unit), now)

    def _existing(self, tx: Transaction, key: ApiKey, user: str) -> Account:
        account = tx.accounts.find(Subject(key.client, user))
        if account is None or account.status is AccountStatus.ERASED:
            raise NotFound("no such user")
        return account

    def _device(self, tx: Transaction, key: ApiKey, user: str, device_id: str) -> Device:
        _, device = tx.accounts.find_with_device(self._existing(tx, key, user).subject, device_id)
        if device is None:
            raise NotFound("no such device")
        return device

    def _remove_keys(self, tx: Transaction, device: Device) -> None:
        """A removed device's keys go with it; with the last key goes the factor."""
        tx.credentials.remove_of_device(device.subject, device.id)
        account = tx.accounts.find(device.subject)
        if account is not None and not tx.credentials.live(device.subject):
            tx.accounts.save(account.withdrawn(Factor.DEVICE_UV, Factor.DEVICE_KEY))

    def _change_device(
        self, key: ApiKey, user: str, device_id: str, action: str, change: Callable[[Device], Device]
    ) -> Json:
        now = self._clock.now()

        def unit(tx: Transaction) -> Device:
            device = self._device(tx, key, user, device_id)
            if device.state is DeviceState.REVOKED:
                raise InvalidRequest("the device was removed")
            changed = tx.accounts.save_device(change(device))
            if changed.state is DeviceState.REVOKED:
                self._remove_keys(tx, changed)
            tx.record(act("backend", action, device.subject, device_id, changed.state.value, now))
            if changed.state is DeviceState.REVOKED:
                tx.publish(Event("subject:device:revoked", device.subject, now, {"device": device_id}))
            return changed

        return device_view(self._ledger.transact(unit), now)
