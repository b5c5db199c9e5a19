"""An answer that shows something once is lost on its way, of an enrollment or an erasure: asked again, it is sent again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from werkzeug.test import TestResponse

from authsvc.domain.once import Once
from authsvc.domain.ticket import TICKET_LIFE, Ticket
from authsvc.errors import ChallengeClosed
from authsvc.factor import Submission
from authsvc.services.enrollments import TicketWanted
from enrollment.app import make_pages
from tests.support.service import Bench, Said, embedded, said
from tests.web.conftest import Shop
from tests.web.people import Registration, open_enrollment, open_overview, step
from tests.web.support import BASE_URL, slug


@dataclass
class Visit:
    """Somebody who has an app and presses the last button."""

    shop: Shop
    token: dict[str, str]
    path: str

    @classmethod
    def of(cls, shop: Shop, user: str) -> Visit:
        token, path = open_enrollment(shop, user)
        app = pyotp.TOTP(step(shop, path, token, "otp").get_json()["secret"])
        handed_in = shop.api.put(f"{path}/steps/otp", json={"code": app.now()}, headers=token)
        assert handed_in.status_code == 200
        return cls(shop, token, path)

    def complete(self, key: str | None = "k", **request: object) -> TestResponse:
        headers = self.token if key is None else {**self.token, "Idempotency-Key": key}
        return self.shop.api.post(f"{self.path}/complete", headers=headers, **request)


def test_asked_again_with_the_same_key_it_is_the_same(shop: Shop, user: str):
    visit = Visit.of(shop, user)
    lost, again = visit.complete(), visit.complete()
    assert len(lost.get_json()["recovery_codes"]) == 10
    assert (again.status_code, again.data) == (lost.status_code, lost.data)
    assert "Idempotent-Replayed" not in lost.headers
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["another", None], ids=["another key", "no key"])
@pytest.mark.parametrize("first", ["k", None], ids=["after a key", "after none"])
def test_asked_again_in_another_way_it_is_over(shop: Shop, user: str, first: str | None, key: str | None):
    visit = Visit.of(shop, user)
    assert visit.complete(first).status_code == 200
    assert slug(visit.complete(key)) == "challenge-closed"


def test_another_token_gets_nothing(shop: Shop, user: str):
    visit, other = Visit.of(shop, user), Visit.of(shop, f"{user}-other")
    assert visit.complete().status_code == 200
    stolen = Visit(shop, other.token, visit.path)
    assert slug(stolen.complete()) == "unauthenticated"


def test_the_same_key_of_somebody_else_is_another(shop: Shop, user: str):
    visit, other = Visit.of(shop, user), Visit.of(shop, f"{user}-other")
    assert visit.complete().get_json() != other.complete().get_json()


def test_with_another_body_it_is_another_request(shop: Shop, user: str):
    visit = Visit.of(shop, user)
    assert visit.complete().status_code == 200
    assert slug(visit.complete(json={})) == "idempotency-key-reused"


def test_what_was_refused_can_be_asked_again(shop: Shop, user: str):
    token, path = open_enrollment(shop, user)
    visit = Visit(shop, token, path)
    assert slug(visit.complete()) == "invalid-request"
    step(shop, path, token, "device")
    assert shop.api.put(f"{path}/steps/device", json={"name": "手机"}, headers=token).status_code == 200
    assert visit.complete().status_code == 200


def test_of_eight_at_once_all_get_the_same_codes(shop: Shop, user: str):
    visit = Visit.of(shop, user)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: visit.complete(), range(8)))
    assert {answer.status_code for answer in found} == {200}
    assert len({answer.data for answer in found}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in found) == 1


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(embedded(tmp_path / "data"))
    yield made
    made.close()


def ready(bench: Bench) -> tuple[str, str]:
    """An enrollment with an app, to be completed."""
    ticket = bench.services.enrollments.create(bench.key, bench.once(), TicketWanted("u_1", "zh-CN"))
    opened = (str(said(ticket)["id"]), str(said(ticket)["token"]))
    app = pyotp.TOTP(str(bench.services.enrollments.begin_step(*opened, "otp", {})["secret"]))
    bench.services.enrollments.take_step(*opened, "otp", Submission({"code": app.at(bench.clock.now())}))
    return opened


def completed(bench: Bench, key: str = "k") -> tuple[tuple[str, str], Said]:
    """An enrollment that was completed under this key, and what it answered."""
    opened = ready(bench)
    return opened, said(bench.services.enrollments.complete(*opened, Once(key, b"f")))


def test_a_copy_that_overtakes_between_two_looks_is_answered_alike(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    opened, enrolling = ready(bench), bench.services.enrollments._parts.enrolling
    find, first = enrolling.find, []

    def overtaken(enrollment_id: str) -> Ticket:
        monkeypatch.undo()
        first.append(said(bench.services.enrollments.complete(*opened, Once("k", b"f"))))
        return find(enrollment_id)

    monkeypatch.setattr(enrolling, "find", overtaken)
    assert said(bench.services.enrollments.complete(*opened, Once("k", b"f"))) == first[0]


def test_it_is_kept_for_a_quarter_of_an_hour(bench: Bench):
    opened, first = completed(bench)
    bench.clock.advance(TICKET_LIFE - timedelta(seconds=1))
    assert said(bench.services.enrollments.complete(*opened, Once("k", b"f"))) == first
    bench.clock.advance(timedelta(seconds=1))
    with pytest.raises(ChallengeClosed):
        bench.services.enrollments.complete(*opened, Once("k", b"f"))


def test_it_is_kept_sealed(bench: Bench):
    _, first = completed(bench)
    stored = b"".join(file.read_bytes() for file in bench.settings.data_dir.glob("*.db*"))
    codes = first["recovery_codes"]
    assert codes
    assert not [code for code in codes if code.encode() in stored or code.replace("-", "").encode() in stored]


@dataclass
class Leaving:
    """Somebody with an app and a device key, who has just proved that the account is to be erased."""

    shop: Shop
    token: dict[str, str]
    path: str

    @classmethod
    def of(cls, shop: Shop, user: str) -> Leaving:
        phone = Registration(shop, user)
        secret = step(shop, phone.path, phone.token, "otp").get_json()["secret"]
        before = pyotp.TOTP(secret).at(int(time.time()) - 30)
        handed_in = shop.api.put(f"{phone.path}/steps/otp", json={"code": before}, headers=phone.token)
        assert (handed_in.status_code, phone.hand_in().status_code) == (200, 200)
        assert phone.complete().status_code == 200
        token, path = open_overview(shop, user)
        begun = shop.api.post(f"{path}/erasure/begin", headers=token).get_json()["challenge"]
        payer = {"Authorization": f"Challenge {begun['token']}"}
        asked = f"/v1/challenges/{begun['id']}"
        options = step(shop, asked, payer, "device_uv").get_json()["publicKey"]
        signed = phone.phone.get(options).to_json()
        shop.api.put(f"{asked}/steps/device_uv", json=signed, headers=payer)
        step(shop, asked, payer, "otp")
        shop.api.put(f"{asked}/steps/otp", json={"code": pyotp.TOTP(secret).now()}, headers=payer)
        assert shop.api.post(f"{asked}/complete", headers=payer).status_code == 200
        return cls(shop, token, path)

    def complete(self, key: str) -> TestResponse:
        headers = {**self.token, "Idempotency-Key": key}
        return self.shop.api.post(f"{self.path}/erasure/complete", headers=headers)


def test_the_receipt_of_an_erasure_is_sent_again(shop: Shop, user: str):
    leaving = Leaving.of(shop, user)
    lost, again, other = leaving.complete("k"), leaving.complete("k"), leaving.complete("another")
    assert lost.get_json()["user_id"] == user
    assert (again.status_code, again.data) == (lost.status_code, lost.data) == (200, lost.data)
    assert "Idempotent-Replayed" not in lost.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert slug(other) == "not-found"


def test_a_browser_that_lost_the_page_of_the_receipt_sends_its_form_again(shop: Shop, user: str):
    leaving = Leaving.of(shop, user)
    browser = make_pages(shop.app, BASE_URL).test_client()
    address = leaving.path.replace("/v1/overviews/", "/o/")
    token = leaving.token["Authorization"].removeprefix("Overview ")
    browser.post(address, base_url=BASE_URL, data={"token": token})
    page = browser.get(f"{address}/erasure", base_url=BASE_URL).text
    form = {"form_key": page.split('name="form_key" value="')[1].split('"')[0]}
    lost, again = (browser.post(f"{address}/erasure/now", base_url=BASE_URL, data=form) for _ in range(2))
    assert (lost.status_code, again.status_code) == (200, 200)
    receipt = lost.text.split('id="receipt">')[1].split("<")[0]
    assert receipt.count(".") == 2
    assert receipt in again.text
