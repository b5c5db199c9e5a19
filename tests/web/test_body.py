"""What is refused before it costs anything: too large, too deep, twice, of the wrong type, not quite JSON."""

import io
import time
from typing import Any

import pytest

from authsvc.errors import InvalidRequest
from authsvc.web import json_text
from authsvc.web.body import JSON_BYTES
from tests.web.support import (
    BEARER,
    CHALLENGE_ID,
    DECISION,
    PAYER,
    TRANSACTION,
    Api,
    FakeServices,
    as_json,
    slug,
)

HEADERS = {**BEARER, "Idempotency-Key": "k"}


def send_raw(api: Api, raw: bytes, content_type: str | None = "application/json") -> Any:
    return api.post("/v1/decisions", data=raw, content_type=content_type, headers=HEADERS)


def changed(**changes: object) -> dict[str, object]:
    return {**DECISION, **changes}


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


def test_brackets_inside_strings_are_not_depth():
    json_text.must_be_plain_json(b'{"a": "' + b"[" * 100 + b'\\"' + b"{" * 100 + b'"}')


def test_sixteen_levels_are_not_too_deep():
    json_text.must_be_plain_json(b"[" * 16 + b"]" * 16 + b" ")


@pytest.mark.parametrize(
    "raw",
    [b'"' + b'\\"' * 30_000, b'"' * 60_000, b"[" * 30_000 + b'"' * 30_000, b"{" * 60_000],
    ids=["escaped", "quotes", "both", "deep"],
)
def test_hostile_text_is_refused_in_linear_time(raw: bytes):
    began = time.process_time()
    with pytest.raises(InvalidRequest):
        json_text.must_be_plain_json(raw)
    assert time.process_time() - began < 0.5


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


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (changed(risk={"score": "73"}), "risk.score"),
        (changed(risk={"score": True}), "risk.score"),
        (changed(risk={"score": 73.0}), "risk.score"),
        (changed(risk={"score": 101}), "risk.score"),
        (changed(risk={"score": -1}), "risk.score"),
        (changed(risk={"score": None}), "risk.score"),
        (changed(risk={"score": 1, "reasons": ["r"] * 33}), "risk.reasons"),
        (changed(device={"novelty": "fine"}), "device.novelty"),
        (changed(device={"secret": "s" * 257}), "device.secret"),
        (changed(proven=["inherence"]), "proven.0"),
        (changed(proven=["knowledge", "knowledge"]), "proven"),
        (changed(context={"ip": "203.0.113.700"}), "context.ip"),
        (changed(context={"locale": "zh_CN"}), "context.locale"),
        (changed(context={"channel": "App"}), "context.channel"),
        (changed(return_url="http://shop.example/back"), "return_url"),
        (changed(return_url="https://user@shop.example/"), "return_url"),
        (changed(return_url="javascript:alert(1)"), "return_url"),
        (changed(return_url="http://localhost.evil.example/"), "return_url"),
        (changed(user_id="u" * 129), "user_id"),
        (changed(user_id=""), "user_id"),
        (changed(user_id="a/b"), "user_id"),
        (changed(user_id=".."), "user_id"),
        (changed(user_id="u\x00"), "user_id"),
        (changed(user_id=42), "user_id"),
        (changed(transaction={**TRANSACTION, "type": "Transfer"}), "transaction.type"),
        (changed(transaction={**TRANSACTION, "currency": "cny"}), "transaction.currency"),
        (changed(transaction={**TRANSACTION, "currency": "CNY\n"}), "transaction.currency"),
        (changed(transaction={**TRANSACTION, "amount_minor": 2**53}), "transaction.amount_minor"),
        (changed(transaction={**TRANSACTION, "amount_minor": -1}), "transaction.amount_minor"),
        (changed(transaction={**TRANSACTION, "amount_minor": 12.5}), "transaction.amount_minor"),
        (
            changed(transaction={**TRANSACTION, "payee": {"id": "p", "name": "a\u202eb"}}),
            "transaction.payee.name",
        ),
        (
            changed(transaction={**TRANSACTION, "payee": {"id": "p", "name": "n" * 257}}),
            "transaction.payee.name",
        ),
        (changed(amount=1), "amount"),
        ({"user_id": "u_42"}, "transaction"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_out_of_bounds_is_named(api: Api, fake: FakeServices, body: object, field: str):
    answer = api.decide(body)
    assert slug(answer) == "invalid-request"
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]
    assert not fake.calls_of("decisions.decide")


def test_a_refusal_never_repeats_what_was_sent(api: Api):
    answer = api.decide(changed(device={"id": "dev_1", "secret": "hush\tpassword"}))
    assert slug(answer) == "invalid-request"
    assert b"hush" not in answer.data


@pytest.mark.parametrize(
    "url", ["https://shop.example/back?x=1", "http://localhost:3000/back", "http://localhost"]
)
def test_a_return_url_is_https_or_this_machine(api: Api, fake: FakeServices, url: str):
    assert api.decide(changed(return_url=url)).status_code == 201
    ((_, _, request),) = fake.calls_of("decisions.decide")
    assert request.passed.return_url == url


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
