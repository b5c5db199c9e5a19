"""What is refused before it costs anything: too large, too deep, twice, of the wrong type, not quite JSON."""

import io
from typing import Any

import pytest

from authsvc.web.body import JSON_BYTES
from tests.web.support import (
    BEARER,
    CHALLENGE_ID,
    DECISION,
    PAYER,
    Api,
    FakeServices,
    as_json,
    slug,
)

HEADERS = {**BEARER, "Idempotency-Key": "k"}


def send_raw(api: Api, raw: bytes, content_type: str | None = "application/json") -> Any:
    return api.post("/v1/decisions", data=raw, content_type=content_type, headers=HEADERS)


def test_a_body_past_64_kib_is_refused_by_its_announced_length(api: Api, fake: FakeServices):
    answer = api.post(
        "/v1/decisions",
        input_stream=io.BytesIO(b""),
        content_type="application/json",
        headers=HEADERS,
        environ_overrides={"CONTENT_LENGTH": str(JSON_BYTES + 1)},
    )
    assert slug(answer) == "payload-too-large"
    assert not fake.calls_of("decisions.decide")


def test_a_body_without_a_length_is_cut_off_at_64_kib(api: Api, fake: FakeServices):
    answer = api.post(
        "/v1/decisions",
        input_stream=io.BytesIO(b" " * (JSON_BYTES + 1)),
        content_type="application/json",
        headers=HEADERS,
        environ_overrides={
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
            "CONTENT_LENGTH": "",
        },
    )
    assert slug(answer) == "payload-too-large"


def test_a_body_of_exactly_64_kib_is_read(api: Api):
    raw = as_json(DECISION)
    assert send_raw(api, raw + b" " * (JSON_BYTES - len(raw))).status_code == 201


def test_json_deeper_than_16_levels_is_refused(api: Api):
    raw = b"[" * 17 + b"]" * 17
    answer = send_raw(api, raw)
    assert (slug(answer), answer.get_json()["detail"]) == (
        "invalid-request",
        "the JSON is nested deeper than 16 levels",
    )


@pytest.mark.parametrize(
    "raw",
    [
        b'{"user_id": "u", "user_id": "v"}',
        b'{"transaction": {"amount_minor": 1, "amount_minor": 100000}}',
        b'{"user_id": "u", "\\u0075ser_id": "v"}',
    ],
)
def test_a_key_given_twice_is_refused_however_it_is_spelled(api: Api, raw: bytes):
    answer = send_raw(api, raw)
    assert slug(answer) == "invalid-request"
    assert "twice" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nope",
        b"'a'",
        b"{} {}",
        b'{"user_id": NaN}',
        b'{"user_id": Infinity}',
        b"\xef\xbb\xbf{}",
        b'{"user_id": "\xff"}',
        '{"user_id": "u"}'.encode("utf-16"),
        b'{"user_id": "\\ud800"}',
        b'{"user_id": ' + b"1" * 5000 + b"}",
        b"[]",
        b"null",
        b'"text"',
        b"1e999",
    ],
)
def test_what_is_not_a_json_object_in_utf_8_is_refused(api: Api, fake: FakeServices, raw: bytes):
    assert slug(send_raw(api, raw)) == "invalid-request"
    assert not fake.calls_of("decisions.decide")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/jsonp",
    ],
)
def test_only_utf_8_json_is_a_json_body(api: Api, content_type: str | None):
    assert slug(send_raw(api, as_json(DECISION), content_type)) == "unsupported-media"


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "Application/JSON"])
def test_json_may_say_that_it_is_utf_8(api: Api, content_type: str):
    assert send_raw(api, as_json(DECISION), content_type).status_code == 201


def test_a_query_parameter_that_nobody_knows_is_refused(api: Api):
    assert slug(api.get("/v1/events?aftr=1", headers=BEARER)) == "invalid-request"
    assert slug(api.get("/healthz?x=1")) == "invalid-request"


@pytest.mark.parametrize(
    "query",
    ["after=1&after=2", "after=-1", "after=+1", "after=1_0", "limit=0", "limit=1001", "after=", "limit=1.0"],
)
def test_a_page_is_asked_for_in_plain_numbers(api: Api, query: str):
    assert slug(api.get(f"/v1/events?{query}", headers=BEARER)) == "invalid-request"


def test_a_body_that_may_be_left_out_may_be_an_empty_object_and_nothing_else(api: Api, fake: FakeServices):
    fake.on("challenges.begin_step", {"digits": [6], "period": 30})
    path = f"/v1/challenges/{CHALLENGE_ID}/steps/otp/begin"
    assert api.post(path, headers=PAYER).status_code == 200
    assert api.post(path, json={}, headers=PAYER).status_code == 200
    assert slug(api.post(path, json={"x": 1}, headers=PAYER)) == "invalid-request"
    assert slug(api.post(path, data=b"{}", content_type="text/plain", headers=PAYER)) == "unsupported-media"
