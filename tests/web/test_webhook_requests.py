"""What a caller sends about endpoints: addresses and event types that can be meant."""

from typing import Any

import pytest
from pydantic import ValidationError

from authsvc.web.webhook_requests import DeliveriesBefore, RotationWanted, WebhookChanged, WebhookWanted


@pytest.mark.parametrize(
    "url", ["https://a.example/hook?x=1", "https://[2001:db8::1]:8443/", "http://localhost:1"]
)
def test_an_address_is_taken_as_it_is(url: str) -> None:
    assert WebhookWanted(url=url).url == url
    assert WebhookChanged().url is None


@pytest.mark.parametrize(
    "url", ["ftp://a", "https://u:p@a.example/", "https://a.example/#f", "https://é.example", "a", ""]
)
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        WebhookWanted(url=url)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (WebhookChanged, {"types": ["subject:frozzen"]}),
        (WebhookChanged, {"enabled": 1}),
        (RotationWanted, {"overlap_hours": 169}),
        (RotationWanted, {"overlap_hours": -1}),
        (DeliveriesBefore, {"state": "lost"}),
    ],
)
def test_what_is_out_of_bounds_is_refused(model: Any, fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        model(**fields)
