"""A person looks at their own account: what is shown, what may be done, and that all of it only tightens."""

from datetime import timedelta
from functools import partial

import pytest

from authsvc.domain.decision import Passed
from authsvc.domain.overview import OVERVIEW_LIFE
from authsvc.errors import ChallengeClosed, InvalidRequest, NotFound, Unauthenticated
from tests.support.service import Bench, Phone, Said, said


def opened(bench: Bench, user: str = "u_1", return_url: str | None = None) -> tuple[str, str]:
    """The id and the token of an overview that the shop opens for a user."""
    made = said(bench.services.overviews.create(bench.key, bench.once(), user, "zh-CN", return_url))
    return str(made["id"]), str(made["token"])


def seen(bench: Bench, user: str = "u_1") -> Said:
    return bench.services.overviews.find(*opened(bench, user))


def second_phone(bench: Bench, first: Phone) -> Phone:
    """Another phone, enrolled upon a receipt at the highest level."""
    asked = bench.decide(bench.payment(0, type="enrollment"), first.device, risk=0)
    bench.answer_face(asked, "ann 8")
    assert bench.complete(asked).authenticated
    return bench.enroll(otp=False, face=None, proof=str(bench.again(asked)["receipt"]))


def acts(bench: Bench, action: str) -> list[Said]:
    """The audit lines of one kind of act."""
    lines: Said = bench.services.records.audit_events(bench.key, None, 500)
    return [line for line in lines["events"] if line["action"] == action]


def test_a_person_sees_their_devices_consents_and_factors(bench: Bench):
    phone = bench.enroll()
    shown: Said = bench.services.overviews.find(*opened(bench, return_url="https://shop.example/me"))
    assert shown["user"]["factors"] == ["face", "otp"]
    assert [device["id"] for device in shown["devices"]] == [phone.device.id]
    assert [(each["modality"], each["withdrawn_at"]) for each in shown["consents"]] == [("face", None)]
    assert (shown["locale"], shown["return_url"]) == ("zh-CN", "https://shop.example/me")


def test_the_address_of_an_overview_does_not_open_it(bench: Bench):
    bench.enroll()
    made = said(bench.services.overviews.create(bench.key, bench.once(), "u_1", "en", None))
    assert made["url"] == f"{bench.settings.public_url}/o/{made['id']}"
    assert made["token"] not in made["url"]
    with pytest.raises(Unauthenticated):
        bench.services.overviews.find(str(made["id"]), str(made["id"]))


def test_nobody_looks_at_a_user_who_never_enrolled_or_was_erased(bench: Bench):
    with pytest.raises(NotFound):
        opened(bench, "u_nobody")
    bench.enroll()
    overview = opened(bench)
    bench.services.users.erase(bench.key, "u_1")
    with pytest.raises(NotFound):
        bench.services.overviews.find(*overview)


def test_an_overview_shows_its_own_user_and_no_other(bench: Bench):
    bench.enroll("u_1")
    others = bench.enroll("u_2", face="bob")
    mine, theirs = opened(bench, "u_1"), opened(bench, "u_2")
    with pytest.raises(Unauthenticated):
        bench.services.overviews.find(mine[0], theirs[1])
    with pytest.raises(NotFound):
        bench.services.overviews.revoke_device(*mine, str(others.device.id))
    assert bench.decide(bench.payment(user="u_2"), others.device)["device"] == {"novelty": "trusted"}


def test_an_overview_ends_after_a_quarter_of_an_hour(bench: Bench):
    phone = bench.enroll()
    overview = opened(bench)
    bench.clock.advance(OVERVIEW_LIFE)
    for act in (
        partial(bench.services.overviews.find, *overview),
        partial(bench.services.overviews.freeze, *overview),
        partial(bench.services.overviews.verify_always, *overview),
        partial(bench.services.overviews.revoke_device, *overview, str(phone.device.id)),
    ):
        with pytest.raises(ChallengeClosed):
            act()
    assert bench.services.users.status(bench.key, "u_1")["status"] == "active"


def test_what_has_expired_is_swept_away(bench: Bench):
    bench.enroll()
    overview = opened(bench)
    bench.clock.advance(OVERVIEW_LIFE)
    bench.services.housekeeping.sweep()
    with pytest.raises(Unauthenticated):
        bench.services.overviews.find(*overview)


def test_the_owner_freezes_a_stolen_account_at_once(bench: Bench):
    phone = bench.enroll()
    assert bench.services.overviews.freeze(*opened(bench))["status"] == "frozen"
    assert bench.decide(bench.payment(100), phone.device, risk=0)["status"] == "denied"
    assert "subject:frozen" in [event["type"] for event in bench.events()]
    assert [line["actor"] for line in acts(bench, "user.freeze")] == ["person"]
    # A frozen account may still be looked at.
    assert seen(bench)["user"]["status"] == "frozen"


def test_verify_always_is_switched_on(bench: Bench):
    bench.enroll()
    assert bench.services.overviews.verify_always(*opened(bench))["verify_always"] is True
    assert bench.services.users.status(bench.key, "u_1")["verify_always"] is True
    assert [line["actor"] for line in acts(bench, "user.verify-always")] == ["person"]


def test_a_consent_is_withdrawn_and_the_face_counts_no_more(bench: Bench):
    bench.enroll()
    bench.services.overviews.withdraw_biometric(*opened(bench), "face")
    shown = seen(bench)
    assert shown["user"]["factors"] == ["otp"]
    assert shown["consents"][0]["withdrawn_at"] is not None
    assert "subject:face:withdrawn" in [event["type"] for event in bench.events()]
    assert [line["actor"] for line in acts(bench, "biometric.withdraw")] == ["person"]


