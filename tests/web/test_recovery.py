"""A lost phone over HTTP: a ticket for a recovery, a recovery code and one more proof, and then a new phone."""

from typing import Any

import pytest

from tests.web.conftest import Shop
from tests.web.people import Person, asked, decide, numbers, once, step
from tests.web.support import slug

Ticket = tuple[dict[str, str], str]


@pytest.fixture
def person(shop: Shop, user: str) -> Person:
    return Person(shop, user)


def wanted(shop: Shop, user: str, **fields: Any) -> Any:
    body = {"user_id": user, "recovery": True, **fields}
    return shop.api.post("/v1/enrollments", json=body, headers=once(shop, f"recover-{next(numbers)}"))


def opened(shop: Shop, user: str, **fields: Any) -> Ticket:
    ticket = wanted(shop, user, **fields).get_json()
    return {"Authorization": f"Enrollment {ticket['token']}"}, f"/v1/enrollments/{ticket['id']}"


def put(shop: Shop, ticket: Ticket, name: str, body: dict[str, Any]) -> Any:
    token, path = ticket
    step(shop, path, token, name)
    return shop.api.put(f"{path}/steps/{name}", json=body, headers=token)


def test_a_new_phone_takes_the_place_of_the_lost_one(shop: Shop, person: Person):
    token, path = ticket = opened(shop, person.user)
    recovery_code = person.completed.get_json()["recovery_codes"][0]
    assert put(shop, ticket, "recovery", {"code": recovery_code}).get_json() == {"state": "received"}
    issued = shop.api.post(f"{path}/code", json={"locale": "zh-CN"}, headers=once(shop, f"code-{path}"))
    assert issued.status_code == 201
    assert put(shop, ticket, "proof_otp", {"code": issued.get_json()["code"]}).status_code == 200
    shown = shop.api.get(path, headers=token).get_json()
    assert shown["recovery"] == {"proven": True, "operators": 0, "attempts_remaining": 4}

    made = put(shop, ticket, "device", {"name": "新手机"}).get_json()["device"]
    done = shop.api.post(f"{path}/complete", headers=token)
    assert len(done.get_json()["recovery_codes"]) == 10
    lost = decide(shop, asked(person.user, device=person.device)).get_json()
    new = decide(shop, asked(person.user, device=made)).get_json()
    assert (lost["device"]["novelty"], new["device"]["novelty"]) == ("revoked", "probation")


def test_a_wrong_pair_is_refused_and_says_what_is_left(shop: Shop, person: Person):
    ticket = opened(shop, person.user)
    put(shop, ticket, "recovery", {"code": "AAAA-BBBB-CCCC-DDDD"})
    refused = put(shop, ticket, "proof_otp", {"code": "000000"})
    assert (slug(refused), refused.get_json()["attempts_remaining"]) == ("challenge-failed", 4)


def test_two_operators_vouch_for_a_person(shop: Shop, person: Person):
    ticket = opened(shop, person.user, operators=["alice", "bob"])
    refused = put(shop, ticket, "recovery", {"code": "AAAA-BBBB-CCCC-DDDD"})
    assert slug(refused) == "challenge-failed"
    code = person.completed.get_json()["recovery_codes"][0]
    assert put(shop, ticket, "recovery", {"code": code}).status_code == 200
    assert step(shop, ticket[1], ticket[0], "device").status_code == 200


def test_nothing_is_enrolled_before_it_is_proven(shop: Shop, person: Person):
    token, path = opened(shop, person.user)
    for call in (f"{path}/steps/device/begin", f"{path}/complete"):
        assert slug(shop.api.post(call, headers=token)) == "proof-required"


@pytest.mark.parametrize("operators", [["alice"], ["alice", "ALICE"]])
def test_one_operator_is_not_enough(shop: Shop, person: Person, operators: list[str]):
    assert slug(wanted(shop, person.user, operators=operators)) == "invalid-request"


def test_there_is_nothing_to_recover_for_a_stranger(shop: Shop, user: str):
    assert slug(wanted(shop, user)) == "invalid-request"


@pytest.mark.parametrize("code", ["", "short", "A" * 65, "código-largo", 12345678])
def test_what_is_no_recovery_code_is_no_attempt(shop: Shop, person: Person, code: object):
    token, path = ticket = opened(shop, person.user)
    assert slug(put(shop, ticket, "recovery", {"code": code})) == "invalid-request"
    assert shop.api.get(path, headers=token).get_json()["recovery"]["attempts_remaining"] == 5


def test_a_frozen_user_does_not_recover(shop: Shop, person: Person):
    ticket = opened(shop, person.user)
    put(shop, ticket, "recovery", {"code": "AAAA-BBBB-CCCC-DDDD"})
    shop.api.post(f"/v1/users/{person.user}/freeze", json={"reason": "stolen"}, headers=shop.bearer)
    # A freeze ends whatever enrollment was open.
    token, path = ticket
    late = shop.api.put(f"{path}/steps/proof_otp", json={"code": "000000"}, headers=token)
    assert slug(late) == "challenge-closed"
    assert slug(wanted(shop, person.user)) == "user-frozen"
