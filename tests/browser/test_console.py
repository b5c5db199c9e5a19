"""Operators in a real browser: invited, signed in, looking, freezing, unfreezing by two; every page fit for everybody."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Playwright, Route

from authsvc.bootstrap.opening import open_store
from authsvc.config import Settings
from authsvc.domain.operator import Role
from authsvc.operators.figures import Figures
from tests.browser.colleague import Colleague
from tests.browser.contrast import SHAPE, TEXT, too_faint
from tests.browser.inspection import SCHEMES, inspect, paint
from tests.browser.keys import walk
from tests.browser.steps import Steps
from tests.browser.waits import SAYS_SO, unheard
from tests.guarantees.people import FACE_AMOUNT, Person, Shop
from tests.support.live import LiveService

_numbers = count(1)

NAMES = ("colleague", "demo-shop", "友谊商店", "u_stranger", "shop", "operator", "default")
"""What is called so here: operators, the payment backend and its users, the policy."""

PATHS = (
    "/console/",
    "/console/cases",
    "/console/decisions",
    "/console/rolls/users",
    "/console/rolls/devices",
    "/console/rolls/events",
    "/console/audit",
    "/console/operators",
    "/console/policies",
)

Comes = Callable[..., Colleague]


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, model_dir: Path, chromium_program: str
) -> Iterator[LiveService]:
    """One of its own, in which nothing but these payments happens."""
    with LiveService(tmp_path_factory.mktemp("console"), model_dir, workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium_program: str) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=chromium_program)
    yield launched
    launched.close()


@pytest.fixture(scope="module")
def town(service: LiveService) -> "Town":
    return Town(service)


@pytest.fixture
def colleague(browser: Browser, service: LiveService) -> Iterator[Comes]:
    """`colleague(Role.AUDITOR)`: invited, and not yet there."""
    came: list[Colleague] = []

    def new(*roles: Role, locale: str = "en-GB") -> Colleague:
        came.append(Colleague(browser, service, f"colleague {next(_numbers)}", *roles, locale=locale))
        return came[-1]

    yield new
    for each in came:
        each.close()


class Town:
    """A payer and what became of the payments; told to the console before anybody looks."""

    def __init__(self, service: LiveService) -> None:
        self.shop = Shop(service)
        self.payer = Person(self.shop)
        self.shop.decide(self.shop.payment(self.payer, 2_500))
        challenge = self.shop.challenge(self.shop.payment(self.payer))
        challenge.try_code(self.payer.wrong_code())
        assert challenge.try_code(self.payer.code()).status == 200
        self.decision = challenge.decision_id
        self.of_the_payer = f"/console/user?{urlencode({'client': 'demo-shop', 'user': self.payer.user})}"
        for amount in (100, 2_500, 125_000, 600_000):
            self.shop.decide(self.shop.payment(self.payer, amount))
            self.shop.decide(self.shop.payment("u_stranger", amount))
        self.shop.decide(self.shop.payment(self.payer, FACE_AMOUNT))
        _count(service)


def _count(service: LiveService) -> None:
    """What the service does every five seconds; a line counts once, whichever process counts it."""
    settings = Settings(data_dir=service.data_dir, database_url=service.database_url)
    with closing(open_store(settings)) as store:
        Figures(store.ledger, store.clock).gather()


def test_the_link_of_an_invitation_leads_to_a_signed_in_operator(colleague: Comes):
    ann = colleague(Role.AUDITOR)
    ann.come()
    assert ann.name in ann.page.inner_text("header")
    assert ann.complaints == []
    assert not [
        address for address in ann.addresses if "oi_" in address.partition("#")[0] or "os_" in address
    ]


def test_an_operator_without_a_key_signs_in_with_app_and_sign_in_key(colleague: Comes):
    ann = colleague(Role.SUPPORT)
    ann.arrive()
    app, sign_in_key = ann.add_app()
    ann.say_name()
    ann.page.fill("#sign-in-key", "AAAA-BBBB")
    ann.page.fill("#code", app.now())
    ann.page.click("form[action='/console/sign-in/app'] button")
    assert "was not accepted" in ann.page.inner_text("[role=alert]")
    ann.page.fill("#sign-in-key", sign_in_key)
    ann.page.fill("#code", app.now())
    ann.page.click("form[action='/console/sign-in/app'] button")
    ann.page.wait_for_url("**/console/")
    assert ann.complaints == []


def test_a_payment_is_explained_from_the_overview_to_its_evidence(colleague: Comes, town: Town):
    ann = colleague(Role.AUDITOR).come()
    assert "Decisions by level" in ann.page.inner_text("main")
    ann.page.click("nav a[href='/console/cases']")
    ann.page.fill("#q", town.decision)
    ann.page.click("form:has(#q) button")
    assert "1,250.00" in ann.page.inner_text("h1")
    assert "medium-amount" in ann.page.inner_text("main")
    with ann.page.expect_download() as download:
        ann.page.click("text=Evidence bundle")
    assert download.value.suggested_filename == f"{town.decision}.evidence.json"
    assert ann.complaints == []


def test_a_large_payment_of_a_level_is_found_in_two_steps(colleague: Comes, town: Town):
    """The bar's entry, and the filter: days, level and amount stand in one form."""
    ann = colleague(Role.AUDITOR).come()
    page = ann.page
    steps = Steps(page)
    page.click("nav a[href='/console/decisions']")
    page.select_option("#days", "week")
    page.select_option("#level", "face")
    page.fill("#at_least", "5000")
    page.click("form.sieve button")
    rows = page.locator("table.lines tbody tr")
    assert rows.count() >= 1
    for text in rows.all_inner_texts():
        assert "Face" in text.split("\t")
        assert "20,000.00" in text
    steps.arrived("payments above 5 000 CNY with a face")
    assert (steps.taken, steps.presses, steps.pages) == (2, 2, 2)
    address = page.url
    page.goto(address)
    assert page.locator("table.lines tbody tr").count() == rows.count()
    assert ann.complaints == []


