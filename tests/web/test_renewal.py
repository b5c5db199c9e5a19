"""A face that is renewed, over HTTP, from the consent to what its person reads: with two models, on both stores."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from authsvc.biometric.words import Liveness
from authsvc.clock import FrozenClock, to_millis
from tests.support.service import NOON
from tests.support.two_models import CURRENT, DIGESTS, EARLIER, TwoModels
from tests.web.conftest import Shop, opened_shop
from tests.web.people import asked, decide, open_enrollment, open_overview, step

Headers = dict[str, str]


class Household:
    """A shop after its change of model, and Ann, who was enrolled before it."""

    def __init__(self, shop: Shop, faces: TwoModels, clock: FrozenClock, wording: str) -> None:
        self.shop, self.faces, self.clock = shop, faces, clock
        self._shots = 0
        faces.model = DIGESTS[EARLIER]
        token, path = open_enrollment(shop, "ann")
        said = {"modalities": ["face"], "text_version": wording}
        step(shop, path, token, "consent")
        assert shop.api.put(f"{path}/steps/consent", json=said, headers=token).status_code == 200
        assert self.shows(path, token).get_json()["state"] == "received"
        code = pyotp.TOTP(step(shop, path, token, "otp").get_json()["secret"]).at(clock.now())
        assert shop.api.put(f"{path}/steps/otp", json={"code": code}, headers=token).status_code == 200
        step(shop, path, token, "device")
        named = shop.api.put(f"{path}/steps/device", json={"name": "手机"}, headers=token)
        self.device = named.get_json()["device"]
        assert shop.api.post(f"{path}/complete", headers=token).status_code == 200
        faces.model = DIGESTS[CURRENT]

    def shows(self, path: str, token: Headers) -> TestResponse:
        """Ann's face, gesture by gesture, in a capture of its own."""
        answer = step(self.shop, path, token, "face")
        while answer.get_json().get("state") != "received":
            self._shots += 1
            form = self._form(answer.get_json()["nonce"], f"ann {self._shots}")
            answer = self.shop.api.put(f"{path}/steps/face", headers=token, **form)
            assert answer.status_code == 200, answer.text
        return answer

    def pays(self) -> int:
        body = asked("ann", device=self.device, risk={"score": 75})
        challenge = decide(self.shop, body).get_json()["challenge"]
        path, payer = (
            f"/v1/challenges/{challenge['id']}",
            {"Authorization": f"Challenge {challenge['token']}"},
        )
        self.shows(path, payer)
        return self.shop.api.post(f"{path}/complete", headers=payer).status_code

    def told(self) -> list[dict[str, Any]]:
        events = self.shop.api.get("/v1/events?limit=500", headers=self.shop.bearer).get_json()["events"]
        return [each for each in events if each["type"] == "subject:face:renewed"]

    def overview(self) -> dict[str, Any]:
        token, path = open_overview(self.shop, "ann")
        shown: dict[str, Any] = self.shop.api.get(path, headers=token).get_json()
        return shown

    def _form(self, nonce: str, picture: str) -> dict[str, Any]:
        now = to_millis(self.clock.now())
        self.clock.advance(timedelta(seconds=1))
        meta = {"taken_at_ms": [0, 1, 2], "prompted_at_ms": now, "sent_at_ms": now + 1000}
        frames = [
            FileStorage(io.BytesIO(f"{picture}{letter}".encode()), f"{letter}.jpg", content_type="image/jpeg")
            for letter in "abc"
        ]
        boundary, data = encode_multipart({"nonce": nonce, "meta": json.dumps(meta), "frame": frames})
        return {"data": data, "content_type": f"multipart/form-data; boundary={boundary}"}


@pytest.fixture(params=["embedded", "servers"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Shop, TwoModels, FrozenClock]]:
    changes = {}
    if request.param == "servers":
        changes = {
            "database_url": request.getfixturevalue("migrated_postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    faces, clock = TwoModels(), FrozenClock(NOON)
    faces.gates, faces.liveness = ("active",), Liveness.BONA_FIDE
    with opened_shop(tmp_path, faces, clock, unsafe_no_pad=False, face_model=CURRENT, **changes) as shop:
        shop.wired.services.public.readyz()
        yield shop, faces, clock


def test_a_good_payment_renews_the_face_once_and_its_person_reads_it(
    opened: tuple[Shop, TwoModels, FrozenClock],
) -> None:
    house = Household(*opened, wording="2026-12")
    assert [house.pays(), house.pays()] == [200, 200]
    assert house.faces.judged_by == [DIGESTS[EARLIER], DIGESTS[CURRENT]]
    (event,) = house.told()
    assert "旧的已删除" in event["alert"]["zh-CN"]
    assert "enrolled anew" in event["alert"]["en"]
    shown = [each["face_renewed"] for each in house.overview()["verifications"]]
    assert sorted(shown) == [False, True]


def test_whoever_agreed_to_the_earlier_wording_is_judged_by_the_earlier_model_and_asked_when_they_enroll_again(
    opened: tuple[Shop, TwoModels, FrozenClock],
) -> None:
    house = Household(*opened, wording="2026-11")
    assert [house.pays(), house.pays()] == [200, 200]
    assert house.faces.judged_by == [DIGESTS[EARLIER]] * 2
    assert house.told() == []
    assert [each["text_version"] for each in house.overview()["consents"]] == ["2026-11"]
