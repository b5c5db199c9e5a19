"""A voice from its enrollment to the receipt, over HTTP, with the default engines on real voices.

Every answer is held against the OpenAPI document. The digits are foreseeable here, so that a run is like the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pyotp
import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from authsvc.audit.witness import verify_bundle
from authsvc.bootstrap.app import create_app
from authsvc.errors import ModelUnusable
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.voice import verifier
from authsvc.voice.build import voice_service
from authsvc.voice.conditions import noisy, reverberant
from authsvc.voice.service import VoiceService
from authsvc.web.settings import WebSettings
from tests.support.service import Bench, embedded
from tests.support.speaking import Speaker, always, rows_of_digits
from tests.web.support import BASE_URL, TRANSACTION, Api, slug

OWNER, STRANGER = "george", "lucas"
USER = "u_voice"


@pytest.fixture(scope="module")
def service(model_dir: Path) -> VoiceService:
    try:
        made = voice_service(model_dir)
    except ModelUnusable as error:
        pytest.skip(f"no prepared voice models: {error.detail}")
    made.load()
    return made


@pytest.fixture
def owner(voices_dir: Path) -> Speaker:
    return Speaker(voices_dir / "digits", OWNER)


@pytest.fixture
def stranger(voices_dir: Path) -> Speaker:
    return Speaker(voices_dir / "digits", STRANGER)


class Shop:
    """A payment backend, and its payer's phone, both over HTTP."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.api = Api(create_app(bench.services, WebSettings(BASE_URL)))
        key, shown = new_api_key(bench.wired.store.ring, "shop", ALL_SCOPES, bench.clock.now())
        bench.wired.store.ledger.transact(lambda tx: tx.keys.add(key))
        self.bearer = {"Authorization": f"Bearer {shown}"}
        self.app: pyotp.TOTP | None = None
        self._count = 0
        # Nothing is offered that no worker has said it can do.
        assert self.api.get("/readyz").get_json()["voice"]["engine"] == "ge2e_onnx"

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        self._count += 1
        headers = {**self.bearer, "Idempotency-Key": f"key-{self._count}"}
        answer = self.api.post(path, json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.get_json()
        return answer.get_json()

    def get(self, path: str) -> Any:
        return self.api.get(path, headers=self.bearer).get_json()

    def ticket(self) -> Steps:
        made = self.post("/v1/enrollments", {"user_id": USER, "locale": "en"})
        return Steps(self.api, f"/v1/enrollments/{made['id']}", f"Enrollment {made['token']}")

    def enroll(self, person: Speaker) -> None:
        """A voice, and the authenticator app that stands beside it."""
        ticket = self.ticket()
        consent(ticket, "voice")
        for _ in range(5):
            assert ticket.say(person).status_code == 200
        self.app = pyotp.TOTP(ticket.begin("otp")["secret"])
        ticket.put("otp", {"code": self.app.at(self.bench.clock.now())})
        self.bench.clock.advance(timedelta(seconds=30))
        assert ticket.complete().get_json()["factors"] == ["otp", "voice"]

    def decide(self) -> Any:
        """From a phone that nobody knows: the level `face`, which this payer proves with voice and code."""
        self._count += 1
        transaction = {**TRANSACTION, "id": f"pay_{self._count}"}
        return self.post(
            "/v1/decisions", {"transaction": transaction, "user_id": USER, "risk": {"score": 73}}
        )

    def challenge(self) -> Payer:
        return Payer(self, self.decide())


class Steps:
    """An enrollment or a challenge on the person's side."""

    def __init__(self, api: Api, path: str, authorization: str) -> None:
        self.api, self.path = api, path
        self.headers = {"Authorization": authorization}

    def get(self) -> Any:
        return self.api.get(self.path, headers=self.headers).get_json()

    def begin(self, step: str) -> Any:
        answer = self.api.post(f"{self.path}/steps/{step}/begin", json={}, headers=self.headers)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    def put(self, step: str, body: Mapping[str, Any]) -> None:
        answer = self.api.put(f"{self.path}/steps/{step}", json=body, headers=self.headers)
        assert answer.status_code == 200, answer.get_json()

    def say(self, person: Speaker, *, digits: str = "", **how: Any) -> TestResponse:
        """Read what is shown, or other digits."""
        begun = self.begin("voice")
        return self.send(begun, person.reads(digits or begun["digits"], **how))

    def send(self, begun: Mapping[str, Any], recording: bytes) -> TestResponse:
        sound = FileStorage(BytesIO(recording), "voice.wav", content_type="audio/wav")
        boundary, body = encode_multipart({"audio": sound, "nonce": begun["nonce"]}, "boundary")
        kind = f"multipart/form-data; boundary={boundary}"
        path = f"{self.path}/steps/voice"
        return self.api.put(path, data=body, content_type=kind, headers=self.headers)

    def complete(self) -> TestResponse:
        return self.api.post(f"{self.path}/complete", json={}, headers=self.headers)


class Payer(Steps):
    """A payer before a challenge, with the app at hand."""

    def __init__(self, shop: Shop, decision: Mapping[str, Any]) -> None:
        self.decision, self.shop = decision, shop
        opened = decision["challenge"]
        super().__init__(shop.api, f"/v1/challenges/{opened['id']}", f"Challenge {opened['token']}")

    def type_code(self) -> None:
        self.begin("otp")
        assert self.shop.app is not None
        self.put("otp", {"code": self.shop.app.at(self.shop.bench.clock.now())})

    def result(self) -> TestResponse:
        """Judged with a good code beside the voice; a code is good once, so the next one waits for its turn."""
        self.type_code()
        answer = self.complete()
        self.shop.bench.clock.advance(timedelta(seconds=30))
        return answer

    def voice_in_evidence(self) -> Any:
        """What the third party reads about the voice of this decision's last attempt."""
        bundle = self.shop.get(f"/v1/decisions/{self.decision['id']}/evidence")
        keys = self.shop.bench.wired.store.ring.audit_public_keys()
        witness = verify_bundle(json.dumps(bundle, ensure_ascii=False).encode(), keys)
        assert witness.faults == ()
        return next(part for part in _dicts(bundle) if part.get("factor") == "voice" and "score" in part)


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    """Every object of a JSON document, the last ones first."""
    if isinstance(value, dict):
        for each in reversed(value.values()):
            yield from _dicts(each)
        yield value
    elif isinstance(value, list):
        for each in reversed(value):
            yield from _dicts(each)


def consent(ticket: Steps, *modalities: str) -> None:
    offered = ticket.begin("consent")
    assert "voice" in offered["modalities"]
    ticket.put("consent", {"modalities": list(modalities)})


@pytest.fixture
def shop(tmp_path: Path, service: VoiceService, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(verifier, "new_digits", rows_of_digits(seed=3))
    bench = Bench(embedded(tmp_path / "data"), voice=service)
    yield Shop(bench)
    bench.close()


def test_the_owner_is_authenticated_by_voice_and_code_and_the_evidence_has_the_numbers(
    shop: Shop, owner: Speaker
):
    shop.enroll(owner)
    payer = shop.challenge()
    assert payer.decision["challenge"]["sets"] == [["voice", "otp"]]
    assert payer.say(owner).get_json() == {"state": "received"}
    assert payer.result().get_json() == {"status": "authenticated"}
    voice = payer.voice_in_evidence()
    assert voice["score"] >= voice["threshold"] == 0.84
    assert (voice["phrases"], voice["target_fmr"], voice["liveness"]) == (1, "1 in 200", "bona_fide")
    assert -2.5 < voice["prompt"] <= 0
    assert 0 < voice["log_likelihood_ratio"] <= 3
    assert voice["model"].startswith("sha256:")
    decided = shop.get(f"/v1/decisions/{payer.decision['id']}")
    shown = {"receipt": decided["receipt"], "transaction": {**TRANSACTION, "id": decided["transaction_id"]}}
    claims = shop.post("/v1/receipts/verify", shown)["claims"]
    assert set(claims["amr"]) == {"otp", "vbm"}


def test_a_stranger_with_the_right_code_is_refused(shop: Shop, owner: Speaker, stranger: Speaker):
    shop.enroll(owner)
    payer = shop.challenge()
    assert payer.say(stranger).get_json() == {"state": "received"}
    refused = payer.result()
    assert (slug(refused), refused.get_json()["attempts_remaining"]) == ("challenge-failed", 2)
    assert payer.say(owner).status_code == 200
    assert payer.result().get_json() == {"status": "authenticated"}


def test_other_digits_than_the_asked_ones_are_refused_in_whatever_voice(shop: Shop, owner: Speaker):
    shop.enroll(owner)
    payer = shop.challenge()
    assert payer.say(owner, digits="318246").get_json() == {"state": "received"}
    assert slug(payer.result()) == "challenge-failed"


def test_between_yes_and_no_a_second_row_is_asked_and_both_are_judged_together(shop: Shop, owner: Speaker):
    shop.enroll(owner)
    payer = shop.challenge()
    first = payer.say(owner, spoil=lambda sound: noisy(reverberant(sound, 0.9), 14))
    assert slug(first) == "capture-unusable"
    assert [hint["code"] for hint in first.get_json()["hints"]] == ["say_another"]
    assert payer.get()["attempts_remaining"] == 3
    assert payer.say(owner).get_json() == {"state": "received"}
    assert payer.result().get_json() == {"status": "authenticated"}
    assert payer.voice_in_evidence()["phrases"] == 2


def test_an_accepted_recording_is_refused_when_it_comes_again_even_for_the_same_digits(
    shop: Shop, owner: Speaker, monkeypatch: pytest.MonkeyPatch
):
    shop.enroll(owner)
    monkeypatch.setattr(verifier, "new_digits", always(["402917"]))
    recording = owner.reads("402917")
    for outcome in (200, 401):
        payer = shop.challenge()
        assert payer.send(payer.begin("voice"), recording).get_json() == {"state": "received"}
        assert payer.result().status_code == outcome
    events = shop.get("/v1/events?after=0")["events"]
    assert "attack:suspected" in {event["type"] for event in events}


def test_three_failures_close_the_voice_and_nothing_else(shop: Shop, owner: Speaker, stranger: Speaker):
    shop.enroll(owner)
    payer = shop.challenge()
    for _ in range(3):
        payer.say(stranger)
        assert slug(payer.result()) == "challenge-failed"
    assert shop.get(f"/v1/decisions/{payer.decision['id']}")["status"] == "failed"
    assert list(shop.get(f"/v1/users/{USER}/status")["locked_until"]) == ["voice"]
    # The owner's own voice must wait; other factors need not.
    again = shop.decide()
    assert again["status"] == "not_possible" or ["voice", "otp"] not in again["challenge"]["sets"]


def test_a_bad_row_is_repeated_alone_and_what_was_good_is_kept(shop: Shop, owner: Speaker):
    ticket = shop.ticket()
    consent(ticket, "voice")
    assert ticket.say(owner).get_json() == {"state": "received", "remaining": 4}
    noise = ticket.say(owner, spoil=lambda sound: noisy(sound, 3))
    assert (slug(noise), noise.get_json()["hints"][0]["code"]) == ("capture-unusable", "too_noisy")
    wrong = ticket.say(owner, digits="11111111")
    assert wrong.get_json()["hints"][0]["code"] == "speak_all_digits"
    begun = ticket.begin("voice")
    assert (begun["phrase"], begun["phrases"], len(begun["digits"])) == (2, 5, 8)
    assert ticket.send(begun, owner.reads(begun["digits"])).get_json()["remaining"] == 3


def test_a_nonce_is_good_for_one_recording_and_one_minute(shop: Shop, owner: Speaker):
    ticket = shop.ticket()
    consent(ticket, "voice")
    begun = ticket.begin("voice")
    recording = owner.reads(begun["digits"])
    assert ticket.send(begun, recording).status_code == 200
    assert slug(ticket.send(begun, recording)) == "invalid-request"
    late = ticket.begin("voice")
    shop.bench.clock.advance(timedelta(seconds=60))
    assert slug(ticket.send(late, owner.reads(late["digits"]))) == "invalid-request"


def test_two_voices_are_no_enrollment_and_it_begins_again(shop: Shop, owner: Speaker, stranger: Speaker):
    ticket = shop.ticket()
    consent(ticket, "voice")
    for person in (owner, owner, stranger, owner):
        assert ticket.say(person).status_code == 200
    last = ticket.say(owner)
    assert [hint["code"] for hint in last.get_json()["hints"]] == ["inconsistent"]
    assert ticket.begin("voice")["phrase"] == 1
    assert "voice" not in ticket.get()["received"]


def test_without_consent_there_is_no_first_recording(shop: Shop):
    ticket = shop.ticket()
    consent(ticket, "face")
    answer = ticket.api.post(f"{ticket.path}/steps/voice/begin", json={}, headers=ticket.headers)
    assert slug(answer) == "invalid-request"
