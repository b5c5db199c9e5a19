"""Spans for OpenTelemetry, in a process whose settings name a collector; loaded by nobody else. The one file that knows its SDK.

A span carries names, ids and how it ended: of an error its class, never its words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context
from opentelemetry.trace.status import Status, StatusCode

from authsvc.http import TRACE, Collected, Note, Trace, traced


def collect(endpoint: str) -> Callable[[], None]:
    """From now on this process's spans go to `endpoint`, some seconds late; returns what sends the last ones and ends it."""
    return collect_by(BatchSpanProcessor(OTLPSpanExporter(endpoint)))


def collect_by(processor: SpanProcessor) -> Callable[[], None]:
    """As `collect`, by whatever takes spans."""
    # Ends with the application, and by no handler of its own behind it.
    provider = TracerProvider(
        resource=Resource.create({"service.name": "authsvc"}), id_generator=_Ids(), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("authsvc")

    @contextmanager
    def span(name: str, attributes: Mapping[str, str | int]) -> Iterator[Note]:
        trace = TRACE.get()
        kind = SpanKind.SERVER if "http.route" in attributes else SpanKind.INTERNAL
        opened = tracer.start_span(name, _parent(trace), kind, attributes)
        try:
            with traced(_within(trace, opened.get_span_context())):
                yield opened.set_attribute
        except BaseException as error:
            opened.set_attribute("error.type", type(error).__name__)
            opened.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            opened.end()

    def end() -> None:
        Collected.spans = None
        provider.shutdown()

    Collected.spans = span
    return end


class _Ids(RandomIdGenerator):  # type: ignore[misc]  # Any to the checker, which runs without the extra too.
    """A trace that begins here has the id that log lines and webhooks give it."""

    def generate_trace_id(self) -> int:
        trace = TRACE.get()
        return super().generate_trace_id() if trace is None else int(trace.id, 16)


def _parent(trace: Trace | None) -> Context:
    if trace is None or not trace.span:
        return Context()
    known = SpanContext(int(trace.id, 16), int(trace.span, 16), True, TraceFlags(int(trace.flags, 16)))
    return set_span_in_context(NonRecordingSpan(known), Context())


def _within(trace: Trace | None, opened: SpanContext) -> Trace | None:
    """What is asked of others meanwhile has this span above it."""
    if trace is None:
        return None
    return replace(trace, span=f"{opened.span_id:016x}", flags=f"{int(opened.trace_flags):02x}")
