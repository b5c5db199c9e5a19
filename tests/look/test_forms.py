"""Whose form is it? One with a visit's own key, from a page of ours."""

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from authsvc.errors import Unauthenticated
from authsvc.look.forms import form_key, must_be_ours

KEY = form_key("a visit's secret")


def request(headers: dict[str, str] | None = None, **fields: str) -> Request:
    return Request(EnvironBuilder(method="POST", data=fields, headers=(headers or {}).items()).get_environ())


def test_a_key_is_the_visit_s_own() -> None:
    assert form_key("a visit's secret") == KEY != form_key("another's")


def test_the_key_comes_in_the_form_or_in_a_header() -> None:
    must_be_ours(request(form_key=KEY), KEY)
    must_be_ours(request({"X-Form-Key": KEY, "Sec-Fetch-Site": "same-origin"}), KEY)


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, ""),
        ({}, "0" * 64),
        ({}, "ключ"),
        ({"Sec-Fetch-Site": "cross-site"}, KEY),
        ({"Sec-Fetch-Site": "same-site"}, KEY),
    ],
)
def test_what_another_site_sends_is_refused(headers: dict[str, str], key: str) -> None:
    with pytest.raises(Unauthenticated):
        must_be_ours(request(headers, form_key=key), KEY)
