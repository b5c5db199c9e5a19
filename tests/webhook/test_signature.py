"""What is signed here verifies as the standard says, by the standard's own example and by the client's check."""

import base64
from datetime import UTC, datetime

import pytest

from authsvc.caller.webhooks import WebhookRefused, verify_webhook
from authsvc.webhook.signature import Signing, new_secret, text_of

NOW = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"type":"receipt:consumed"}'


def test_the_example_of_the_standard_comes_out():
    """The vector that the reference libraries of Standard Webhooks share."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = Signing((secret,)).headers("msg_p5jXN8AQM9LWM0D4loKWxJek", NOW, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_either_secret_of_a_rotation_verifies_and_no_other_does():
    new, former = new_secret(), new_secret()
    headers = Signing((new, former)).headers("evt_1", NOW, BODY)
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (new, former):
        assert verify_webhook(headers, BODY, text_of(secret), NOW).id == "evt_1"
    with pytest.raises(WebhookRefused, match="no signature"):
        verify_webhook(headers, BODY, text_of(new_secret()), NOW)


def test_a_secret_is_long_enough_for_the_standard_and_never_the_same():
    assert 24 <= len(new_secret()) <= 64
    assert new_secret() != new_secret()


def test_secrets_do_not_show_in_a_traceback():
    secret = b"s" * 32
    assert "s" * 8 not in repr(Signing((secret,)))
