"""A payer who is enrolled already, and two lines of curl to paste: one payment that is approved, one that asks for a proof."""

from __future__ import annotations

import json
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path

from authsvc.cli.demo.phone import Phone
from authsvc.client import AuthsvcClient, Device
from authsvc.errors import NotFound
from authsvc.keys.keyfile import write_private

KEPT = "development-payer.json"
SMALL, LARGE = 2_500, 125_000
"""In fen: the shipped policy lets the first go from a known phone, and asks for a code for the second."""


@dataclass(frozen=True, slots=True)
class FirstPayer:
    """`app_secret` is the authenticator app's, in Base32."""

    user_id: str
    device: Device
    app_secret: str

    def decide(self, service: str, api_key: str, transaction_id: str, amount_minor: int) -> str:
        """The call that a payment backend makes, on one line."""
        body = {
            "transaction": {
                "id": transaction_id,
                "type": "transfer",
                "amount_minor": amount_minor,
                "currency": "CNY",
                "payee": {"id": "cn:622848", "name": "友谊商店"},
            },
            "user_id": self.user_id,
            "device": {"id": self.device.id, "secret": self.device.secret},
            "risk": {"score": 12, "reasons": []},
        }
        words = ["curl", "-s", f"{service}/v1/decisions", "-H", f"Authorization: Bearer {api_key}"]
        words += ["-H", "Content-Type: application/json", "-H", f'Idempotency-Key: "{transaction_id}"']
        return shlex.join([*words, "-d", json.dumps(body, ensure_ascii=False, separators=(",", ":"))])


def first_payer(client: AuthsvcClient, service: str, folder: Path) -> FirstPayer:
    """The one of the last start, or a new one who enrolls an app and a phone; raises as the client does."""
    path = folder / KEPT
    if path.exists():
        kept = json.loads(path.read_text())
        found = FirstPayer(kept["user_id"], Device(kept["device_id"], kept["device_secret"]), kept["app"])
        if _is_enrolled(client, found.user_id):
            return found
    made = _enrolled(client, service)
    kept = {"user_id": made.user_id, "device_id": made.device.id, "device_secret": made.device.secret}
    write_private(path, json.dumps({**kept, "app": made.app_secret}).encode(), replace=True)
    return made


def _is_enrolled(client: AuthsvcClient, user_id: str) -> bool:
    try:
        return "otp" in client.status(user_id).factors
    except NotFound:
        return False


def _enrolled(client: AuthsvcClient, service: str) -> FirstPayer:
    user_id = f"u_first_{secrets.token_hex(3)}"
    ticket = client.enroll(user_id)
    phone = Phone(service)
    phone.consent(ticket)
    phone.add_app(ticket)
    device = phone.add_device(ticket, "curl")
    phone.finish(ticket)
    return FirstPayer(user_id, device, phone.app.secret)
