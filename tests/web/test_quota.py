"""One client cannot starve another: of a rate what is left is said, of the threads some are kept for who else is there."""

from contextlib import ExitStack
from functools import partial

import pytest

from authsvc.bootstrap.app import create_app
from authsvc.errors import RateLimited
from authsvc.web.quota import Quotas
from authsvc.web.settings import WebSettings
from tests.web.conftest import Shop
from tests.web.support import BASE_URL


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_client_has_its_rate_and_is_told_what_is_left() -> None:
    quotas = Quotas(3, 10, watch := Watch())
    for left in (2, 1, 0):
        with quotas.turn("shop"):
            assert quotas.headers("shop")["RateLimit"] == f'"client";r={left};t=1'
    with pytest.raises(RateLimited) as refused, quotas.turn("shop"):
        raise AssertionError
    assert refused.value.extra["retry_after"] == 1
    with quotas.turn("other"):
        assert quotas.headers("other")["RateLimit-Policy"] == '"client";q=3;w=1'
    watch.now += 0.4
    with quotas.turn("shop"), pytest.raises(RateLimited), quotas.turn("shop"):
        raise AssertionError
    watch.now += 3600
    for _ in range(3):
        with quotas.turn("shop"):
            pass
    with pytest.raises(RateLimited), quotas.turn("shop"):
        raise AssertionError


def test_without_a_rate_nothing_is_said() -> None:
    quotas = Quotas(0, 1)
    for _ in range(1000):
        with quotas.turn("shop"):
            pass
    assert quotas.headers("shop") == {}


def test_threads_are_kept_for_who_else_is_there() -> None:
    quotas = Quotas(0, 2, watch := Watch())
    with ExitStack() as flood:
        # Alone it may have all of them.
        for _ in range(5):
            flood.enter_context(quotas.turn("flood"))
        with quotas.turn("shop"):
            pass
        with pytest.raises(RateLimited), quotas.turn("flood"):
            raise AssertionError
        with quotas.turn("shop"), quotas.turn("shop"):
            pass
        watch.now += 3
        with quotas.turn("flood"):
            pass
    with (
        quotas.turn("shop"),
        quotas.turn("flood"),
        quotas.turn("flood"),
        pytest.raises(RateLimited),
        quotas.turn("flood"),
    ):
        raise AssertionError
    # What ended badly is over as well.
    with pytest.raises(ZeroDivisionError), quotas.turn("flood"):
        raise ZeroDivisionError
    with quotas.turn("flood"), quotas.turn("flood"):
        pass


def test_a_call_says_what_is_left_of_the_rate(shop: Shop) -> None:
    app = create_app(shop.wired.services, WebSettings(BASE_URL), quotas=Quotas(2, now=lambda: 100.0))
    ask = partial(app.test_client().get, "/v1/events?after=0", headers=shop.bearer)
    answers = [ask(), ask(), ask()]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers["RateLimit"] for each in answers] == [f'"client";r={left};t=1' for left in (1, 0, 0)]
    assert answers[2].get_json()["type"].endswith("/rate-limited")
    assert answers[2].headers["Retry-After"] == "1"
    # A stranger learns nothing of anybody's rate.
    strange = app.test_client().get("/v1/events?after=0", headers={"Authorization": "Bearer ak_x_y"})
    assert (strange.status_code, "RateLimit" in strange.headers) == (401, False)
