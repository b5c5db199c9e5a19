"""A change of the policy in a real browser: drafted, seen while it is written, tried, approved by another, live, taken back."""

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from authsvc.domain.operator import Role
from tests.browser.colleague import Colleague
from tests.browser.contrast import TEXT, too_faint
from tests.browser.inspection import SCHEMES, inspect, paint
from tests.browser.steps import Steps
from tests.support.live import LiveService
from tests.support.policies import numbered

Came = Callable[..., Colleague]

# An examination is a program of its own, and the machine may be busy.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, model_dir: Path, chromium_program: str
) -> Iterator[LiveService]:
    """One of its own: whatever becomes active here is nobody else's business."""
    with LiveService(tmp_path_factory.mktemp("policies"), model_dir, workers=2) as running:
        yield running


_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium_program: str) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=chromium_program)
    yield launched
    launched.close()


@pytest.fixture
def operator(browser: Browser, service: LiveService) -> Iterator[Came]:
    came: list[Colleague] = []

    def come(name: str, *roles: Role, locale: str = "en-GB") -> Colleague:
        named = f"{name} {next(_numbers)}"  # Whoever comes a second time, because a test runs twice, is somebody else.
        came.append(Colleague(browser, service, named, *roles, locale=locale))
        return came[-1].come()

    yield come
    for each in came:
        each.close()


def press(colleague: Colleague, name: str) -> None:
    colleague.page.get_by_role("button", name=name, exact=True).click()


def stricter(number: int) -> str:
    """A new device asks for face and fingerprint at once."""
    text = re.sub(r"(?ms)^\[\[tests\]\].*?(?=^\[|\Z)", "", numbered(number))
    changed, count = re.subn(r'(id = "new-device"\nlevel = )"face"', r'\1"face_fingerprint"', text)
    assert count == 1
    return changed


def decided(service: LiveService, number: int) -> str:
    """The level of a payment from a phone of which nothing is known."""
    payment = {
        "id": f"pay_{number}",
        "type": "transfer",
        "amount_minor": 2_500,
        "currency": "CNY",
        "payee": {"id": "shop_1", "name": "友谊商店"},
    }
    body = json.dumps({"transaction": payment, "user_id": "u_1", "risk": {"score": 5}}).encode()
    headers = {
        "Authorization": f"Bearer {service.api_key}",
        "Idempotency-Key": f"key-{number}",
        "Content-Type": "application/json",
    }
    answer = service.ask("POST", "/v1/decisions", headers, body)
    assert answer.status == 201, answer.content
    return str(answer.json["level"])


def test_a_change_from_the_first_key_stroke_to_the_step_back(operator: Came, service: LiveService) -> None:
    assert {decided(service, number) for number in range(20)} == {"face"}
    ann = operator("Ann", Role.ANALYST)
    page = ann.page

    # She writes, and sees beside the text what it would do.
    ann.go("/console/policies")
    page.get_by_role("link", name="Write a new version").click()
    text = page.locator("#text")
    text.fill(stricter(2).replace("risk_at_least = 40", "risk_at_lest = 40", 1))
    expect(page.locator("#seen .faults")).to_contain_text("did you mean risk_at_least?")
    page.locator("#seen .faults a").first.click()
    selected = page.evaluate(
        "() => { const t = document.getElementById('text'); return t.value.slice(t.selectionStart, t.selectionEnd); }"
    )
    assert selected == "risk_at_lest = 40"
    text.fill(stricter(2))
    expect(page.locator("#state")).to_have_text("What is shown is for the text as it stands.")
    expect(page.locator("#seen .went-stricter").first).to_be_visible()
    assert page.locator("#seen .went-weaker").count() == 0
    page.fill("#note", "new phones prove more")
    press(ann, "Save as a new version")

    # She has it proved, tried on the past, and on what is decided meanwhile.
    press(ann, "Validate")
    page.select_option("#profile", "seed")
    press(ann, "Analyse")
    expect(page.get_by_role("heading", name="What changes")).to_be_visible()
    version = page.url
    page.get_by_role("link", name="Backtests").click()
    press(ann, "Start the backtest")
    expect(page.get_by_role("heading", name="What would have been different")).to_be_visible(timeout=60_000)
    expect(page.locator("#figures ~ .note")).to_have_text(re.compile("20 of 20 decisions were reproduced"))
    expect(page.locator(".matrix .went-stricter")).to_contain_text("20")
    page.get_by_role("link", name="Shadow").click()
    press(ann, "Start the shadow run")
    expect(page.get_by_text("running")).to_be_visible()
    # Each process hears of it within half a second; until then what it decides is compared with nothing.
    page.wait_for_timeout(1_000)
    assert {decided(service, number) for number in range(20, 30)} == {"face"}
    expect_compared(ann, "10")
    expect(page.locator(".matrix .went-stricter")).to_contain_text("10")

    # She cannot approve it. Bob can, and makes it live.
    page.goto(version)
    assert page.locator("#approve").count() == 0
    bob = operator("Bob", Role.APPROVER)
    bob.page.goto(version)
    press(bob, "Approve")
    bob.page.fill("#activate-note", "as agreed")
    press(bob, "Activate")
    expect(bob.page.get_by_text("This version decides every payment now.")).to_be_visible()
    bob.page.wait_for_timeout(1_000)
    assert {decided(service, number) for number in range(30, 40)} == {"face_fingerprint"}

    # And back in one step.
    bob.go("/console/policies")
    bob.page.fill("#why-back", "a drill")
    press(bob, "Roll back")
    expect(bob.page.locator(".log")).to_contain_text("a drill")
    bob.page.wait_for_timeout(1_000)
    assert {decided(service, number) for number in range(40, 50)} == {"face"}
    assert ann.complaints == bob.complaints == []


