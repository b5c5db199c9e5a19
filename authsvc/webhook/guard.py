"""Which addresses webhooks may go to: the public internet, and of private networks those that the operator names.

A client chooses the address and the service makes the request, so without this check a client could reach what only the
service can reach (server-side request forgery). Names are resolved here and the answer is what gets connected to: a name
that means something else a moment later changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from authsvc.errors import InvalidRequest
from authsvc.http import netloc

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

_NAT64 = IPv6Network("64:ff9b::/96")


class NotAllowed(Exception):
    """The address lies where webhooks may not go. Never leaves the room."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint's address, taken apart once; nothing reads the text a second time, and so nothing reads it otherwise."""

    host: str
    port: int
    path: str
    encrypted: bool

    @property
    def host_header(self) -> str:
        written = netloc(self.host, self.port)
        return written.rpartition(":")[0] if self.port == (443 if self.encrypted else 80) else written


class Guard:
    """`networks` are private networks that may be sent into. Plain http is for loopback alone, where that is allowed."""

    def __init__(self, networks: Sequence[Network] = (), resolve: Resolve | None = None) -> None:
        self._networks = tuple(networks)
        self._resolve = resolve or resolved

    def must_be_fine(self, url: str) -> None:
        """Raises InvalidRequest for an address that could never be sent to. A name is not resolved before it is used."""
        target = target_of(url)
        address = _literal(target.host)
        if not target.encrypted and not self._is_ours(target.host, address):
            raise InvalidRequest("`url` must begin with `https://`")
        if address is not None and not self.allows(address):
            raise InvalidRequest("`url` lies in a network that webhooks may not be sent into")

    def addresses(self, target: Target) -> tuple[str, ...]:
        """Where to connect to; raises NotAllowed when any address of the name is forbidden, OSError when it has none."""
        found = [ip_address(text) for text in self._resolve(target.host, target.port)]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        # One forbidden address among good ones is how a name tries its luck.
        if not all(self.allows(address) for address in found):
            raise NotAllowed
        if not target.encrypted and not all(address.is_loopback for address in found):
            raise NotAllowed
        return tuple(str(address) for address in found)

    def allows(self, address: Address) -> bool:
        address = _meant(address)
        return _is_public(address) or any(
            address.version == network.version and address in network for network in self._networks
        )

    def _is_ours(self, host: str, address: Address | None) -> bool:
        """Whether this is the machine itself, and may be sent to."""
        loopback = ip_address("127.0.0.1") if host == "localhost" else address
        return loopback is not None and loopback.is_loopback and self.allows(loopback)


def target_of(url: str) -> Target:
    """An address taken apart; raises InvalidRequest for what is none, or has a password or a fragment in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidRequest("`url` cannot be understood") from None
    if not (url.isascii() and url.isprintable() and " " not in url and "\\" not in url):
        raise InvalidRequest("`url` must be plain ASCII")
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise InvalidRequest("`url` must be an address of the form `https://host/path`")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidRequest("`url` may hold neither a user nor a fragment")
    encrypted = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.hostname, port or (443 if encrypted else 80), path, encrypted)


def networks_of(text: str) -> tuple[Network, ...]:
    """Networks as an operator writes them, `10.20.0.0/16, fd00:20::/64`; raises ValueError that names the wrong one."""
    return tuple(_network(part.strip()) for part in text.split(",") if part.strip())


def resolved(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says; raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a name") from None
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"`{text}` is not a network such as `10.20.0.0/16`") from None


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    )


def _meant(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 one, where it holds one: a gateway would unpack it."""
    if isinstance(address, IPv4Address):
        return address
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
