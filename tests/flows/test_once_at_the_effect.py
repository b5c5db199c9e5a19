"""A nonce, a capture, a recording counts once: whatever waits beside it, and whatever it was handed in for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from authsvc.biometric.words import Liveness
from authsvc.errors import ChallengeFailed, InvalidRequest
from authsvc.factor import Submission
from authsvc.keys.keyring import Purpose
from authsvc.services.enrollments import TicketWanted
from tests.flows.owning import Holder
from tests.flows.recovering import Visit
from tests.support.service import Bench, Said, embedded, said


@pytest.fixture(params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A service that takes photographs for people, and each of them once."""
    changes = {}
    if request.param == "servers":
        changes = {
            "database_url": request.getfixturevalue("migrated_postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    made = Bench(embedded(tmp_path / "data", **changes))
    parts = made.services.challenges._parts
    parts.stepup._reuses_faces = parts.enrolling._reuses_faces = False
    recovering = parts.enrolling._recovering
    recovering._parts = replace(recovering._parts, reuses_faces=False)
    yield made
    made.close()


@pytest.fixture
def owner(bench: Bench) -> Holder:
    holder = Holder(bench, face="ann")
    holder.enroll("otp", "device", "face")
    return holder


def asked_for_a_face(bench: Bench, owner: Holder) -> Said:
    return bench.decide(bench.payment(3_000_000), owner.device)


def test_a_capture_handed_to_two_challenges_counts_in_one(bench: Bench, owner: Holder):
    challenges = [asked_for_a_face(bench, owner) for _ in range(3)]
    for each in challenges:
        bench.answer_face(each, "ann 7", "ann 8")
    assert [bench.complete(each).authenticated for each in challenges] == [True, False, False]
    assert [event["data"]["alarm"] for event in bench.events() if event["type"] == "attack:suspected"] == [
        "presentation"
    ] * 2


def test_in_another_order_it_is_the_same_capture(bench: Bench, owner: Holder):
    first, second = asked_for_a_face(bench, owner), asked_for_a_face(bench, owner)
    bench.answer_face(first, "ann 7", "ann 8")
    bench.answer_face(second, "ann 8", "ann 7")
    assert [bench.complete(each).authenticated for each in (first, second)] == [True, False]


def test_of_two_that_are_judged_at_once_one_counts(bench: Bench, owner: Holder):
    for _ in range(4):
        pair = [asked_for_a_face(bench, owner) for _ in range(2)]
        owner.pictures += 1
        for each in pair:
            bench.answer_face(each, f"ann {owner.pictures}")
        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(lambda each: bench.complete(each).authenticated, pair)) == [False, True]


def test_a_capture_that_failed_is_not_used_up(bench: Bench, owner: Holder):
    first, second = asked_for_a_face(bench, owner), asked_for_a_face(bench, owner)
    bench.faces.liveness = Liveness.ATTACK
    bench.answer_face(first, "ann 7")
    assert not bench.complete(first).authenticated
    bench.faces.liveness = Liveness.BONA_FIDE
    bench.answer_face(second, "ann 7")
    assert bench.complete(second).authenticated


def test_a_capture_of_a_payment_proves_no_recovery(bench: Bench, owner: Holder):
    decision = asked_for_a_face(bench, owner)
    bench.answer_face(decision, "ann 7")
    assert bench.complete(decision).authenticated
    visit = Visit.opened(bench)
    visit.type_recovery_code(next(iter(owner.codes)))
    with pytest.raises(ChallengeFailed):
        visit.show_face("ann 7")
    visit.show_face("ann 8")


def enrolling(bench: Bench, user: str = "u_9", proof: str | None = None) -> Visit:
    wanted = TicketWanted(user, "en", proof)
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), wanted))
    visit = Visit(bench, str(ticket["id"]), str(ticket["token"]))
    visit.begin("consent")
    visit.answer("consent", Submission({"modalities": ["face"]}))
    return visit


def frames(first: int = 0, face: str = "ann") -> dict[str, tuple[bytes, ...]]:
    return {"frame": tuple(f"{face} {number}".encode() for number in range(first, first + 3))}