def test_a_threshold_and_its_effect_take_three_steps(operator: Came, service: LiveService) -> None:
    """Policy, write a new version, one number: the effect stands beside it."""
    for number in range(900, 905):
        decided(service, number)
    ann = operator("Ann of thresholds", Role.ANALYST)
    page = ann.page
    steps = Steps(page)
    page.click("nav a[href='/console/policies']")
    page.get_by_role("link", name="Write a new version").click()
    field = (
        page.locator("#numbers p", has_text="medium-amount").locator("input[data-key=amount_at_least]").first
    )
    assert field.input_value() == "1000.00"
    field.fill("2000")
    expect(page.locator("#text")).to_have_value(re.compile(r"amount_at_least = 200_000"))
    expect(page.locator("#numbers .was:visible")).to_have_text("was 1000.00")
    expect(page.locator("#state")).to_have_text("What is shown is for the text as it stands.")
    expect(page.locator("#estimate")).to_contain_text("→")
    expect(page.locator("#seen .went-weaker").first).to_be_visible()
    steps.arrived("a threshold and its effect")
    assert (steps.taken, steps.presses, steps.pages) == (3, 2, 2)
    assert ann.complaints == []


NAMES = (
    "Cai zh-CN",
    "Cai en-GB",
    "default",
    "dlib-resnet-v1",
    "ge2e-resemblyzer-v1",
    "k =",
    "m =",
    "A、C、D、G",
)
"""What is called so here: who looks, the policy, models, numbers of samples, groups of people."""

PLACES = {
    "[lev|": ["[levels]", "[levels.otp]", "[levels.face]", "[levels.face_fingerprint]"],
    "[[ru|": ["[[rules]]"],
    '[[rules]]\nid = "a"\nle|': ["level = "],
    "[[rules]]\nrisk_at_|\nrisk_at_least = 3": ["risk_at_most = "],
    '[[rules]]\nlevel = "fa|"': ['"face"', '"face_fingerprint"'],
    "[[rules]]\nsynced = |": ["true"],
    "[[rules]]\n# le|": [],
    "[[rules]]\nlevel = [|": [],
    '[[rules]]\nwarning = { kind = "re|': ['"refund"', '"rented_account"'],
    '[levels.otp]\nsets = [\n  ["ot|"],\n]': ['"otp"'],
    '[levels.otp]\nsets = [\n  ["otp"],\n  { factors = ["face"], dev|': ["device_at_most = "],
    '[biometrics.face]\nliveness = { face = "ac|': ['"active"'],
    "[currencies]\nCNY = { wo|": ["worth = "],
    "[nowhere]\nle|": [],
}
"""What is offered at the bar of each text."""

_OFFERED = """async (places) => {
  const { suggestions } = await import("/console/static/js/toml.js");
  const tree = await (await fetch("/console/policies/words")).json();
  return places.map((place) => suggestions(tree, place.replace("|", ""), place.indexOf("|")).offers);
}"""


