"""The people of a drill: somebody with an app and a phone, who pays as an honest person does, and whose things can be stolen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import pyotp

from authsvc.lab.drill.authenticator import Authenticator
from authsvc.lab.drill.drill import Busy, NotPlayed, Unprepared
from authsvc.lab.drill.service import RELEASED, Answer, Json, Service, new_name

PERIOD_S = 30
WORKER_PATIENCE_S = 90.0
QUIET = 5
SMALL, MEDIUM, LARGE = 2_500, 125_000, 600_000
"""In fen: what a trusted phone pays unasked, what it is asked a code for, and what a fresh phone is asked two proofs for."""

KNOWN = "known"
"""In place of a device: the person's own."""


def expect(answer: Answer, status: int) -> Json:
    """What was answered to an honest person; raises Unprepared for anything but `status`, and Busy where that is for now."""
    if answer.status != status:
        answered(answer)
        raise Unprepared(f"{status} was expected, and {answer} came")
    return answer.json


def answered(answer: Answer) -> Answer:
    """An answer that says something; raises Busy where the service had no time for one."""
    if answer.status == 503:
        raise Busy(f"an answer was expected, and {answer} came")
    return answer


def milliseconds() -> int:
    return int(time.time() * 1000)


@dataclass(frozen=True)
class Opened:
    """What a token opens: a challenge, an enrollment, an overview."""

    service: Service
    path: str
    authorization: str

    def send(self, method: str, path: str, body: Json | None = None) -> Answer:
        return self.service.call(method, f"{self.path}{path}", self.authorization, body)

    def begin(self, step: str) -> Answer:
        return self.send("POST", f"/steps/{step}/begin")

    def put(self, step: str, body: Json) -> Answer:
        return self.send("PUT", f"/steps/{step}", body)

    def capture(
        self,
        step: str,
        nonce: str,
        frames: Sequence[bytes],
        began_at_ms: int | None = None,
        taken_ms: Sequence[int] = (),
    ) -> Answer:
        """Send pictures as a page does that has taken them since `began_at_ms`: evenly, or with `taken_ms` between them."""
        now = milliseconds()
        began = now if began_at_ms is None else began_at_ms
        if taken_ms and taken_ms[-1] <= now - began:
            taken = [now - taken_ms[-1] + each for each in taken_ms]
        else:
            taken = [began + (now - began) * number // max(1, len(frames)) for number in range(len(frames))]
        meta = {"taken_at_ms": taken, "prompted_at_ms": began, "sent_at_ms": now}
        return self.service.upload(f"{self.path}/steps/{step}", self.authorization, nonce, frames, meta)

    def says(self, step: str, nonce: str, recording: bytes) -> Answer:
        path = f"{self.path}/steps/{step}"
        return self.service.upload(path, self.authorization, nonce, (recording,), {}, "audio")

    def complete(self) -> Answer:
        return self.send("POST", "/complete")

    def code(self, code: str) -> Answer:
        """Hand in a code and complete."""
        self.begin("otp")
        self.put("otp", {"code": code})
        return self.complete()

    def assertion(self, key: Authenticator) -> Answer:
        begun = self.begin("device_uv")
        if not begun.is_good:
            return begun
        return self.put("device_uv", key.get(begun.json["publicKey"]))


@dataclass(frozen=True)
class Asked(Opened):
    """A decision's open challenge."""

    decision: Json = field(default_factory=dict)

    @property
    def sets(self) -> list[frozenset[str]]:
        return [frozenset(each) for each in self.decision["challenge"]["sets"]]


@dataclass
class Person:
    """An account of the drill's own, and everything that its owner holds."""

    service: Service
    user: str = field(default_factory=lambda: new_name("drill"))
    locale: str = "en"
    secret: str = ""
    device: Mapping[str, str] | None = None
    key: Authenticator | None = None
    recovery_codes: Sequence[str] = ()

    # -- Enrolling ----------------------------------------------------------------------------------------------------

    def enroll(self, *steps: str, ticket: Json | None = None) -> None:
        """Go through an enrollment with these steps, of `otp`, `key` and `device`."""
        opened = ticket or expect(self.ticket(), 201)
        person = Opened(self.service, f"/v1/enrollments/{opened['id']}", f"Enrollment {opened['token']}")
        if "otp" in steps:
            self._add_app(person)
        if "key" in steps or "device" in steps:
            self._add_device(person, str(opened["url"]), with_key="key" in steps)
        self.recovery_codes = expect(person.complete(), 200)["recovery_codes"] or self.recovery_codes

    def ticket(self, **grounds: object) -> Answer:
        return self.service.backend(
            "POST", "/v1/enrollments", {"user_id": self.user, "locale": self.locale, **grounds}
        )

    def _add_app(self, person: Opened) -> None:
        self.secret = expect(person.begin("otp"), 200)["secret"]
        # The code before the present one, as from a slow typist: the present one then is good for a payment.
        expect(person.put("otp", {"code": self.app_code(-1)}), 200)

    def _add_device(self, person: Opened, url: str, *, with_key: bool) -> None:
        options = expect(person.begin("device"), 200)["publicKey"]
        body: dict[str, Any] = {"name": "phone"}
        if with_key:
            parts = urlsplit(url)
            self.key = Authenticator(f"{parts.scheme}://{parts.netloc}")
            body["credential"] = self.key.create(options)
        made = expect(person.put("device", body), 200)["device"]
        self.device = {"id": made["id"], "secret": made["secret"]}

    # -- Paying -------------------------------------------------------------------------------------------------------

    def payment(self, amount: int = MEDIUM, kind: str = "transfer", **changes: object) -> Json:
        payee = {"id": "shop_1", "name": "友谊商店"}
        made = {
            "id": new_name("pay"),
            "type": kind,
            "amount_minor": amount,
            "currency": "CNY",
            "payee": payee,
        }
        return {**made, **changes}

    def asks(
        self,
        amount: int = MEDIUM,
        *,
        device: Mapping[str, str] | str | None = KNOWN,
        risk: int | None = QUIET,
        payment: Json | None = None,
        once: str | None = None,
        **more: object,
    ) -> Answer:
        """The backend asks about a payment, with the payment password checked."""
        body: dict[str, Any] = {"transaction": payment or self.payment(amount), "user_id": self.user}
        body |= {"proven": ["knowledge"], "context": {"locale": self.locale}, **more}
        stated = self.device if device == KNOWN else device
        if stated is not None:
            body["device"] = stated
        if risk is not None:
            body["risk"] = {"score": risk}
        return self.service.backend("POST", "/v1/decisions", body, once)

    def acts(self, kind: str) -> Answer:
        """An account act: the service asks for the strongest proof that its owner has."""
        return self.asks(payment=self.payment(0, kind))

    def challenged(self, answer: Answer) -> Asked:
        """The challenge of a decision; raises Unprepared where nothing is asked."""
        decision = expect(answer, 201)
        opened = decision["challenge"]
        if opened is None:
            raise Unprepared(f"a challenge was expected, and the payment is {decision['status']}")
        return Asked(self.service, f"/v1/challenges/{opened['id']}", f"Challenge {opened['token']}", decision)

    def until_asked(self, ask: Callable[[], Answer], factor: str | None = None) -> Asked:
        """Ask until there is a challenge, and a way in it with `factor`: a busy biometric worker offers no face for a while."""
        deadline = time.monotonic() + WORKER_PATIENCE_S
        while True:
            answer = ask()
            if expect(answer, 201)["challenge"] is not None:
                asked = self.challenged(answer)
                if factor is None or any(factor in way for way in asked.sets):
                    return asked
            if time.monotonic() > deadline:
                raise Unprepared(
                    f"no {factor or 'challenge'} was offered for {WORKER_PATIENCE_S:.0f} s: {answer}"
                )
            time.sleep(0.5)

    def proves(self, asked: Asked) -> Answer:
        """Answer with the device key, and with an issued code where that is asked for as well."""
        if self.key is None:
            raise NotPlayed("the drill's person has no device key")
        ways = [way for way in asked.sets if way <= {"device_uv", "otp"} and "device_uv" in way]
        if not ways:
            raise Unprepared(
                f"nothing that a key and a code prove is offered: {[sorted(way) for way in asked.sets]}"
            )
        expect(asked.send("POST", "/switch", {"factors": sorted(ways[0])}), 200)
        expect(asked.assertion(self.key), 200)
        if "otp" in ways[0]:
            code = self.issued_code(asked)
            asked.begin("otp")
            expect(asked.put("otp", {"code": code}), 200)
        return asked.complete()

    def released(self, answer: Answer) -> Json:
        """Prove what is asked and return the decision with its receipt; raises Unprepared."""
        decision = expect(answer, 201)
        if decision["status"] not in RELEASED:
            asked = self.challenged(answer)
            expect(self.proves(asked), 200)
        found = self.decision(decision["id"])
        if found["receipt"] is None:
            raise Unprepared(f"a receipt was expected, and the payment is {found['status']}")
        return found

    def decision(self, decision_id: str) -> Json:
        return expect(self.service.backend("GET", f"/v1/decisions/{decision_id}"), 200)

    def consumes(self, receipt: str, payment: Json) -> Answer:
        body = {"receipt": receipt, "transaction": payment, "user_id": self.user}
        return self.service.backend("POST", "/v1/receipts/consume", body)

    # -- Codes --------------------------------------------------------------------------------------------------------

    @cached_property
    def app(self) -> pyotp.TOTP:
        return pyotp.TOTP(self.secret)

    def app_code(self, offset: int = 0) -> str:
        """What the app shows; waits where a period is about to end."""
        left = PERIOD_S - time.time() % PERIOD_S
        if left < 5:
            time.sleep(left)
        return str(self.app.at(int(time.time()) + offset * PERIOD_S))

    def wrong_code(self) -> str:
        near = {self.app.at(int(time.time()) + offset * PERIOD_S) for offset in range(-4, 9)}
        return next(code for code in (f"{number:06d}" for number in range(100)) if code not in near)

    def issued_code(self, asked: Asked) -> str:
        """What the backend's message carries for this payment."""
        path = f"/v1/decisions/{asked.decision['id']}/code"
        return str(expect(self.service.backend("POST", path), 201)["code"])

    # -- The account --------------------------------------------------------------------------------------------------

    def does(self, method: str, path: str, body: Json | None = None) -> Answer:
        return self.service.backend(method, f"/v1/users/{self.user}{path}", body)

    def overview(self) -> Opened:
        """What a signed-in session sees of the account."""
        made = expect(self.service.backend("POST", "/v1/overviews", {"user_id": self.user}), 201)
        return Opened(self.service, f"/v1/overviews/{made['id']}", f"Overview {made['token']}")

    def as_thief(self) -> Person:
        """Somebody with things of their own who says that they are this person."""
        return replace(self, secret="", device=None, key=None, recovery_codes=())
