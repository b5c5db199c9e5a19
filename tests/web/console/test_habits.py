"""One payer's habits on their page, as pictures with their numbers; a decision's signals; their drift over all users."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from authsvc.bootstrap.running import Wired
from authsvc.domain.operator import Role
from authsvc.operators.counting import ASKED, SIGNAL
from authsvc.subject import Subject
from tests.habit.lives import act, learned
from tests.support.reading import latin_in
from tests.web.console.conftest import Shop
from tests.web.console.people import Person

USER = "u_habits"
LANGUAGES = {"en": {"Accept-Language": "en"}, "zh": {"Accept-Language": "zh-CN"}}
NAMES = ("operator", "shop", "CN-31", "app", "dev", "CNY", USER)
PATH = f"/console/user?client=shop&user={USER}"


@pytest.fixture(scope="module")
def lived(wired: Wired, shop: Shop) -> Shop:
    """Somebody pays one shop at about eight in the evening, sixty days long; the last payment is unlike that."""
    shop.enroll(USER)
    chance, now = Random(8), datetime.now(UTC)
    evening = now.replace(hour=20, minute=0, second=0, microsecond=0)
    acts = [
        act(evening - timedelta(days=day, minutes=chance.randrange(50)), "shop_1", chance.randint(1_500, 6_000), kind="transfer")
        for day in range(75, 15, -1)
    ]  # fmt: skip

    def learn(tx):  # type: ignore[no-untyped-def]  # The store's own transaction.
        account = tx.accounts.find(Subject("shop", USER))
        tx.habits.learn(account, learned(acts), now)

    wired.store.ledger.transact(learn)
    return shop


@pytest.mark.parametrize("language", LANGUAGES)
def test_habits_are_pictures_with_every_number_beside_them(
    auditor: Person, lived: Shop, language: str
) -> None:
    lived.decide(USER, 900_000)
    auditor.browser.get(PATH, headers=LANGUAGES[language])
    page = auditor.browser.page
    found = re.findall(r'<figure class="habit">(.*?)</figure>', page, re.DOTALL)
    # Hours, days of the week, amounts, gaps, bursts, payees, devices, channels, places.
    assert len(found) == 9
    for each in found:
        assert each.count("<rect") == each.count("<li>")
        assert 'role="img"' in each
        assert "style=" not in each
    said = html.unescape(found[0])
    assert re.search(r"<bdi>(19|20)</bdi> <b>\d+\.\d+</b> <span class=\"soft\">\d+\.\d %", said)
    # Of a digest the name is read from the latest decisions, and of nobody else.
    assert "shop_1 · " in found[5]
    assert "<bdi>– · " in found[6]
    if language == "zh":
        assert list(latin_in("".join(found), (*NAMES, "shop_1"))) == []
    else:
        assert "Nine in ten are below" in found[2]


def test_of_somebody_new_the_page_says_that_nothing_was_learned(auditor: Person, shop: Shop) -> None:
    shop.enroll("u_no_habits")
    auditor.browser.get("/console/user?client=shop&user=u_no_habits", headers=LANGUAGES["en"])
    assert "Nothing was learned" in auditor.browser.page
    assert '<figure class="habit">' not in auditor.browser.page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_decision_says_in_what_it_is_unlike_its_payers_habits(
    auditor: Person, lived: Shop, language: str
) -> None:
    decision = lived.decide(USER, 900_000)
    auditor.browser.get(f"/console/decisions/{decision['id']}", headers=LANGUAGES[language])
    page = html.unescape(auditor.browser.page)
    sentences = [each["sentence"] for each in decision["signals"]["present"]]
    assert sentences
    for each in sentences:
        assert each["zh-CN" if language == "zh" else "en"] in page
    listed = f"/console/decisions?days=week&client=shop&user={USER}&signal="
    signal = decision["signals"]["present"][0]["signal"]
    for name, is_listed in ((signal, True), ("no_such_signal", False)):
        auditor.browser.get(listed + name)
        assert (decision["id"] in auditor.browser.page) is is_listed


def test_the_overview_says_whether_signals_come_more_often(
    new_operator: Callable[..., Person], wired: Wired
) -> None:
    now = datetime.now(UTC)
    for days, asked, bursts in ((20, 4_000, 40), (2, 1_000, 40)):
        counts = {f"{SIGNAL}:{ASKED}": asked, f"{SIGNAL}:burst": bursts}
        at = now - timedelta(days=days)
        wired.store.ledger.transact(
            lambda tx, at=at, counts=counts: tx.figures.add("web-of-a-test", at, counts)  # type: ignore[misc]
        )
    person = new_operator(Role.AUDITOR, key=True)
    assert person.sign_in().status_code == 200
    person.browser.get("/console/", headers=LANGUAGES["en"])
    (row,) = re.findall(
        r'<tr><th scope="row"><a [^>]*signal=burst">Many payments within an hour.*?</tr>',
        person.browser.page,
        re.DOTALL,
    )
    numbers = re.findall(r'class="number"[^>]*>([^<]*)<', row)
    assert numbers[0] == numbers[2] != "0"
    assert 3 < float(numbers[4]) < 4.2
    assert "look into it" in row
