"""What a user was asked about, for the backend's own app: the latest first, in pages, and nobody else's."""

from datetime import timedelta

import pytest

from authsvc.errors import InvalidRequest, NotFound
from authsvc.services.users import LARGEST_PAGE
from tests.support.service import Bench, Phone, Said, said


def page(bench: Bench, before: str | None = None, limit: int = 2, user: str = "u_1") -> Said:
    return bench.services.users.activity(bench.key, user, before, limit)


def ids(shown: Said) -> list[str]:
    return [each["id"] for each in shown["verifications"]]


def asked(bench: Bench, phone: Phone, user: str = "u_1") -> str:
    decision = bench.decide(bench.payment(30_000, user=user), phone.device, risk=45)
    assert decision["status"] == "challenge_required"
    return str(decision["id"])


def test_pages_follow_each_other_to_the_end_and_hold_what_was_asked_alone(bench: Bench):
    phone = bench.enroll()
    # At one moment, as no clock that is frozen tells them apart: by their ids then.
    made = [asked(bench, phone) for _ in range(5)]
    assert bench.decide(bench.payment(100), phone.device, risk=0)["status"] == "approved"
    pages = [page(bench)]
    while pages[-1]["next"] is not None:
        pages.append(page(bench, pages[-1]["next"]))
    listed = [each for shown in pages for each in ids(shown)]
    assert [len(ids(shown)) for shown in pages] == [2, 2, 1]
    assert listed == sorted(made, reverse=True)
    assert ids(page(bench, limit=10 * LARGEST_PAGE)) == listed


def test_a_later_one_comes_first_and_moves_no_page(bench: Bench):
    phone = bench.enroll()
    first = asked(bench, phone)
    cursor = page(bench, limit=1)["next"]
    bench.clock.advance(timedelta(minutes=1))
    second = asked(bench, phone)
    assert ids(page(bench)) == [second, first]
    assert (cursor, ids(page(bench, cursor))) == (first, [])


def test_it_is_told_as_the_owners_own_page_tells_it(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(30_000), phone.device, risk=45)
    bench.answer_otp(decision, phone.code(bench.clock))
    assert bench.complete(decision).authenticated
    made = said(bench.services.overviews.create(bench.key, bench.once(), "u_1", "en", None))
    overview: Said = bench.services.overviews.find(str(made["id"]), str(made["token"]))
    assert page(bench)["verifications"] == overview["verifications"]
    [shown] = page(bench)["verifications"]
    assert (shown["status"], shown["factors"], shown["amount_minor"]) == ("authenticated", ["otp"], 30_000)


def test_nothing_of_another_user_is_shown_or_taken_for_a_cursor(bench: Bench):
    ours, theirs = bench.enroll("u_1"), bench.enroll("u_2", face="bob")
    mine, other = asked(bench, ours), asked(bench, theirs, "u_2")
    assert (ids(page(bench)), ids(page(bench, user="u_2"))) == ([mine], [other])
    for cursor in (other, "dec_nobodys"):
        with pytest.raises(InvalidRequest, match="`before` must be a cursor"):
            page(bench, cursor)
    with pytest.raises(NotFound):
        page(bench, user="u_nobody")


def test_whoever_enrolls_under_the_name_of_an_erased_user_sees_nothing_of_before(bench: Bench):
    phone = bench.enroll()
    before = asked(bench, phone)
    bench.services.users.erase(bench.key, "u_1")
    with pytest.raises(NotFound):
        page(bench)
    bench.clock.advance(timedelta(minutes=1))
    after = asked(bench, bench.enroll())
    assert ids(page(bench)) == [after]
    assert ids(page(bench, before)) == []
