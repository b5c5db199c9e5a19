"""What a page forbids the browser, and the little that it allows where it needs it."""

import pytest

from authsvc.look.headers import origin_of, page_headers


def test_a_page_allows_no_sensor_no_frame_and_no_foreign_script() -> None:
    headers = dict(page_headers())
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"} <= set(
        policy
    )
    assert "(self)" not in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("sensor", ["camera", "microphone"])
def test_a_page_allows_the_sensor_that_it_uses_and_no_other(sensor: str) -> None:
    headers = dict(page_headers([sensor]))
    allowed = [each for each in headers["Permissions-Policy"].split(", ") if each.endswith("=(self)")]
    assert allowed == [f"{sensor}=(self)"]
    assert ("media-src blob:" in headers["Content-Security-Policy"]) == (sensor == "microphone")


def test_a_form_may_lead_back_to_the_shop_and_nowhere_else() -> None:
    policy = dict(page_headers(return_url="https://shop.example:8443/back?x=1"))["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' https://shop.example:8443")
    assert origin_of("http://localhost/a") == "http://localhost"
