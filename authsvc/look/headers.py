"""What every page forbids the browser: foreign scripts, frames, and each sensor that this very page has no use for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

_SENSORS = (
    "camera",
    "microphone",
    "accelerometer",
    "gyroscope",
    "geolocation",
    "payment",
    "publickey-credentials-create",
    "publickey-credentials-get",
)

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
)


def page_headers(sensors: Collection[str] = (), return_url: str = "") -> Iterator[tuple[str, str]]:
    """The headers of one page. `sensors` are what it uses, `return_url` where one of its forms may lead besides here."""
    # Who records a voice may listen to it, which no other page needs.
    sound = ("media-src blob:",) if "microphone" in sensors else ()
    targets = " ".join(["'self'", *([origin_of(return_url)] if return_url else [])])
    yield "Content-Security-Policy", "; ".join([*_POLICY, *sound, f"form-action {targets}"])
    yield (
        "Permissions-Policy",
        ", ".join(f"{name}={'(self)' if name in sensors else '()'}" for name in _SENSORS),
    )
    yield "Cache-Control", "no-store"
    yield "Cross-Origin-Opener-Policy", "same-origin"
    yield "Cross-Origin-Resource-Policy", "same-origin"
    yield "Referrer-Policy", "no-referrer"
    yield "X-Content-Type-Options", "nosniff"


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