def test_the_text_has_numbers_colours_words_to_choose_and_its_faults(operator: Came) -> None:
    ann = operator("Ann who writes", Role.ANALYST)
    page = ann.page
    ann.go("/console/policies/new")
    text = page.locator("#text")
    lines = page.locator(".behind pre div")
    expect(lines).to_have_count(text.input_value().count("\n") + 1)
    expect(page.locator(".behind .table").first).to_have_text("[currencies]")
    expect(text).to_have_attribute("aria-autocomplete", "list")
    for scheme in SCHEMES:
        paint(page, scheme)
        for kind in ("comment", "table", "string", "number", "key"):
            assert too_faint(page, f".behind .{kind}", TEXT) == []

    assert page.evaluate(_OFFERED, list(PLACES)) == list(PLACES.values())

    # Keys of the table, then the values of the key; taken back as if they had been typed.
    text.fill('[[rules]]\nid = "large"\n')
    text.press("Control+End")
    offers = page.locator("#offers li")
    page.keyboard.type("lev", delay=20)
    expect(offers).to_have_text(["level ="])
    page.keyboard.press("Enter")
    page.keyboard.type('"fa', delay=20)
    expect(offers).to_have_text(['"face"', '"face_fingerprint"'])
    page.keyboard.press("ArrowDown")
    expect(page.locator("[aria-selected=true]")).to_have_text('"face_fingerprint"')
    page.keyboard.press("Tab")
    expect(text).to_have_value('[[rules]]\nid = "large"\nlevel = "face_fingerprint"')
    expect(lines.nth(2).locator(".string")).to_have_text('"face_fingerprint"')
    page.keyboard.press("Control+z")
    expect(text).to_have_value('[[rules]]\nid = "large"\nlevel = "fa')
    page.keyboard.press("Control+Space")
    expect(offers.first).to_be_visible()
    page.keyboard.press("Escape")
    expect(offers.first).to_be_hidden()
    page.keyboard.press("Control+Space")
    expect(page.locator("#seen")).to_contain_text("not TOML")
    assert inspect(page, "policy-2-words") == []

    # A fault is said on its own line, for as long as it is there.
    wrong = stricter(3).replace("risk_at_least = 40", "risk_at_lest = 40", 1)
    text.fill(wrong)
    faulty = page.locator(".behind [data-fault]")
    expect(faulty).to_have_text("risk_at_lest = 40")
    expect(faulty).to_have_attribute("data-fault", re.compile("did you mean risk_at_least"))
    expect(text).to_have_attribute("aria-invalid", "true")
    assert inspect(page, "policy-2-fault") == []
    text.fill(stricter(3))
    expect(faulty).to_have_count(0)
    expect(text).to_have_attribute("aria-invalid", "false")
    assert ann.complaints == []


def expect_compared(ann: Colleague, number: str) -> None:
    """Counts come together within a second or two."""
    for _ in range(20):
        ann.page.reload()
        if ann.page.locator("dl.facts dd").first.inner_text() == number:
            return
        ann.page.wait_for_timeout(500)
    raise AssertionError(ann.page.locator("dl.facts").inner_text())


def test_without_a_script_the_button_shows_the_same(browser: Browser, operator: Came) -> None:
    ann = operator("Ann without scripts", Role.ANALYST)
    plain = browser.new_context(java_script_enabled=False, locale="en-GB")
    plain.add_cookies(ann.context.cookies())  # type: ignore[arg-type]  # The same shape under another name.
    page = plain.new_page()
    page.goto(f"{ann.url}/console/policies/new")
    page.fill("#text", stricter(9))

    page.get_by_role("button", name="Look at it").click()

    expect(page.locator("#seen .went-stricter").first).to_be_visible()
    assert page.locator("#text").input_value().strip() == stricter(9).strip()
    plain.close()


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_every_policy_page_is_fit_for_everybody(operator: Came, service: LiveService, locale: str) -> None:
    both = operator(f"Cai {locale}", Role.ANALYST, Role.APPROVER, locale=locale)
    for number in range(5):
        decided(service, int(time.time() * 1000) + number)
    faults = []
    for name, path in _pages(both):
        both.go(path)
        if name.endswith("new"):
            both.page.wait_for_selector("#seen .decisions")
        faults += inspect(both.page, name, NAMES)

    assert not faults, "\n".join(faults)
    assert both.complaints == []


def _pages(both: Colleague) -> Iterator[tuple[str, str]]:
    """Every page, with the more to see on it the later."""
    number = {"en": 20, "zh": 30}[both.page.locator("html").get_attribute("lang")[:2]]  # type: ignore[index]
    yield "policy-1-list", "/console/policies"
    yield "policy-2-new", "/console/policies/new"
    page = both.page
    page.fill("#text", re.sub(r"(?ms)^\[\[rules\]\]\nid = \"medium-amount\".*?(?=^\[)", "", stricter(number)))
    page.locator("button[value=save]").click()
    version = page.url.removeprefix(both.url)
    yield "policy-3-draft", version
    page.locator("form[action$='/validate'] button").click()
    page.locator("form[action$='/analyze'] button").click()
    yield "policy-4-analysed", version
    yield "policy-5-what-if", f"{version}/what-if"
    page.locator("#what-if button").click()
    yield (
        "policy-6-asked",
        f"{version}/what-if?type=transfer&amount_minor=125000&currency=CNY&novelty=new&risk_score=73",
    )
    yield "policy-7-backtests", f"{version}/backtests"
    page.locator("main form button").click()
    page.wait_for_selector("#figures", timeout=60_000)
    yield "policy-8-backtest", page.url.removeprefix(both.url)
    yield "policy-9-shadow", f"{version}/shadow"
    page.locator("main form button").click()
    yield "policy-10-shadowing", f"{version}/shadow"
    yield "policy-11-thresholds", f"{version}/thresholds"
    yield "policy-12-own", version
