"""The shop's page on which a newcomer becomes the payer: an answer is pasted, and only the service's own pages are opened."""

import json
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from authsvc.cli.demo.shop.app import Shop, make_shop
from authsvc.cli.demo.shop.till import Till

SERVICE = "http://localhost:8000"
ASKED = {"challenge": {"url": f"{SERVICE}/c/chl_1", "token": "ct_1"}}


@pytest.fixture
def shop() -> FlaskClient:
    return make_shop(Shop(cast(Till, None), SERVICE)).test_client()  # Nothing is bought here.


def test_the_payer_is_handed_over_with_the_token_in_a_form(shop: FlaskClient):
    assert 'name="answer"' in shop.get("/open").text
    page = shop.post("/open", data={"answer": json.dumps(ASKED)}).text
    assert f'action="{SERVICE}/c/chl_1"' in page
    assert 'value="ct_1"' in page


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "no JSON",
        "[]",
        json.dumps({"status": "approved", "challenge": None}),
        json.dumps({"challenge": {"url": "https://evil.example/c/chl_1", "token": "ct_1"}}),
        json.dumps({"challenge": {"url": f"{SERVICE}.evil.example/c/chl_1", "token": "ct_1"}}),
    ],
)
def test_anything_else_is_said_to_be_wrong(shop: FlaskClient, answer: Any):
    page = shop.post("/open", data={"answer": answer}).text
    assert 'role="alert"' in page
    assert "ct_1" not in page
