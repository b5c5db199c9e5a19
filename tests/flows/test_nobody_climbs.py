"""Whatever somebody holds, it never gets them more than it proves, and the owner has a way back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from authsvc.biometric.words import Gates, Modality
from authsvc.device.novelty import StatedDevice
from authsvc.domain.account_acts import existing
from authsvc.errors import (
    ChallengeClosed,
    ChallengeFailed,
    InvalidRequest,
    NotFound,
    ProofRequired,
    ReceiptMismatch,
)
from authsvc.face.verifier import FaceVerifier
from authsvc.factor import Factor
from authsvc.services.enrollments import TicketWanted
from authsvc.subject import Subject
from tests.flows.owning import USER, Holder
from tests.flows.recovering import Visit
from tests.support.service import CLIENT, Bench, Said, challenge_of, said

ACTS = ("enrollment", "unfreeze", "erasure", "restore")


@pytest.fixture
def owner(bench: Bench) -> Holder:
    return Holder(bench, face="ann")


@pytest.fixture
def thief(bench: Bench) -> Holder:
    """Somebody with the victim's session at the shop, to whom the issued codes come."""
    return Holder(bench, face="eve")


def overview(bench: Bench) -> tuple[str, str]:
    made = said(bench.services.overviews.create(bench.key, bench.once(), USER, "en", None))
    return str(made["id"]), str(made["token"])


def lock_the_face(bench: Bench, thief: Holder) -> None:
    decision = thief.asks("enrollment")
    for _ in range(3):
        for factor in (Factor.FACE, Factor.OTP):
            thief.answers(decision, factor)
        bench.complete(decision)


def taken(event: str, bench: Bench) -> list[Said]:
    return [each["data"] for each in bench.events() if each["type"] == event]


# -- The strongest enrolled, not the strongest usable -----------------------------------------------------------------


@pytest.mark.parametrize("act", ACTS)
def test_three_wrong_faces_do_not_lower_an_act(bench: Bench, owner: Holder, thief: Holder, act: str):
    owner.enroll("otp", "device", "face")
    lock_the_face(bench, thief)
    asked = thief.asks(act)
    assert (asked["status"], asked["level"]) == ("not_possible", "face")
    assert "face" in asked["missing"]
    until = bench.services.users.status(bench.key, USER)["locked_until"]
    assert asked["possible_from"] == until["face"]  # type: ignore[index]  # Times by scope.
    bench.clock.advance(timedelta(minutes=30))
    assert thief.asks(act)["status"] == "challenge_required"


@pytest.mark.parametrize("act", ACTS)
def test_a_stolen_session_that_removes_everything_does_not_lower_an_act(
    bench: Bench, owner: Holder, thief: Holder, act: str
):
    owner.enroll("otp", "key", "face")
    assert thief.asks(act)["level"] == "face_fingerprint"
    session = overview(bench)
    bench.services.overviews.withdraw_biometric(*session, "face")
    bench.services.overviews.revoke_device(*session, str(owner.device.id))
    asked = thief.asks(act)
    assert (asked["status"], asked["level"]) == ("not_possible", "face_fingerprint")
    assert set(asked["missing"]) == {"face", "device_uv"}
    bench.clock.advance(bench.settings.probation)
    assert thief.asks(act)["level"] == "otp"


def test_a_template_is_destroyed_at_once_all_the_same(bench: Bench, owner: Holder):
    owner.enroll("otp", "face")
    bench.services.overviews.withdraw_biometric(*overview(bench), "face")
    subject = Subject("shop", USER)
    assert bench.wired.store.ledger.read(lambda tx: tx.templates.find(subject, Modality.FACE)) is None


@pytest.mark.parametrize("act", ACTS)
def test_a_worker_that_has_not_answered_does_not_lower_an_act(
    bench: Bench, owner: Holder, thief: Holder, act: str, monkeypatch: pytest.MonkeyPatch
):
    owner.enroll("otp", "device", "face")

    def silent(self: FaceVerifier, liveness: Gates = None) -> bool:
        return False

    monkeypatch.setattr(FaceVerifier, "is_offered", silent)
    asked = thief.asks(act)
    assert (asked["status"], asked["level"], asked["possible_from"]) == ("not_possible", "face", None)


