"""Every page of the console in Chinese, with something on it: no word of it is left in English."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import urldefrag

import pytest

from authsvc.bootstrap.running import Wired
from authsvc.domain.operator import Role
from tests.support.policies import milder, numbered, stricter
from tests.support.reading import latin_in
from tests.web.console.conftest import Shop
from tests.web.console.people import Person
from tests.web.console.test_policies import analysed, drafted

CHINESE = {"Accept-Language": "zh-CN"}
NAMES = ("operator", "default", "shop", "u_zh", "友谊", "for a test", "test")
"""What is called so in this test: operators, the policy, the payment backend, its user, and why a version was written."""

BROKEN = '[[rules]]\nid = "broken"\nlevel = "fce"\nrisk_at_leest = 7\n\n[[rules]]'
ODD = '[[rules]]\nid = "odd"\nlevel = "otp"\nrisk_at_least = 100\namount_at_least = 900_000\n\n[[rules]]'


@pytest.fixture
def everybody(new_operator: Callable[..., Person]) -> Person:
    person = new_operator(*Role, key=True)
    assert person.sign_in().status_code == 200
    return person


def test_no_page_has_an_english_word(everybody: Person, shop: Shop, wired: Wired):
    _fill(everybody, shop, wired)
    waiting, seen, found = ["/console/"], set[str](), []
    while waiting:
        path = waiting.pop(0)
        answer = everybody.browser.get(path, headers=CHINESE)
        if answer.mimetype != "text/html" or answer.status_code in (301, 302, 303):
            continue
        found += [(path, each) for each in latin_in(everybody.browser.page, NAMES)]
        onward = {_kind(each): each for each in _links(everybody.browser.page)}
        waiting += [each for kind, each in onward.items() if kind not in seen]
        seen |= set(onward)
    assert len(seen) > 40
    assert found == []


def test_the_editor_says_what_is_wrong_in_chinese(everybody: Person):
    for change in (("[[rules]]", BROKEN), ("version = 1", "version = "), ("[[rules]]", ODD)):
        everybody.browser.get("/console/policies/new", headers=CHINESE)
        text = numbered(1).replace(*change, 1)
        for act in ("look", "save"):
            everybody.browser.post(
                "/console/policies/new?lang=zh", act=act, text=text, form="toml", note="", profile="psd2"
            )
            assert list(latin_in(everybody.browser.page, NAMES)) == []


def _fill(person: Person, shop: Shop, wired: Wired) -> None:
    """Decisions, a user with a device, versions with findings in every stage, a backtest and a shadow run."""
    shop.enroll("u_zh")
    for amount in (100, 125_000, 9_000_000):
        shop.decide("u_zh", amount)
    wired.console.figures.gather()
    drafted(person, numbered(97).replace("[[rules]]", BROKEN, 1))
    for profile, text in (("nist", milder(98)), ("psd2", stricter(99))):
        person.browser.post(f"{analysed(person, text)}/analyze", profile=profile)
    address = analysed(person, numbered(96))
    person.browser.get(address)
    person.browser.post(f"{address}/backtests", days="30")
    person.browser.post(f"{address}/shadow")
    person.browser.post("/console/user/freeze", client="shop", user="u_zh", reason="来电核实")
    person.browser.post("/console/user/unfreeze", client="shop", user="u_zh", reason="已核实")


def _links(page: str) -> list[str]:
    found = (urldefrag(html.unescape(each)).url for each in re.findall(r'href="(/console/[^"]*)"', page))
    return [each for each in found if "/static/" not in each and "lang=" not in each]


def _kind(path: str) -> str:
    """Pages of one kind: one decision stands for all, and one filter of a list."""
    return re.sub(r"(dec|opr)_[a-z0-9]+|=[^&]*", "", path)
