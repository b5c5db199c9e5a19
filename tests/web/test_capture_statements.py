"""Where a capture came from, over HTTP: a registered key signs it, an attested app does, or nobody; and the policy asks."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from authsvc.biometric.words import Liveness
from authsvc.canonical import canonical
from authsvc.clock import FrozenClock
from authsvc.domain.ids import new_id
from authsvc.face.capture import CaptureContext
from authsvc.factor import Factor
from authsvc.policy import loading
from authsvc.subject import Subject
from tests.device.attesters.makers import Maker, World
from tests.support.authenticator import UP, Authenticator, b64, unb64
from tests.support.service import NOON, NamedFaces
from tests.web.conftest import Shop, opened_shop
from tests.web.people import Registration, asked, decide
from tests.web.support import BASE_URL, slug

WORLD = World()
SIGNED, ATTESTED = 3_000, 150_000
"""Amounts in fen, and what the policy of this shop asks of a capture for them; both are of the level `face`."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    text = loading.shipped_source().text
    known = '    { factors = ["face"], device_at_most = "probation" },\n'
    assert known in text
    head = '    { factors = ["face"], device_at_most = "trusted", capture_at_least ='
    small = f'{head} "device_signed", amount_at_most = 100_000 }},\n'
    (folder / "policy.toml").write_text(text.replace(known, f'{small}{head} "attested" }},\n'))
    faces = NamedFaces()
    faces.gates, faces.liveness = ("active",), Liveness.BONA_FIDE
    with opened_shop(
        folder,
        faces,
        FrozenClock(NOON),
        unsafe_no_pad=False,
        policy_file=folder / "policy.toml",
        capture_attesters=WORLD.write(folder),
    ) as opened:
        opened.wired.services.public.readyz()
        yield opened


class Payer:
    """Somebody with a face and a phone whose key is registered, answering one payment."""

    def __init__(self, shop: Shop, user: str, amount: int) -> None:
        self.shop = shop
        registration = Registration(shop, user)
        self.device = registration.hand_in().get_json()["device"]
        assert registration.complete().status_code == 200
        self.phone = registration.phone
        self._enroll_face(user)
        self.ask(user, amount)

    def ask(self, user: str, amount: int) -> None:
        body = asked(user, device=self.device, risk={"score": 75})
        body["transaction"]["amount_minor"] = amount
        self.decision: dict[str, Any] = decide(self.shop, body).get_json()
        challenge = self.decision["challenge"]
        self.needs = dict(zip(map("+".join, challenge["sets"]), challenge["capture_at_least"], strict=True))
        self.path = f"/v1/challenges/{challenge['id']}"
        self.token = {"Authorization": f"Challenge {challenge['token']}"}
        self.parts: list[dict[str, Any]] = []

    def _enroll_face(self, user: str) -> None:
        template = NamedFaces().enroll([b"ann 1", b"ann 2", b"ann 3"], CaptureContext())
        subject = Subject("shop", user)

        def enrolled(tx: Any) -> None:  # Any: the unit of work, as the store hands it out.
            account, now = tx.accounts.find(subject), NOON
            tx.templates.put(subject, account.key(), new_id("tpl"), template, now)
            tx.accounts.save(account.enrolled(Factor.FACE, now, now))

        self.shop.wired.store.ledger.transact(enrolled)

    def capture(self) -> None:
        """All parts; what went into them is kept, as a phone would."""
        shown = self.send("POST", "/steps/face/begin").get_json()
        while shown.get("state") != "received":
            frames = [f"ann {shown['nonce']} {number}".encode() for number in range(3)]
            files = [hashlib.sha256(frame).hexdigest() for frame in frames]
            self.parts.append({"files": files, "nonce": shown["nonce"]})
            answer = self.shop.api.put(
                f"{self.path}/steps/face", headers=self.token, **_form(shown["nonce"], frames)
            )
            assert answer.status_code == 200, answer.text
            shown = answer.get_json()

    def challenge(self) -> bytes:
        """What the phone computes by itself from payment and capture."""
        binding = bytes.fromhex(self.decision["binding"]["digest"].removeprefix("sha256:"))
        text = canonical({"v": 1, "parts": self.parts})
        digest = hashlib.sha256(text.encode()).digest()
        return hashlib.sha256(b"authsvc-capture-statement-v1\x00" + binding + digest).digest()

    def begin_statement(self) -> dict[str, Any]:
        answer = self.send("POST", "/steps/face/statement/begin")
        assert answer.status_code == 200, answer.text
        begun: dict[str, Any] = answer.get_json()
        return begun

    def state(self, form: str, statement: object) -> TestResponse:
        body = {"format": form, "statement": statement}
        return self.shop.api.put(f"{self.path}/steps/face/statement", json=body, headers=self.token)

    def sign(self, phone: Authenticator | None = None) -> TestResponse:
        begun = self.begin_statement()
        answer = (phone or self.phone).get(begun["publicKey"])
        answer.flags = UP  # A touch is enough.
        return self.state("webauthn", answer.to_json())

    def complete(self) -> TestResponse:
        return self.send("POST", "/complete")

    def proof(self) -> dict[str, Any]:
        """What the receipt says of the face, after the audit has said the same."""
        answer = self.shop.api.get(f"/v1/decisions/{self.decision['id']}", headers=self.shop.bearer)
        claims = jwt.decode(answer.get_json()["receipt"], options={"verify_signature": False})
        [factor] = claims["factors"]
        assert self.audited("authenticated") == [factor]
        found: dict[str, Any] = factor
        return found

    def audited(self, result: str) -> list[dict[str, Any]]:
        answer = self.shop.api.get("/v1/audit/events?limit=500", headers=self.shop.bearer)
        lines = [
            line["details"]
            for line in answer.get_json()["events"]
            if line["object"] == self.decision["id"] and line["result"] == result
        ]
        details = lines[-1]
        found: list[dict[str, Any]] = details["proofs"] if "proofs" in details else details["results"]
        return found

    def send(self, method: str, path: str) -> TestResponse:
        return self.shop.api.send(method, f"{self.path}{path}", headers=self.token)


