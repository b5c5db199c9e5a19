"""The pages over an API that a test directs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from enrollment.app import make_pages
from tests.enrollment.directed import ORIGIN, DirectedApi


@pytest.fixture
def api() -> DirectedApi:
    return DirectedApi()


@pytest.fixture
def stranger(api: DirectedApi) -> FlaskClient:
    """A browser that was handed nothing."""
    return make_pages(api, ORIGIN).test_client()


@pytest.fixture
def payer(stranger: FlaskClient) -> FlaskClient:
    """A browser that came from the shop with a good token."""
    stranger.post(
        "/c/chl_1", base_url=ORIGIN, data={"token": "ct_good"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    return stranger


@pytest.fixture
def form_key(payer: FlaskClient) -> str:
    """What the forms of the payer's page carry."""
    page = payer.get("/c/chl_1", base_url=ORIGIN).text
    return page.split('name="form_key" value="')[1].split('"')[0]


@pytest.fixture
def submit(payer: FlaskClient, form_key: str) -> Callable[..., Any]:
    """Send one of the page's forms."""

    def send(path: str, **fields: str) -> Any:
        return payer.post(f"/c/chl_1{path}", base_url=ORIGIN, data={"form_key": form_key, **fields})

    return send
