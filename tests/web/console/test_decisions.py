"""The list of decisions: sifted, shared by its address, taken along as a file; and one search for whatever is in hand."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from authsvc.bootstrap.running import Wired
from authsvc.domain.operator import Role
from authsvc.errors import InvalidRequest
from authsvc.operators import lists
from authsvc.web.console.decisions import FIELDS, sieve_of
from authsvc.web.console.sifting import as_cell, as_spreadsheet
from tests.web.console.conftest import Shop
from tests.web.console.people import Person, audited
from tests.web.console.test_pages import opened, signed_in

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def ids(page: str) -> list[str]:
    return re.findall(r'href="/console/decisions/(dec_[a-z0-9]+)"', page)


def ids_on_all_pages(auditor: Person, path: str) -> list[str]:
    seen: list[str] = []
    while path:
        page = opened(auditor, path)
        seen += ids(page)
        onward = re.search(r'href="(/console/decisions\?[^"]*)">Next page', page)
        path = onward.group(1).replace("&amp;", "&") if onward is not None else ""
    return seen


def asked(**fields: str) -> dict[str, str]:
    return {**dict.fromkeys(FIELDS, ""), **fields}


def test_a_list_holds_what_its_address_says(auditor: Person, shop: Shop):
    small, large = shop.decide("u_list", amount=100), shop.decide("u_list", amount=600_001)
    assert {small["id"], large["id"]} <= set(ids(opened(auditor, "/console/decisions?days=week")))
    found = ids(opened(auditor, "/console/decisions?days=week&at_least=6000.01"))
    assert large["id"] in found
    assert small["id"] not in found
    assert small["id"] in ids(opened(auditor, "/console/decisions?days=week&at_most=1"))
    level = large["level"]
    assert large["id"] in ids(
        opened(auditor, f"/console/decisions?days=week&level={level}&status={large['status']}")
    )
    rule = large["reasons"][0]["rule"]
    assert large["id"] in ids(opened(auditor, f"/console/decisions?days=week&rule={rule}"))
    for nothing in ("days=week&level=otp&status=denied", "days=week&rule=no-such_rule",
                    "days=week&client=nobody", "days=week&device=dev_%25", "until=2001-01-01T00:00"):  # fmt: skip
        assert ids(opened(auditor, f"/console/decisions?{nothing}")) == []
    by_amount = ids(opened(auditor, "/console/decisions?days=week&order=largest"))
    assert by_amount.index(large["id"]) < by_amount.index(small["id"])
    assert "5000.00" in opened(auditor, "/console/decisions?at_least=much", 422)


def test_a_list_goes_on_and_shows_each_decision_once(
    auditor: Person, shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lists, "PAGE", 3)
    monkeypatch.setattr(lists, "READ_AT_ONCE", 2)
    made = {shop.decide("u_many", amount=70_000_000 + at)["id"] for at in range(8)}
    seen = ids_on_all_pages(auditor, "/console/decisions?days=week&at_least=700000")
    assert sorted(seen) == sorted(made)


@pytest.mark.parametrize("order", ["", "oldest", "largest", "smallest"])
def test_a_list_in_any_order_goes_on_and_shows_each_decision_once(
    auditor: Person, shop: Shop, monkeypatch: pytest.MonkeyPatch, order: str
):
    monkeypatch.setattr(lists, "PAGE", 3)
    monkeypatch.setattr(lists, "READ_AT_ONCE", 2)
    user = f"u_ordered_{order}"
    decisions = [shop.decide(user, amount=500 + at % 4) for at in range(8)]
    made = [each["id"] for each in decisions]
    seen = ids_on_all_pages(auditor, f"/console/decisions?days=week&user={user}&order={order}")
    assert sorted(seen) == sorted(made)
    amounts = [500 + made.index(each) % 4 for each in seen]
    if order in ("", "oldest"):
        # Those of one and the same millisecond in the order of their ids.
        by_time = sorted(made, key=lambda each: (decisions[made.index(each)]["created_at"], each))
        assert seen == (by_time if order else by_time[::-1])
    else:
        assert amounts == sorted(amounts, reverse=order == "largest")


def test_heads_of_columns_order_the_list_and_keep_its_filter(auditor: Person, shop: Shop):
    shop.decide("u_headed", amount=100)
    page = opened(auditor, "/console/decisions?days=month&user=u_headed")
    assert heads(page) == {"Time": ("descending", "oldest"), "Amount": ("", "largest")}
    page = opened(auditor, "/console/decisions?days=month&user=u_headed&order=largest")
    assert heads(page) == {"Time": ("", ""), "Amount": ("descending", "smallest")}
    assert 'type="hidden" name="order" value="largest"' in page
    opened(auditor, "/console/decisions?order=largest&after=x.dec_1", 422)


def heads(page: str) -> dict[str, tuple[str, str]]:
    """Of each column that can be ordered by: how it is now, and the order behind its link."""
    found = {}
    for sort, address, name in re.findall(
        r'<th scope="col"[^>]*?(?: aria-sort="(\w+)")?><a href="([^"]*)">(\w+)</a>', page
    ):
        assert {"days=month", "user=u_headed"} < set(re.split(r"\?|&amp;", address))
        found[name] = sort, (re.findall(r"order=(\w+)", address) or [""])[0]
    return found


def test_an_amount_counts_as_people_read_it(auditor: Person, shop: Shop):
    """A thousand yen are more than nine yuan, whatever their smallest units say."""
    ids_of = {
        currency: shop.decide("u_two", amount, currency)["id"]
        for amount, currency in ((900, "CNY"), (800, "JPY"))
    }
    assert ids(opened(auditor, "/console/decisions?days=week&user=u_two&order=largest")) == [
        ids_of["JPY"],
        ids_of["CNY"],
    ]


def test_a_file_holds_the_same_and_that_it_was_taken_is_on_record(auditor: Person, shop: Shop, wired: Wired):
    decision = shop.decide("u_file", amount=3_969_004)
    answer = auditor.browser.get("/console/decisions.csv?days=week&at_least=39690.04&at_most=39690.04")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [(row["id"], row["amount"], row["currency"]) for row in rows] == [
        (decision["id"], "39690.04", "CNY")
    ]
    assert audited(wired, "decision.export")[-1]["details"] == {"lines": 1}


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0", "＝1+1", "＋1", "－1", "＠A1", "\u3000＝1"],
)  # fmt: skip
def test_no_cell_is_a_formula(text: str):
    assert as_cell(text) == f"'{text}"


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("middle", [";", "; ", ';"', ";;", ';" '])
def test_no_cell_is_a_formula_whatever_separates_lists_where_it_is_opened(middle: str, separator: str):
    """A program with European settings splits at `;`, also within what is quoted here, and lets doubled quotes go."""
    signs, begins = "=+-@＝＋－＠", ("shop", 'the "shop"', "a,b", "=1", "a;b")
    lines = [["id", f"{begin}{middle}{sign}1+1", "CNY"] for sign in signs for begin in begins]
    with Flask("spreadsheets").test_request_context():
        text = as_spreadsheet("all.csv", lines).get_data().decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text), delimiter=separator) for cell in row]
    assert len(cells) >= len(lines)
    assert [cell for cell in cells if cell.lstrip(' "\u3000')[:1] in tuple(signs)] == []


@pytest.mark.parametrize("text", ["友谊商店", "u_42", "1250.00", "", "a=b", "a;b", "a; b=c", "a－b"])
def test_other_cells_are_as_they_are(text: str):
    assert as_cell(text) == text


def test_who_may_not_read_users_sees_no_link_to_them(new_operator: Callable[..., Person], shop: Shop):
    shop.decide("u_hidden", amount=100)
    analyst = signed_in(new_operator, Role.ANALYST)
    page = opened(analyst, "/console/decisions?days=week")
    assert "u_hidden" in page
    assert "/console/user?" not in page


def test_a_day_is_the_operators_own(app: object):
    from flask import Flask

    with Flask("x").test_request_context(headers={"Cookie": "east=480"}):
        sieve = sieve_of(asked(days="yesterday"), NOON)
    assert (sieve.since, sieve.until - sieve.since) == (
        datetime(2026, 11, 25, 16, tzinfo=UTC),
        timedelta(days=1),
    )


@pytest.mark.parametrize("wrong", [{"at_least": "NaN"}, {"at_most": "1e99"}, {"since": "yesterday"}])
def test_what_is_no_amount_and_no_time_is_said(app: object, wrong: dict[str, str]):
    from flask import Flask

    with Flask("x").test_request_context(), pytest.raises(InvalidRequest):
        sieve_of(asked(**wrong), NOON)


def test_a_search_finds_a_decision_by_its_transaction_and_says_where_it_looked(auditor: Person, shop: Shop):
    decision = shop.decide("u_searched", amount=100)
    for text in (decision["id"], decision["transaction_id"], f" {decision['id'].upper()}"):
        answer = auditor.browser.get("/console/cases", query_string={"q": text})
        assert answer.headers["Location"] == f"/console/decisions/{decision['id']}"
    page = opened(auditor, "/console/cases?q=nothing_of_that_name", 404)
    assert "the transaction ids of every payment backend" in page
    assert "the users of every payment backend" in page
