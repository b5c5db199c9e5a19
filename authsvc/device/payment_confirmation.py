"""Secure Payment Confirmation: the browser itself shows amount and payee, and the payer's key signs what it showed.

A stronger form of `device_uv` where a browser offers it, and off unless it is configured. What is asked for and what must
have been signed are made by the same function of the same stored payment, so the two cannot drift apart.
Source: W3C Secure Payment Confirmation, §3.4 and §4.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authsvc.device.client_data import Members
from authsvc.device.refusal import Refusal, require
from authsvc.device.relying_party import RelyingParty
from authsvc.factor import Json
from authsvc.money import major_units
from authsvc.payment import Payment

PAYMENT = "payment.get"
"""The ceremony's type in the client data."""

TIMEOUT_MS = 120_000

_DEFAULTS = {"iconMustBeShown": True, "details": ""}


@dataclass(frozen=True, slots=True)
class PaymentConfirmation:
    """What is shown beside the payment: the instrument's name and icon (a URL), and perhaps the payee's own origin."""

    instrument: str
    icon: str
    payee_origin: str | None = None

    def request(
        self, party: RelyingParty, payment: Payment, challenge: str, credential_ids: Sequence[str]
    ) -> Json:
        """The `data` and `total` of a `PaymentRequest`; challenge and ids are base64url."""
        shown = self._shown(party, payment)
        data = {
            **{name: value for name, value in shown.items() if name != "total"},
            "challenge": challenge,
            "credentialIds": list(credential_ids),
            "timeout": TIMEOUT_MS,
        }
        return {"data": data, "total": {"label": payment.payee.name, "amount": shown["total"]}}

    def check(self, members: Members, party: RelyingParty, payment: Payment) -> None:
        """Raises Refused unless the browser showed exactly this payment, in one of our own pages."""
        signed = members.get("payment")
        if not isinstance(signed, Mapping):
            signed = {}
        expected = self._shown(party, payment)
        for name in ("rpId", "payeeName", "payeeOrigin", "total"):
            require(signed.get(name) == expected.get(name), Refusal.PAYMENT_SHOWN)
        require(_instrument(signed) == _instrument(expected), Refusal.PAYMENT_SHOWN)
        require(signed.get("topOrigin") in party.origins, Refusal.TOP_ORIGIN)

    def _shown(self, party: RelyingParty, payment: Payment) -> dict[str, object]:
        shown: dict[str, object] = {
            "rpId": party.id,
            "payeeName": payment.payee.name,
            "total": {
                "currency": payment.currency,
                "value": major_units(payment.amount_minor, payment.currency),
            },
            "instrument": {"displayName": self.instrument, "icon": self.icon},
        }
        if self.payee_origin is not None:
            shown["payeeOrigin"] = self.payee_origin
        return shown


def _instrument(shown: Mapping[str, object]) -> Mapping[str, object]:
    """The instrument with the members that some browsers write out and others leave at their defaults."""
    instrument = shown.get("instrument")
    return {**_DEFAULTS, **instrument} if isinstance(instrument, Mapping) else {}
