"""The wire: time-outs, safe repetition with the same key, problems as our own errors, and no key to a wrong address."""

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from authsvc import errors
from authsvc.caller.wire import Body, UnexplainedProblem, Wire, checked_address, problem_of
from authsvc.http import Trace, traced
from tests.caller.playing import Played, Service


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        yield service


def wire(service: Service, **options: Any) -> Wire:
    options = {"timeout": 2.0, "sleep": service.slept.append, **options}
    return Wire(service.url, "Bearer ak_1_secret", **options)


def problem(slug: str, status: int, **extra: object) -> Played:
    document = {
        "type": f"https://auth.example/v1/problems/{slug}",
        "title": "t",
        "status": status,
        "detail": "d",
    }
    return Played(status, document | extra)


def test_a_call_carries_the_key_and_utf8_json(service):
    service.plays(Played(201, {"id": "dec_1"}))
    reply = wire(service).send("POST", "/v1/x", Body.of({"name": "友谊商店"}), idempotency_key="k-1")
    assert (reply.value, reply.replayed) == ({"id": "dec_1"}, False)
    (asked,) = service.asked
    assert asked.headers["Authorization"] == "Bearer ak_1_secret"
    assert asked.headers["Idempotency-Key"] == '"k-1"'
    assert asked.body == '{"name":"友谊商店"}'.encode()


def test_a_call_on_behalf_of_a_request_belongs_to_its_trace(service):
    service.plays(Played(200, {}), Played(200, {}))
    wire(service).get("/v1/x")
    with traced(Trace("req_1", "ab" * 16, "01")):
        wire(service).get("/v1/x")
    alone, within = service.asked
    assert "traceparent" not in alone.headers
    assert re.fullmatch(f"00-{'ab' * 16}-[0-9a-f]{{16}}-01", within.headers["traceparent"])


def test_a_stored_answer_is_known_as_one(service):
    service.plays(Played(201, {}, {"Idempotent-Replayed": "true"}))
    assert wire(service).send("POST", "/v1/x", Body.of({}), idempotency_key="k").replayed


def test_an_outage_is_outlasted_with_the_same_idempotency_key(service):
    service.plays(problem("unavailable", 503), Played(502, None), Played(201, {"id": "dec_1"}))
    assert wire(service).send("POST", "/v1/x", Body.of({}), idempotency_key="k").value == {"id": "dec_1"}
    assert [asked.headers["Idempotency-Key"] for asked in service.asked] == ['"k"'] * 3
    assert len(service.slept) == 2


def test_what_is_not_safe_to_repeat_is_tried_once(service):
    service.plays(problem("unavailable", 503), Played(200, {}))
    with pytest.raises(errors.Unavailable):
        wire(service).send("POST", "/v1/x", Body.of({}))
    assert len(service.asked) == 1


def test_a_connection_that_is_cut_off_in_the_answer_is_tried_again(service):
    service.plays(Played.cut_off(), Played(200, {"ok": 1}))
    assert wire(service).get("/v1/x").value == {"ok": 1}


def test_the_service_says_when_to_come_back(service):
    service.plays(
        Played(409, problem("idempotency-in-progress", 409).value, {"Retry-After": "2"}), Played(200, {})
    )
    wire(service).send("POST", "/v1/x", Body.of({}), idempotency_key="k")
    assert service.slept == [2.0]


def test_a_long_retry_after_is_left_to_the_caller(service):
    service.plays(Played(429, problem("rate-limited", 429).value, {"Retry-After": "60"}))
    with pytest.raises(errors.RateLimited) as refused:
        wire(service).get("/v1/x")
    assert (refused.value.extra["retry_after"], service.slept) == (60, [])


def test_tries_come_to_an_end(service):
    service.plays(*(problem("unavailable", 503) for _ in range(5)))
    with pytest.raises(errors.Unavailable):
        wire(service, tries=2).get("/v1/x")
    assert len(service.asked) == 2


def test_a_refusal_is_not_repeated(service):
    service.plays(problem("receipt-consumed", 409))
    with pytest.raises(errors.ReceiptConsumed):
        wire(service).send("POST", "/v1/x", Body.of({}), idempotency_key="k")
    assert len(service.asked) == 1


def test_a_silent_service_is_given_up_in_time(service):
    service.plays(Played.silent())
    with pytest.raises(errors.Unavailable, match="no answer"):
        wire(service, timeout=0.2, tries=1).get("/v1/x")


def test_nobody_there_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(errors.Unavailable):
        Wire(f"http://127.0.0.1:{port}", None, tries=1).get("/healthz")


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'"yes"', b"{"])
def test_a_good_status_without_an_object_is_unavailable(service, answer):
    service.plays(Played(200, answer))
    with pytest.raises(errors.Unavailable, match="not a JSON object"):
        wire(service, tries=1).get("/v1/x")


def test_a_redirect_is_not_followed_with_the_key(service):
    service.plays(Played(307, {}, {"Location": "http://127.0.0.1:1/elsewhere"}))
    with pytest.raises(errors.Unavailable):
        wire(service).get("/v1/x")
    assert len(service.asked) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    with Service(tls=tmp_path) as service:
        service.plays(Played(200, {"ok": 1}), Played(200, {"ok": 1}))
        with pytest.raises(errors.Unavailable, match="SSLError"):
            wire(service, tries=1).get("/v1/x")
        assert service.asked == []
        trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        assert wire(service, ssl_context=trusting).get("/v1/x").value == {"ok": 1}


@pytest.mark.parametrize("slug", ["receipt-consumed", "user-frozen", "transaction-changed", "not-found"])
def test_a_problem_is_raised_as_the_class_it_names(slug):
    error = problem_of(409, {"type": f"/v1/problems/{slug}", "detail": "why", "attempts_remaining": 2})
    assert type(error).slug == slug
    assert (error.detail, error.extra["attempts_remaining"], error.extra["status"]) == ("why", 2, 409)


def test_a_problem_of_a_newer_service_keeps_its_slug():
    error = problem_of(451, {"type": "/v1/problems/not-on-sundays", "detail": "why", "self": 1})
    assert isinstance(error, UnexplainedProblem)
    assert (error.slug, error.detail) == ("not-on-sundays", "why")


@pytest.mark.parametrize("document", [None, {}, {"message": "Bad Gateway"}])
def test_what_something_in_between_says_is_unavailable(document):
    assert isinstance(problem_of(502, document), errors.Unavailable)


@pytest.mark.parametrize(
    "address",
    [
        "http://auth.example",
        "ftp://auth.example",
        "auth.example",
        "https://",
        "http://127.0.0.1.evil.example",
    ],
)
def test_a_key_is_not_sent_where_others_could_read_it(address):
    with pytest.raises(errors.ConfigurationError):
        checked_address(address)


@pytest.mark.parametrize(
    "address", ["https://auth.example/", "http://localhost:8000", "http://127.0.0.1", "http://[::1]:80"]
)
def test_https_and_this_machine_are_good_addresses(address):
    assert checked_address(address) == address.rstrip("/")
