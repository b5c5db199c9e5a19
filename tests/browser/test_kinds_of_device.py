"""Eight kinds of device and browser, as people have them: each registers, and pays with what it registered.

Chromium plays what it can; the native app, which has no page, is played by the soft authenticator over HTTP.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.browser.conftest import APP
from tests.browser.phone import Phone
from tests.support.authenticator import Authenticator
from tests.support.live import LiveService

TO_JSON = "if (self.PublicKeyCredential) PublicKeyCredential.prototype.toJSON = "
NO_WEBAUTHN = (
    "delete self.PublicKeyCredential; Object.defineProperty(navigator, 'credentials', { value: undefined });"
)

USB = {"transport": "usb", "hasResidentKey": False}


@dataclass(frozen=True)
class Kind:
    """What a phone has for a lock, and what its browser can do."""

    authenticator: Mapping[str, Any] = field(default_factory=dict)
    script: str = ""


WITH_A_KEY = {
    "platform key": Kind(),
    "synced passkey": Kind({"defaultBackupEligibility": True, "defaultBackupState": True}),
    "security key with a PIN": Kind({**USB, "hasUserVerification": True}),
    "toJSON throws": Kind(script=TO_JSON + "() => { throw new TypeError('Illegal invocation') }"),
    "toJSON returns nothing": Kind(script=TO_JSON + "() => undefined"),
    "toJSON returns something else": Kind(script=TO_JSON + "() => ({ id: 'x' })"),
    "toJSON is missing": Kind(script="delete self.PublicKeyCredential?.prototype.toJSON"),
    "options are not parsed": Kind(
        script="if (self.PublicKeyCredential) for (const name of ['Creation', 'Request'])"
        " PublicKeyCredential[`parse${name}OptionsFromJSON`] = () => { throw new TypeError('no') }"
    ),
}

WITHOUT_A_KEY = {
    "security key without a PIN": Kind({**USB, "hasUserVerification": False, "isUserVerified": False}),
    "U2F key": Kind(
        {
            **USB,
            "protocol": "u2f",
            "hasUserVerification": False,
            "isUserVerified": False,
        }
    ),
    "broken sensor": Kind({"isUserVerified": False}),
    "browser without WebAuthn": Kind(script=NO_WEBAUTHN),
}


@pytest.mark.parametrize("kind", WITH_A_KEY)
def test_a_device_with_a_key_pays_with_its_lock(new_phone: Callable[..., Phone], kind: str) -> None:
    phone = new_phone(authenticator=WITH_A_KEY[kind].authenticator, script=WITH_A_KEY[kind].script)
    begin(phone)
    phone.register_device()
    assert len(keys_of(phone)) == 1
    phone.add_app()
    phone.finish()
    phone.leave()
    phone.buy("teapot")
    phone.choose("device_uv")
    phone.unlock()
    assert phone.order_is_paid()
    assert phone.complaints == []


@pytest.mark.parametrize("kind", WITHOUT_A_KEY)
def test_a_device_without_a_key_is_registered_and_pays_with_a_code(
    new_phone: Callable[..., Phone], kind: str
) -> None:
    phone = new_phone(authenticator=WITHOUT_A_KEY[kind].authenticator, script=WITHOUT_A_KEY[kind].script)
    begin(phone)
    page = phone.page
    if kind != "browser without WebAuthn":
        page.click("#start")
    page.wait_for_selector("#without[open]")
    assert page.inner_text("#say") != ""
    phone.register_without_key("旧手机")
    assert keys_of(phone) == []
    phone.add_app()
    phone.finish()
    phone.leave()
    phone.buy("tea")
    assert phone.page.inner_text("#status") in ("已付款", "Paid")
    phone.buy("teapot")
    phone.type_code(phone.current_code())
    assert phone.order_is_paid()
    phone.open_overview()
    assert "旧手机" in phone.page.inner_text("#devices + ul")


def test_a_native_app_registers_and_pays_under_its_own_origin(service: LiveService) -> None:
    app, user = Authenticator(APP), f"u_app_{secrets.token_hex(4)}"
    ticket = call(service, "POST", "/v1/enrollments", service.api_key, {"user_id": user})
    path = f"/v1/enrollments/{ticket['id']}"
    options = call(service, "POST", f"{path}/steps/device/begin", ticket["token"], {})["publicKey"]
    made = {"name": "手机", "credential": app.create(options).to_json()}
    device = call(service, "PUT", f"{path}/steps/device", ticket["token"], made)["device"]
    call(service, "POST", f"{path}/complete", ticket["token"], {})
    payment = {
        "transaction": {
            "id": f"pay_{secrets.token_hex(4)}",
            "type": "transfer",
            "amount_minor": 125_000,
            "currency": "CNY",
            "payee": {"id": "shop_1", "name": "友谊商店"},
        },
        "user_id": user,
        "device": device,
        "risk": {"score": 5},
    }
    challenge = call(service, "POST", "/v1/decisions", service.api_key, payment)["challenge"]
    path = f"/v1/challenges/{challenge['id']}"
    begun = call(service, "POST", f"{path}/steps/device_uv/begin", challenge["token"], {})
    call(
        service,
        "PUT",
        f"{path}/steps/device_uv",
        challenge["token"],
        app.get(begun["publicKey"]).to_json(),
    )
    done = call(service, "POST", f"{path}/complete", challenge["token"], {})
    assert done["status"] == "authenticated"


def begin(phone: Phone) -> None:
    """To the page of the device, without a face."""
    phone.begin_enrolling()
    phone.page.click("a.button")
    phone.agree()
    phone.page.wait_for_url(re.compile(r"/device$"))


def keys_of(phone: Phone) -> list[Any]:
    """The keys that the phone's authenticator made."""
    found = phone.devtools.send("WebAuthn.getCredentials", {"authenticatorId": phone.authenticator})
    return list(found["credentials"])


SCHEMES = {"et_": "Enrollment", "ct_": "Challenge", "ak_": "Bearer"}


def call(service: LiveService, method: str, path: str, token: str, body: Mapping[str, Any]) -> Any:
    headers = {
        "Authorization": f"{SCHEMES[token[:3]]} {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": f'"{secrets.token_hex(8)}"',
    }
    answer = service.ask(method, path, headers, json.dumps(body).encode())
    assert answer.status in (200, 201), answer.content
    return answer.json
