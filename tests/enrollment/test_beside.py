"""Pages and API under one origin: each request reaches whom it is for."""

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from enrollment.beside import with_pages


@pytest.mark.parametrize("path", ["/v1/decisions", "/healthz", "/docs.json", "/cc", "/c"])
def test_everything_else_is_the_apis(path: str):
    assert Client(with_pages(Response("the API"), "https://pay.example")).get(path).text == "the API"


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/docs/users", "/c/chl_1", "/e/enr_1", "/o/ovw_1", "/pages/look.css"]
)
def test_these_are_the_pages(path: str):
    assert (
        Client(with_pages(Response("the API"), "https://pay.example")).get(path, buffered=True).text
        != "the API"
    )


def test_what_was_begun_for_the_api_is_ended_with_both():
    class Api(Response):
        ended = False

        def close(self) -> None:
            self.ended = True

    api = Api()
    with_pages(api, "https://pay.example").close()
    assert api.ended


@pytest.mark.parametrize("path", ["/pages/look.css", "/pages/js/face.js", "/pages/shield.svg"])
def test_what_a_page_loads_is_told_by_its_type(path: str):
    answer = Client(with_pages(Response(), "https://pay.example")).get(path, buffered=True)
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
