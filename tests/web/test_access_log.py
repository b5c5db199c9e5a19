"""One line for each request, and nothing in it that the request carried."""

import json
import logging

import pytest

from authsvc import errors
from authsvc.web import access_log
from tests.web.support import BEARER, Api, FakeServices, decision, look


def test_a_request_is_one_line_of_json_without_anything_it_carried(
    api: Api, fake: FakeServices, caplog: pytest.LogCaptureFixture
):
    fake.on("users.status", errors.NotFound("no such user"))
    with caplog.at_level(logging.INFO, "authsvc.access"):
        answer = api.get("/v1/users/alice/status?token=hush", headers=BEARER)
        api.get("/v1/users/alice/status", headers=BEARER)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line["problem"] for line in lines] == ["invalid-request", "not-found"]
    assert (
        lines[0].items()
        >= {
            "method": "GET",
            "route": "/v1/users/<user_id>/status",
            "status": 400,
            "request": answer.headers["X-Request-Id"],
            "client": "shop",
            "problem": "invalid-request",
        }.items()
    )
    assert not any(word in caplog.text for word in ("alice", "hush", "ak_test"))


def test_a_held_request_is_logged_once(api: Api, fake: FakeServices, caplog: pytest.LogCaptureFixture):
    fake.on("decisions.find", decision())
    with caplog.at_level(logging.INFO, "authsvc.access"):
        for waited in (0.0, 10.0, 25.0):
            look(api, waited)
    assert len(caplog.records) == 1


def test_a_trace_that_is_left_out_has_no_line_and_every_other_has_one(
    api: Api, fake: FakeServices, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("authsvc.access"), "filters", [])
    fake.on("users.status", errors.NotFound("no such user"))
    ours, theirs = "ab" * 16, "cd" * 16
    access_log.leave_out(ours)
    with caplog.at_level(logging.INFO, "authsvc.access"):
        for trace in (ours, theirs):
            api.get("/v1/users/u/status", headers={**BEARER, "traceparent": f"00-{trace}-{'1' * 16}-01"})
    assert [json.loads(record.getMessage())["trace"] for record in caplog.records] == [theirs]


def test_what_a_monitor_asks_has_a_line_only_when_something_is_wrong(
    api: Api, fake: FakeServices, caplog: pytest.LogCaptureFixture
):
    fake.on("public.readyz", (True, {"status": "ready", "warnings": []}))
    with caplog.at_level(logging.INFO, "authsvc.access"):
        assert api.get("/readyz").status_code == 200
        assert not caplog.records
        fake.on("public.readyz", (False, {}))
        assert api.get("/readyz").status_code == 503
    assert len([each for each in caplog.records if each.name == "authsvc.access"]) == 1
