"""The page that says what this is, and the API's document for readers: whole, in both languages, without a script of its own."""

import html
import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

from enrollment.app import make_pages
from enrollment.flows import flows
from enrollment.reference import calls_of, chapters_of, code
from tests.enrollment.directed import ORIGIN
from tests.support.described import described


def pages(api: Response) -> FlaskClient:
    return make_pages(api, ORIGIN).test_client()


@pytest.fixture
def reader() -> FlaskClient:
    return pages(Response(json.dumps(described(ORIGIN)), mimetype="application/json"))


@pytest.mark.parametrize(("language", "heading"), [("zh-CN", "接口文档"), ("en", "The API")])
def test_every_call_and_every_event_is_on_the_page(reader: FlaskClient, language: str, heading: str):
    index = reader.get("/docs", base_url=ORIGIN, headers={"Accept-Language": language})
    assert index.status_code == 200
    assert heading in index.text
    chapters = [reader.get(f"/docs/{tag['name']}", base_url=ORIGIN) for tag in described(ORIGIN)["tags"]]
    whole = html.unescape("".join(chapter.text for chapter in chapters))
    for path, item in described(ORIGIN)["paths"].items():
        assert f"<code>{html.escape(path)}</code>" in index.text
        assert all(operation["summary"].split("`")[0] in whole for operation in item.values())
    assert all(f"<code>{name}</code>" in whole for name in described(ORIGIN)["webhooks"])
    for answer in (index, *chapters):
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert "style=" not in answer.text


def test_properties_are_shown_as_deep_as_they_go():
    (decide,) = [
        call
        for call, _ in calls_of(described(ORIGIN))
        if (call.method, call.path) == ("POST", "/v1/decisions")
    ]
    assert decide.request is not None
    rows = {row.name: row for row in decide.request.rows}
    assert rows["transaction.payee.name"].text.endswith(".")
    assert rows["transaction.amount_minor"].required
    assert rows["device.novelty"].type == "Novelty, null"
    assert "友谊商店" in decide.request.example


def test_every_chapter_has_calls():
    assert all(calls for _, calls in chapters_of(described(ORIGIN)).values())


def test_every_flow_is_drawn_as_the_document_draws_it(reader: FlaskClient):
    shown = reader.get("/docs/flows", base_url=ORIGIN)
    written = (Path(__file__).resolve().parents[2] / "docs/flows.md").read_text()
    assert [flow.title for flow in flows()] == re.findall(r"^## (.*)$", written, re.MULTILINE)
    assert all(flow.drawing in html.unescape(shown.text) for flow in flows())
    assert 'href="/docs/flows"' in reader.get("/docs", base_url=ORIGIN).text


def test_there_is_no_other_chapter(reader: FlaskClient):
    assert reader.get("/docs/secrets", base_url=ORIGIN).status_code == 404


def test_a_service_that_cannot_answer_is_said_to_be_one():
    assert pages(Response("{}", status=503)).get("/docs", base_url=ORIGIN).status_code == 503


def test_whoever_comes_without_a_ticket_reads_what_this_is(reader: FlaskClient):
    page = reader.get("/", base_url=ORIGIN, headers={"Accept-Language": "zh-CN"})
    assert page.status_code == 200
    assert 'href="/docs"' in page.text
    assert "支付验证服务" in page.text


def test_what_stands_between_backticks_is_code_and_nothing_else_is_markup():
    assert code("read `<b>` & go") == "read <code>&lt;b&gt;</code> &amp; go"
