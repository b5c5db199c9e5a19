"""Who asks for assertions: the relying party id, and the exact origins at which its pages and apps live.

An origin is compared as a whole string, never as a suffix or pattern; a mistake is found at the start, not at a login.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from authsvc.errors import ConfigurationError

_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z")
_ANDROID = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}\Z")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """`name` is what the authenticator shows beside the account."""

    id: str
    name: str
    origins: tuple[str, ...]

    @classmethod
    def at(cls, url: str, name: str, *, id: str | None = None, related: tuple[str, ...] = ()) -> RelyingParty:
        """The relying party whose pages live at `url`, with the further origins named in `related`.

        The id is the host of `url` unless a parent domain is given. Related origins may lie elsewhere: they are listed
        one by one, and an app is named by its certificate, `android:apk-key-hash:…`. Raises ConfigurationError.
        """
        origin = _origin(url)
        host = urlsplit(origin).hostname or ""
        rp_id = host if id is None else id
        if not _DOMAIN.match(rp_id) or ("." not in rp_id and rp_id != "localhost"):
            raise ConfigurationError(
                f"`{rp_id}` cannot be a relying party id: a domain name or `localhost` can"
            )
        if host != rp_id and not host.endswith("." + rp_id):
            raise ConfigurationError(f"the origin `{origin}` is not within the relying party id `{rp_id}`")
        others = (checked_origin(each) for each in related)
        return cls(rp_id, name, tuple(dict.fromkeys((origin, *others))))

    @property
    def web_origins(self) -> tuple[str, ...]:
        """The sites among the origins, for `/.well-known/webauthn` (WebAuthn L3 §5.11)."""
        return tuple(each for each in self.origins if not _ANDROID.match(each))

    def at_home(self) -> RelyingParty:
        """The same without its further origins: for pages that nobody else shows."""
        return replace(self, origins=self.origins[:1])


def checked_origin(text: str) -> str:
    """The origin of a site or an app as browsers send it; raises ConfigurationError."""
    if text.startswith("android:") and not _ANDROID.match(text):
        raise ConfigurationError(
            f"`{text}` is no Android app: `android:apk-key-hash:` and the SHA-256 of its certificate, 43 characters in base64url"
        )
    return text if _ANDROID.match(text) else _origin(text)


def _origin(url: str) -> str:
    """A web origin as browsers write it; raises ConfigurationError for whatever no browser would send."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", _port(url)
    if _is_address(host):
        raise ConfigurationError(f"`{url}` cannot use WebAuthn: its host must be a domain name")
    written = f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")
    if written != url or _DEFAULT_PORTS.get(parts.scheme) == port:
        raise ConfigurationError(
            f"`{url}` is not an origin: scheme, lower-case host and unusual port, no more"
        )
    if not _DOMAIN.match(host):
        raise ConfigurationError(f"`{url}` cannot use WebAuthn: its host must be a domain name")
    is_local = host == "localhost" or host.endswith(".localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise ConfigurationError(f"`{url}` cannot use WebAuthn: https is needed everywhere but on localhost")
    return url


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        raise ConfigurationError(f"`{url}` has no port that could be used") from None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
