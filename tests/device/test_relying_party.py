"""Origins are whole strings, and a mistake in them is found at the start."""

import pytest

from authsvc.device.relying_party import RelyingParty
from authsvc.errors import ConfigurationError


def test_the_id_is_the_host_and_the_origin_is_the_address() -> None:
    party = RelyingParty.at("https://pay.example:8443", "Pay")
    assert (party.id, party.origins) == ("pay.example", ("https://pay.example:8443",))


def test_a_parent_domain_may_be_the_id() -> None:
    assert RelyingParty.at("https://auth.pay.example", "Pay", id="pay.example").id == "pay.example"


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://app.localhost:8000", "https://localhost"])
def test_localhost_needs_no_certificate(url: str) -> None:
    assert RelyingParty.at(url, "Pay").origins == (url,)


def test_an_app_and_a_related_site_are_further_origins() -> None:
    app = "android:apk-key-hash:" + "A" * 43
    party = RelyingParty.at("https://pay.example", "Pay", related=(app, "https://shop.example", app))
    assert party.origins == ("https://pay.example", app, "https://shop.example")
    assert party.web_origins == ("https://pay.example", "https://shop.example")
    assert party.at_home().origins == ("https://pay.example",)


@pytest.mark.parametrize(
    "url",
    [
        "http://pay.example",
        "https://pay.example/",
        "https://pay.example/path",
        "https://PAY.example",
        "https://user@pay.example",
        "https://pay.example?x=1",
        "https://pay.example:443",
        "http://localhost:80",
        "https://127.0.0.1",
        "https://[::1]",
        "http://127.0.0.1:8000",
        "https://pay_example.com",
        "https://pay.example:99999",
        "https://*.pay.example",
        "ftp://pay.example",
        "pay.example",
        "",
    ],
)
def test_what_no_browser_would_send_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        RelyingParty.at(url, "Pay")
    with pytest.raises(ConfigurationError):
        RelyingParty.at("https://pay.example", "Pay", related=(url,))


@pytest.mark.parametrize("id", ["shop.example", "ay.example", "example", "sub.pay.example", ""])
def test_an_id_that_does_not_hold_the_origin_is_refused(id: str) -> None:
    with pytest.raises(ConfigurationError):
        RelyingParty.at("https://pay.example", "Pay", id=id)


@pytest.mark.parametrize("app", ["android:apk-key-hash:short", "android:apk-key-hash:" + "A" * 42 + "="])
def test_a_certificate_hash_of_another_form_is_refused(app: str) -> None:
    with pytest.raises(ConfigurationError, match="43 characters in base64url"):
        RelyingParty.at("https://pay.example", "Pay", related=(app,))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1",
        "https://[::1]",
        "https://[::1]:8443",
        "http://[fe80::1]:1",
        "https://192.0.2.7:8443",
    ],
)
def test_an_address_is_told_that_a_domain_name_is_needed(url: str) -> None:
    with pytest.raises(ConfigurationError, match="its host must be a domain name"):
        RelyingParty.at(url, "Pay")
