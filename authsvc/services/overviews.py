"""Overviews: what somebody sees of their own account, and what they may do about it: tighten, and remove."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from authsvc.audit.chain import entry
from authsvc.biometric.words import Modality
from authsvc.clock import rfc3339
from authsvc.device.credential import Device
from authsvc.domain import account_acts as acts
from authsvc.domain.account import Account
from authsvc.domain.decision import Decision
from authsvc.domain.ids import new_id
from authsvc.domain.once import Answer, Once
from authsvc.domain.overview import OVERVIEW_LIFE, Overview
from authsvc.domain.store import Transaction
from authsvc.errors import ChallengeClosed, NotFound, Unauthenticated
from authsvc.factor import Json
from authsvc.keys.access import ApiKey, must_open, object_token
from authsvc.keys.macs import Macs
from authsvc.services.base import Service
from authsvc.services.views import (
    account_view,
    device_view,
    disowned_view,
    overview_ticket_view,
    overview_view,
)
from authsvc.stepup.disowning import disown
from authsvc.subject import Subject

ACTOR = "person"
LATEST = 20
"""Verifications that a person is shown."""

FROZEN_BY_OWNER = "frozen by its owner"

Result = TypeVar("Result")


class OverviewService(Service):
    def create(self, key: ApiKey, once: Once, user_id: str, locale: str, return_url: str | None) -> Answer:
        """An overview for a user whom the backend has signed in; raises NotFound for somebody who never enrolled."""
        subject = Subject(key.client, user_id)

        def effect(tx: Transaction, now: datetime) -> Answer:
            acts.existing(tx, subject)
            overview = Overview(new_id("ovw"), subject, locale, return_url, now + OVERVIEW_LIFE)
            tx.overviews.add(overview, now)
            tx.record(entry("backend", "overview.open", subject, overview.id, "open", now))
            token = object_token(self._parts.macs, "vt", overview.id)
            url = f"{self._parts.base_url}/o/{overview.id}"
            return Answer.of(overview_ticket_view(overview, token, url))

        return self._once(key, once, effect)

    def find(self, overview_id: str, token: str) -> Json:
        now = self._clock.now()

        def query(tx: Transaction) -> Json:
            overview = opened(tx, self._parts.macs, overview_id, token, now)
            account = owner_of(tx, overview)
            devices = tx.accounts.devices(account.subject)
            consents = tx.templates.consents(account.subject)
            codes = tx.codes.recovery_codes_wait_until(account.subject, now)
            left = tx.codes.recovery_codes_left(account.subject, now)
            latest = tx.decisions.asked_of_user(account.subject, LATEST)
            asked = tuple(each for each in latest if account.knew(each.created_at))
            return overview_view(overview, account, devices, consents, codes, left, asked, now)

        return self._ledger.read(query)

    def verify_always(self, overview_id: str, token: str) -> Json:
        """From now on no payment is exempted for its low value; taking that back is the backend's."""
        return self._account_after(
            overview_id, token, lambda tx, account, now: acts.set_verify_always(tx, account, True, ACTOR, now)
        )

    def freeze(self, overview_id: str, token: str) -> Json:
        """A stolen account, denied everything at once by its owner."""
        return self._account_after(
            overview_id, token, lambda tx, account, now: acts.freeze(tx, account, FROZEN_BY_OWNER, ACTOR, now)
        )

    def disown(self, overview_id: str, token: str, decision_id: str) -> Json:
        """A payment that the signed-in owner says was not theirs; raises NotFound for anybody else's."""

        def change(tx: Transaction, account: Account, now: datetime) -> Decision:
            decision = tx.decisions.find(decision_id)
            theirs = decision is not None and decision.payment.subject == account.subject
            if decision is None or not theirs or not account.knew(decision.created_at):
                raise NotFound("no such decision")
            return disown(tx, decision, now)

        decision, _ = self._changed(overview_id, token, change)
        return disowned_view(decision)

    def rename_device(self, overview_id: str, token: str, device_id: str, name: str) -> Json:
        def change(tx: Transaction, account: Account, now: datetime) -> Device:
            return acts.rename_device(tx, account, device_id, name, ACTOR, now)

        device, now = self._changed(overview_id, token, change)
        return device_view(device, now)

    def revoke_device(self, overview_id: str, token: str, device_id: str) -> Json:
        """Remove a device for good; while it is on probation this is the old phone's veto."""

        def change(tx: Transaction, account: Account, now: datetime) -> Device:
            account, device = acts.revoke_device(tx, account, device_id, ACTOR, now)
            tx.accounts.save(account)
            return device

        device, now = self._changed(overview_id, token, change)
        return device_view(device, now)

    def veto(self, overview_id: str, token: str, factor: str) -> Json:
        """Remove an authenticator app or recovery codes while they are on probation: somebody else's, the owner says."""
        _, now = self._changed(
            overview_id, token, lambda tx, account, now: acts.veto(tx, account, factor, ACTOR, now)
        )
        return {"factor": factor, "vetoed_at": rfc3339(now)}

    def withdraw_biometric(self, overview_id: str, token: str, modality: str) -> Json:
        """Withdraw consent and destroy the template; effective on the next request."""
        kind = Modality(modality)

        def change(tx: Transaction, account: Account, now: datetime) -> Account:
            return tx.accounts.save(acts.withdraw_biometric(tx, account, kind, ACTOR, now))

        _, now = self._changed(overview_id, token, change)
        return {"modality": kind.value, "withdrawn_at": rfc3339(now)}

    def _account_after(
        self, overview_id: str, token: str, change: Callable[[Transaction, Account, datetime], Account]
    ) -> Json:
        account, now = self._changed(overview_id, token, change)
        return account_view(account, now)

    def _changed(
        self, overview_id: str, token: str, change: Callable[[Transaction, Account, datetime], Result]
    ) -> tuple[Result, datetime]:
        """One act upon the account that an overview shows, in one transaction, and when it was."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Result:
            overview = opened(tx, self._parts.macs, overview_id, token, now)
            return change(tx, owner_of(tx, overview), now)

        return self._ledger.transact(unit), now


def opened(tx: Transaction, macs: Macs, overview_id: str, token: str, now: datetime) -> Overview:
    """An open overview; one that does not exist looks like a token that does not fit."""
    must_open(macs, "vt", overview_id, token)
    overview = tx.overviews.find(overview_id)
    if overview is None:
        raise Unauthenticated("the token does not open this object")
    return overview.must_be_open(now)


def owner_of(tx: Transaction, overview: Overview) -> Account:
    """The account that was signed in to when this was opened; raises ChallengeClosed where the name is another one's by now."""
    account = acts.existing(tx, overview.subject)
    if not account.knew(overview.opened_at):
        raise ChallengeClosed("the account was erased; open a new overview")
    return account
