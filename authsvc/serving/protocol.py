"""What one client may take from a web process: bytes, time and connections, bounded before the application is asked.

uvicorn's httptools protocol reads the requests and writes the answers; this class watches over it. A client *owes* us
something until a whole request of it is being answered: a request, the rest of its headers, the rest of its body. Who
owes too long is refused, and when connections run out, the one that has owed longest makes room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from authsvc.http import CLIENT_CERTIFICATE, FOR_OPERATORS
from authsvc.serving import refusal
from authsvc.serving.exchange import KNOWN
from authsvc.serving.refusal import Refusal
from authsvc.serving.settings import ServerSettings
from authsvc.serving.tls import Tls, forwarded_certificate, shown_certificate

_LINGER_S = 2.0
_FIRST_REQUEST_S = 2.0
"""How long a server that ends waits for what a client has just connected for."""
_PIPELINE_DEPTH = 16
_HEADER_OVERHEAD = len(b": \r\n")


class Refused(Exception):
    """Stops the parser inside a request that has been refused."""


class Reading(Enum):
    """Where the parser stands: between requests, in the headers of one, or in its body."""

    NOTHING = auto()
    HEADERS = auto()
    BODY = auto()


@dataclass(slots=True)
class Strangers:
    """How many bytes a process holds for senders whom the application does not know yet."""

    bytes: int = 0


class WatchfulProtocol(HttpToolsProtocol):
    """One connection. `limits`, `owing`, the longest debtor first, and `strangers` are shared by those of a process."""

    limits: ClassVar[ServerSettings]
    owing: ClassVar[dict[WatchfulProtocol, None]]
    strangers: ClassVar[Strangers]
    tls: ClassVar[Tls | None] = None
    for_operators: ClassVar[bool | None] = None
    stopping: ClassVar[Callable[[], bool]]

    @classmethod
    def within(
        cls, limits: ServerSettings, tls: Tls | None = None, stopping: Callable[[], bool] = lambda: False
    ) -> type[WatchfulProtocol]:
        """The protocol of one server, which keeps the books of its own connections; `stopping` says that it ends."""
        own = {"limits": limits, "owing": {}, "strangers": Strangers(), "tls": tls}
        own["stopping"] = staticmethod(stopping)
        return type(
            "LimitedProtocol", (cls,), {**own, "for_operators": None if limits.admin_port is None else False}
        )

    @classmethod
    def of_operators(cls) -> type[WatchfulProtocol]:
        """The same server's protocol on the operators' listener, in the same books."""
        return type("OperatorsProtocol", (cls,), {"tls": None, "for_operators": True})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As in uvicorn.
        super().connection_made(transport)
        self._reading = Reading.NOTHING
        self._requests = 0
        self._heads = 0
        self._unanswered = 0
        self._header_bytes = 0
        self._body_bytes = 0
        self._stranger_bytes = 0
        self._is_known = False
        self._refused = False
        self._owed: tuple[Reading, int] | None = None
        self._owed_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._generation = 0 if self.tls is None else self.tls.generation
        self._shown = shown_certificate(transport)
        if len(self.connections) > self.limits.max_connections:
            self._make_room()
        self._watch()
        if type(self).stopping():
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.owing.pop(self, None)
        self._settle()
        for timer in (self._owed_timer, self._write_timer, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        """Ends an idle connection now and a busy one after its answer; who is still sending is told to come back.

        Who has only just connected has a moment for the request, which is answered: a reset would tell them nothing.
        """
        if self._reading is Reading.BODY and not self._refused and not self._is_being_answered():
            self._refuse(refusal.STOPPING)
        elif self._heads == 0 and not self._refused:
            self.loop.call_later(_FIRST_REQUEST_S, self._end_if_idle)
        else:
            super().shutdown()

    def _end_if_idle(self) -> None:
        if self._heads == 0:
            self.transport.close()

    # What is read

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        requests = self._requests
        super().data_received(data)
        if self._reading is Reading.HEADERS and self._requests == requests and not self._refused:
            self._header_bytes += len(data)
            if self._header_bytes > self.limits.max_header_bytes:
                self._refuse(refusal.HEADERS_TOO_LARGE)
        self._watch()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._requests += 1
        self._reading, self._header_bytes, self._body_bytes = Reading.HEADERS, 0, 0

    def on_headers_complete(self) -> None:
        objection = self._objection()
        if objection is not None:
            self._refuse(objection)
            raise Refused(objection.detail)
        # RFC 9110 section 10.1.1: not from HTTP/1.0, and nobody waits to send what they do not have.
        self.expect_100_continue &= self.parser.get_http_version() == "1.1" and self._announces_a_body()
        super().on_headers_complete()
        self._heads += 1
        self._unanswered += 1
        self._reading = Reading.BODY
        self._is_known = False
        # The task that reads it begins after this; nothing but the bridge looks for it.
        scope = cast(dict[str, object], self.scope)
        scope[KNOWN] = self._become_known
        scope[CLIENT_CERTIFICATE] = self._shown or self._forwarded_certificate()
        scope[FOR_OPERATORS] = self.for_operators
        if type(self).stopping() or (self.tls is not None and self.tls.generation != self._generation):
            # There is no next request here, or it comes in under the certificates of now, ours and theirs.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self.limits.max_body_bytes:
            self._refuse(refusal.BODY_TOO_LARGE)
            raise Refused(refusal.BODY_TOO_LARGE.detail)
        if not self._is_known and not self.cycle.response_complete:
            self._stranger_bytes += len(body)
            self.strangers.bytes += len(body)
        super().on_body(body)
        if self.strangers.bytes > self.limits.max_stranger_bytes:
            self._make_room_for_bytes()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._reading = Reading.NOTHING

    def _forwarded_certificate(self) -> str | None:
        """What a trusted proxy says that its client showed it (RFC 9440); nobody else is believed."""
        if self.client is None or self.client[0] not in self.limits.trusted_proxies:
            return None
        said = [value for name, value in self.headers if name == b"client-cert"]
        return forwarded_certificate(said[0]) if len(said) == 1 else None

    def _announces_a_body(self) -> bool:
        framing = {
            name: value for name, value in self.headers if name in (b"content-length", b"transfer-encoding")
        }
        return framing.get(b"content-length", b"") != b"0" and bool(framing)

    def _objection(self) -> Refusal | None:
        """What is wrong with the headers that have just come in, if anything."""
        size, hosts, announced_bytes = len(self.url), 0, 0
        for name, value in self.headers:
            size += len(name) + len(value) + _HEADER_OVERHEAD
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                announced_bytes = int(value)
        if size > self.limits.max_header_bytes:
            return refusal.HEADERS_TOO_LARGE
        if hosts != 1 and self.parser.get_http_version() == "1.1":
            return refusal.NO_HOST
        if announced_bytes > self.limits.max_body_bytes:
            return refusal.BODY_TOO_LARGE
        if len(self.pipeline) >= _PIPELINE_DEPTH:
            return refusal.BUSY
        return None

    # What is written

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unanswered -= 1
        if self._unanswered == 0:
            self._settle()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._limit_writing()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._limit_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None and not self.transport.is_closing():
            self._write_timer.cancel()
            self._write_timer = None

    def _limit_writing(self) -> None:
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.limits.write_seconds, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the parser stops: on its own account, or because we refused."""
        if not self._refused:
            self._refuse(refusal.NOT_HTTP)

    # What is owed

    def _is_being_answered(self) -> bool:
        """Whether a whole request of this client is with the application or waits for it."""
        still_coming_in = 1 if self._reading is Reading.BODY else 0
        return self._unanswered > still_coming_in

    def _is_answered_early(self) -> bool:
        """Whether the answer is out though the body still comes in: what is left of it is read and dropped."""
        return self._reading is Reading.BODY and self._unanswered == 0

    def _watch(self) -> None:
        """Starts a deadline when what is owed has changed: a byte now and then does not put it off."""
        answering = self._is_being_answered()
        if answering:
            self.owing.pop(self, None)
        else:
            self.owing.setdefault(self)
        kept_alive = self._reading is Reading.NOTHING and self.timeout_keep_alive_task is not None
        settled = answering or kept_alive or self._refused or self.transport.is_closing()
        owed = None if settled else (self._reading, self._requests)
        if owed != self._owed:
            self._owed = owed
            self._restart_deadline()

    def _restart_deadline(self) -> None:
        if self._owed_timer is not None:
            self._owed_timer.cancel()
            self._owed_timer = None
        if self._owed is not None:
            in_body = self._reading is Reading.BODY
            seconds = self.limits.body_seconds if in_body else self.limits.header_seconds
            self._owed_timer = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        if self._reading is Reading.NOTHING:
            self.transport.abort()
        else:
            in_body = self._reading is Reading.BODY
            self._refuse(refusal.BODY_LATE if in_body else refusal.HEADERS_LATE)

    def timeout_keep_alive_handler(self) -> None:
        """Ends a connection that has been idle for too long, also where its last answer was never fetched."""
        self.transport.abort()

    def _make_room(self) -> None:
        debtor = next(iter(self.owing), None)
        if debtor is None:
            self._refuse(refusal.BUSY)
        else:
            debtor.transport.abort()

    def _make_room_for_bytes(self) -> None:
        """Whoever has owed the rest of a body for longest makes room for what the others have sent."""
        for debtor in self.owing:
            if debtor._stranger_bytes and debtor._reading is Reading.BODY and not debtor._refused:
                debtor._refuse(refusal.CROWDED)
                return

    def _become_known(self) -> None:
        """The application knows who sends this body; from now on its bytes are counted elsewhere."""
        self._is_known = True
        self._settle()

    def _settle(self) -> None:
        self.strangers.bytes -= self._stranger_bytes
        self._stranger_bytes = 0

    def _refuse(self, why: Refusal) -> None:
        """Says why and hangs up, but reads on for a moment: a closed socket would destroy the words on their way."""
        self._refused = True
        self._settle()
        if self._is_being_answered() or self._is_answered_early():
            # An earlier request has no answer yet, or this one has it, and these words would be taken for another's.
            self.transport.abort()
            return
        if self._reading is Reading.BODY:
            self.cycle.disconnected = True
            self.cycle.body = bytearray()
            self.cycle.message_event.set()
        self.flow.resume_reading()
        self.transport.write(why.on_the_wire())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.abort)