def _form(nonce: str, frames: list[bytes]) -> dict[str, Any]:
    meta = {"taken_at_ms": [0] * len(frames), "prompted_at_ms": 0, "sent_at_ms": 0}
    data = {
        "nonce": nonce,
        "meta": json.dumps(meta),
        "frame": [FileStorage(io.BytesIO(one), "1.jpg", content_type="image/jpeg") for one in frames],
    }
    boundary, body = encode_multipart(data, "boundary")
    return {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}


def test_a_touch_of_the_registered_key_signs_payment_and_capture(shop: Shop, user: str) -> None:
    payer = Payer(shop, user, SIGNED)
    assert payer.needs["face"] == "device_signed"
    payer.capture()
    assert len(payer.parts) == 4
    begun = payer.begin_statement()
    assert unb64(begun["challenge"]) == payer.challenge()
    assert begun["publicKey"]["challenge"] == begun["challenge"]
    assert begun["formats"] == ["webauthn", "android-key", "apple-app-attest", "sys-integrity"]
    assert payer.sign().get_json() == {"state": "received"}
    assert payer.complete().get_json() == {"status": "authenticated"}
    proof = payer.proof()
    assert proof["capture"] == "device_signed"
    assert proof["statement"]["device"] == payer.device["id"]


@pytest.mark.parametrize("maker", WORLD.makers(), ids=lambda maker: maker.format)
@pytest.mark.parametrize("amount", [SIGNED, ATTESTED])
def test_an_attested_app_is_good_for_both(shop: Shop, user: str, maker: Maker, amount: int) -> None:
    payer = Payer(shop, user, amount)
    payer.capture()
    payer.begin_statement()
    # The app needs nothing of ours but the nonces: it knows what it recorded and what is paid.
    assert payer.state(maker.format, maker.statement(payer.challenge())).status_code == 200
    assert payer.complete().get_json() == {"status": "authenticated"}
    proof = payer.proof()
    assert (proof["capture"], proof["statement"]["format"]) == ("attested", maker.format)


def _nothing(payer: Payer) -> None:
    """A browser's capture."""


