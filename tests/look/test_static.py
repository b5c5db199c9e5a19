"""Style sheets and scripts: an application's own before the shared ones, and nothing beside them."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from authsvc.look.static import SHARED, files

_CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.css").write_text("own{}")
    (tmp_path / "secret").write_text("no")
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/static/<path:filename>", view_func=files(tmp_path / "own"), endpoint="static")
    return app.test_client()


def test_own_and_shared_files_are_served_under_one_address(client: FlaskClient) -> None:
    shared = next(each.name for each in SHARED.iterdir() if each.suffix == ".css")
    for name in ("own.css", shared):
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_reader_who_goes_away_leaves_no_file_open(client: FlaskClient) -> None:
    """A server may drop the response of a lost connection without closing it."""
    answer = client.get("/static/look.css", buffered=False)
    sheet = SHARED / "look.css"
    assert not [each for each in Path("/proc/self/fd").iterdir() if each.exists() and each.samefile(sheet)]
    assert answer.data == sheet.read_bytes()


def test_what_a_browser_has_already_is_not_sent_again(client: FlaskClient) -> None:
    etag = client.get("/static/own.css").headers["ETag"]
    again = client.get("/static/own.css", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", ["missing.css", "../secret", "%2e%2e/secret"])
def test_nothing_else_is(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_what_says_that_one_waits_has_a_place_of_its_own() -> None:
    script = (SHARED / "js" / "waiting.js").read_text(encoding="utf-8")
    [place] = set(re.findall(r'getElementById\("([^"]+)"\)', script))
    pages = [each for room in ("authsvc", "enrollment") for each in (_CHECKOUT / room).rglob("*.html")]
    assert pages
    assert [each for each in pages if f'id="{place}"' in each.read_text(encoding="utf-8")] == []