def test_a_device_is_renamed_and_removed_for_good(bench: Bench):
    phone = bench.enroll()
    device = str(phone.device.id)
    assert bench.services.overviews.rename_device(*opened(bench), device, "旧手机")["name"] == "旧手机"
    assert bench.services.overviews.revoke_device(*opened(bench), device)["state"] == "revoked"
    with pytest.raises(InvalidRequest, match="removed"):
        bench.services.overviews.rename_device(*opened(bench), device, "again")
    assert bench.decide(bench.payment(), phone.device)["device"] == {"novelty": "revoked"}
    assert [line["actor"] for line in acts(bench, "device.revoke")] == ["person"]
    told = [event["type"] for event in bench.events()]
    assert "subject:device:revoked" in told
    # It was trusted long since, so this was no veto.
    assert "subject:device:vetoed" not in told


@pytest.mark.parametrize("by", ["person", "backend"])
def test_the_old_phone_vetoes_a_new_one_during_probation(bench: Bench, by: str):
    old = bench.enroll()
    new = second_phone(bench, old)
    assert bench.decide(bench.payment(), new.device)["device"] == {"novelty": "probation"}
    if by == "person":
        bench.services.overviews.revoke_device(*opened(bench), str(new.device.id))
    else:
        bench.services.users.revoke_device(bench.key, "u_1", str(new.device.id))
    (veto,) = [event for event in bench.events() if event["type"] == "subject:device:vetoed"]
    assert veto["data"] == {"device": new.device.id, "by": by}
    assert [line["result"] for line in acts(bench, "device.revoke")] == ["vetoed"]
    assert bench.decide(bench.payment(), new.device)["device"] == {"novelty": "revoked"}
    assert bench.decide(bench.payment(), old.device)["device"] == {"novelty": "trusted"}


def test_a_veto_ends_what_the_new_phone_has_begun(bench: Bench):
    old = bench.enroll()
    new = second_phone(bench, old)
    begun = bench.decide(bench.payment(125_000), new.device)
    bench.services.overviews.revoke_device(*opened(bench), str(new.device.id))
    bench.answer_face(begun, "ann 9")
    assert not bench.complete(begun).authenticated
    assert bench.again(begun)["status"] == "denied"


def test_after_its_probation_a_phone_is_removed_and_not_vetoed(bench: Bench):
    old = bench.enroll()
    new = second_phone(bench, old)
    bench.clock.advance(bench.settings.probation + timedelta(seconds=1))
    bench.services.overviews.revoke_device(*opened(bench), str(new.device.id))
    assert "subject:device:vetoed" not in [event["type"] for event in bench.events()]


def test_the_owner_sees_what_was_asked_and_how_it_ended(bench: Bench):
    phone = bench.enroll()
    paid = bench.decide(bench.payment(30_000), phone.device, risk=45)
    bench.answer_otp(paid, phone.code(bench.clock))
    assert bench.complete(paid).authenticated
    bench.clock.advance(timedelta(seconds=30))
    masked = bench.payment(40_000)
    bench.decide_passing(
        masked, phone.device, 45, Passed(merchant_name="友谊商店", amount_afterwards="masked")
    )
    bench.decide_passing(bench.payment(50_000), phone.device, 45, Passed(amount_afterwards="hidden"))
    bench.decide(bench.payment(100), phone.device, risk=0)
    shown = seen(bench)
    by_status = [(each["status"], each["amount"], each["amount_minor"]) for each in shown["verifications"]]
    assert sorted(by_status, key=str) == sorted(
        [
            ("authenticated", "shown", 30_000),
            ("challenge_required", "masked", None),
            ("challenge_required", "hidden", None),
        ],
        key=str,
    )
    first = next(each for each in shown["verifications"] if each["status"] == "authenticated")
    assert (first["device_name"], first["factors"]) == ("我的手机", ["otp"])
    assert shown["recovery_codes_left"] == 10


@pytest.mark.parametrize("state", ["open", "unused", "used"])
def test_what_is_not_the_owners_is_stopped_as_far_as_it_can_be(bench: Bench, state: str):
    phone = bench.enroll()
    payment = bench.payment(30_000)
    asked = bench.decide(payment, phone.device, risk=45)
    if state != "open":
        bench.answer_otp(asked, phone.code(bench.clock))
        assert bench.complete(asked).authenticated
    if state == "used":
        receipt = str(bench.again(asked)["receipt"])
        bench.services.receipts.consume(bench.key, bench.once(), receipt, payment)
    overview = opened(bench)
    said_so: Said = bench.services.overviews.disown(*overview, str(asked["id"]))
    assert said_so["payment_stopped"] is (state != "used")
    assert said_so["device_suspended"] is True
    assert bench.services.overviews.disown(*overview, str(asked["id"])) == said_so
    alarms = [each["data"] for each in bench.events() if each["type"] == "attack:suspected"]
    assert alarms == [{"decision": asked["id"], "alarm": "not_me"}]
    (line,) = acts(bench, "decision.disown")
    assert line["details"]["device_suspended"] is True
    (device,) = seen(bench)["devices"]
    assert device["state"] == "suspended"
    assert (
        bench.again(asked)["status"]
        == {
            "open": "declined_by_user",
            "unused": "cancelled",
            "used": "authenticated",
        }[state]
    )


def test_nobody_disowns_what_is_not_theirs(bench: Bench):
    phone = bench.enroll()
    asked = bench.decide(bench.payment(30_000), phone.device, risk=45)
    bench.enroll("u_2")
    with pytest.raises(NotFound):
        bench.services.overviews.disown(*opened(bench, "u_2"), str(asked["id"]))
    with pytest.raises(NotFound):
        bench.services.overviews.disown(*opened(bench), "dec_nobody")
    assert bench.again(asked)["status"] == "challenge_required"
