"""The device key in the whole service: made at an enrollment, used for a payment, and gone when it looks cloned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authsvc.device.novelty import StatedDevice
from authsvc.errors import ChallengeFailed, InvalidRequest
from authsvc.factor import Factor, Submission
from authsvc.services.enrollments import TicketWanted
from tests.support.authenticator import Authenticator
from tests.support.service import Bench, challenge_of, embedded, said


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(embedded(tmp_path / "data"))
    yield made
    made.close()


def opened(bench: Bench, user: str = "u_1", proof: str | None = None) -> tuple[str, str]:
    ticket = said(
        bench.services.enrollments.create(bench.key, bench.once(), TicketWanted(user, "zh-CN", proof))
    )
    return str(ticket["id"]), str(ticket["token"])


def enrolled(bench: Bench, phone: Authenticator, user: str = "u_1") -> StatedDevice:
    """A person whose only factor is a device key."""
    ticket = opened(bench, user)
    begun: Any = bench.services.enrollments.begin_step(*ticket, "device", {})
    credential = phone.create(begun["publicKey"]).to_json()
    answer = Submission({"name": "我的手机", "credential": credential})
    made: Any = bench.services.enrollments.take_step(*ticket, "device", answer)["device"]
    bench.services.enrollments.complete(*ticket)
    return StatedDevice(made["id"], made["secret"])


def asked(bench: Bench, device: StatedDevice, amount: int = 30_000) -> Any:
    decision = bench.decide(bench.payment(amount), device, risk=45)
    assert ["device_uv"] in decision["challenge"]["sets"]
    return decision


def options(bench: Bench, decision: Any) -> Any:
    return bench.services.challenges.begin_step(*challenge_of(decision), Factor.DEVICE_UV)["publicKey"]


def answer(bench: Bench, decision: Any, credential: dict[str, Any]) -> bool:
    bench.services.challenges.take_step(*challenge_of(decision), Factor.DEVICE_UV, Submission(credential))
    return bench.complete(decision).authenticated


def pay(bench: Bench, device: StatedDevice, phone: Authenticator) -> bool:
    decision = asked(bench, device)
    return answer(bench, decision, phone.get(options(bench, decision)).to_json())


@pytest.fixture
def phone(bench: Bench) -> Authenticator:
    return Authenticator(bench.settings.public_url)


def test_a_key_made_at_the_enrollment_releases_a_payment(bench: Bench, phone: Authenticator) -> None:
    device = enrolled(bench, phone)
    decision = asked(bench, device)
    assert answer(bench, decision, phone.get(options(bench, decision)).to_json())
    assert bench.again(decision)["receipt"] is not None


def test_an_assertion_for_one_payment_does_not_release_another(bench: Bench, phone: Authenticator) -> None:
    device = enrolled(bench, phone)
    small, large = asked(bench, device), asked(bench, device, 40_000)
    credential = phone.get(options(bench, small)).to_json()
    options(bench, large)
    assert not answer(bench, large, credential)
    assert answer(bench, small, credential)


def test_an_assertion_is_taken_once(bench: Bench, phone: Authenticator) -> None:
    device = enrolled(bench, phone)
    decision = asked(bench, device)
    credential = phone.get(options(bench, decision)).to_json()
    bench.services.challenges.take_step(*challenge_of(decision), Factor.DEVICE_UV, Submission(credential))
    with pytest.raises(InvalidRequest, match="begin again"):
        bench.services.challenges.take_step(*challenge_of(decision), Factor.DEVICE_UV, Submission(credential))


def test_a_cloned_key_is_stopped_and_the_shop_is_told(bench: Bench, phone: Authenticator) -> None:
    device = enrolled(bench, phone)
    clone = phone.clone()
    assert pay(bench, device, phone)
    assert not pay(bench, device, clone)
    told = {event["type"] for event in bench.events()}
    assert {"subject:device:frozen", "attack:suspected"} <= told
    # It was the last key, so nobody is asked for it any more.
    assert bench.decide(bench.payment(30_000), device, risk=45)["status"] == "not_possible"


def test_a_key_of_somebody_else_releases_nothing(bench: Bench, phone: Authenticator) -> None:
    device = enrolled(bench, phone)
    others = Authenticator(bench.settings.public_url)
    enrolled(bench, others, "u_2")
    assert not pay(bench, device, others)


def test_a_key_is_not_enrolled_for_a_second_person(bench: Bench, phone: Authenticator) -> None:
    enrolled(bench, phone)
    with pytest.raises((InvalidRequest, ChallengeFailed)):
        enrolled(bench, phone, "u_2")


def test_a_refused_registration_enrols_nothing(bench: Bench, phone: Authenticator) -> None:
    ticket = opened(bench)
    begun: Any = bench.services.enrollments.begin_step(*ticket, "device", {})
    creation = phone.create(begun["publicKey"])
    creation.client_data["origin"] = "https://evil.example"
    refused = Submission({"name": "phone", "credential": creation.to_json()})
    with pytest.raises((InvalidRequest, ChallengeFailed)):
        bench.services.enrollments.take_step(*ticket, "device", refused)
    with pytest.raises(InvalidRequest, match="nothing has been enrolled"):
        bench.services.enrollments.complete(*ticket)
