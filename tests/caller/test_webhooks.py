"""A webhook counts with one good signature over its id, its time and its very bytes, within five minutes."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.caller.webhooks import WebhookRefused, verify_webhook

NOW = datetime.fromtimestamp(1614265330, UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"receipt:consumed","data":{"payee":"友谊商店"}}'.encode()


def signature(body: bytes = BODY, *, secret: str = SECRET, id: str = "msg_1", at: int = 1614265330) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


def headers(**changes: str) -> dict[str, str]:
    said = {"id": "msg_1", "timestamp": "1614265330", "signature": signature()} | changes
    return {f"Webhook-{name.title()}": value for name, value in said.items()}


def refusal(given: dict[str, str], body: bytes = BODY, now: datetime = NOW, secret: str = SECRET) -> str:
    with pytest.raises(WebhookRefused) as refused:
        verify_webhook(given, body, secret, now)
    return refused.value.reason


def test_the_example_of_the_standard_verifies():
    given = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    webhook = verify_webhook(given, b'{"test": 2432232314}', SECRET, NOW)
    assert (webhook.id, webhook.sent_at, webhook.payload["test"]) == (given["webhook-id"], NOW, 2432232314)


def test_header_names_are_read_whatever_their_case():
    assert verify_webhook(headers(), BODY, SECRET, NOW).payload["type"] == "receipt:consumed"


def test_one_good_signature_among_several_is_enough():
    both = f"v1a,AAAA {signature(secret='whsec_AAAA')} {signature()}"
    assert verify_webhook(headers(signature=both), BODY, SECRET, NOW).id == "msg_1"


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_either_way_are_tolerated(seconds):
    assert verify_webhook(headers(), BODY, SECRET, NOW + timedelta(seconds=seconds)).id == "msg_1"
    beyond = NOW + timedelta(seconds=seconds + (1 if seconds > 0 else -1))
    assert refusal(headers(), now=beyond) == "stale"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (headers(signature=signature(b"{}")), "signature"),
        (headers(signature=signature(id="msg_2")), "signature"),
        (headers(signature=signature(at=1614265331)), "signature"),
        (headers(signature=signature(secret="whsec_AAAA")), "signature"),
        (headers(signature=signature().replace("v1,", "v2,")), "signature"),
        (headers(signature=signature().replace("v1,", "v1,!")), "signature"),
        (headers(signature="v1,"), "signature"),
        (headers(signature=""), "signature"),
        (headers(timestamp="yesterday"), "incomplete"),
        (headers(timestamp="-1614265330"), "incomplete"),
        (headers(timestamp="9" * 40), "incomplete"),
        ({"webhook-id": "msg_1"}, "incomplete"),
    ],
    ids=str,
)
def test_a_webhook_with_one_thing_wrong_is_refused(given, reason):
    assert refusal(given) == reason


def test_every_changed_byte_of_the_body_is_noticed():
    for place in range(len(BODY)):
        spoiled = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        assert refusal(headers(), spoiled) == "signature"


def test_a_body_that_is_no_object_is_refused_even_when_signed():
    assert refusal(headers(signature=signature(b"[1]")), b"[1]") == "malformed"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_???"])
def test_an_empty_or_damaged_secret_is_an_error_of_the_caller(secret):
    with pytest.raises(ValueError, match="webhook secret"):
        verify_webhook(headers(), BODY, secret, NOW)