def _other_key(payer: Payer) -> None:
    payer.sign(Authenticator(BASE_URL))


def _other_capture(payer: Payer) -> None:
    """Signed for a capture whose frames were exchanged."""
    begun = payer.begin_statement()
    payer.parts[0]["files"].reverse()
    begun["publicKey"]["challenge"] = b64(payer.challenge())
    payer.state("webauthn", payer.phone.get(begun["publicKey"]).to_json())


def _other_payment(payer: Payer) -> None:
    begun = payer.begin_statement()
    payer.decision["binding"]["digest"] = "sha256:" + "0" * 64
    begun["publicKey"]["challenge"] = b64(payer.challenge())
    payer.state("webauthn", payer.phone.get(begun["publicKey"]).to_json())


def _captured_again(payer: Payer) -> None:
    """Signed, and then another capture handed in."""
    payer.sign()
    payer.parts.clear()
    # Whoever begins anew after a second gesture gives the attempt up.
    payer.capture()


def _foreign_root(payer: Payer) -> None:
    payer.begin_statement()
    maker = World().makers()[0]
    payer.state(maker.format, maker.statement(payer.challenge()))


def _another_way_of_writing(payer: Payer) -> None:
    payer.begin_statement()
    assert payer.state("android-key", {"x5c": "none"}).status_code == 200


@pytest.mark.parametrize(
    "does",
    [
        _nothing,
        _other_key,
        _other_capture,
        _other_payment,
        _captured_again,
        _foreign_root,
        _another_way_of_writing,
    ],
)
def test_without_a_right_statement_the_capture_is_a_browsers_and_releases_nothing(
    shop: Shop, user: str, does: Callable[[Payer], None]
) -> None:
    payer = Payer(shop, user, SIGNED)
    payer.capture()
    does(payer)
    refused = payer.complete()
    assert (refused.status_code, slug(refused)) == (401, "challenge-failed")
    [result] = payer.audited("refused")
    assert (result["passed"], result["reason"], result["capture"]) == (False, "capture browser", "browser")


def test_a_key_alone_is_not_enough_where_an_attested_app_is_asked(shop: Shop, user: str) -> None:
    payer = Payer(shop, user, ATTESTED)
    assert payer.needs["face"] == "attested"
    payer.capture()
    payer.sign()
    assert slug(payer.complete()) == "challenge-failed"
    assert payer.audited("refused")[0]["reason"] == "capture device_signed"
    # An attempt was lost and no more: with the app's word the next capture pays.
    payer.parts.clear()
    payer.capture()
    payer.begin_statement()
    maker = WORLD.makers()[1]
    payer.state(maker.format, maker.statement(payer.challenge()))
    assert payer.complete().get_json() == {"status": "authenticated"}


def test_a_copied_key_is_noticed_and_suspended(shop: Shop, user: str) -> None:
    payer = Payer(shop, user, SIGNED)
    copy = payer.phone.clone()
    payer.capture()
    payer.sign()
    assert payer.complete().status_code == 200
    payer.ask(user, SIGNED)
    payer.capture()
    payer.sign(copy)
    assert slug(payer.complete()) == "challenge-failed"
    assert payer.audited("refused")[0]["statement"]["refused"] == "clone-suspected"
    subject = Subject("shop", user)
    assert shop.wired.store.ledger.read(lambda tx: tx.credentials.live(subject)) == ()


def test_a_statement_is_begun_for_a_capture_and_taken_once(shop: Shop, user: str) -> None:
    payer = Payer(shop, user, SIGNED)
    assert slug(payer.send("POST", "/steps/face/statement/begin")) == "invalid-request"
    payer.capture()
    assert slug(payer.state("webauthn", {})) == "invalid-request"
    payer.begin_statement()
    assert slug(payer.state("safetynet", {})) == "invalid-request"
    begun = payer.begin_statement()
    answer = payer.phone.get(begun["publicKey"]).to_json()
    assert payer.state("webauthn", answer).status_code == 200
    assert slug(payer.state("webauthn", answer)) == "invalid-request"
    assert payer.complete().status_code == 200