def test_charts_stand_out_in_both_schemes(colleague: Comes, town: Town):
    ann = colleague(Role.AUDITOR).come()
    ann.go("/console/?window=hour")
    for scheme in SCHEMES:
        paint(ann.page, scheme)
        assert too_faint(ann.page, ".chart rect, .bar-line rect, .swatch rect", SHAPE, "fill") == []
        assert too_faint(ann.page, ".ends span, figure td, figure th, .bars td, .bars th", TEXT) == []


def test_one_freezes_and_two_unfreeze(colleague: Comes, town: Town):
    ann, bob = colleague(Role.SUPPORT).come(), colleague(Role.APPROVER, Role.SUPPORT).come()
    payer = Person(town.shop)
    find(ann, payer.user)
    ann.page.fill("#reason", "the phone was stolen")
    ann.page.click("button.button-danger")
    assert town.shop.decide(town.shop.payment(payer, 100)).json["status"] == "denied"
    ann.page.fill("#lifting", "the phone is back")
    ann.page.click("form[action='/console/user/unfreeze'] button")
    assert "somebody else" in ann.page.inner_text("main")
    bob.go("/console/")
    bob.page.click(f".waiting a:has-text('{payer.user}')")
    bob.page.click("form[action$='/confirm'] button")
    assert "Active" in bob.page.inner_text(".headline")
    assert town.shop.decide(town.shop.payment(payer, 100)).json["status"] != "denied"
    assert ann.complaints == []
    assert bob.complaints == []


