"""The device: a name, a secret that only the phone has, and a device key where the browser can make one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

from authsvc.audit.chain import entry
from authsvc.device.credential import LONGEST_NAME, Device, DeviceState, label
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refused
from authsvc.device.registration import begin_registration, finish_registration
from authsvc.device.rules import DeviceRules
from authsvc.domain.account import Account
from authsvc.domain.account_acts import with_keys_as_they_stand
from authsvc.domain.ids import new_id
from authsvc.domain.store import Ledger, Transaction
from authsvc.domain.ticket import EnrollmentStep, Ticket
from authsvc.enrolling.staging import bytes_of, text_of
from authsvc.enrolling.steps.step import Taken, When
from authsvc.errors import InvalidRequest
from authsvc.events import Event
from authsvc.factor import Begun, Json, Submission
from authsvc.keys.macs import Macs


class DeviceStep:
    """Registers the phone; with a key where the browser makes one."""

    step = EnrollmentStep.DEVICE
    # A registration challenge is used up by the first answer to it, good or bad.
    once = True

    def __init__(self, ledger: Ledger, rules: DeviceRules, macs: Macs) -> None:
        self._ledger = ledger
        self._rules = rules
        self._macs = macs

    def is_offered(self) -> bool:
        return True

    def begin(self, ticket: Ticket, now: datetime) -> Begun:
        live, handle = self._ledger.read(
            lambda tx: (tx.credentials.sound(ticket.subject), tx.credentials.user_handle(ticket.subject))
        )
        begun = begin_registration(
            self._rules.party,
            ticket.subject,
            live,
            now,
            account_name=ticket.display_name,
            user_handle=handle,
            attestation=self._rules.trusted is not None,
            pays=self._rules.confirmation is not None,
        )
        return Begun({"name_length": LONGEST_NAME, **begun.sent}, begun.kept)

    def take(self, ticket: Ticket, begun: Json, submission: Submission, now: datetime) -> Taken:
        name = submission.fields.get("name")
        if not isinstance(name, str):
            raise InvalidRequest("`name` must be the device's name")
        device_id, secret = new_id("dev"), f"ds_{secrets.token_urlsafe(32)}"
        mac = self._macs.mac("device-secret", secret.encode())
        staged: dict[str, object] = {"id": device_id, "name": label(name), "mac": text_of(mac)}
        credential = submission.fields.get("credential")
        if isinstance(credential, Mapping):
            made = _refusing(
                lambda: self._finished(ticket, begun, credential, device_id, now),
                lambda code: self._record_refusal(ticket, code, now),
            )
            staged["credential"] = made.to_json()
        elif credential is not None:
            raise InvalidRequest("`credential` must be the browser's credential as a JSON object")
        return Taken(staged, {"device": {"id": device_id, "secret": secret}})

    def apply(self, tx: Transaction, ticket: Ticket, account: Account, staged: Json, when: When) -> Account:
        tx.accounts.add_device(
            Device(
                subject=ticket.subject,
                id=str(staged["id"]),
                name=str(staged["name"]),
                state=DeviceState.ACTIVE,
                secret_mac=bytes_of(staged["mac"]),
                created_at=when.now,
                trusted_from=when.counts_from,
                seen_at=when.now,
            )
        )
        data = {"device": str(staged["id"]), **when.event_data()}
        tx.publish(Event("subject:device:enrolled", ticket.subject, when.now, data))
        credential = staged.get("credential")
        if not isinstance(credential, Mapping):
            return account
        if not tx.credentials.add(CredentialRecord.from_json(ticket.subject, credential)):
            raise InvalidRequest("this device key is registered already")
        return with_keys_as_they_stand(tx, account, when.now)

    def _finished(
        self, ticket: Ticket, begun: Json, credential: Json, device_id: str, now: datetime
    ) -> CredentialRecord:
        rules = self._rules
        return finish_registration(
            rules.party, begun, credential, ticket.subject, device_id, now, trusted=rules.trusted
        )

    def _record_refusal(self, ticket: Ticket, code: str, now: datetime) -> None:
        details = {"reason": code}
        line = entry("person", "enrollment.device", ticket.subject, ticket.id, "refused", now, **details)
        self._ledger.transact(lambda tx: tx.record(line))


def _refusing(register: Callable[[], CredentialRecord], record: Callable[[str], None]) -> CredentialRecord:
    """The key that was made; what was wrong with a refused one is for the audit, not for the browser."""
    try:
        return register()
    except Refused as refused:
        record(refused.code.value)
        raise InvalidRequest("this device key cannot be used") from None
