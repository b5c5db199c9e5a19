"""A person's own account over HTTP: the shop opens an overview, and whoever holds its token may look, tighten and remove."""

from typing import Any

import pytest

from tests.web.conftest import Shop
from tests.web.people import Person, asked, decide, numbers, once, open_overview
from tests.web.support import BEARER, LOOKING, OVERVIEW_ID, Api, FakeServices, slug


@pytest.fixture
def person(shop: Shop, user: str) -> Person:
    return Person(shop, user)


def test_an_account_is_seen_tightened_and_frozen(shop: Shop, person: Person):
    token, path = open_overview(shop, person.user)
    send, device = shop.api.send, f"{path}/devices/{person.device['id']}"
    shown = shop.api.get(path, headers=token).get_json()
    assert shown["user"]["user_id"] == person.user
    assert [each["id"] for each in shown["devices"]] == [person.device["id"]]
    assert send("PATCH", path, json={"verify_always": True}, headers=token).get_json()["verify_always"]
    assert send("PATCH", device, json={"name": "旧手机"}, headers=token).get_json()["name"] == "旧手机"
    assert send("DELETE", device, headers=token).get_json()["state"] == "revoked"
    assert send("DELETE", f"{path}/biometrics/face", headers=token).get_json()["modality"] == "face"
    assert send("DELETE", f"{path}/biometrics/voice", headers=token).status_code == 200
    assert shop.api.post(f"{path}/freeze", headers=token).get_json()["status"] == "frozen"
    assert decide(shop, asked(person.user)).get_json()["status"] == "denied"
    assert shop.api.get(path, headers=token).get_json()["user"]["status"] == "frozen"


def test_the_same_request_opens_the_same_overview(shop: Shop, person: Person):
    headers = once(shop, f"overview-{next(numbers)}")
    first, again = (
        shop.api.post("/v1/overviews", json={"user_id": person.user}, headers=headers) for _ in range(2)
    )
    assert (first.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_user_who_never_enrolled_has_no_overview(shop: Shop, user: str):
    answer = shop.api.post("/v1/overviews", json={"user_id": user}, headers=once(shop, f"overview-{user}"))
    assert slug(answer) == "not-found"


def test_an_overview_opens_with_its_own_token_only(shop: Shop, person: Person):
    token, path = open_overview(shop, person.user)
    wrong = shop.api.get(path, headers={"Authorization": "Overview vt_wrong"})
    other = shop.api.get(f"/v1/overviews/{OVERVIEW_ID}", headers=token)
    assert slug(wrong) == slug(other) == "unauthenticated"
    assert wrong.data == other.data


@pytest.mark.parametrize("scheme", ["Challenge", "Enrollment", "Bearer"])
def test_a_token_of_another_plane_opens_nothing(shop: Shop, person: Person, scheme: str):
    token, path = open_overview(shop, person.user)
    presented = token["Authorization"].partition(" ")[2]
    answer = shop.api.get(path, headers={"Authorization": f"{scheme} {presented}"})
    assert slug(answer) == "unauthenticated"


@pytest.mark.parametrize("body", [{"verify_always": False}, {}, {"verify_always": 1}, {"status": "active"}])
def test_nothing_is_made_weaker(api: Api, fake: FakeServices, body: dict[str, Any]):
    answer = api.send("PATCH", f"/v1/overviews/{OVERVIEW_ID}", json=body, headers=LOOKING)
    assert slug(answer) == "invalid-request"
    assert not fake.asked


def test_a_person_cannot_unfreeze(api: Api):
    answer = api.post(f"/v1/overviews/{OVERVIEW_ID}/unfreeze", headers=LOOKING)
    assert slug(answer) == "not-found"


def test_the_shop_says_in_which_language_and_where_to_return_to(api: Api, fake: FakeServices):
    headers = {**BEARER, "Idempotency-Key": "k"}
    body = {"user_id": "u_42", "return_url": "javascript:alert(1)"}
    assert slug(api.post("/v1/overviews", json=body, headers=headers)) == "invalid-request"
    assert not fake.calls_of("overviews.create")
