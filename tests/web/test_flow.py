"""One payment from the outside, over the real services and an embedded database: every answer as documented."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from authsvc.audit.chain import entry
from tests.web.conftest import Shop
from tests.web.people import Person, asked, challenged, decide, numbers, once, step
from tests.web.support import slug


@pytest.fixture
def person(shop: Shop, user: str) -> Person:
    return Person(shop, user)


def test_a_payment_is_challenged_proven_and_released_once(shop: Shop, person: Person):
    body, decided = challenged(shop, person)
    path = f"/v1/challenges/{decided['challenge']['id']}"
    payer = {"Authorization": f"Challenge {decided['challenge']['token']}"}
    shown = shop.api.get(path, headers=payer).get_json()
    assert shown["payment"]["payee"] == {"name": "友谊商店"}

    issued = shop.api.post(
        f"/v1/decisions/{decided['id']}/code",
        json={"locale": "en"},
        headers=once(shop, f"code-{decided['id']}"),
    )
    assert issued.status_code == 201
    step(shop, path, payer, "otp")
    received = shop.api.put(f"{path}/steps/otp", json={"code": issued.get_json()["code"]}, headers=payer)
    assert received.get_json() == {"state": "received"}
    assert shop.api.post(f"{path}/complete", headers=payer).get_json() == {"status": "authenticated"}

    released = shop.api.get(f"/v1/decisions/{decided['id']}", headers=shop.bearer).get_json()
    receipt = {"receipt": released["receipt"], "transaction": body["transaction"], "user_id": person.user}
    verified = shop.api.post("/v1/receipts/verify", json=receipt, headers=shop.bearer).get_json()
    assert verified["valid"]
    assert verified["claims"]["transaction_id"] == body["transaction"]["id"]
    other = {**receipt, "transaction": {**body["transaction"], "amount_minor": 1}}
    for wrong in (other, {**receipt, "user_id": "somebody_else"}):
        refused = shop.api.post("/v1/receipts/consume", json=wrong, headers=once(shop, f"w-{next(numbers)}"))
        assert slug(refused) == "receipt-mismatch"
    without_user = {name: value for name, value in receipt.items() if name != "user_id"}
    key = f"consume-{decided['id']}"
    consumed = shop.api.post("/v1/receipts/consume", json=without_user, headers=once(shop, key))
    again = shop.api.post("/v1/receipts/consume", json=without_user, headers=once(shop, key))
    assert (consumed.status_code, again.data) == (200, consumed.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    second = shop.api.post("/v1/receipts/consume", json=receipt, headers=once(shop, f"c-{next(numbers)}"))
    assert slug(second) == "receipt-consumed"
    outcome = {"outcome": "settled"}
    told = shop.api.post(f"/v1/decisions/{decided['id']}/outcome", json=outcome, headers=shop.bearer)
    assert told.status_code == 200
    evidence = shop.api.get(f"/v1/decisions/{decided['id']}/evidence", headers=shop.bearer)
    assert evidence.get_json()["evidence"]["status"] == "authenticated"


def test_a_wrong_code_fails_as_a_whole_and_counts(shop: Shop, person: Person):
    _, decided = challenged(shop, person)
    path = f"/v1/challenges/{decided['challenge']['id']}"
    payer = {"Authorization": f"Challenge {decided['challenge']['token']}"}
    step(shop, path, payer, "otp")
    shop.api.put(f"{path}/steps/otp", json={"code": person.wrong_code()}, headers=payer)
    failed = shop.api.post(f"{path}/complete", headers=payer)
    assert slug(failed) == "challenge-failed"
    assert failed.get_json()["attempts_remaining"] == 2


def test_a_payer_may_decline_and_the_challenge_is_over(shop: Shop, person: Person):
    _, decided = challenged(shop, person)
    path = f"/v1/challenges/{decided['challenge']['id']}"
    payer = {"Authorization": f"Challenge {decided['challenge']['token']}"}
    switched = shop.api.post(f"{path}/switch", json={"factors": ["otp"]}, headers=payer)
    assert switched.get_json()["chosen"] == ["otp"]
    declined = shop.api.post(f"{path}/decline", json={"choice": "not_me"}, headers=payer)
    assert declined.get_json() == {"status": "declined_by_user", "device_suspended": True}
    assert slug(shop.api.post(f"{path}/steps/otp/begin", headers=payer)) == "challenge-closed"
    waited = shop.api.get(f"/v1/decisions/{decided['id']}", headers={**shop.bearer, "Prefer": "wait=5"})
    assert waited.get_json()["status"] == "declined_by_user"


def test_a_challenge_opens_with_its_own_token_only(shop: Shop, person: Person):
    _, decided = challenged(shop, person)
    own = f"/v1/challenges/{decided['challenge']['id']}"
    token = {"Authorization": f"Challenge {decided['challenge']['token']}"}
    other = shop.api.get("/v1/challenges/chl_" + "a" * 24, headers=token)
    wrong = shop.api.get(own, headers={"Authorization": "Challenge ct_wrong"})
    assert slug(other) == slug(wrong) == "unauthenticated"
    assert other.data == wrong.data


def test_another_amount_under_the_same_id_is_a_changed_transaction(shop: Shop, person: Person):
    body, decided = challenged(shop, person)
    changed = {**body, "transaction": {**body["transaction"], "amount_minor": 31_000}}
    key = f"changed-{decided['id']}"
    first, again = decide(shop, changed, key), decide(shop, changed, key)
    assert slug(first) == slug(again) == "transaction-changed"
    assert again.headers["Idempotent-Replayed"] == "true"
    assert slug(decide(shop, body, key)) == "idempotency-key-reused"


def test_fifty_copies_of_one_request_are_one_decision(shop: Shop, user: str):
    body = asked(user)
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: decide(shop, body, f"copies-{user}"), range(50)))
    assert {(answer.status_code, answer.data) for answer in answers} == {(201, answers[0].data)}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1


def test_a_user_is_managed_frozen_exported_and_erased(shop: Shop, person: Person):
    home = f"/v1/users/{person.user}"
    device = f"{home}/devices/{person.device['id']}"
    send = shop.api.send
    assert len(send("GET", f"{home}/devices", headers=shop.bearer).get_json()["devices"]) == 1
    renamed = send("PATCH", device, json={"name": "旧手机"}, headers=shop.bearer)
    assert renamed.get_json()["name"] == "旧手机"
    assert send("GET", device, headers=shop.bearer).status_code == 200
    patched = send("PATCH", f"{home}/status", json={"verify_always": True}, headers=shop.bearer)
    assert patched.get_json()["verify_always"]

    frozen = send("POST", f"{home}/freeze", json={"reason": "lost phone"}, headers=shop.bearer)
    assert frozen.get_json()["status"] == "frozen"
    assert decide(shop, asked(person.user)).get_json()["status"] == "denied"
    refused = send(
        "POST", "/v1/enrollments", json={"user_id": person.user}, headers=once(shop, f"f-{person.user}")
    )
    assert slug(refused) in ("user-frozen", "proof-required")
    assert slug(send("POST", f"{home}/unfreeze", json={}, headers=shop.bearer)) == "proof-required"
    two = {"operators": ["alice", "bob"]}
    assert send("POST", f"{home}/unfreeze", json=two, headers=shop.bearer).get_json()["status"] == "active"

    assert send("DELETE", device, headers=shop.bearer).get_json()["state"] == "revoked"
    assert send("DELETE", f"{home}/biometrics/face", headers=shop.bearer).status_code == 200
    assert send("GET", f"{home}/export", headers=shop.bearer).get_json()["user"]["user_id"] == person.user
    assert send("DELETE", home, headers=shop.bearer).status_code == 200
    assert slug(send("GET", f"{home}/status", headers=shop.bearer)) == "not-found"


def test_records_can_be_paged_through(shop: Shop, person: Person):
    first = shop.api.get("/v1/events?limit=1", headers=shop.bearer).get_json()
    rest = shop.api.get(f"/v1/events?after={first['next']}", headers=shop.bearer).get_json()
    assert first["events"][0]["seq"] not in [event["seq"] for event in rest["events"]]
    page = shop.api.get("/v1/audit/events?limit=2", headers=shop.bearer).get_json()
    assert shop.api.get(f"/v1/audit/events?after={page['next']}", headers=shop.bearer).status_code == 200
    assert slug(shop.api.get("/v1/audit/events?after=nonsense", headers=shop.bearer)) == "invalid-request"
    shop.wired.store.audit.take_checkpoint()
    store = shop.wired.store
    line = entry("test", "a.line", None, "x", "done", store.clock.now())
    store.ledger.transact(lambda tx: tx.record(line))
    shop.wired.store.audit.take_checkpoint()
    # Five hundred came, and nobody could ask for those behind them.
    seen, after = [], 0
    while page := shop.api.get(
        f"/v1/audit/checkpoints?limit=1&after={after}", headers=shop.bearer
    ).get_json()["checkpoints"]:
        seen.append(page[0]["seq"])
        after = seen[-1]
    whole = shop.api.get("/v1/audit/checkpoints", headers=shop.bearer).get_json()
    assert [each["seq"] for each in whole["checkpoints"]] == seen
    assert whole["next"] == seen[-1]
    assert len(seen) >= 2


def test_the_public_may_read_keys_and_health(shop: Shop):
    assert shop.api.get("/.well-known/jwks.json").get_json()["keys"]
    assert shop.api.get("/healthz").get_json() == {"status": "alive"}
    ready = shop.api.get("/readyz").get_json()
    assert (ready["status"], ready["warnings"]) == ("ready", ["unsafe-no-pad"])