def test_the_keyboard_reaches_everything(colleague: Comes, town: Town):
    ann = colleague(*Role).come()
    page = ann.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    faults = []
    page.set_viewport_size({"width": 640, "height": 800})  # One column, whose order is that of the page.
    for path in (*PATHS, f"/console/decisions/{town.decision}", town.of_the_payer):
        ann.go(path)
        faults += walk(page, path)
    assert not faults, "\n".join(faults)
    ann.go("/console/")
    page.focus(".me summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert page.locator(".me[open]").count() == 0
    assert page.evaluate("document.activeElement.localName") == "summary"


def test_a_form_that_waits_says_so(colleague: Comes, town: Town):
    ann = colleague(*Role)
    faults = list(unheard(ann.page, partial(ann.go, "/console/sign-in")))
    ann.come()
    for path in ("/console/session", *PATHS, town.of_the_payer):
        faults += unheard(ann.page, partial(ann.go, path))
    assert not faults, "\n".join(faults)


def test_a_file_that_is_waited_for_says_so(colleague: Comes, town: Town):
    ann = colleague(Role.AUDITOR).come()
    page, held = ann.page, list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    ann.go("/console/decisions")
    page.route("**/*.csv?*", hold)
    with page.expect_download():
        page.click("a[download]")
        page.wait_for_function(SAYS_SO)
        held[0].continue_()
    page.wait_for_selector("html:not([data-waiting])")


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_every_page_of_the_console_is_fit_for_everybody(colleague: Comes, town: Town, locale: str):
    ann = colleague(*Role, locale=locale)
    faults = [*joining(ann), *working(ann, town)]
    assert not faults, "\n".join(faults)
    assert ann.complaints == []


def joining(ann: Colleague) -> list[str]:
    page, faults = ann.page, []
    ann.go("/console/join")
    faults += inspect(page, "console-01-invitation", NAMES)
    ann.arrive()
    faults += inspect(page, "console-02-ways", NAMES)
    page.click("a[href='/console/join/app']")
    faults += inspect(page, "console-03-app", NAMES)
    page.go_back()
    ann.register_key()
    faults += inspect(page, "console-04-done", NAMES)
    ann.go("/console/sign-in")
    faults += inspect(page, "console-05-name", NAMES)
    ann.say_name()
    faults += inspect(page, "console-06-proof", NAMES)
    ann.sign_in()
    return faults


def working(ann: Colleague, town: Town) -> list[str]:
    page, faults = ann.page, []
    ann.go("/console/?window=hour")
    faults += inspect(page, "console-10-overview", NAMES)
    ann.go("/console/cases")
    faults += inspect(page, "console-11-search", NAMES)
    ann.go("/console/cases?q=nobody-of-that-name")
    faults += inspect(page, "console-11-search-nothing", NAMES)
    ann.go("/console/decisions?days=month&order=largest")
    faults += inspect(page, "console-11-decisions", NAMES)
    for name in ("users", "devices", "events"):
        ann.go(f"/console/rolls/{name}?days=month")
        faults += inspect(page, f"console-11-{name}", NAMES)
    ann.go("/console/decisions?at_least=much")
    faults += inspect(page, "console-11-decisions-wrong", NAMES)
    ann.go(f"/console/decisions/{town.decision}")
    faults += inspect(page, "console-12-decision", NAMES)
    find(ann, town.payer.user)
    faults += inspect(page, "console-13-user", NAMES)
    ann.go("/console/audit")
    faults += inspect(page, "console-14-audit", NAMES)
    page.click("form[action='/console/audit/verify'] button")
    faults += inspect(page, "console-15-verified", NAMES)
    ann.go("/console/operators")
    faults += inspect(page, "console-16-operators", NAMES)
    ann.go("/console/session")
    page.click("form[action='/console/session/bearer'] button")
    faults += inspect(page, "console-17-session", NAMES)
    ann.go("/console/nowhere")
    faults += inspect(page, "console-18-failure", NAMES)
    return faults


def find(ann: Colleague, user: str) -> None:
    ann.go("/console/cases")
    ann.page.fill("#q", user)
    ann.page.click("form:has(#q) button")
    ann.page.wait_for_url(re.compile(r"/console/user\?"))
