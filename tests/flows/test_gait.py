"""How somebody walks: off until it is switched on, with its own consent, never a proof, and only a reason to ask for more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authsvc.biometric.words import Modality
from authsvc.device.novelty import StatedDevice
from authsvc.errors import CaptureUnusable, InvalidRequest
from authsvc.factor import Submission
from authsvc.gait.words import Recording
from authsvc.policy import loading
from authsvc.services.enrollments import TicketWanted
from authsvc.stepup.deciding import DecisionRequest
from authsvc.subject import Subject
from tests.gait.walkers import Walker
from tests.support.service import CLIENT, Bench, Phone, Said, embedded, said

RULE = """
[[rules]]
id = "walks-unlike"
level = "otp"
gait_unlike = true
amount_at_least = 1_000
"""


def document(folder: Path) -> Path:
    shipped = Path(loading.__file__).with_name("default.toml").read_text()
    shipped, at = shipped[: shipped.index("[[tests]]")], shipped.index("[[rules]]")
    path = folder / "gait.toml"
    path.write_text(shipped[:at] + RULE.lstrip() + "\n" + shipped[at:])
    return path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(embedded(tmp_path / "data", gait=True, policy_file=document(tmp_path)))
    yield bench
    bench.close()


def opened(bench: Bench, proof: str | None = None, user: str = "u_1") -> tuple[str, str]:
    wanted = TicketWanted(user, "zh-CN", proof)
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), wanted))
    return str(ticket["id"]), str(ticket["token"])


def agree(bench: Bench, ticket: tuple[str, str], *modalities: str) -> None:
    steps = bench.services.enrollments
    steps.begin_step(*ticket, "consent", {})
    steps.take_step(*ticket, "consent", Submission({"modalities": list(modalities)}))


def walk(bench: Bench, ticket: tuple[str, str], sent: dict[str, object]) -> Said:
    begun = bench.services.enrollments.begin_step(*ticket, "gait", {})
    return bench.services.enrollments.take_step(
        *ticket, "gait", Submission({**sent, "nonce": begun["nonce"]})
    )


def enrolled(bench: Bench, walker: int = 0) -> Phone:
    """A person with a phone and a template of their walk."""
    ticket, phone = opened(bench), Phone()
    agree(bench, ticket, "gait")
    assert walk(bench, ticket, Walker.of(walker).sent(20, 1))["state"] == "received"
    steps = bench.services.enrollments
    steps.begin_step(*ticket, "device", {})
    made: Any = steps.take_step(*ticket, "device", Submission({"name": "我的手机"}))["device"]
    phone.device = StatedDevice(made["id"], made["secret"])
    done = said(steps.complete(*ticket))
    assert done["factors"] == []
    return phone


def decide(
    bench: Bench,
    phone: Phone,
    walker: int | None,
    seed: int = 2,
    transaction: str | None = None,
    amount: int = 40_000,
) -> Said:
    payment = bench.payment(amount, transaction)
    request = DecisionRequest(payment, phone.device, risk_score=5)
    if walker is not None:
        sent = Walker.of(walker).sent(10, seed)
        request = replace(request, recording=Recording.read(float(str(sent["rate"])), str(sent["samples"])))
    return said(bench.services.decisions.decide(bench.key, bench.once(), request))


def rules(decision: Said) -> set[str]:
    return {reason["rule"] for reason in decision["reasons"]}


def test_somebody_elses_walk_asks_for_more_and_ones_own_for_nothing(bench: Bench) -> None:
    phone = enrolled(bench)
    own = decide(bench, phone, 0)
    assert (own["gait"], own["status"]) == ("like", "approved")
    other = decide(bench, phone, 1)
    assert (other["gait"], rules(other)) == ("unlike", {"walks-unlike"})
    assert other["status"] != "approved"
    none = decide(bench, phone, None)
    assert (none["gait"], rules(none)) == (None, {"walks-unlike"})


def test_it_never_asks_for_less(bench: Bench) -> None:
    """Whatever a walk says, a payment of a size that is asked about anyway is asked the same."""
    phone = enrolled(bench)
    levels = {decide(bench, phone, walker, amount=125_000)["level"] for walker in (0, 1, None)}
    assert len(levels) == 1
    assert levels != {"none"}


def test_a_recording_counts_for_one_payment(bench: Bench) -> None:
    phone = enrolled(bench)
    assert decide(bench, phone, 0, seed=7, transaction="pay_a")["gait"] == "like"
    assert decide(bench, phone, 0, seed=7, transaction="pay_a")["gait"] == "like"
    assert decide(bench, phone, 0, seed=7, transaction="pay_b")["gait"] == "unlike"


def test_a_template_that_came_later_says_nothing_until_it_has_waited(bench: Bench) -> None:
    phone = bench.enroll("u_1", face=None)
    bench.clock.advance(timedelta(days=4))
    request = bench.payment(0, type="enrollment")
    asked = bench.decide(request, phone.device)
    bench.answer_otp(asked, phone.code(bench.clock))
    bench.complete(asked)
    ticket = opened(bench, str(bench.again(asked)["receipt"]))
    agree(bench, ticket, "gait")
    walk(bench, ticket, Walker.of(0).sent(20, 1))
    said(bench.services.enrollments.complete(*ticket))
    assert decide(bench, phone, 0)["gait"] == "unknown"
    bench.clock.advance(bench.settings.probation)
    assert decide(bench, phone, 0, seed=3)["gait"] == "like"


@pytest.mark.parametrize("ending", ["withdrawn", "erased"])
def test_what_is_kept_goes_with_its_consent_and_with_its_person(bench: Bench, ending: str) -> None:
    phone, users = enrolled(bench), bench.services.users
    decide(bench, phone, 0)
    kept: Any = users.export(bench.key, "u_1")
    assert kept["gait"]["model"] == "gait-cycles-1"
    assert kept["gait"]["recordings"] == 2
    assert [each["withdrawn_at"] for each in kept["gait"]["consents"]] == [None]
    if ending == "withdrawn":
        users.withdraw_biometric(bench.key, "u_1", "gait")
        left: Any = users.export(bench.key, "u_1")["gait"]
        assert (left["model"], left["recordings"]) == (None, 0)
        assert decide(bench, phone, 0, seed=4)["gait"] == "unknown"
    else:
        users.erase(bench.key, "u_1")
    subject = Subject(CLIENT, "u_1")
    read = bench.wired.store.ledger.read
    assert read(lambda tx: tx.templates.find(subject, Modality.GAIT)) is None
    assert read(lambda tx: tx.templates.captures(subject, Modality.GAIT)) == {}


def test_nothing_is_recorded_without_consent_nor_kept_of_what_is_no_walk(bench: Bench) -> None:
    ticket = opened(bench)
    agree(bench, ticket, "face")
    with pytest.raises(InvalidRequest, match="consent"):
        bench.services.enrollments.begin_step(*ticket, "gait", {})
    agree(bench, ticket, "gait")
    with pytest.raises(CaptureUnusable) as refused:
        walk(bench, ticket, Walker.of(0).sent(10, 1))
    assert refused.value.extra["hints"][0]["code"] == "walk_on"  # type: ignore[index]  # A list of hints.
    bench.services.enrollments.begin_step(*ticket, "gait", {})
    another = Submission({**Walker.of(0).sent(20, 1), "nonce": "another"})
    with pytest.raises(InvalidRequest, match="nonce"):
        bench.services.enrollments.take_step(*ticket, "gait", another)
    walk(bench, ticket, Walker.of(0).sent(20, 1))
    with pytest.raises(InvalidRequest, match="nothing has been enrolled"):
        bench.services.enrollments.complete(*ticket)


def test_switched_off_nothing_of_it_is_there(tmp_path: Path) -> None:
    bench = Bench(embedded(tmp_path / "data", policy_file=document(tmp_path)))
    try:
        phone = bench.enroll("u_1", face=None)
        with pytest.raises(InvalidRequest, match="switched off"):
            decide(bench, phone, 0)
        ticket = opened(bench, user="u_2")
        found: Any = bench.services.enrollments.find(*ticket)["gait"]
        assert not found["offered"]
        with pytest.raises(InvalidRequest, match="not offered"):
            bench.services.enrollments.begin_step(*ticket, "gait", {})
    finally:
        bench.close()
