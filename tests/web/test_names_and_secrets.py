"""What an enrollment shows: the payer's name as the backend states it, and one app secret for as long as the ticket lasts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import unquote, urlsplit

import pyotp
import pytest

from tests.web.conftest import Shop, opened_shop
from tests.web.people import once, open_enrollment, step
from tests.web.support import slug

_numbers = count()


def ticket(shop: Shop, user: str, **fields: Any) -> tuple[dict[str, str], str]:
    answer = shop.api.post(
        "/v1/enrollments", json={"user_id": user, **fields}, headers=once(shop, f"named-{next(_numbers)}")
    )
    assert answer.status_code == 201, answer.text
    made = answer.get_json()
    return {"Authorization": f"Enrollment {made['token']}"}, f"/v1/enrollments/{made['id']}"


def label(shop: Shop, token: dict[str, str], path: str) -> str:
    """How an authenticator app will call the account."""
    return unquote(urlsplit(step(shop, path, token, "otp").get_json()["uri"]).path)


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        ({}, None),
        ({"display_name": None}, None),
        ({"display_name": "王芳"}, "王芳"),
        ({"display_name": "Ann O’Neil <ann@example.org>"}, "Ann O’Neil <ann@example.org>"),
        ({"display_name": "x" * 64}, "x" * 64),
    ],
    ids=["nothing", "null", "Chinese", "signs", "longest"],
)
def test_phones_write_what_the_backend_states(
    shop: Shop, user: str, stated: dict[str, Any], shown: str | None
):
    token, path = ticket(shop, user, **stated)
    options = step(shop, path, token, "device").get_json()["publicKey"]
    assert options["user"]["name"] == options["user"]["displayName"] == (shown or user)
    assert label(shop, token, path) == f"/authsvc:{shown or user}"


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "a\u202eb", 7, ["Ann"]])
def test_a_name_that_nobody_could_read_is_refused(shop: Shop, user: str, name: object):
    body = {"user_id": user, "display_name": name}
    refused = shop.api.post("/v1/enrollments", json=body, headers=once(shop, f"named-{next(_numbers)}"))
    assert slug(refused) == "invalid-request"


def test_apps_and_passkeys_have_a_name_of_their_own_beside_the_receipts_issuer(tmp_path, user: str):
    with opened_shop(tmp_path, issuer="https://auth.example/receipts", display_name="友谊支付") as shop:
        token, path = ticket(shop, user)
        assert label(shop, token, path) == f"/友谊支付:{user}"
        assert step(shop, path, token, "device").get_json()["publicKey"]["rp"]["name"] == "友谊支付"


def test_an_issuer_that_is_an_address_is_shown_as_its_host(tmp_path, user: str):
    with opened_shop(tmp_path, issuer="https://auth.example/receipts") as shop:
        token, path = ticket(shop, f"cn:{user}")
        assert label(shop, token, path) == f"/auth.example:cn-{user}"


# -- One secret for a ticket -------------------------------------------------------------------------------------------


def secret(shop: Shop, token: dict[str, str], path: str) -> str:
    return str(step(shop, path, token, "otp").get_json()["secret"])


def type_code(shop: Shop, token: dict[str, str], path: str, code: str) -> str | None:
    """The slug with which the code is refused, None where it is right."""
    answer = shop.api.put(f"{path}/steps/otp", json={"code": code}, headers=token)
    return None if answer.status_code == 200 else slug(answer)


BETWEEN: dict[str, Callable[[Shop, dict[str, str], str, str], object]] = {
    "nothing": lambda shop, token, path, first: None,
    "another step": lambda shop, token, path, first: step(shop, path, token, "device"),
    "a wrong code": lambda shop, token, path, first: type_code(shop, token, path, "000000"),
    "what is no code": lambda shop, token, path, first: type_code(shop, token, path, "abc"),
    "the right code": lambda shop, token, path, first: type_code(shop, token, path, pyotp.TOTP(first).now()),
    "a look at the ticket": lambda shop, token, path, first: shop.api.get(path, headers=token),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_a_code_that_was_scanned_stays_good(
    shop: Shop, user: str, between: Callable[[Shop, dict[str, str], str, str], object]
):
    token, path = open_enrollment(shop, user)
    first = secret(shop, token, path)
    between(shop, token, path, first)
    assert secret(shop, token, path) == first
    assert type_code(shop, token, path, pyotp.TOTP(first).now()) is None


def test_another_ticket_has_another_secret(shop: Shop, user: str):
    assert secret(shop, *open_enrollment(shop, user)) != secret(shop, *open_enrollment(shop, f"{user}-other"))


def test_a_second_ticket_of_the_same_person_has_another_secret(shop: Shop, user: str):
    assert secret(shop, *ticket(shop, user)) != secret(shop, *ticket(shop, user))
