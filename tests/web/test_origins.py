"""Other sites, apps and a parent domain: whose device keys count, and how browsers hear of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from authsvc.bootstrap.wiring import device_rules
from authsvc.config import Settings
from authsvc.errors import ConfigurationError
from tests.support.authenticator import Authenticator
from tests.web.conftest import Shop, opened_shop
from tests.web.people import asked, decide, open_enrollment, step
from tests.web.support import BASE_URL, slug

APP = f"android:apk-key-hash:{'A' * 43}"
SITE = "https://shop.example"
HOME, PARENT = "https://auth.pay.example", "pay.example"


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A shop with a site and an app besides, and keys of its parent domain."""
    folder = tmp_path_factory.mktemp("wide")
    with opened_shop(folder, base_url=HOME, origins=f"{SITE},{APP}", rp_id=PARENT) as shop:
        yield shop


def paid(shop: Shop, user: str, made_at: str, used_at: str) -> str:
    """How a payment ends whose key was made at one origin and used at another."""
    token, path = open_enrollment(shop, user)
    phone = Authenticator(made_at)
    answer = phone.create(step(shop, path, token, "device").get_json()["publicKey"])
    body = {"name": "手机", "credential": answer.to_json()}
    handed_in = shop.api.put(f"{path}/steps/device", json=body, headers=token)
    if handed_in.status_code != 200:
        return slug(handed_in)
    assert shop.api.post(f"{path}/complete", headers=token).status_code == 200
    payment = asked(user, device=handed_in.get_json()["device"], risk={"score": 5})
    payment["transaction"]["amount_minor"] = 125_000
    challenge = decide(shop, payment).get_json()["challenge"]
    path, token = f"/v1/challenges/{challenge['id']}", {"Authorization": f"Challenge {challenge['token']}"}
    phone.origin = used_at
    options = shop.api.post(f"{path}/steps/device_uv/begin", headers=token).get_json()["publicKey"]
    assert options["rpId"] == PARENT
    shop.api.put(f"{path}/steps/device_uv", json=phone.get(options).to_json(), headers=token)
    done = shop.api.post(f"{path}/complete", headers=token)
    return str(done.get_json().get("status")) if done.status_code == 200 else slug(done)


@pytest.mark.parametrize(
    ("made_at", "used_at"),
    [(HOME, HOME), (HOME, APP), (APP, APP), (APP, HOME), (SITE, HOME), (HOME, SITE)],
)
def test_a_key_counts_at_every_origin_that_is_named(
    wide: Shop, user: str, made_at: str, used_at: str
) -> None:
    assert paid(wide, user, made_at, used_at) == "authenticated"


@pytest.mark.parametrize(
    "stranger",
    [f"android:apk-key-hash:{'B' * 43}", "https://evil.example", f"https://{PARENT}", f"{SITE}:8443", "null"],
)
def test_a_key_counts_at_no_other(wide: Shop, user: str, stranger: str) -> None:
    assert paid(wide, user, stranger, stranger) == "invalid-request"
    assert paid(wide, f"{user}-2", HOME, stranger) == "challenge-failed"


def test_browsers_are_told_of_the_sites_and_not_of_the_apps(wide: Shop, shop: Shop) -> None:
    assert wide.api.get("/.well-known/webauthn").get_json() == {"origins": [HOME, SITE]}
    assert shop.api.get("/.well-known/webauthn").get_json() == {"origins": [BASE_URL]}


def test_an_operator_signs_in_at_home_only(wide: Shop) -> None:
    begun = wide.wired.console.joining._parts.party
    assert (begun.id, begun.origins) == (PARENT, (HOME,))


@pytest.mark.parametrize(
    "changes",
    [
        {"rp_id": "other.example"},
        {"rp_id": "example"},
        {"rp_id": "sub.auth.example"},
        {"rp_id": "https://auth.example"},
        {"origins": "http://shop.example"},
    ],
    ids=["another domain", "a top-level domain", "a child", "an address", "a site without TLS"],
)
def test_what_cannot_hold_stops_the_start(tmp_path: Path, changes: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        device_rules(Settings(base_url="https://auth.example", **changes))  # type: ignore[arg-type]  # All are texts.