def test_a_replaced_face_is_asked_for_until_the_new_one_counts(bench: Bench, owner: Holder):
    owner.enroll("otp", "face")
    owner.enroll("face", proof=owner.proof("enrollment", "face", "otp"))
    asked = owner.asks("enrollment")
    assert (asked["status"], asked["level"]) == ("not_possible", "face")
    bench.clock.advance(bench.settings.probation)
    assert owner.proves(owner.asks("enrollment"), "face", "otp")


def test_the_phone_that_is_stated_does_not_lower_an_act(bench: Bench, owner: Holder):
    owner.enroll("otp", "device", "face")
    assert {owner.asks("enrollment", device)["level"] for device in (owner.device, StatedDevice())} == {
        "face"
    }


@pytest.mark.parametrize("frozen", [False, True])
def test_a_stricter_answer_voids_the_receipt_of_before_though_nobody_can_prove_it(
    bench: Bench, owner: Holder, frozen: bool
):
    """What is not possible or denied takes no place of its own, and must not leave the milder answer good beside it."""
    owner.enroll("otp", "device")
    payment = bench.payment(2_500)
    receipt = str(bench.decide(payment, owner.device)["receipt"])
    if frozen:
        bench.services.users.freeze(bench.key, USER, "stolen")
    again = bench.decide(payment, owner.device, risk=99)
    assert again["status"] == ("denied" if frozen else "not_possible")
    with pytest.raises(ReceiptMismatch):
        said(bench.services.receipts.consume(bench.key, bench.once(), receipt, payment))


# -- Every new factor waits -------------------------------------------------------------------------------------------


def test_the_first_enrollment_does_not_wait(bench: Bench, owner: Holder):
    owner.enroll("otp", "key", "face")
    assert owner.proves(owner.asks("enrollment"), "face", "device_uv")
    assert bench.services.overviews.find(*overview(bench))["waiting"] == []


def test_what_is_enrolled_later_counts_for_no_act_until_its_time_is_over(bench: Bench, owner: Holder):
    owner.enroll("otp", "device")
    owner.enroll("face", "key", proof=owner.proof("enrollment", "otp"))
    asked = owner.asks("enrollment")
    assert (asked["level"], asked["challenge"]["sets"]) == ("otp", [["otp"]])
    assert [each["factor"] for each in _waiting(bench)] == ["device_key", "device_uv", "face"]
    assert taken("subject:face:enrolled", bench)[0]["probation"] is True
    bench.clock.advance(bench.settings.probation)
    assert owner.asks("enrollment")["level"] == "face_fingerprint"
    assert _waiting(bench) == []


def _waiting(bench: Bench) -> list[Said]:
    shown: Said = bench.services.overviews.find(*overview(bench))
    return list(shown["waiting"])


def test_a_new_key_does_not_prove_a_payment_from_itself_nor_from_the_trusted_phone(
    bench: Bench, owner: Holder
):
    owner.enroll("otp", "device")
    trusted = owner.device
    owner.enroll("key", proof=owner.proof("enrollment", "otp"))
    for device in (owner.device, trusted, StatedDevice()):
        decision = bench.decide(bench.payment(125_000), device)
        sets = [] if decision["challenge"] is None else decision["challenge"]["sets"]
        assert not any("device_uv" in each for each in sets), device


def test_a_key_on_probation_does_not_answer_where_an_older_one_is_asked(bench: Bench, owner: Holder):
    owner.enroll("otp", "key")
    trusted, older = owner.device, owner.key
    proof = owner.proof("enrollment", "device_uv", "otp")
    bench.clock.advance(timedelta(seconds=30))
    owner.enroll("key", proof=proof)
    assert not owner.proves(bench.decide(bench.payment(125_000), trusted), "device_uv")
    owner.key = older
    assert owner.proves(bench.decide(bench.payment(125_000), trusted), "device_uv")


def test_the_first_device_of_an_older_account_is_on_probation(bench: Bench, owner: Holder):
    owner.enroll("otp")
    owner.enroll("device", proof=owner.proof("enrollment", "otp"))
    assert bench.decide(bench.payment(100), owner.device)["device"] == {"novelty": "probation"}


def test_an_account_with_nothing_but_a_device_needs_a_proof(bench: Bench, owner: Holder, thief: Holder):
    owner.enroll("device")
    with pytest.raises(ProofRequired):
        thief.enroll("otp")
    assert thief.asks("enrollment")["status"] == "not_possible"
    visit = Visit.opened(bench)
    visit.type_recovery_code(next(iter(owner.codes)))
    visit.type_code(str(visit.issued_code()["code"]))
    owner.fill(visit, "otp")


