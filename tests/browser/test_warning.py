"""A warning before any proof, in a real browser: by keyboard, in both languages, with and without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from authsvc.bootstrap.app import create_app
from authsvc.clock import FrozenClock
from authsvc.domain.warned import PAUSE
from authsvc.web.settings import WebSettings
from tests.browser.inspection import inspect
from tests.browser.stage import served
from tests.browser.test_payment import reach
from tests.browser.waits import unheard
from tests.support.service import Bench, Phone, Said, challenge_of
from tests.support.warned import warned

HELD = {"zh-CN": "秒后可继续", "en-GB": "to read this first"}
FREE = {"zh-CN": "现在可以继续。", "en-GB": "You can go on now."}


class Payer:
    """Somebody with a phone in hand, and the pages of a service that warns them."""

    def __init__(self, bench: Bench, port: int, context: BrowserContext, name: str) -> None:
        self.bench = bench
        self.origin = f"http://localhost:{port}"
        self.context = context
        self.page: Page = context.new_page()
        self.name = name
        self.phone: Phone = bench.enroll(name)

    def ask(self, amount: int = 125_000, risk: int = 5) -> Said:
        """Ask for a payment and open its page."""
        decision = self.bench.decide(self.bench.payment(amount, user=self.name), self.phone.device, risk=risk)
        challenge, token = challenge_of(decision)
        self.context.request.post(f"{self.origin}/c/{challenge}", form={"token": token})
        self.page.goto(f"{self.origin}/c/{challenge}")
        return decision

    def choose(self, answer: str) -> None:
        """By keyboard: to the group with Tab, to the answer with the arrows, and on with Enter."""
        reach(self.page, "input[name=answer]")
        self.page.keyboard.press("Space")
        for _ in range(3):
            if self.page.locator(f"input[value={answer}]").is_checked():
                break
            self.page.keyboard.press("ArrowDown")
        assert self.page.locator(f"input[value={answer}]").is_checked()
        reach(self.page, "#answering .button")

    def press(self) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def sizes(self) -> tuple[float, float]:
        """Of the warning's heading and of the amount, in pixels."""
        sizes: list[float] = self.page.evaluate(_SIZES)
        return sizes[0], sizes[1]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, int]]:
    bench = warned(tmp_path_factory.mktemp("warned"), FrozenClock(datetime.now(UTC)))
    app = create_app(bench.services, WebSettings("http://localhost"))
    with served(app.wsgi_app) as port:
        yield bench, port
    bench.close()


def shown_text(begun: Said, language: str) -> dict[str, Any]:  # Any: JSON.
    text: dict[str, dict[str, Any]] = begun["text"]
    return text[language]


def _name() -> str:
    """Of somebody new: a test that runs twice finds the same service."""
    return f"u_{uuid4().hex}"


