"""What a backend hands to the client, checked before anything is sent: a mistake is an error of ours, and names the argument."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Collection
from urllib.parse import quote

from authsvc.errors import InvalidRequest

_KEY = re.compile(r"[!#-\[\]-~]{1,255}")


def text(name: str, value: object) -> str:
    """Text as it is; raises InvalidRequest for what is none."""
    if not isinstance(value, str):
        raise InvalidRequest(f"`{name}` is text, and not `{type(value).__name__}`")
    return value


def texts(name: str, value: object) -> list[str]:
    """Several words. One word alone is a mistake, since Python would take it for its letters."""
    if isinstance(value, str | bytes) or not isinstance(value, Collection):
        raise InvalidRequest(f"`{name}` is a list of words, and not `{type(value).__name__}`")
    return [text(name, each) for each in value]


def whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(f"`{name}` is a whole number, and not `{type(value).__name__}`")
    return value


def seconds(name: str, value: object) -> float:
    """A time to wait, which ends; raises InvalidRequest."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InvalidRequest(f"`{name}` is a number of seconds from 0 on, and not `{value!r}`")
    return value


def yes_or_no(name: str, value: object) -> bool:
    """Nothing that merely reads as yes: the text `"false"` would."""
    if not isinstance(value, bool):
        raise InvalidRequest(f"`{name}` is True or False, and not `{type(value).__name__}`")
    return value


def in_path(name: object) -> str:
    """A name as a segment of an address; one that would lead elsewhere is refused here."""
    segment = text("name", name)
    if segment in {"", ".", ".."}:
        raise InvalidRequest(f"a name in an address is not `{segment}`")
    try:
        return quote(segment, safe="")
    except UnicodeEncodeError:
        raise InvalidRequest("a name has an unpaired surrogate in it") from None


def key_or_new(idempotency_key: object) -> str:
    """The caller's Idempotency-Key, or one of our own for this call alone."""
    if idempotency_key is None:
        return str(uuid.uuid4())
    key = text("idempotency_key", idempotency_key)
    if not _KEY.fullmatch(key):
        raise InvalidRequest('an `idempotency_key` is 1 to 255 visible ASCII characters without `"` and `\\`')
    return key
