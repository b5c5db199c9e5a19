"""What an operator may choose about the server: where it listens, how wide it is, what a client may take from it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from authsvc.errors import ConfigurationError
from authsvc.serving.tls import TlsFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Counts are per web process, times are seconds. Everything must be positive, but a port of 0 takes a free one.

    `threads` bounds how many requests are worked on at once and `max_waiting` how many complete ones may queue for a
    thread; what comes beyond both is answered 503. A client that is idle, sends slowly or waits for an answer on
    purpose (`waiting.hold`) costs no thread, so `threads` need not grow with the number of clients.

    A body of up to `small_body_bytes` is read for anybody, and all of a process's strangers together may have
    `max_stranger_bytes` under way; a larger one is read once the application knows its sender (`admission.py`), within
    `max_buffered_bytes` for all and a quarter of it for one. Whoever finds no room waits `room_seconds`, and is answered 503.

    `trusted_proxies` are the addresses whose `X-Forwarded-For`, `X-Forwarded-Proto` and `Client-Cert` are believed: nobody's
    by default. `tls` are the files of a certificate of our own. With an `admin_port` what is for operators is served there
    alone, without TLS.

    A request that waited `queue_seconds` for a thread, or as long as its caller waits
    (`X-Envoy-Expected-Rq-Timeout-Ms`), is not begun. A process that stands still for `hung_seconds` is replaced. For
    `lame_duck_seconds` before the end `readiness_path` is answered 503 and everything else as ever. `notify_socket` is systemd's.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    threads: int = 16
    max_waiting: int = 256
    max_connections: int = 1_000
    backlog: int = 1_024
    max_header_bytes: int = 16_384
    max_body_bytes: int = 8 * 1024 * 1024
    small_body_bytes: int = 64 * 1024
    max_stranger_bytes: int = 16 * 1024 * 1024
    max_buffered_bytes: int = 192 * 1024 * 1024
    room_seconds: float = 5
    header_seconds: float = 10
    body_seconds: float = 15
    write_seconds: float = 30
    idle_seconds: int = 75
    drain_seconds: int = 10
    queue_seconds: float = 30
    hung_seconds: float = 15
    lame_duck_seconds: float = 0
    readiness_path: str = "/readyz"
    notify_socket: str = ""
    trusted_proxies: tuple[str, ...] = ()
    tls: TlsFiles | None = None
    admin_host: str = "127.0.0.1"
    admin_port: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            lowest = 0 if field.name in ("port", "admin_port", "lame_duck_seconds") else 1e-3
            if isinstance(value, int | float) and value < lowest:
                raise ConfigurationError(
                    f"server setting `{field.name}` is `{value}`, expected a positive number"
                )
        if self.max_body_bytes > self.caller_bytes:
            raise ConfigurationError(
                f"server setting `max_buffered_bytes` is `{self.max_buffered_bytes}`, expected four times `max_body_bytes`"
            )

    @property
    def caller_bytes(self) -> int:
        """What one caller's bodies may take."""
        return self.max_buffered_bytes // 4