def test_a_nonce_of_an_enrollment_is_good_for_one_capture(bench: Bench):
    visit = enrolling(bench)
    evidence = Submission({"nonce": visit.begin("face")["nonce"]}, frames())
    visit.answer("face", evidence)
    with pytest.raises(InvalidRequest, match="not begun"):
        visit.answer("face", evidence)


def test_a_capture_that_could_not_be_used_leaves_its_nonce(bench: Bench):
    visit = enrolling(bench)
    nonce = visit.begin("face")["nonce"]
    with pytest.raises(Exception, match="cannot be used"):
        visit.answer("face", Submission({"nonce": nonce}, {"frame": (b"ann 1",)}))
    assert visit.answer("face", Submission({"nonce": nonce}, frames()))["state"] == "received"


def test_the_bytes_of_one_enrollment_enroll_nobody_again(bench: Bench, owner: Holder):
    visit = enrolling(bench, "u_1", owner.proof("enrollment", "face", "otp"))
    # `owner` enrolled these very frames.
    visit.answer("face", Submission({"nonce": visit.begin("face")["nonce"]}, frames()))
    with pytest.raises(InvalidRequest, match="used before"):
        visit.complete()
    visit.answer("face", Submission({"nonce": visit.begin("face")["nonce"]}, frames(50)))
    assert visit.complete()["status"] == "completed"


def test_the_bytes_of_an_enrollment_pay_nothing(bench: Bench, owner: Holder):
    decision = asked_for_a_face(bench, owner)
    bench.answer_face(decision, "ann 0", "ann 1", "ann 2")
    assert not bench.complete(decision).authenticated


def test_of_twelve_accounts_of_one_person_the_same_bytes_count_in_one(bench: Bench):
    phones = {user: bench.enroll(user, face=f"ann {user}") for user in (f"u_{n}" for n in range(1, 13))}

    def shown(user: str, picture: str) -> Said:
        said = bench.decide(bench.payment(3_000_000, user=user), phones[user].device)
        bench.answer_face(said, picture)
        return said

    def passes(decision: Said) -> bool:
        return bench.complete(decision).authenticated

    decisions = [shown(user, "ann 99") for user in phones]
    with ThreadPoolExecutor(12) as threads:
        assert sorted(threads.map(passes, decisions)) == [False] * 11 + [True]
    assert not any(passes(shown(user, "ann 99")) for user in phones)
    assert all(passes(shown(user, f"ann 100 {user}")) for user in phones)


def test_the_bytes_of_somebodys_enrollment_enroll_nobody_else(bench: Bench, owner: Holder):
    visit = enrolling(bench, "u_2")
    visit.answer("face", Submission({"nonce": visit.begin("face")["nonce"]}, frames()))
    with pytest.raises(InvalidRequest, match="used before"):
        visit.complete()


def test_an_erasure_forgets_whose_capture_it_was_and_not_that_it_counted(bench: Bench, owner: Holder):
    bench.services.users.erase(bench.key, "u_1")
    rows = bench.wired.store.ledger.read(
        lambda tx: tx.spent._connection.all("SELECT client, user_id, kind FROM spent", {})  # type: ignore[attr-defined]
    )
    assert set(rows) == {("", "", "capture")}
    visit = enrolling(bench, "u_1")
    visit.answer("face", Submission({"nonce": visit.begin("face")["nonce"]}, frames()))
    with pytest.raises(InvalidRequest, match="used before"):
        visit.complete()
    visit.answer("face", Submission({"nonce": visit.begin("face")["nonce"]}, frames(50)))
    assert "face" in visit.complete()["factors"]


def test_a_capture_stays_used_up_when_the_keys_are_rotated(bench: Bench, owner: Holder):
    bench.wired.store.ring.rotate(Purpose.HMAC)
    visit = enrolling(bench, "u_2")
    visit.answer("face", Submission({"nonce": visit.begin("face")["nonce"]}, frames()))
    with pytest.raises(InvalidRequest, match="used before"):
        visit.complete()