def test_an_account_from_which_everything_was_taken_is_no_new_one(bench: Bench, owner: Holder, thief: Holder):
    owner.enroll("device")
    bench.services.overviews.revoke_device(*overview(bench), str(owner.device.id))
    bench.clock.advance(2 * bench.settings.probation)
    with pytest.raises(ProofRequired):
        thief.enroll("otp", "key", "face")


def test_the_old_recovery_codes_stay_good_until_the_new_ones_count(bench: Bench, owner: Holder):
    owner.enroll("otp", "face")
    old = tuple(owner.codes)
    owner.enroll("otp", proof=owner.proof("enrollment", "face", "otp"))
    new = tuple(owner.codes)
    assert _is_accepted(bench, owner, old[0])
    assert not _is_accepted(bench, owner, new[0])
    bench.clock.advance(bench.settings.probation)
    assert not _is_accepted(bench, owner, old[1])
    assert _is_accepted(bench, owner, new[0])


def _is_accepted(bench: Bench, owner: Holder, code: str) -> bool:
    visit = Visit.opened(bench)
    visit.type_recovery_code(code)
    owner.pictures += 1
    try:
        visit.show_face(f"ann {200 + owner.pictures}")
    except ChallengeFailed:
        return False
    return True


def test_an_app_on_probation_is_no_second_proof_of_a_recovery_and_an_issued_code_is(
    bench: Bench, owner: Holder
):
    owner.enroll("otp")
    code, *_ = owner.codes
    owner.enroll("otp", proof=owner.proof("enrollment", "otp"))
    bench.clock.advance(timedelta(seconds=30))
    visit = Visit.opened(bench)
    visit.type_recovery_code(code)
    assert owner.app is not None
    with pytest.raises(ChallengeFailed):
        visit.type_code(owner.app.at(bench.clock.now()))
    visit.type_code(str(visit.issued_code()["code"]))


@pytest.mark.parametrize("what", ["otp", "recovery_codes", "face"])
def test_the_owner_vetoes_what_is_not_theirs(bench: Bench, owner: Holder, thief: Holder, what: str):
    owner.enroll("key", "otp", "face")
    thief.enroll("otp", "face", proof=owner.proof("enrollment", "face", "device_uv"))
    assert {"otp", "face", "recovery_codes"} == {each["factor"] for each in _waiting(bench)}
    if what == "face":
        bench.services.overviews.withdraw_biometric(*overview(bench), what)
    else:
        bench.services.overviews.veto(*overview(bench), what)
    assert what not in {each["factor"] for each in _waiting(bench)}
    assert taken("subject:factor:vetoed", bench) == [{"factor": what, "by": "person"}]
    # What it took the place of is gone, and the page says so.
    assert what not in bench.services.users.status(bench.key, USER)["factors"]  # type: ignore[operator]  # A list of names.


def test_vetoed_recovery_codes_never_count_and_those_of_before_stay_good(
    bench: Bench, owner: Holder, thief: Holder
):
    owner.enroll("key", "otp", "face")
    mine = tuple(owner.codes)
    thief.enroll("otp", proof=owner.proof("enrollment", "face", "device_uv"))
    bench.services.overviews.veto(*overview(bench), "recovery_codes")
    bench.clock.advance(bench.settings.probation)
    assert not _is_accepted(bench, owner, next(iter(thief.codes)))
    assert _is_accepted(bench, owner, mine[0])


def test_what_counts_is_not_vetoed(bench: Bench, owner: Holder):
    owner.enroll("otp", "face")
    for what in ("otp", "recovery_codes"):
        with pytest.raises(InvalidRequest, match="on probation"):
            bench.services.overviews.veto(*overview(bench), what)


# -- not_me, and the way back -----------------------------------------------------------------------------------------


def test_a_session_without_the_devices_secret_suspends_nobody(bench: Bench, owner: Holder):
    owner.enroll("otp", "key")
    stated = StatedDevice(owner.device.id, "ds_guessed")
    decision = bench.decide(bench.payment(125_000), stated)
    declined = bench.services.challenges.decline(*challenge_of(decision), "not_me")
    assert declined == {"status": "declined_by_user", "device_suspended": False}
    assert taken("attack:suspected", bench) == [{"decision": decision["id"], "alarm": "not_me"}]
    assert bench.decide(bench.payment(100), owner.device)["device"] == {"novelty": "trusted"}


