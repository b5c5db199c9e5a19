"""A page sends whatever its browser's `toJSON()` gives: one new member there must stop nobody."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.web.conftest import Shop
from tests.web.people import Registration, asked, decide

UNUSUAL: dict[str, dict[str, Any]] = {
    "a new member": {"signalCurrentUser": {"supported": True}},
    "a new member that is null": {"prf": None},
    "no extension results": {"clientExtensionResults": None},
    "extension results of the future": {"clientExtensionResults": {"prf": {"results": {"first": "AA"}}}},
    "extension results as a list": {"clientExtensionResults": []},
    "attachment null": {"authenticatorAttachment": None},
    "attachment of the future": {"authenticatorAttachment": "x" * 40},
    "attachment a number": {"authenticatorAttachment": 7},
}
INSIDE: dict[str, dict[str, Any]] = {
    "a new member inside": {"publicKeyJwk": {"kty": "EC"}},
    "a member of the other ceremony": {"publicKeyAlgorithm": -7, "publicKey": "AA"},
}
CASES = [*((changes, {}) for changes in UNUSUAL.values()), *(({}, inside) for inside in INSIDE.values())]
NAMES = [*UNUSUAL, *INSIDE]


def changed(credential: dict[str, Any], outside: dict[str, Any], inside: dict[str, Any]) -> dict[str, Any]:
    return {**credential, **outside, "response": {**credential["response"], **inside}}


def paid(shop: Shop, made: Registration, outside: dict[str, Any], inside: dict[str, Any]) -> TestResponse:
    """What becomes of a payment that is answered with the changed assertion."""
    device = made.hand_in().get_json()["device"]
    assert made.complete().status_code == 200
    body = asked(made.user, device=device, risk={"score": 5})
    body["transaction"]["amount_minor"] = 125_000
    challenge = decide(shop, body).get_json()["challenge"]
    path, token = f"/v1/challenges/{challenge['id']}", {"Authorization": f"Challenge {challenge['token']}"}
    options = shop.api.post(f"{path}/steps/device_uv/begin", headers=token).get_json()["publicKey"]
    answer = changed(made.phone.get(options).to_json(), outside, inside)
    handed_in = shop.api.put(f"{path}/steps/device_uv", json=answer, headers=token)
    assert handed_in.status_code == 200, handed_in.text
    return shop.api.post(f"{path}/complete", headers=token)


@pytest.mark.parametrize(("outside", "inside"), CASES, ids=NAMES)
def test_an_assertion_with_what_nobody_asked_for_pays(
    shop: Shop, user: str, outside: dict[str, Any], inside: dict[str, Any]
) -> None:
    done = paid(shop, Registration(shop, user), outside, inside)
    assert done.get_json()["status"] == "authenticated"


@pytest.mark.parametrize(("outside", "inside"), CASES, ids=NAMES)
def test_so_does_a_registration(
    shop: Shop, user: str, outside: dict[str, Any], inside: dict[str, Any]
) -> None:
    made = Registration(shop, user)
    body = {"name": "手机", "credential": changed(made.answer.to_json(), outside, inside)}
    assert shop.api.put(f"{made.path}/steps/device", json=body, headers=made.token).status_code == 200


@pytest.mark.parametrize(
    "missing",
    [{"id": None}, {"rawId": None}, {"type": "password"}, {"response": []}, {"id": 7}],
    ids=["no id", "no raw id", "a password", "no response", "an id that is a number"],
)
def test_what_is_no_credential_is_refused_by_its_form(shop: Shop, user: str, missing: dict[str, Any]) -> None:
    made = Registration(shop, user)
    device = made.hand_in().get_json()["device"]
    assert made.complete().status_code == 200
    body = asked(user, device=device, risk={"score": 5})
    body["transaction"]["amount_minor"] = 125_000
    challenge = decide(shop, body).get_json()["challenge"]
    path, token = f"/v1/challenges/{challenge['id']}", {"Authorization": f"Challenge {challenge['token']}"}
    options = shop.api.post(f"{path}/steps/device_uv/begin", headers=token).get_json()["publicKey"]
    answer = {**made.phone.get(options).to_json(), **missing}
    assert shop.api.put(f"{path}/steps/device_uv", json=answer, headers=token).status_code == 400
