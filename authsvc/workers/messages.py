"""What the frames say: a job with its deadline, an answer, or an error that is raised again on the other side."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authsvc import errors
from authsvc.errors import AuthsvcError, Unavailable
from authsvc.factor import Json
from authsvc.http import Trace
from authsvc.workers.protocol import BrokenFrame, Message

Answer = tuple[Json, Sequence[bytes]]
Handler = Callable[[Json, Sequence[bytes]], Answer]

ABOUT = "about"
"""The op that a worker answers at once, however busy its runners are."""

RETRY_AFTER = 1

_ERRORS: Mapping[str, type[AuthsvcError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, AuthsvcError)
}


@dataclass(frozen=True, slots=True)
class Job:
    """`expires` is on the host's monotonic clock, which its processes share; nobody waits for the answer beyond it.

    `client` and `account` are for whom it is done, empty for nobody in particular; `trace` is of the request that asks.
    """

    op: str
    expires: float
    header: Json
    blobs: tuple[bytes, ...]
    client: str = ""
    account: str = ""
    trace: Trace | None = None

    def message(self) -> Message:
        whom: dict[str, object] = {"client": self.client, "account": self.account}
        if self.trace is not None:
            whom["trace"] = [self.trace.request, self.trace.id, self.trace.flags, self.trace.span]
        return Message({"op": self.op, "expires": self.expires, "header": self.header, **whom}, self.blobs)

    @classmethod
    def of(cls, message: Message) -> Job:
        """Raises BrokenFrame for a message that is not a job."""
        op, expires, header = (message.header.get(name) for name in ("op", "expires", "header"))
        if not isinstance(op, str) or not isinstance(expires, float) or not isinstance(header, Mapping):
            raise BrokenFrame("not a job")
        client, account = message.header.get("client", ""), message.header.get("account", "")
        if not isinstance(client, str) or not isinstance(account, str):
            raise BrokenFrame("not a job")
        return cls(op, expires, header, message.blobs, client, account, _trace(message.header.get("trace")))


def _trace(said: object) -> Trace | None:
    match said:
        case None:
            return None
        case [str(request), str(trace), str(flags), str(span)]:
            return Trace(request, trace, flags, span)
    raise BrokenFrame("not a job")


def answered(answer: Answer) -> Message:
    header, blobs = answer
    return Message({"header": header}, tuple(blobs))


def failed(error: AuthsvcError) -> Message:
    """The error as its class, slug and detail; what JSON cannot carry of its `extra` stays behind."""
    # The class as well, because several share a slug. One of a room's own travels as the nearest that all know.
    kind = next(kind.__name__ for kind in type(error).__mro__ if _ERRORS.get(kind.__name__) is kind)
    extra = {name: value for name, value in error.extra.items() if _is_json(value)}
    return Message({"error": kind, "slug": error.slug, "detail": error.detail, "extra": extra})


def unavailable(detail: str) -> Message:
    return failed(Unavailable(detail, retry_after=RETRY_AFTER))


def with_seconds(message: Message, seconds: float) -> Message:
    """The answer, saying how much computing it took."""
    return Message({**message.header, "seconds": seconds}, message.blobs)


def seconds_of(message: Message) -> float:
    """What a runner says that an answer took; 0 where it says nothing."""
    seconds = message.header.get("seconds", 0.0)
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def outcome(message: Message) -> tuple[Json, tuple[bytes, ...]]:
    """The answer, or the worker's error raised again; raises BrokenFrame for what is neither."""
    header = message.header.get("header")
    if isinstance(header, Mapping):
        return header, message.blobs
    raise _error(message.header)


def _error(header: Mapping[str, Any]) -> Exception:  # Any: decoded JSON, checked here.
    kind = _ERRORS.get(str(header.get("error")))
    detail, extra = header.get("detail"), header.get("extra")
    if kind is None or not isinstance(detail, str) or not isinstance(extra, Mapping):
        return BrokenFrame("neither an answer nor an error")
    return kind(detail, **extra)


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
