"""HTTP/1.1 as servers really speak it: interim answers before the final one, pauses as seconds or as dates, IPv6 in addresses."""

from __future__ import annotations

import http.client
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BODY_PENDING = "authsvc.body_pending"
"""The WSGI environ key by which our server says that it has not read a body, since nobody knows yet whether it may be sent."""

CLIENT_CERTIFICATE = "authsvc.client_certificate"
"""The environ key of the SHA-256 of the certificate that a client showed, checked by our server or by a trusted proxy."""

FOR_OPERATORS = "authsvc.for_operators"
"""The environ key by which our server says whether a request came in by the operators' listener; absent where there is none."""

QUEUED_AT = "authsvc.queued_at"
"""The environ key of the moment (`perf_counter`) at which a whole request began to wait for a thread."""

_TRACEPARENT = re.compile(
    r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Trace:
    """Of the request that a thread answers: our id, and the trace that it belongs to, with the flags that came with it.

    `span` is what is done at the moment: ours where spans are collected, otherwise the caller's.
    """

    request: str
    id: str
    flags: str = "00"
    span: str = ""

    def parent(self) -> str:
        """The `traceparent` of what is asked of others on its behalf."""
        return f"00-{self.id}-{self.span or secrets.token_hex(8)}-{self.flags}"


TRACE: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""For log lines that are written meanwhile."""


@contextmanager
def traced(trace: Trace | None) -> Iterator[None]:
    """What is logged and published inside belongs to this request, or to none."""
    before = TRACE.set(trace)
    try:
        yield
    finally:
        TRACE.reset(before)


Note = Callable[[str, str | int], None]
"""Adds to a span what only its end shows."""
Spans = Callable[[str, Mapping[str, str | int]], AbstractContextManager[Note]]
_nothing: AbstractContextManager[Note] = nullcontext(lambda name, value: None)


class Collected:
    """Where this process's spans go: nowhere, unless it was told at its start."""

    spans: Spans | None = None


def span(name: str, **attributes: str | int) -> AbstractContextManager[Note]:
    """What is done inside is a span, where spans are collected. Names and ids alone: nothing that a person typed or showed."""
    return _nothing if Collected.spans is None else Collected.spans(name, attributes)


def trace_of(request: str, traceparent: str) -> Trace:
    """The trace of a `traceparent` (W3C Trace Context section 3.2); a new one where none was sent, or nonsense."""
    found = _TRACEPARENT.fullmatch(traceparent.strip()) if len(traceparent) <= 512 else None
    if found is None or traceparent.startswith("ff"):
        return Trace(request, os.urandom(16).hex())
    trace, span, flags = found.groups()
    return Trace(request, trace, flags, span)


LONGEST_WAIT = 25.0
"""Seconds that the service holds one request for a decision open; a client that waits longer asks again."""

_MOST_INTERIM = 20
_LONGEST_PAUSE = 366 * 86_400


class FinalResponse(http.client.HTTPResponse):
    """A response that reads past every interim answer (RFC 9110 section 15.2), and not only past 100.

    For connections as their `response_class`. 101 is final: nobody asked to switch protocols.
    """

    def begin(self) -> None:
        super().begin()
        for _ in range(_MOST_INTERIM):
            if not 100 <= self.status < 200 or self.status == 101:
                return
            self.headers = None  # type: ignore[assignment]  # What tells `begin` that nothing was read yet.
            super().begin()
        raise http.client.BadStatusLine("interim answers without end")


def retry_after(headers: Mapping[str, str], now: datetime) -> int | None:
    """The seconds of a `Retry-After` (RFC 9110 section 10.2.3); None where it says nothing usable.

    A date is held against the answer's own `Date`, so that two clocks need not agree; one that is past means at once.
    """
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdecimal():
        return min(int(said[:10]), _LONGEST_PAUSE)
    until, since = _date(said), _date(headers.get("Date", "")) or now
    return None if until is None else min(max(0, round((until - since).total_seconds())), _LONGEST_PAUSE)


def netloc(host: str, port: int) -> str:
    """Host and port as they stand in an address: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
