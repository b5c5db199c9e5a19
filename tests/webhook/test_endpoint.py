"""A webhook endpoint: what it wants, and what stopped it stays said."""

from datetime import UTC, datetime

import pytest

from authsvc.webhook.endpoint import Disabled, Endpoint

ENDPOINT = Endpoint(
    "whe_1", "shop", "https://a.example", ("subject:frozen",), datetime(2026, 11, 30, tzinfo=UTC)
)


def test_no_types_are_all_types() -> None:
    assert ENDPOINT.wants("subject:frozen")
    assert not ENDPOINT.wants("subject:erased")
    assert ENDPOINT.changed(None, (), None).wants("subject:erased")


@pytest.mark.parametrize(
    ("before", "enabled", "after"),
    [
        (None, False, Disabled.SWITCHED_OFF),
        (None, None, None),
        (Disabled.FAILING, False, Disabled.FAILING),
        (Disabled.GONE, None, Disabled.GONE),
        (Disabled.GONE, True, None),
    ],
)
def test_what_the_service_found_out_is_not_said_over(
    before: Disabled | None, enabled: bool | None, after: Disabled | None
) -> None:
    endpoint = ENDPOINT if before is None else ENDPOINT.stopped(before)
    assert endpoint.changed("https://b.example", None, enabled).disabled is after
