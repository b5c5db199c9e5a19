"""Lists of users, devices and events: sifted, shared by their address, taken along as a file; for whoever may read users."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable

import pytest

from authsvc.bootstrap.running import Wired
from authsvc.domain.operator import Role
from authsvc.errors import InvalidRequest
from authsvc.events import TAGS
from authsvc.operators import rolls
from authsvc.operators.rolls import as_text, marked
from authsvc.web.console import happened
from tests.web.console.conftest import Shop
from tests.web.console.people import Person, audited
from tests.web.console.test_pages import opened, signed_in


def users(page: str) -> list[str]:
    return re.findall(r"/console/user\?client=shop&amp;user=(u_[a-z0-9_]+)", page)


@pytest.mark.parametrize("name", ["users", "devices", "events"])
def test_a_list_goes_on_and_its_address_says_what_it_holds(
    auditor: Person, shop: Shop, name: str, monkeypatch: pytest.MonkeyPatch
):
    for number in range(5):
        shop.enroll(f"u_roll_{number}")
    monkeypatch.setattr(rolls, "PAGE", 2)
    seen: list[str] = []
    state = "&state=subject:enrolled" if name == "events" else ""
    path = f"/console/rolls/{name}?user=u_roll{state}&order=oldest"
    for _ in range(9):
        page = opened(auditor, path)
        seen += users(page)
        onward = re.search(rf'href="(/console/rolls/{name}\?[^"]*)">(?:Next page|Search further)', page)
        if onward is None:
            break
        path = html.unescape(onward.group(1))
    assert seen == [f"u_roll_{number}" for number in range(5)]


@pytest.mark.parametrize("name", ["users", "devices", "events"])
def test_a_file_holds_the_same_and_that_it_was_taken_is_on_record(
    auditor: Person, shop: Shop, wired: Wired, name: str
):
    shop.enroll("u_filed")
    answer = auditor.browser.get(f"/console/rolls/{name}.csv?user=u_filed")
    assert f'"{name}.csv"' in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert {row["user_id"] for row in rows} == {"u_filed"}
    assert audited(wired, "roll.export")[-1]["details"] == {"lines": len(rows)}


def test_the_head_of_time_turns_a_list_round(auditor: Person, shop: Shop):
    shop.enroll("u_turned")
    page = opened(auditor, "/console/rolls/users?user=u_turned")
    assert 'aria-sort="descending"><a href="/console/rolls/users?user=u_turned&amp;order=oldest">' in page
    page = opened(auditor, "/console/rolls/users?user=u_turned&order=oldest")
    assert 'aria-sort="ascending"><a href="/console/rolls/users?user=u_turned">' in page
    assert 'name="order" value="oldest"' in page


def test_details_of_an_event_are_in_words(auditor: Person, shop: Shop):
    shop.enroll("u_worded")
    page = opened(auditor, "/console/rolls/events?user=u_worded")
    names = re.findall(r'<span title="(\w+)">([^<]*)</span>', page)
    assert names
    assert [name for name, words in names if name == words] == []


def test_what_is_no_list_no_time_and_no_place_is_said(auditor: Person):
    opened(auditor, "/console/rolls/secrets", 404)
    assert "2026-11-27" in opened(auditor, "/console/rolls/users?since=yesterday", 422)
    opened(auditor, "/console/rolls/users?after=x", 422)


def test_who_may_not_read_users_is_refused(new_operator: Callable[..., Person]):
    analyst = signed_in(new_operator, Role.ANALYST)
    for path in ("users", "devices", "events", "users.csv"):
        opened(analyst, f"/console/rolls/{path}", 403)


@pytest.mark.parametrize(
    "text", ["x", "[]", "{}", "[true]", "[1.5]", "[null]", '[1,"a","b","c","d"]', "[-1]", "[" * 9999]
)
def test_a_place_that_is_none_is_refused(text: str):
    with pytest.raises(InvalidRequest):
        marked(text)


def test_a_place_goes_through_an_address():
    assert marked(as_text((7, "银行", 'u"1'))) == (7, "银行", 'u"1')
    assert marked(as_text(None)) is None


def test_every_tag_has_its_words():
    assert set(happened.TAGS) == set(TAGS)
