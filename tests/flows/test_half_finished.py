"""An enrollment that is not completed expires and leaves nothing behind, and nothing stands in for a proof."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from authsvc.domain.ticket import TICKET_LIFE
from authsvc.errors import ChallengeClosed, InvalidRequest, NotFound, ProofRequired, Unauthenticated
from authsvc.factor import Submission
from authsvc.services.enrollments import TicketWanted
from tests.flows.recovering import Visit
from tests.support.authenticator import Authenticator
from tests.support.service import Bench, Said, embedded, said

USER = "u_9"
# That an enrollment was opened stays on record; who it was for is what the record is about.
KEPT = {"audit_entries"}


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Bench]:
    """A service whose files a test may read."""
    made = Bench(embedded(tmp_path / "data"))
    yield made
    made.close()


def opened(bench: Bench, user: str = USER) -> Visit:
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), TicketWanted(user, "zh-CN")))
    return Visit(bench, str(ticket["id"]), str(ticket["token"]))


def do_all_but_the_last(visit: Visit) -> None:
    """Consent, face, app and device, as far as the last button."""
    visit.begin("consent")
    visit.answer("consent", Submission({"modalities": ["face"]}))
    frames = tuple(f"ann {number}".encode() for number in range(3))
    visit.answer("face", Submission({"nonce": visit.begin("face")["nonce"]}, {"frame": frames}))
    visit.add_app()
    visit.add_device()


def rows_of(bench: Bench, user: str) -> dict[str, int]:
    """How many rows of each table name a user."""
    with closing(sqlite3.connect(bench.settings.database_file)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        named = [
            table
            for table in tables
            if any(column[1] == "user_id" for column in database.execute(f"PRAGMA table_info({table})"))
        ]
        counts = {
            table: database.execute(f"SELECT COUNT(*) FROM {table} WHERE user_id = ?", (user,)).fetchone()[0]
            for table in named
        }
    return {table: count for table, count in counts.items() if count and table not in KEPT}


def waiting(bench: Bench) -> int:
    """How many values of the user wait in the short-lived store, past their time or not."""
    Visit(bench, *_of_somebody_else(bench)).begin("consent")  # Whoever writes next takes away what is over.
    with closing(sqlite3.connect(bench.settings.ephemeral_file)) as database:
        found = database.execute("SELECT COUNT(*) FROM entry WHERE owner LIKE ?", (f"%{USER}%",))
        return int(found.fetchone()[0])


def _of_somebody_else(bench: Bench) -> tuple[str, str]:
    visit = opened(bench, "somebody_else")
    return visit.id, visit.token


def test_what_was_begun_is_nowhere_once_its_time_is_over(alone: Bench):
    visit = opened(alone)
    do_all_but_the_last(visit)
    assert rows_of(alone, USER) == {"enrollments": 1}
    assert waiting(alone) > 0
    alone.clock.advance(TICKET_LIFE)
    with pytest.raises(ChallengeClosed):
        visit.complete()
    alone.services.housekeeping.sweep()
    assert rows_of(alone, USER) == {}
    assert waiting(alone) == 0
    with pytest.raises(Unauthenticated):
        visit.complete()


def test_a_completed_one_leaves_nothing_in_the_short_lived_store(alone: Bench):
    visit = opened(alone)
    do_all_but_the_last(visit)
    visit.complete()
    alone.clock.advance(TICKET_LIFE)
    alone.services.housekeeping.sweep()
    assert waiting(alone) == 0
    assert "enrollments" not in rows_of(alone, USER)
    assert rows_of(alone, USER)["users"] == 1


def test_nobody_exists_by_a_ticket_alone(bench: Bench):
    opened(bench)
    for ask in (bench.services.users.status, bench.services.users.export):
        with pytest.raises(NotFound):
            ask(bench.key, USER)


def test_of_two_first_enrollments_one_counts(bench: Bench):
    first, second = opened(bench), opened(bench)
    first.add_app()
    second.add_app()
    first.complete()
    with pytest.raises(ProofRequired):
        second.complete()
    assert bench.services.users.status(bench.key, USER)["factors"] == ["otp"]


def test_a_second_enrollment_needs_a_proof(bench: Bench):
    bench.enroll(USER)
    with pytest.raises(ProofRequired):
        opened(bench)


@pytest.mark.parametrize("emptied", ["face", "device"])
def test_an_emptied_account_is_no_new_one(bench: Bench, emptied: str):
    """A stolen session may take everything away; it must not be able to enroll as somebody new afterwards."""
    codes = _enrolled_with(bench, emptied)
    overview = said(bench.services.overviews.create(bench.key, bench.once(), USER, "en", None))
    looking = (str(overview["id"]), str(overview["token"]))
    if emptied == "face":
        bench.services.overviews.withdraw_biometric(*looking, "face")
    else:
        shown: Said = bench.services.overviews.find(*looking)
        [device] = shown["devices"]
        bench.services.overviews.revoke_device(*looking, device["id"])
    assert bench.services.users.status(bench.key, USER)["factors"] == []
    with pytest.raises(ProofRequired):
        opened(bench)
    visit = Visit.opened(bench, USER)
    visit.type_recovery_code(codes[0])
    visit.type_code(str(visit.issued_code()["code"]))
    visit.add_app()
    assert visit.complete()["factors"] == ["otp"]


def _enrolled_with(bench: Bench, only: str) -> list[str]:
    """Somebody with one factor; their recovery codes."""
    visit = opened(bench)
    if only == "device":
        visit.add_device(Authenticator(bench.settings.public_url))
    else:
        visit.begin("consent")
        visit.answer("consent", Submission({"modalities": ["face"]}))
        frames = tuple(f"ann {number}".encode() for number in range(3))
        visit.answer("face", Submission({"nonce": visit.begin("face")["nonce"]}, {"frame": frames}))
    return list(visit.complete()["recovery_codes"])


@pytest.mark.parametrize("guardian", [None, "", "  "])
def test_a_child_is_not_enrolled_without_a_guardian(bench: Bench, guardian: str | None):
    visit = opened(bench)
    visit.begin("consent")
    with pytest.raises(InvalidRequest, match="guardian"):
        visit.answer("consent", Submission({"modalities": ["face"], "under_14": True, "guardian": guardian}))
    with pytest.raises(InvalidRequest, match="consent"):
        visit.begin("face")


def test_whose_consent_it_was_stands_in_the_audit_without_a_name(bench: Bench):
    visit = opened(bench)
    visit.begin("consent")
    said_yes = {"modalities": ["face"], "under_14": True, "guardian": "林父"}
    visit.answer("consent", Submission(said_yes))
    visit.add_app()
    visit.complete()
    lines = bench.services.records.audit_events(bench.key, None, 500)["events"]
    assert isinstance(lines, list)
    [given] = [line for line in lines if line["action"] == "consent.give"]
    assert (given["object"], given["details"]["by"]) == ("face", "guardian")
    assert "林父" not in str(lines)
