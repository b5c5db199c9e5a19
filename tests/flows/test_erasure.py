"""A person erases their own account: proved first, once, at the highest level; and a receipt is what is left."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest

from authsvc.domain.once import Once
from authsvc.domain.overview import OVERVIEW_LIFE
from authsvc.domain.receipt import ERASURE_TYPE, LIFE
from authsvc.errors import (
    ChallengeClosed,
    IdempotencyKeyReused,
    NotFound,
    ProofRequired,
    Unauthenticated,
    UserFrozen,
)
from authsvc.factor import Factor, Submission
from tests.flows.recovering import Visit
from tests.flows.test_half_finished import opened as ticketed
from tests.support.authenticator import Authenticator
from tests.support.service import Bench, Phone, Said, said


@pytest.fixture
def phone(bench: Bench) -> Phone:
    return bench.enroll()


def opened(bench: Bench, user: str = "u_1") -> tuple[str, str]:
    made = said(bench.services.overviews.create(bench.key, bench.once(), user, "zh-CN", None))
    return str(made["id"]), str(made["token"])


def begun(bench: Bench, overview: tuple[str, str]) -> tuple[str, str]:
    """The challenge that proves the erasure."""
    challenge: Said = bench.services.erasures.begin(*overview)["challenge"]  # type: ignore[assignment]  # It is open.
    return str(challenge["id"]), str(challenge["token"])


def show_face(bench: Bench, challenge: tuple[str, str], phone: Phone, picture: str = "ann 7") -> None:
    """With a code beside it, since nobody knows the device on which the overview is open."""
    nonce = bench.services.challenges.begin_step(*challenge, Factor.FACE)["nonce"]
    evidence = Submission({"nonce": nonce}, {"frame": (picture.encode(),)})
    bench.services.challenges.take_step(*challenge, Factor.FACE, evidence)
    bench.services.challenges.begin_step(*challenge, Factor.OTP)
    code = Submission({"code": phone.code(bench.clock)})
    bench.services.challenges.take_step(*challenge, Factor.OTP, code)
    bench.services.challenges.complete(*challenge)


def proved(bench: Bench, phone: Phone) -> tuple[str, str]:
    overview = opened(bench)
    show_face(bench, begun(bench, overview), phone)
    return overview


def test_who_proved_it_is_erased_and_gets_a_receipt_that_anybody_can_check(bench: Bench, phone: Phone):
    overview = proved(bench, phone)
    assert bench.services.erasures.find(*overview)["status"] == "authenticated"
    erased: Said = said(bench.services.erasures.complete(*overview))
    header = jwt.get_unverified_header(erased["receipt"])
    keys = {key["kid"]: key for key in bench.services.public.jwks()["keys"]}  # type: ignore[attr-defined]  # A list.
    claims = jwt.decode(
        erased["receipt"],
        jwt.PyJWK(keys[header["kid"]]),
        ["ES256"],
        audience="shop",
        issuer="authsvc",
        options={"verify_iat": False},
    )
    assert header["typ"] == ERASURE_TYPE
    assert (claims["sub"], claims["audit"]) == ("u_1", erased["audit"])
    with pytest.raises(NotFound):
        bench.services.users.status(bench.key, "u_1")
    [event] = [each for each in bench.events() if each["type"] == "subject:erased"]
    assert event["data"] == {"by": "person", "audit": erased["audit"]}
    lines: Said = bench.services.records.audit_events(bench.key, None, 500)
    [line] = [each for each in lines["events"] if each["action"] == "user.erase"]
    assert (line["chain"], line["seq"]) == (erased["audit"]["chain"], erased["audit"]["seq"])


def test_a_stolen_session_erases_nothing(bench: Bench, phone: Phone):
    overview = opened(bench)
    with pytest.raises(ProofRequired):
        bench.services.erasures.complete(*overview)
    begun(bench, overview)
    with pytest.raises(ProofRequired):
        bench.services.erasures.complete(*overview)
    assert bench.services.users.status(bench.key, "u_1")["status"] == "active"


def test_a_wrong_face_is_no_proof(bench: Bench, phone: Phone):
    overview = opened(bench)
    challenge = begun(bench, overview)
    show_face(bench, challenge, phone, "bob 1")
    assert bench.services.erasures.find(*overview)["status"] == "challenge_required"
    with pytest.raises(ProofRequired):
        bench.services.erasures.complete(*overview)


def test_it_is_asked_at_the_highest_level_that_the_person_can_prove(bench: Bench, phone: Phone):
    challenge: Said = bench.services.erasures.begin(*opened(bench))["challenge"]  # type: ignore[assignment]  # Open.
    assert ["otp"] not in challenge["sets"]


def test_without_a_face_a_device_key_and_a_code_are_asked(bench: Bench):
    visit = ticketed(bench, "u_1")
    visit.add_device(Authenticator(bench.settings.public_url))
    visit.add_app()
    visit.complete()
    challenge: Said = bench.services.erasures.begin(*opened(bench))["challenge"]  # type: ignore[assignment]  # Open.
    assert challenge["sets"] == [["device_uv", "otp"]]


def test_the_proof_of_something_else_is_none(bench: Bench, phone: Phone):
    asked = bench.decide(bench.payment(0, type="enrollment"), phone.device, risk=0)
    bench.answer_face(asked, "ann 8")
    assert bench.complete(asked).authenticated
    with pytest.raises(ProofRequired):
        bench.services.erasures.complete(*opened(bench))


def test_one_overviews_proof_does_not_serve_another(bench: Bench, phone: Phone):
    proved(bench, phone)
    with pytest.raises(ProofRequired):
        bench.services.erasures.complete(*opened(bench))


def test_an_old_proof_is_none(bench: Bench, phone: Phone):
    overview = proved(bench, phone)
    bench.clock.advance(LIFE)
    assert bench.services.erasures.find(*overview) == {"status": None, "challenge": None}
    with pytest.raises(ProofRequired):
        bench.services.erasures.complete(*overview)
    show_face(bench, begun(bench, overview), phone, "ann 8")
    assert said(bench.services.erasures.complete(*overview))["user_id"] == "u_1"


def test_asking_again_answers_the_challenge_that_is_open(bench: Bench, phone: Phone):
    overview = opened(bench)
    assert begun(bench, overview) == begun(bench, overview)


def test_a_frozen_account_is_not_erased_by_its_owner(bench: Bench, phone: Phone):
    overview = proved(bench, phone)
    bench.services.users.freeze(bench.key, "u_1", "stolen")
    with pytest.raises(UserFrozen):
        bench.services.erasures.complete(*overview)
    assert bench.services.erasures.begin(*opened(bench))["status"] == "denied"


def test_an_enrollment_under_way_does_not_bring_the_account_back(bench: Bench):
    early = ticketed(bench, "u_1")
    early.add_app()
    phone = bench.enroll()
    recovering = Visit.opened(bench)
    recovering.type_recovery_code(phone.recovery_codes[0])
    recovering.show_face("ann 6")
    recovering.add_app()
    bench.services.erasures.complete(*proved(bench, phone))
    for visit in (early, recovering):
        with pytest.raises(ChallengeClosed):
            visit.complete()


def test_an_erased_persons_overview_is_over(bench: Bench, phone: Phone):
    overview = proved(bench, phone)
    bench.services.erasures.complete(*overview)
    for ask in (
        bench.services.overviews.find,
        bench.services.erasures.begin,
        bench.services.erasures.complete,
    ):
        with pytest.raises((NotFound, Unauthenticated)):
            ask(*overview)


def test_the_receipt_that_was_lost_on_its_way_is_sent_again(bench: Bench, phone: Phone):
    overview = proved(bench, phone)
    lost = bench.services.erasures.complete(*overview, Once("k", b"f"))
    bench.clock.advance(OVERVIEW_LIFE - timedelta(seconds=1))
    again = bench.services.erasures.complete(*overview, Once("k", b"f"))
    assert (again.body, again.replayed, lost.replayed) == (lost.body, True, False)
    assert len([each for each in bench.events() if each["type"] == "subject:erased"]) == 1


def test_after_a_quarter_of_an_hour_it_is_not(bench: Bench, phone: Phone):
    overview = proved(bench, phone)
    bench.services.erasures.complete(*overview, Once("k", b"f"))
    bench.clock.advance(OVERVIEW_LIFE)
    with pytest.raises(ChallengeClosed):
        bench.services.erasures.complete(*overview, Once("k", b"f"))


@pytest.mark.parametrize("first", [Once("k", b"f"), None], ids=["after a key", "after none"])
@pytest.mark.parametrize("second", [Once("another", b"f"), None], ids=["another key", "no key"])
def test_asked_again_in_another_way_there_is_no_such_account(
    bench: Bench, phone: Phone, first: Once | None, second: Once | None
):
    overview = proved(bench, phone)
    bench.services.erasures.complete(*overview, first)
    with pytest.raises(NotFound):
        bench.services.erasures.complete(*overview, second)


def test_another_request_under_the_same_key_gets_nothing(bench: Bench, phone: Phone):
    overview = proved(bench, phone)
    bench.services.erasures.complete(*overview, Once("k", b"f"))
    with pytest.raises(IdempotencyKeyReused):
        bench.services.erasures.complete(*overview, Once("k", b"g"))


def test_another_overviews_token_gets_nothing(bench: Bench, phone: Phone):
    other = opened(bench)
    overview = proved(bench, phone)
    bench.services.erasures.complete(*overview, Once("k", b"f"))
    with pytest.raises(Unauthenticated):
        bench.services.erasures.complete(overview[0], other[1], Once("k", b"f"))
    with pytest.raises(NotFound):
        bench.services.erasures.complete(*other, Once("k", b"f"))


def test_what_was_refused_can_be_asked_again_under_the_same_key(bench: Bench, phone: Phone):
    overview = opened(bench)
    with pytest.raises(ProofRequired):
        bench.services.erasures.complete(*overview, Once("k", b"f"))
    show_face(bench, begun(bench, overview), phone)
    assert not bench.services.erasures.complete(*overview, Once("k", b"f")).replayed


def test_of_eight_at_once_one_erases_and_all_get_its_receipt(bench: Bench, phone: Phone):
    overview = proved(bench, phone)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(bench.services.erasures.complete, *overview, Once("k", b"f")) for _ in range(8)]
    found = [each.result() for each in asked]
    assert len({answer.body for answer in found}) == 1
    assert sum(not answer.replayed for answer in found) == 1
