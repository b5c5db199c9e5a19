"""A payment backend and the people who pay through it, as both would speak to a running service."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeVar

import pyotp

from tests.support.live import Answer, LiveService
from tests.support.slowness import slowness

Result = TypeVar("Result")

CODE_AMOUNT = 125_000
"""What a trusted phone is asked a code for."""

FACE_AMOUNT = 2_000_000
"""What it is asked a face for."""

PERIOD = 30


class Shop:
    """The payment backend, with its API key."""

    def __init__(self, live: LiveService) -> None:
        self.live = live
        self._bearer = {"Authorization": f"Bearer {live.api_key}", "Content-Type": "application/json"}

    def get(self, path: str, **headers: str) -> Answer:
        return self.live.ask("GET", path, {**self._bearer, **headers})

    def post(self, path: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Answer:
        """A call with this Idempotency-Key, or with one of its own."""
        return self.send("POST", path, body or {}, key)

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Answer:
        headers = {**self._bearer, "Idempotency-Key": f'"{key or secrets.token_hex(8)}"'}
        raw = None if body is None else json.dumps(body).encode()
        return self.live.ask(method, path, headers, raw)

    def payment(
        self, person: Person | str, amount: int = CODE_AMOUNT, *, known_phone: bool = True, **fields: Any
    ) -> dict[str, Any]:
        """What the backend asks about: a transfer from the phone that is known, or from one that is not."""
        user, device = (person, None) if isinstance(person, str) else (person.user, person.device)
        transaction = {
            "id": f"pay_{secrets.token_hex(6)}",
            "type": "transfer",
            "amount_minor": amount,
            "currency": "CNY",
            "payee": {"id": "shop_1", "name": "友谊商店"},
        }
        asked = {"transaction": transaction, "user_id": user, "risk": {"score": 5}, **fields}
        return {**asked, "device": device} if known_phone and device is not None else asked

    def decide(self, payment: Mapping[str, Any], key: str | None = None) -> Answer:
        return self.post("/v1/decisions", payment, key)

    def challenge(self, payment: Mapping[str, Any]) -> Challenge:
        """Decide, and expect the payer to be asked."""
        decision = expect(self.decide(payment), 201)
        assert decision["status"] == "challenge_required", decision
        return Challenge(self.live, decision)

    def decision(self, decision_id: str) -> Any:
        return expect(self.get(f"/v1/decisions/{decision_id}"), 200)

    def issued_code(self, decision_id: str) -> str:
        return str(expect(self.post(f"/v1/decisions/{decision_id}/code"), 201)["code"])

    def consume(self, receipt: str, payment: Mapping[str, Any], key: str | None = None) -> Answer:
        body = {"receipt": receipt, "transaction": payment["transaction"], "user_id": payment["user_id"]}
        return self.post("/v1/receipts/consume", body, key)

    def audit_lines(self, about: Sequence[str]) -> list[Any]:
        """Every audit line of these objects in the order of time, whichever process wrote it."""
        wanted, after = set(about), ""
        lines: list[Any] = []
        while True:
            page = expect(self.get(f"/v1/audit/events?limit=500{after}"), 200)
            if not page["events"]:
                return sorted(lines, key=lambda line: line["at"])
            lines += [line for line in page["events"] if line["object"] in wanted]
            after = f"&after={page['next']}"


class Opened:
    """An object that a token opens: an enrollment, or a challenge."""

    def __init__(self, live: LiveService, path: str, authorization: str) -> None:
        self.live = live
        self.path = path
        self.headers = {"Authorization": authorization}

    def get(self) -> Answer:
        return self.live.ask("GET", self.path, self.headers)

    def begin(self, step: str) -> Any:
        return expect(self.post(f"steps/{step}/begin"), 200)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        return self._send("POST", path, body or {})

    def put(self, step: str, body: Mapping[str, Any]) -> Answer:
        return self._send("PUT", f"steps/{step}", body)

    def complete(self) -> Answer:
        return self.post("complete")

    def capture(self, nonce: str, frames: Sequence[bytes], filename: str = "frame") -> Answer:
        """Send frames to the step `face`."""
        kind, body = form({"nonce": nonce}, frames, filename)
        return self.live.ask("PUT", f"{self.path}/steps/face", {**self.headers, "Content-Type": kind}, body)

    def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        headers = {**self.headers, "Content-Type": "application/json"}
        return self.live.ask(method, f"{self.path}/{path}", headers, json.dumps(body).encode())


class Challenge(Opened):
    """A decision's open challenge, on the payer's side."""

    def __init__(self, live: LiveService, decision: Mapping[str, Any]) -> None:
        self.decision_id = str(decision["id"])
        opened = decision["challenge"]
        super().__init__(live, f"/v1/challenges/{opened['id']}", f"Challenge {opened['token']}")

    def give_code(self, code: str) -> None:
        """Hand in a code, right or wrong, without having it judged."""
        self.begin("otp")
        expect(self.put("otp", {"code": code}), 200)

    def try_code(self, code: str) -> Answer:
        self.give_code(code)
        return self.complete()

    def show_face(self, photograph: bytes) -> Answer:
        """Hand in a photograph; the answer says only whether it could be used."""
        return self.capture(self.begin("face")["nonce"], [photograph])


class Person:
    """Somebody enrolled with an authenticator app and a phone, and with a face where photographs are given."""

    def __init__(
        self, shop: Shop, photographs: Sequence[bytes] = (), device_name: str = "手机", user: str = ""
    ) -> None:
        self.user = user or f"u_{secrets.token_hex(6)}"
        self.ticket = ticket = open_ticket(shop, self.user)
        if photographs:
            ticket.begin("consent")
            expect(ticket.put("consent", {"modalities": ["face"]}), 200)
            expect(ticket.capture(ticket.begin("face")["nonce"], photographs), 200)
        self.secret = str(ticket.begin("otp")["secret"])
        # The code before the present one, as from a slow typist: the present one then is good for a payment.
        expect(ticket.put("otp", {"code": self.code(periods_ago=1)}), 200)
        ticket.begin("device")
        self.device = expect(ticket.put("device", {"name": device_name}), 200)["device"]
        self.recovery_codes = expect(ticket.complete(), 200)["recovery_codes"]

    def code(self, periods_ago: int = 0) -> str:
        """What the app shows, or has shown; waits where a period is just about to end."""
        left = PERIOD - time.time() % PERIOD
        if left < min(3 * slowness(), PERIOD / 2):
            time.sleep(left)
        return str(pyotp.TOTP(self.secret).at(int(time.time()) - periods_ago * PERIOD))

    def wrong_code(self) -> str:
        """Six digits that no time step of these minutes has."""
        now = int(time.time())
        near = {pyotp.TOTP(self.secret).at(now + offset * PERIOD) for offset in range(-4, 9)}
        return next(code for code in (f"{number:06d}" for number in range(100)) if code not in near)


def open_ticket(shop: Shop, user: str) -> Opened:
    ticket = expect(shop.post("/v1/enrollments", {"user_id": user, "locale": "zh-CN"}), 201)
    return Opened(shop.live, f"/v1/enrollments/{ticket['id']}", f"Enrollment {ticket['token']}")


def form(fields: Mapping[str, str], frames: Sequence[bytes], filename: str = "frame") -> tuple[str, bytes]:
    """Content type and body of a multipart form with these fields and files."""
    boundary = secrets.token_hex(16)
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    head = f'name="frame"; filename="{filename}"\r\nContent-Type: image/jpeg\r\n\r\n'.encode()
    parts += [head + frame for frame in frames]
    start = f"--{boundary}\r\nContent-Disposition: form-data; ".encode()
    body = b"".join(start + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def expect(answer: Answer, status: int) -> Any:
    """The answer's JSON, when it is the one that was expected."""
    assert answer.status == status, f"{HTTPStatus(answer.status)}: {answer.content[:500]!r}"
    return answer.json


def race(count: int, call: Callable[[int], Result]) -> list[Result]:
    """`call(0)`, `call(1)`… from as many threads, let go at the same moment."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Result:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))