def named_by_id(bench: Bench, owner: Holder, factor: str, amount: int = 125_000) -> Said:
    """A payment in the name of the owner's device, which is asked for this factor among others."""
    decision = bench.decide(bench.payment(amount), StatedDevice(owner.device.id))
    chosen = next(each for each in decision["challenge"]["sets"] if factor in each)
    bench.services.challenges.switch(*challenge_of(decision), [Factor(each) for each in chosen])
    return decision


def says_not_me(bench: Bench, decision: Said) -> bool:
    return bool(bench.services.challenges.decline(*challenge_of(decision), "not_me")["device_suspended"])


@pytest.mark.parametrize("factor", ["otp", "device_uv", "face"])
def test_another_factor_suspends_a_device_whose_secret_was_not_shown(
    bench: Bench, owner: Holder, factor: str
):
    """As where the phone is gone, and its owner sees a payment in another browser."""
    owner.enroll("otp", "key", "face")
    decision = named_by_id(bench, owner, factor)
    owner.answers(decision, Factor(factor))
    assert says_not_me(bench, decision)
    assert bench.decide(bench.payment(100), owner.device)["status"] == "denied"
    # A failure that was none is not counted as one.
    attempts = bench.wired.store.ledger.read(lambda tx: existing(tx, Subject(CLIENT, USER)).attempts)
    assert not any(counter.consecutive or counter.recent for counter in attempts.counters.values())


def wrong_code(bench: Bench, owner: Holder, decision: Said) -> None:
    bench.answer_otp(decision, "000000")


def wrong_face(bench: Bench, owner: Holder, decision: Said) -> None:
    bench.answer_face(decision, "eve 1")


def begun_only(bench: Bench, owner: Holder, decision: Said) -> None:
    bench.services.challenges.begin_step(*challenge_of(decision), Factor.OTP)


def used_before(bench: Bench, owner: Holder, decision: Said) -> None:
    code, earlier = owner.code(decision), bench.decide(bench.payment(125_000))
    bench.answer_otp(earlier, code)
    bench.answer_face(earlier, "ann 90")
    assert bench.complete(earlier).authenticated
    bench.answer_otp(decision, code)


@pytest.mark.parametrize("shows", [wrong_code, wrong_face, begun_only, used_before])
def test_what_is_wrong_suspends_nobody(
    bench: Bench, owner: Holder, shows: Callable[[Bench, Holder, Said], None]
):
    owner.enroll("otp", "key", "face")
    decision = named_by_id(bench, owner, "face" if shows is wrong_face else "otp")
    shows(bench, owner, decision)
    assert not says_not_me(bench, decision)
    assert bench.again(decision)["status"] == "declined_by_user"
    assert bench.decide(bench.payment(100), owner.device)["device"] == {"novelty": "trusted"}


def test_guesses_beside_a_no_are_counted_like_others(bench: Bench, owner: Holder):
    """Else `not me` would say of every code whether it is right, as often as one asks."""
    owner.enroll("otp", "key")
    for _ in range(5):
        decision = bench.decide(bench.payment(125_000), StatedDevice(owner.device.id))
        bench.answer_otp(decision, "000000")
        assert not says_not_me(bench, decision)
    assert bench.decide(bench.payment(125_000), StatedDevice(owner.device.id))["status"] == "denied"


def test_what_waits_suspends_nobody(bench: Bench, owner: Holder):
    owner.enroll("key", "face")
    thief = Holder(bench, face="eve")
    thief.enroll("otp", proof=owner.proof("enrollment", "face", "device_uv"))
    decision = named_by_id(bench, owner, "otp", 1_000_000)
    thief.answers(decision, Factor.OTP)
    assert not says_not_me(bench, decision)
    assert bench.decide(bench.payment(100), owner.device)["device"] == {"novelty": "trusted"}


def suspended(bench: Bench, owner: Holder) -> None:
    decision = bench.decide(bench.payment(125_000), owner.device)
    declined = bench.services.challenges.decline(*challenge_of(decision), "not_me")
    assert declined == {"status": "declined_by_user", "device_suspended": True}
    assert bench.services.challenges.find(*challenge_of(decision))["device_suspended"] is True


