"""People and payments, as a payment backend and a phone would make them over HTTP."""

import time
from itertools import count
from typing import Any

import pyotp
from werkzeug.test import TestResponse

from tests.support.authenticator import Authenticator, Creation
from tests.web.conftest import Shop
from tests.web.support import BASE_URL, TRANSACTION

numbers = count()


class Person:
    """Somebody who is enrolled with an authenticator app and a phone."""

    def __init__(self, shop: Shop, user: str) -> None:
        self.user = user
        token, path = open_enrollment(shop, user)
        secret = step(shop, path, token, "otp").get_json()["secret"]
        self.app = pyotp.TOTP(secret)
        code = self.app.now()
        answered = shop.api.put(f"{path}/steps/otp", json={"code": code}, headers=token)
        assert answered.status_code == 200
        step(shop, path, token, "device")
        named = shop.api.put(f"{path}/steps/device", json={"name": "手机"}, headers=token)
        self.device = named.get_json()["device"]
        self.completed = shop.api.post(f"{path}/complete", headers=token)
        assert self.completed.status_code == 200

    def wrong_code(self) -> str:
        """A code that is not current for minutes to come."""
        return self.app.at(int(time.time()) + 300)


class Registration:
    """One person's first phone, as far as the browser's answer."""

    def __init__(self, shop: Shop, user: str) -> None:
        self.shop = shop
        self.user = user
        self.token, self.path = open_enrollment(shop, user)
        self.options: dict[str, Any] = step(shop, self.path, self.token, "device").get_json()["publicKey"]
        self.phone = Authenticator(BASE_URL)
        self.answer: Creation = self.phone.create(self.options)

    def hand_in(self) -> TestResponse:
        body = {"name": "手机", "credential": self.answer.to_json()}
        return self.shop.api.put(f"{self.path}/steps/device", json=body, headers=self.token)

    def complete(self) -> TestResponse:
        return self.shop.api.post(f"{self.path}/complete", headers=self.token)

    def reasons(self) -> list[str]:
        """Why its answers were refused, as the audit tells and nobody else."""
        answer = self.shop.api.get("/v1/audit/events?limit=500", headers=self.shop.bearer)
        lines = [line for line in answer.get_json()["events"] if line["subject"]["user"] == self.user]
        return [line["details"]["reason"] for line in lines if line["result"] == "refused"]


def open_enrollment(shop: Shop, user: str) -> tuple[dict[str, str], str]:
    answer = shop.api.post(
        "/v1/enrollments", json={"user_id": user, "locale": "zh-CN"}, headers=once(shop, f"enroll-{user}")
    )
    assert answer.status_code == 201, answer.text
    ticket = answer.get_json()
    return {"Authorization": f"Enrollment {ticket['token']}"}, f"/v1/enrollments/{ticket['id']}"


def open_overview(shop: Shop, user: str) -> tuple[dict[str, str], str]:
    answer = shop.api.post(
        "/v1/overviews", json={"user_id": user}, headers=once(shop, f"overview-{next(numbers)}")
    )
    assert answer.status_code == 201, answer.text
    overview = answer.get_json()
    return {"Authorization": f"Overview {overview['token']}"}, f"/v1/overviews/{overview['id']}"


def open_webhook(shop: Shop) -> tuple[str, str]:
    """A webhook endpoint and a test delivery that waits for it; the ones before it are removed, for only so many may be."""
    for each in shop.api.get("/v1/webhooks", headers=shop.bearer).get_json()["webhooks"]:
        assert shop.api.send("DELETE", f"/v1/webhooks/{each['id']}", headers=shop.bearer).status_code == 200
    made = shop.api.post(
        "/v1/webhooks",
        json={"url": "https://shop.example/hook"},
        headers=once(shop, f"webhook-{next(numbers)}"),
    )
    assert made.status_code == 201, made.text
    webhook = made.get_json()["id"]
    sent = shop.api.post(f"/v1/webhooks/{webhook}/test", headers=once(shop, f"test-{next(numbers)}"))
    assert sent.status_code == 201, sent.text
    return webhook, sent.get_json()["id"]


def step(shop: Shop, path: str, token: dict[str, str], name: str) -> TestResponse:
    answer = shop.api.post(f"{path}/steps/{name}/begin", headers=token)
    assert answer.status_code == 200, answer.text
    return answer


def once(shop: Shop, key: str) -> dict[str, str]:
    return {**shop.bearer, "Idempotency-Key": f'"{key}"'}


def asked(user: str, **changes: Any) -> dict[str, Any]:
    """A payment that asks for an otp on a phone that is trusted: unusual, not more."""
    transaction = {**TRANSACTION, "id": f"pay_{next(numbers)}", "amount_minor": 1000}
    return {"transaction": transaction, "user_id": user, "risk": {"score": 0}, **changes}


def decide(shop: Shop, body: dict[str, Any], key: str | None = None) -> TestResponse:
    return shop.api.post("/v1/decisions", json=body, headers=once(shop, key or f"decide-{next(numbers)}"))


def challenged(shop: Shop, person: Person) -> tuple[dict[str, Any], dict[str, Any]]:
    """A payment and the decision that challenges it with a code."""
    for amount, risk in ((30_000, 30), (100_000, 45), (150_000, 50), (30_000, 65), (500_000, 30)):
        body = asked(person.user, device=person.device, risk={"score": risk})
        body["transaction"]["amount_minor"] = amount
        found = decide(shop, body).get_json()
        if found["status"] == "challenge_required" and ["otp"] in found["challenge"]["sets"]:
            return body, found
    raise AssertionError("the shipped policy asks nobody for a code")
