"""Spans: one trace from the caller to the worker, ended whatever happens, without a word of anybody's; and none unless wanted."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authsvc.bootstrap import launch
from authsvc.config import Settings
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.http import TRACE, Collected, Trace, span, trace_of, traced
from authsvc.workers.client import WorkerClient
from tests.support.receiver import Received, Receiver, Told
from tests.web.conftest import opened_shop
from tests.web.people import Person, challenged

sdk = pytest.importorskip("opentelemetry.sdk.trace.export", reason="authsvc[otel] is not installed")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
otlp = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
from authsvc.serving.otel import collect, collect_by  # noqa: E402  # Only where the extra is.

CAME = trace_of("req_1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


@dataclass
class Seen:
    exporter: Any

    def spans(self) -> list[Any]:
        return list(self.exporter.get_finished_spans())

    def only(self) -> Any:
        [found] = self.spans()
        return found


@pytest.fixture
def seen() -> Iterator[Seen]:
    exporter = memory.InMemorySpanExporter()
    end = collect_by(sdk.SimpleSpanProcessor(exporter))
    yield Seen(exporter)
    end()
    assert Collected.spans is None


def test_a_span_stands_below_the_callers(seen: Seen):
    with traced(CAME), span("decide"):
        pass
    found = seen.only()
    assert f"{found.context.trace_id:032x}" == CAME.id
    assert f"{found.parent.span_id:016x}" == CAME.span


def test_a_trace_that_begins_here_has_the_id_of_the_log(seen: Seen):
    with traced(Trace("req_1", "a" * 32)), span("decide"):
        pass
    found = seen.only()
    assert (f"{found.context.trace_id:032x}", found.parent) == ("a" * 32, None)


def test_what_is_done_inside_stands_below(seen: Seen):
    with traced(CAME), span("POST /v1/decisions", **{"http.route": "/v1/decisions"}) as note:
        with span("decide"):
            inside = TRACE.get()
        note("http.response.status_code", 201)
        after = TRACE.get()
    inner, outer = seen.spans()
    assert inside is not None
    assert after is not None
    assert inner.parent.span_id == outer.context.span_id
    assert (int(inside.span, 16), int(after.span, 16)) == (inner.context.span_id, outer.context.span_id)
    assert dict(outer.attributes) == {"http.route": "/v1/decisions", "http.response.status_code": 201}
    assert (outer.kind.name, inner.kind.name) == ("SERVER", "INTERNAL")


@pytest.mark.parametrize("error", [ValueError("canary"), KeyError("canary"), TimeoutError("canary")])
def test_a_failure_is_said_by_its_class_and_not_in_its_words(seen: Seen, error: Exception):
    with pytest.raises(type(error)), span("decide"):
        raise error
    found = seen.only()
    assert found.attributes["error.type"] == type(error).__name__
    assert found.status.status_code.name == "ERROR"
    assert "canary" not in found.to_json()


def test_a_caller_who_does_not_record_is_followed(seen: Seen):
    unrecorded = trace_of("req_1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
    with traced(unrecorded), span("decide"):
        within = TRACE.get()
    assert not seen.spans()
    assert within is not None
    assert (within.id, within.flags) == (unrecorded.id, "00")


def test_a_request_its_decision_its_challenge_and_the_worker(seen: Seen, tmp_path: Path):
    with opened_shop(tmp_path) as shop:
        person = Person(shop, "u_traced")
        seen.exporter.clear()
        _, decided = challenged(shop, person)
        challenge = decided["challenge"]
        token = {"Authorization": f"Challenge {challenge['token']}", "traceparent": CAME.parent()}
        shop.api.post(f"/v1/challenges/{challenge['id']}/complete", headers=token)
        worker = WorkerClient(tmp_path / "no.sock", timedelta(seconds=1))
        with closing(worker), traced(CAME), pytest.raises(Unavailable):
            worker.call("face.verify", {})
    names = [each.name for each in seen.spans()]
    assert "decide" in names
    assert names[-3:] == [
        "complete challenge",
        "POST /v1/challenges/<challenge_id>/complete",
        "biometric face.verify",
    ]
    service, request, work = seen.spans()[-3:]
    assert service.parent.span_id == request.context.span_id
    assert {each.context.trace_id for each in (service, request, work)} == {int(CAME.id, 16)}
    assert request.attributes["http.response.status_code"] >= 400
    assert work.attributes["error.type"] == "Unavailable"
    assert not [
        each for each in seen.spans() if "u_traced" in each.to_json() or challenge["id"] in each.to_json()
    ]


def exported(received: Received) -> list[Any]:
    """The spans of one request as OTLP over HTTP has them (protobuf, perhaps packed), with what they are of."""
    raw = (
        gzip.decompress(received.body)
        if received.headers.get("content-encoding") == "gzip"
        else received.body
    )
    told = otlp.ExportTraceServiceRequest.FromString(raw)
    [of] = told.resource_spans
    assert {each.key: each.value.string_value for each in of.resource.attributes}["service.name"] == "authsvc"
    return [span for scope in of.scope_spans for span in scope.spans]


def test_a_collector_receives_them_over_otlp():
    with Receiver() as collector:
        end = collect(f"http://127.0.0.1:{collector.port}/v1/traces")
        try:
            with traced(CAME), span("POST /v1/decisions", **{"http.route": "/v1/decisions"}) as note:
                with span("decide"):
                    pass
                note("http.response.status_code", 201)
        finally:
            end()
        [received] = collector.received
    assert (received.path, received.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
    inner, outer = exported(received)
    assert {inner.trace_id.hex(), outer.trace_id.hex()} == {CAME.id}
    assert (outer.parent_span_id.hex(), inner.parent_span_id) == (CAME.span, outer.span_id)
    said = {each.key: each.value for each in outer.attributes}
    assert said["http.response.status_code"].int_value == 201
    assert outer.end_time_unix_nano >= outer.start_time_unix_nano > 0


def test_a_collector_that_refuses_costs_nobody_an_answer(caplog: pytest.LogCaptureFixture):
    with Receiver(lambda received: Told(status=400)) as collector:
        end = collect(f"http://127.0.0.1:{collector.port}/v1/traces")
        try:
            with traced(CAME), span("decide"):
                pass
        finally:
            end()
        assert len(collector.received) == 1
    assert "400" in caplog.text


def test_who_wants_spans_without_the_extra_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch):
    wanted = Settings(otlp_endpoint="http://collector:4318/v1/traces")
    launch.must_be_able_to_trace(wanted)
    monkeypatch.setattr(launch, "find_spec", lambda name: None)
    launch.must_be_able_to_trace(Settings())
    with pytest.raises(ConfigurationError, match=r"authsvc\[otel\]"):
        launch.must_be_able_to_trace(wanted)


def test_nobody_loads_it_who_does_not_want_it():
    code = "import sys, authsvc.bootstrap.app; sys.exit('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_collector_nothing_happens():
    assert Collected.spans is None
    with traced(CAME), span("decide") as note:
        note("any", "thing")
        assert TRACE.get() == CAME
