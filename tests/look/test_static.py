"""Style sheets and scripts: an application's own before the shared ones, and nothing beside them."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from authsvc.look.static import SHARED, files


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
        answer.close()


@pytest.mark.parametrize("name", ["missing.css", "../secret", "%2e%2e/secret"])
def test_nothing_else_is(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404