def test_who_showed_the_secret_suspends_the_device_and_the_owner_takes_it_back(bench: Bench, owner: Holder):
    owner.enroll("otp", "key")
    suspended(bench, owner)
    assert bench.decide(bench.payment(100), owner.device)["status"] == "denied"
    # Every way is shut, and no act asks for less.
    asked = owner.asks("enrollment")
    assert (asked["status"], asked["level"]) == ("not_possible", "face_fingerprint")
    bench.clock.advance(2 * bench.settings.probation)
    assert owner.asks("enrollment")["status"] == "not_possible"
    proof = owner.proof("restore", "device_uv", "otp")
    bench.services.users.restore_device(bench.key, USER, str(owner.device.id), proof, [])
    assert taken("subject:device:restored", bench) == [{"device": owner.device.id}]
    bench.clock.advance(timedelta(seconds=30))
    assert owner.proves(bench.decide(bench.payment(125_000), owner.device), "device_uv")


def test_two_operators_take_it_back(bench: Bench, owner: Holder):
    owner.enroll("otp", "key")
    suspended(bench, owner)
    restore = bench.services.users.restore_device
    with pytest.raises(ProofRequired):
        restore(bench.key, USER, str(owner.device.id), None, ["alice"])
    assert restore(bench.key, USER, str(owner.device.id), None, ["alice", "bob"])["state"] == "active"


def test_a_code_alone_does_not_restore(bench: Bench, owner: Holder, thief: Holder):
    owner.enroll("otp", "key")
    suspended(bench, owner)
    asked = thief.asks("restore")
    assert (asked["level"], asked["challenge"]["sets"]) == ("face_fingerprint", [["device_uv", "otp"]])


def test_a_device_that_is_not_suspended_is_not_restored(bench: Bench, owner: Holder):
    owner.enroll("otp", "key")
    with pytest.raises(InvalidRequest, match="not suspended"):
        bench.services.users.restore_device(bench.key, USER, str(owner.device.id), None, ["alice", "bob"])
    with pytest.raises(NotFound):
        bench.services.users.restore_device(bench.key, USER, "dev_nobodys", None, ["alice", "bob"])


# -- What a phone proved ends with it ---------------------------------------------------------------------------------

Ends = Callable[[Bench, Holder], object]


def removed_by_the_shop(bench: Bench, owner: Holder) -> object:
    return bench.services.users.revoke_device(bench.key, USER, str(owner.device.id))


def removed_by_its_owner(bench: Bench, owner: Holder) -> object:
    return bench.services.overviews.revoke_device(*overview(bench), str(owner.device.id))


ENDS: tuple[Ends, ...] = (removed_by_the_shop, removed_by_its_owner, suspended)


@pytest.mark.parametrize("ends", ENDS)
def test_what_its_key_proved_is_void_though_the_phone_was_not_named(
    bench: Bench, owner: Holder, thief: Holder, ends: Ends
):
    """A payment, an act, and an enrollment that is under way: whoever took the phone need not say which one it is."""
    owner.enroll("otp", "key")
    wanted = TicketWanted(USER, "en", owner.proof("enrollment", "device_uv", "otp"))
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), wanted))
    proof, payment = owner.proof("enrollment", "device_uv", "otp"), bench.payment(125_000)
    decision = bench.decide(payment)
    assert owner.proves(decision, "device_uv", "otp")
    receipt = str(bench.again(decision)["receipt"])
    ends(bench, owner)
    with pytest.raises(ReceiptMismatch):
        bench.services.receipts.consume(bench.key, bench.once(), receipt, payment)
    with pytest.raises(ProofRequired):
        thief.enroll("otp", proof=proof)
    visit = Visit(bench, str(ticket["id"]), str(ticket["token"]))
    with pytest.raises(ChallengeClosed):
        thief.fill(visit, "otp", "key")


def test_a_payment_that_is_disowned_suspends_the_phone_whose_key_proved_it_though_it_was_not_named(
    bench: Bench, owner: Holder
):
    owner.enroll("otp", "key")
    decision = bench.decide(bench.payment(125_000))
    assert owner.proves(decision, "device_uv", "otp")
    ended = bench.services.overviews.disown(*overview(bench), str(decision["id"]))
    assert ended["device_suspended"] is True
    phone = bench.services.users.device(bench.key, USER, str(owner.device.id))
    assert phone["state"] == "suspended"


def test_a_recovery_that_is_under_way_stands_on_no_phone(bench: Bench, owner: Holder):
    """Whoever removes the lost phone while they recover has proved it without that phone."""
    done = owner.enroll("otp", "key")
    visit = Visit.opened(bench)
    visit.type_recovery_code(done["recovery_codes"][0])
    visit.type_code(str(visit.issued_code()["code"]))
    removed_by_its_owner(bench, owner)
    assert "device_uv" in Holder(bench).fill(visit, "key")["factors"]
