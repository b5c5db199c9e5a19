"""The service as an attacker reaches it: plain HTTP, one connection a call, whatever headers and bytes they like."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from authsvc.errors import ConfigurationError

Json = Mapping[str, Any]  # Any: what came over HTTP; whoever reads a field knows the contract.

PATIENCE_S = 30.0
RELEASED = ("approved", "exempted", "authenticated")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: bytes

    @property
    def json(self) -> Json:
        """The object that was answered; an empty one for anything else."""
        try:
            value = json.loads(self.content)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    def __str__(self) -> str:
        said = self.json
        slug = str(said.get("type", "")).rsplit("/", 1)[-1] or str(said.get("status", said.get("state", "")))
        return f"{self.status} {slug}".strip()


class Service:
    """One running service and a payment backend's key; threads may share it."""

    def __init__(self, url: str, api_key: str, *, anywhere: bool = False) -> None:
        """Raises ConfigurationError for an address beyond this machine, unless `anywhere` says that it may be one."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(f"`{url}` is not an http:// or https:// address")
        if not anywhere and not _is_this_machine(parts.hostname):
            raise ConfigurationError(
                f"`{parts.hostname}` is not this machine; drills stay on it unless told otherwise"
            )
        self.url = url.rstrip("/")
        self.host = parts.hostname
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self._encrypted = parts.scheme == "https"
        self.bearer = f"Bearer {api_key}"

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Raises OSError or HTTPException where no whole answer comes."""
        kind = http.client.HTTPSConnection if self._encrypted else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.read())
        finally:
            connection.close()

    def call(
        self, method: str, path: str, authorization: str, body: Json | None = None, once: str | None = None
    ) -> Answer:
        headers = {"Authorization": authorization}
        content = None
        if method != "GET" and method != "DELETE":
            headers |= {
                "Content-Type": "application/json",
                "Idempotency-Key": f'"{once or new_name("drill")}"',
            }
            content = json.dumps(body or {}).encode()
        return self.ask(method, path, headers, content)

    def backend(self, method: str, path: str, body: Json | None = None, once: str | None = None) -> Answer:
        return self.call(method, path, self.bearer, body, once)

    def upload(
        self,
        path: str,
        authorization: str,
        nonce: str,
        files: Iterable[bytes],
        meta: Json,
        name: str = "frame",
    ) -> Answer:
        media, body = form({"nonce": nonce, "meta": json.dumps(meta)}, files, name)
        return self.ask("PUT", path, {"Authorization": authorization, "Content-Type": media}, body)

    def connect(self) -> socket.socket:
        """A bare connection, for whoever does not keep to HTTP."""
        return socket.create_connection((self.host, self.port), timeout=PATIENCE_S)


_MEDIA = {"frame": "image/jpeg", "audio": "audio/wav"}


def form(fields: Mapping[str, str], files: Iterable[bytes], name: str = "frame") -> tuple[str, bytes]:
    """Media type and body of a multipart form, its files all called `name`."""
    boundary = secrets.token_hex(16)
    parts = [f'name="{field}"\r\n\r\n{value}'.encode() for field, value in fields.items()]
    head = f'name="{name}"; filename="f"\r\nContent-Type: {_MEDIA[name]}\r\n\r\n'.encode()
    parts += [head + file for file in files]
    start = f"--{boundary}\r\nContent-Disposition: form-data; ".encode()
    body = b"".join(start + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def new_name(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(8)}"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
