"""A lost phone: two independent proofs, judged at once and counted, and then a new phone in the place of every old one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from authsvc.biometric.words import Liveness
from authsvc.domain.ticket import RECOVERY_TRIES
from authsvc.enrolling.staging import TRIES_PER_STEP
from authsvc.errors import (
    AuthsvcError,
    CaptureUnusable,
    ChallengeClosed,
    ChallengeFailed,
    InvalidRequest,
    ProofRequired,
    RateLimited,
    UserFrozen,
)
from authsvc.factor import Submission
from authsvc.keys.keyring import KeyRing, Purpose
from authsvc.services.enrollments import TicketWanted
from tests.flows.recovering import Visit
from tests.support.service import Bench, Said, said

NO_CODE = "AAAA-BBBB-CCCC-DDDD"


def told(bench: Bench) -> list[str]:
    return [str(event["type"]) for event in bench.events()]


def left_of(refused: pytest.ExceptionInfo[ChallengeFailed]) -> object:
    return refused.value.extra["attempts_remaining"]


def test_a_recovery_code_and_the_face_put_a_new_phone_in_the_place_of_the_lost_one(bench: Bench):
    lost = bench.enroll()
    visit = Visit.opened(bench)
    assert visit.look()["offered"] == ["recovery", "proof_face", "proof_otp"]
    visit.type_recovery_code(lost.recovery_codes[0])
    assert visit.look()["recovery"] == {"proven": False, "operators": 0, "attempts_remaining": 5}
    visit.show_face("ann 7")
    assert visit.look()["recovery"]["proven"] is True
    assert visit.look()["offered"] == ["consent", "device", "otp", "face"]
    new = visit.add_device()
    done = visit.complete()

    assert bench.decide(bench.payment(), lost.device)["device"] == {"novelty": "revoked"}
    assert bench.decide(bench.payment(), new)["device"] == {"novelty": "probation"}
    (alert,) = [event for event in bench.events() if event["type"] == "subject:recovery:used"]
    assert alert["data"]["proofs"] == ["recovery_code", "face"]
    assert alert["data"]["removed_devices"] == [lost.device.id]
    # The app was on the lost phone: its codes prove nothing any more.
    assert done["factors"] == ["face"]
    assert len(done["recovery_codes"]) == 10
    assert not set(done["recovery_codes"]) & set(lost.recovery_codes)


def test_the_app_that_was_shown_stays(bench: Bench):
    phone = bench.enroll(face=None)
    visit = Visit.opened(bench)
    assert visit.look()["offered"] == ["recovery", "proof_otp"]
    visit.type_recovery_code(phone.recovery_codes[3])
    visit.type_code(phone.code(bench.clock))
    new = visit.add_device()
    assert visit.complete()["factors"] == ["otp"]
    bench.clock.advance(bench.settings.probation)
    decision = bench.decide(bench.payment(30_000), new, risk=45)
    bench.answer_otp(decision, phone.code(bench.clock))
    assert bench.complete(decision).authenticated


def test_a_code_that_the_shop_sends_is_the_second_proof(bench: Bench):
    phone = bench.enroll(face=None)
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    issued = visit.issued_code()
    assert str(issued["code"]) in str(issued["text"])
    visit.type_code(str(issued["code"]))
    visit.add_device()
    app = visit.add_app()
    assert visit.complete()["factors"] == ["otp"]
    (alert,) = [event for event in bench.events() if event["type"] == "subject:recovery:used"]
    assert alert["data"]["proofs"] == ["recovery_code", "issued_code"]
    assert app.secret != (phone.app.secret if phone.app is not None else None)


def test_a_code_sent_for_another_recovery_proves_nothing(bench: Bench):
    phone = bench.enroll(face=None)
    visit, other = Visit.opened(bench), Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    visit.issued_code()
    with pytest.raises(ChallengeFailed):
        visit.type_code(str(other.issued_code()["code"]))


def test_two_operators_stand_for_the_second_proof(bench: Bench):
    phone = bench.enroll()
    visit = Visit.opened(bench, operators=("alice", "bob"))
    assert visit.look()["offered"] == ["recovery"]
    visit.type_recovery_code(phone.recovery_codes[0])
    assert visit.look()["recovery"]["proven"] is True
    visit.add_device()
    visit.complete()
    (alert,) = [event for event in bench.events() if event["type"] == "subject:recovery:used"]
    assert alert["data"]["proofs"] == ["recovery_code", "operators"]
    lines = bench.services.records.audit_events(bench.key, None, 500)["events"]
    assert isinstance(lines, list)
    (opened,) = [line for line in lines if line["object"] == visit.id and line["action"] == "enrollment.open"]
    assert opened["details"]["operators"] == ["alice", "bob"]


def test_one_operator_under_two_names_is_one(bench: Bench):
    bench.enroll()
    with pytest.raises(InvalidRequest, match="two different people"):
        Visit.opened(bench, operators=("alice", " Alice"))


def test_nothing_is_enrolled_before_both_proofs(bench: Bench):
    phone = bench.enroll()
    visit = Visit.opened(bench)
    for step in ("consent", "otp", "face", "device"):
        with pytest.raises(ProofRequired):
            visit.begin(step)
    visit.type_recovery_code(phone.recovery_codes[0])
    with pytest.raises(ProofRequired):
        visit.answer("device", Submission({"name": "mine now"}))
    with pytest.raises(ProofRequired):
        visit.complete()
    assert bench.decide(bench.payment(), phone.device)["device"] == {"novelty": "trusted"}


def test_the_recovery_code_comes_first(bench: Bench):
    bench.enroll()
    visit = Visit.opened(bench)
    with pytest.raises(InvalidRequest, match="comes first"):
        visit.show_face("ann 7")


def test_nobody_is_told_which_of_the_two_was_wrong(bench: Bench):
    phone = bench.enroll()
    wrong_code, wrong_face = Visit.opened(bench), Visit.opened(bench)
    assert wrong_code.type_recovery_code(NO_CODE) == {"state": "received"}
    assert wrong_face.type_recovery_code(phone.recovery_codes[0]) == {"state": "received"}
    with pytest.raises(ChallengeFailed) as one:
        wrong_code.show_face("ann 7")
    with pytest.raises(ChallengeFailed) as other:
        wrong_face.show_face("bob 1")
    assert (one.value.detail, one.value.extra) == (other.value.detail, other.value.extra)
    assert wrong_code.look()["recovery"] == wrong_face.look()["recovery"]


def test_another_try_with_the_right_code_succeeds(bench: Bench):
    phone = bench.enroll()
    visit = Visit.opened(bench)
    visit.type_recovery_code(NO_CODE)
    with pytest.raises(ChallengeFailed) as refused:
        visit.show_face("ann 7")
    assert left_of(refused) == RECOVERY_TRIES - 1
    visit.type_recovery_code(phone.recovery_codes[0].replace("-", " ").lower())
    visit.show_face("ann 8")
    assert visit.look()["recovery"]["proven"] is True


def test_a_picture_that_cannot_be_judged_costs_no_attempt(bench: Bench):
    phone = bench.enroll()
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    with pytest.raises(CaptureUnusable) as refused:
        visit.show_face("dark")
    assert "too_dark" in str(refused.value.extra["hints"])
    assert visit.look()["recovery"]["attempts_remaining"] == RECOVERY_TRIES


def test_a_print_proves_nothing_and_raises_the_alarm(bench: Bench):
    phone = bench.enroll()
    bench.faces.liveness = Liveness.ATTACK
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    with pytest.raises(ChallengeFailed):
        visit.show_face("ann 7")
    assert "attack:suspected" in told(bench)


def test_five_wrong_tries_block_the_user_and_end_the_recovery(bench: Bench):
    phone = bench.enroll(face=None)
    visit = Visit.opened(bench)
    visit.type_recovery_code(NO_CODE)
    for left in range(RECOVERY_TRIES - 1, -1, -1):
        with pytest.raises(ChallengeFailed) as refused:
            visit.type_code("000000")
        assert left_of(refused) == left
    with pytest.raises(ChallengeClosed):
        visit.type_recovery_code(phone.recovery_codes[0])
    assert told(bench).count("subject:locked") == 1
    assert bench.decide(bench.payment(30_000), phone.device, risk=45)["status"] == "denied"


def test_a_blocked_user_is_answered_like_a_wrong_one_until_the_block_ends(bench: Bench):
    phone = bench.enroll(face=None)
    first = Visit.opened(bench)
    first.type_recovery_code(NO_CODE)
    for _ in range(RECOVERY_TRIES):
        with pytest.raises(ChallengeFailed):
            first.type_code("000000")
    blocked = Visit.opened(bench)
    blocked.type_recovery_code(phone.recovery_codes[0])
    with pytest.raises(ChallengeFailed) as refused:
        blocked.type_code(phone.code(bench.clock))
    assert left_of(refused) == RECOVERY_TRIES - 1
    bench.clock.advance(timedelta(minutes=30))
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    visit.type_code(phone.code(bench.clock))
    assert visit.look()["recovery"]["proven"] is True


def test_a_right_code_does_not_hand_back_wrong_faces(bench: Bench):
    phone = bench.enroll()
    for _ in range(3):
        visit = Visit.opened(bench)
        visit.type_recovery_code(phone.recovery_codes[0])
        with pytest.raises(ChallengeFailed):
            visit.show_face("bob 1")
    # Three wrong faces close that factor, in a recovery as in a payment; the own face is refused like a foreign one.
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    with pytest.raises(ChallengeFailed):
        visit.show_face("ann 7")


def test_of_many_tries_at_once_no_more_are_judged_than_there_are(bench: Bench):
    phone = bench.enroll(face=None)
    visits = [Visit.opened(bench) for _ in range(12)]
    for visit in visits:
        visit.type_recovery_code(phone.recovery_codes[0])
        visit.begin("proof_otp")

    def guess(visit: Visit) -> str:
        try:
            visit.answer("proof_otp", Submission({"code": "000000"}))
        except ChallengeFailed:
            return "refused"
        return "proven"

    with ThreadPoolExecutor(12) as threads:
        assert set(threads.map(guess, visits)) == {"refused"}
    lines = bench.services.records.audit_events(bench.key, None, 500)["events"]
    assert isinstance(lines, list)
    judged = [line for line in lines if line["action"] == "enrollment.prove" and line["details"]["admitted"]]
    assert len(judged) == 5


def test_a_recovery_code_is_good_for_one_recovery(bench: Bench):
    phone = bench.enroll()
    visits = [Visit.opened(bench), Visit.opened(bench)]
    for number, visit in enumerate(visits):
        visit.type_recovery_code(phone.recovery_codes[0])
        visit.show_face(f"ann {number}")
        visit.add_device()

    def finish(visit: Visit) -> str:
        try:
            visit.complete()
        except ChallengeClosed:
            return "closed"
        return "completed"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(finish, visits)) == ["closed", "completed"]
    assert told(bench).count("subject:recovery:used") == 1
    again = Visit.opened(bench)
    again.type_recovery_code(phone.recovery_codes[0])
    with pytest.raises(ChallengeFailed):
        again.show_face("ann 9")


def test_a_recovery_that_is_not_completed_uses_nothing_up(bench: Bench):
    phone = bench.enroll()
    left = Visit.opened(bench)
    left.type_recovery_code(phone.recovery_codes[0])
    left.show_face("ann 7")
    bench.clock.advance(timedelta(minutes=15))
    with pytest.raises(ChallengeClosed):
        left.add_device()
    assert bench.decide(bench.payment(), phone.device)["device"] == {"novelty": "trusted"}
    again = Visit.opened(bench)
    again.type_recovery_code(phone.recovery_codes[0])
    again.show_face("ann 8")
    assert again.look()["recovery"]["proven"] is True


def test_a_proven_recovery_takes_no_other_proof(bench: Bench):
    phone = bench.enroll()
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    visit.show_face("ann 7")
    with pytest.raises(InvalidRequest, match="not offered"):
        visit.type_recovery_code(phone.recovery_codes[1])


def test_a_freeze_in_between_stops_a_recovery(bench: Bench):
    phone = bench.enroll()
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    bench.services.users.freeze(bench.key, "u_1", "stolen")
    with pytest.raises(ChallengeClosed):
        visit.show_face("ann 7")
    with pytest.raises(UserFrozen):
        Visit.opened(bench)


def test_a_withdrawn_face_is_offered_no_more(bench: Bench):
    bench.enroll()
    visit = Visit.opened(bench)
    bench.services.users.withdraw_biometric(bench.key, "u_1", "face")
    assert visit.look()["offered"] == ["recovery", "proof_otp"]
    with pytest.raises(InvalidRequest, match="not offered"):
        visit.begin("proof_face")


def test_recovery_codes_outlive_a_rotation_of_the_keys(bench: Bench):
    phone = bench.enroll()
    KeyRing.load(bench.settings.keyring, bench.clock).rotate(Purpose.HMAC)
    bench.wired.store.ring.refresh()
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    visit.show_face("ann 7")
    visit.add_device()
    assert visit.complete()["status"] == "completed"


@pytest.mark.parametrize(
    "wanted",
    [
        TicketWanted("u_1", "en", proof="a.b.c", recovery=True),
        TicketWanted("u_1", "en", operators=("alice", "bob")),
        TicketWanted("u_new", "en", recovery=True),
    ],
    ids=["with a receipt", "operators alone", "nothing enrolled"],
)
def test_a_ticket_has_one_kind_of_grounds(bench: Bench, wanted: TicketWanted):
    bench.enroll()
    with pytest.raises(InvalidRequest):
        bench.services.enrollments.create(bench.key, bench.once(), wanted)


def test_the_steps_of_a_recovery_are_not_offered_to_others(bench: Bench):
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), TicketWanted("u_2", "en")))
    visit = Visit(bench, str(ticket["id"]), str(ticket["token"]))
    assert visit.look()["recovery"] is None
    for step in ("recovery", "proof_face", "proof_otp"):
        with pytest.raises(InvalidRequest, match="not a recovery"):
            visit.begin(step)
    with pytest.raises(InvalidRequest, match="not a recovery"):
        visit.issued_code()


def test_a_guesser_is_slowed_down(bench: Bench):
    bench.enroll()
    visit = Visit.opened(bench)
    for _ in range(TRIES_PER_STEP):
        visit.type_recovery_code(NO_CODE)
    with pytest.raises(RateLimited):
        visit.type_recovery_code(NO_CODE)


def test_a_second_first_ticket_replaces_nothing(bench: Bench):
    wanted = TicketWanted("u_2", "en")
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), wanted))
    early = Visit(bench, str(ticket["id"]), str(ticket["token"]))
    phone = bench.enroll("u_2")
    early.add_app()
    with pytest.raises(ProofRequired):
        early.complete()
    bench.clock.advance(timedelta(seconds=30))
    decision = bench.decide(bench.payment(30_000, user="u_2"), phone.device, risk=45)
    bench.answer_otp(decision, phone.code(bench.clock))
    assert bench.complete(decision).authenticated


def test_another_shops_ticket_gets_no_code(bench: Bench):
    bench.enroll()
    visit = Visit.opened(bench)
    with pytest.raises(AuthsvcError, match="no such enrollment"):
        bench.services.enrollments.issue_code(bench.new_key("other"), bench.once(), visit.id, None)


def proven(bench: Bench) -> Visit:
    """Somebody whose face is enrolled, who has lost the phone and proved it."""
    phone = bench.enroll()
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    visit.show_face("ann 7")
    return visit


def test_a_no_in_a_recovery_takes_back_what_was_agreed_to_earlier(bench: Bench):
    visit = proven(bench)
    (earlier,) = visit.consent(refused=("face", "voice"))["agreed"]
    assert (earlier["modality"], earlier["text_version"]) == ("face", "2026-11")
    new = visit.add_device()
    status: Said = bench.services.users.status(bench.key, "u_1")
    assert "face" in status["factors"]
    assert visit.complete()["factors"] == []
    assert "subject:face:withdrawn" in told(bench)
    assert "face" in bench.decide(bench.payment(2_600_000), new, risk=80)["missing"]
    exported: Said = bench.services.users.export(bench.key, "u_1")
    (consent,) = exported["consents"]
    assert consent["withdrawn_at"] is not None


def test_what_is_kept_or_left_alone_in_a_recovery_stays(bench: Bench):
    visit = proven(bench)
    visit.consent("face", refused=("voice",))
    visit.add_device()
    assert visit.complete()["factors"] == ["face"]
    assert "subject:face:withdrawn" not in told(bench)


def test_a_face_that_was_recorded_before_the_no_counts_no_more(bench: Bench):
    visit = proven(bench)
    visit.consent("face")
    visit.record_face("ann")
    assert "face" in visit.look()["received"]
    visit.consent(refused=("face",))
    assert "face" not in visit.look()["received"]
    visit.add_device()
    assert visit.complete()["factors"] == []


@pytest.mark.parametrize("refused", ["face", ["iris"], [1], ["face"]])
def test_a_no_to_nothing_that_is_asked_or_to_what_is_agreed_is_refused(bench: Bench, refused: object):
    visit = proven(bench)
    visit.begin("consent")
    with pytest.raises(InvalidRequest):
        visit.answer("consent", Submission({"modalities": ["face"], "refused": refused}))
