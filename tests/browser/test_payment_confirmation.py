"""The browser shows the payment itself where it can, and the page asks for the plain assertion where it cannot."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.phone import Phone
from tests.browser.town import DemoShop
from tests.support.live import LiveService

# Linux builds have it behind a feature; Playwright's own list of features would stand before ours.
_FEATURES = "--enable-features=SecurePaymentConfirmationBrowser"
_OF_PLAYWRIGHT = "--enable-features=CDPScreenshotNewSurface,SkipListAccountsWithoutGaiaCookies"

_numbers = count(1)

_TAMPERING = """
const fetched = window.fetch;
window.fetch = async (address, init) => {
  const answer = await fetched(address, init);
  if (!address.endsWith("/begin")) return answer;
  const begun = await answer.json();
  (%s)(begun.paymentRequest);
  return Response.json(begun);
};"""


@pytest.fixture(scope="module")
def confirming(
    tmp_path_factory: pytest.TempPathFactory, model_dir: Path, chromium_program: str
) -> Iterator[LiveService]:
    folder = tmp_path_factory.mktemp("confirming")
    environment = {"AUTHSVC_PAYMENT_CONFIRMATION": "1"}
    with LiveService(folder, model_dir, workers=1, environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def shop(confirming: LiveService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoShop]:
    with DemoShop(confirming, tmp_path_factory.mktemp("shop")) as opened:
        yield opened


@pytest.fixture(scope="module")
def showing(playwright: Playwright, chromium_program: str) -> Iterator[Browser]:
    """A browser with Secure Payment Confirmation."""
    browser = playwright.chromium.launch(
        executable_path=chromium_program, args=[_FEATURES], ignore_default_args=[_OF_PLAYWRIGHT]
    )
    yield browser
    browser.close()


@pytest.fixture
def payer(showing: Browser, shop: DemoShop) -> Iterator[Phone]:
    """Somebody enrolled, whose browser agrees by itself to what it shows."""
    phone = Phone(showing, shop.url, f"u_confirming_{next(_numbers)}")
    phone.devtools.send("Page.setSPCTransactionMode", {"mode": "autoAccept"})
    phone.enroll(face=False)
    yield phone
    phone.close()


def signed(phone: Phone) -> Callable[[], list[dict[str, Any]]]:
    """The client data of every assertion that the page hands in from now on."""
    seen: list[dict[str, Any]] = []

    def look(request: Any) -> None:
        if request.method == "PUT" and request.url.endswith("/steps/device_uv"):
            text = json.loads(request.post_data)["response"]["clientDataJSON"]
            seen.append(json.loads(base64.urlsafe_b64decode(text + "==")))

    phone.page.on("request", look)
    return lambda: seen


def proofs(service: LiveService, phone: Phone) -> list[dict[str, Any]]:
    """What the evidence of the latest payment says of its proofs."""
    bearer = {"Authorization": f"Bearer {service.api_key}"}
    lines = service.ask("GET", "/v1/audit/events?limit=500", bearer).json["events"]
    decisions = [
        line["object"]
        for line in lines
        if line["action"] == "decision.complete" and line["subject"]["user"] == phone.user
    ]
    bundle = service.ask("GET", f"/v1/decisions/{decisions[-1]}/evidence", bearer).json
    found: list[dict[str, Any]] = bundle["evidence"]["proofs"]
    return found


def test_the_browser_shows_amount_and_payee_and_signs_them(payer: Phone, confirming: LiveService):
    assertions = signed(payer)
    payer.buy("teapot")
    payer.choose("device_uv")
    payer.unlock()
    assert payer.order_is_paid()
    [client_data] = assertions()
    assert client_data["type"] == "payment.get"
    shown = client_data["payment"]
    assert shown["total"] == {"currency": "CNY", "value": "1250.00"}
    assert shown["payeeName"] == "友谊商店"
    assert shown["topOrigin"] == client_data["origin"] == f"http://localhost:{confirming.port}"
    [proof] = proofs(confirming, payer)
    assert proof["shown_by_browser"] is True
    assert payer.complaints == []


@pytest.mark.parametrize(
    "change",
    [
        "(asked) => { asked.total.amount.value = '1.00'; }",
        "(asked) => { asked.total.amount.currency = 'JPY'; }",
        "(asked) => { asked.data.payeeName = '别的商店'; }",
        "(asked) => { asked.data.payeeOrigin = 'https://evil.example'; }",
        "(asked) => { asked.data.instrument.displayName = 'Other'; }",
    ],
    ids=["total", "currency", "payee", "payee origin", "instrument"],
)
def test_a_page_that_has_something_else_shown_confirms_nothing(payer: Phone, change: str):
    assertions = signed(payer)
    payer.buy("teapot")
    payer.choose("device_uv")
    payer.page.add_init_script(_TAMPERING % change)
    payer.page.reload()
    payer.unlock()
    assert assertions()[0]["type"] == "payment.get"
    assert "未通过" in payer.page.inner_text("[role=alert]")


def test_a_browser_without_it_is_asked_for_the_plain_assertion(payer: Phone, confirming: LiveService):
    assertions = signed(payer)
    payer.buy("teapot")
    payer.choose("device_uv")
    payer.page.add_init_script("delete window.PaymentRequest")
    payer.page.reload()
    payer.unlock()
    assert payer.order_is_paid()
    assert [each["type"] for each in assertions()] == ["webauthn.get"]
    [proof] = proofs(confirming, payer)
    assert proof["shown_by_browser"] is False


def test_who_turns_the_browsers_form_down_is_offered_the_plain_one(payer: Phone):
    assertions = signed(payer)
    payer.devtools.send("Page.setSPCTransactionMode", {"mode": "autoReject"})
    payer.buy("teapot")
    payer.choose("device_uv")
    payer.page.click("#start")
    payer.page.wait_for_function("() => document.getElementById('say').textContent.includes('未完成验证')")
    payer.unlock()
    assert payer.order_is_paid()
    assert [each["type"] for each in assertions()] == ["webauthn.get"]