@pytest.fixture(params=["zh-CN", "en-GB"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def payer(
    stage: tuple[Bench, int],
    browser_seeing: Callable[[str], Browser],
    language: str,
) -> Iterator[Payer]:
    bench, port = stage
    bench.clock.advance(datetime.now(UTC) - bench.clock.now())
    context = browser_seeing("obama/1.jpg").new_context(
        locale=language,
        viewport={"width": 390, "height": 844},
        reduced_motion="reduce" if language == "zh-CN" else "no-preference",
    )
    yield Payer(bench, port, context, _name())
    context.close()


def test_a_question_is_read_before_it_is_answered_and_no_proof_comes_first(
    payer: Payer, language: str
) -> None:
    decision = payer.ask()
    page = payer.page
    faults = inspect(page, "warning-strict")
    assert faults == []
    heading, amount = payer.sizes()
    assert heading >= amount
    assert page.locator("h1").inner_text().startswith("¥1,250.00" if language == "zh-CN" else "CN¥")
    assert page.locator(".why li").count() == 1
    assert page.locator("input[name=answer]:checked").count() == 0
    shown = page.locator("input[name=answer]").evaluate_all("all => all.map(each => each.value)")
    begun = payer.bench.services.challenges.begin_warning(*challenge_of(decision))
    assert shown == begun["answers"]
    # What a screen reader says: the question as the name of the group, each answer as that of its button.
    question: dict[str, str] = shown_text(begun, "zh-CN" if language == "zh-CN" else "en")["question"]
    group = page.get_by_role("group", name=question["asks"])
    names = [group.get_by_role("radio", name=question[each], exact=True).count() for each in shown]
    assert names == [1, 1, 1]
    assert page.locator("#answering .button").get_attribute("aria-describedby") == "pause"
    assert page.locator("#code").count() == 0

    payer.page.goto(page.url)
    payer.choose("own_decision")
    if page.locator("#ready").inner_text() == "":
        page.keyboard.press("Enter")
    page.wait_for_function(
        "text => document.querySelector('#ready').textContent === text", arg=FREE[language]
    )
    payer.bench.clock.advance(PAUSE)
    payer.press()
    assert page.locator("#code").count() == 1
    page.fill("#code", payer.phone.code(payer.bench.clock))
    page.focus("#code")
    payer.press()
    assert payer.bench.again(decision)["status"] == "authenticated"


def test_whoever_goes_on_at_once_is_held_and_told(payer: Payer, language: str) -> None:
    """The script's time stands still, so that nothing depends on how fast this machine is."""
    payer.page.clock.install()
    decision = payer.ask()
    page = payer.page
    payer.choose("own_decision")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "text => document.querySelector('#ready').textContent.includes(text)", arg=HELD[language]
    )
    assert payer.bench.again(decision)["warning"]["state"] == "unanswered"
    page.clock.fast_forward(6_000)
    page.wait_for_function(
        "text => document.querySelector('#ready').textContent === text", arg=FREE[language]
    )


def test_who_was_asked_by_phone_stops_it_and_freezes(payer: Payer) -> None:
    decision = payer.ask()
    payer.choose("asked")
    payer.press()
    assert payer.bench.again(decision)["status"] == "declined_by_user"
    assert inspect(payer.page, "warning-stopped") == []
    reach(payer.page, ".button-danger")
    payer.press()
    assert payer.bench.services.users.status(payer.bench.key, payer.name)["status"] == "frozen"
    assert inspect(payer.page, "warning-frozen") == []
    assert payer.page.locator(".button-danger").count() == 0


def test_a_mild_one_asks_nothing_and_still_stops(payer: Payer) -> None:
    decision = payer.ask(60_000, risk=45)
    assert inspect(payer.page, "warning-mild") == []
    reach(payer.page, "button[value=read]")
    payer.press()
    assert payer.bench.again(decision)["warning"]["state"] == "acknowledged"
    other = payer.ask(60_000, risk=45)
    reach(payer.page, "button[value=asked]")
    payer.press()
    assert payer.bench.again(other)["warning"]["state"] == "stopped"


@pytest.mark.parametrize(("amount", "risk"), [(125_000, 5), (60_000, 45)], ids=["strict", "mild"])
def test_an_answer_that_is_held_back_is_waited_for_and_given_once(
    payer: Payer, amount: int, risk: int
) -> None:
    payer.ask(amount, risk)
    page = payer.page
    page.emulate_media(reduced_motion="no-preference")  # The bar is told by how it moves.

    def show() -> None:
        page.goto(page.url)
        page.wait_for_function(_MAY_GO_ON)

    assert page.locator("form").count() > 1
    assert list(unheard(page, show)) == []


def test_without_a_script_the_service_holds_who_goes_on_at_once(
    stage: tuple[Bench, int], browser_seeing: Callable[[str], Browser], language: str
) -> None:
    bench, port = stage
    bench.clock.advance(datetime.now(UTC) - bench.clock.now())
    context = browser_seeing("obama/1.jpg").new_context(locale=language, java_script_enabled=False)
    payer = Payer(bench, port, context, _name())
    decision = payer.ask()
    payer.page.check("input[value=own_decision]")
    payer.page.click("#answering .button")
    assert payer.page.locator("[role=alert]").count() == 1
    assert bench.again(decision)["warning"]["state"] == "unanswered"
    bench.clock.advance(PAUSE)
    payer.page.check("input[value=own_decision]")
    payer.page.click("#answering .button")
    assert bench.again(decision)["warning"]["state"] == "acknowledged"
    context.close()


_SIZES = """() => [".warning .amount", "h1 .amount"].map(
  (each) => parseFloat(getComputedStyle(document.querySelector(each)).fontSize))"""

_MAY_GO_ON = """() => { const pause = document.getElementById("pause");
  return !pause || pause.textContent === document.getElementById("answering").dataset.now; }"""
