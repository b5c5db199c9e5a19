"""JSON from strangers, made safe to parse: UTF-8, not too deep, no key twice, nothing that JSON does not have.

A field given twice reads differently in two parsers, and the one that decides must not be the one that was fooled.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

from authsvc.errors import InvalidRequest

DEEPEST = 16

# Strings are stepped over whole; possessive, so that an unterminated one costs one pass and not one pass per quote.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_OPENING = frozenset((b"[", b"{"))
_CLOSING = frozenset((b"]", b"}"))


def must_be_plain_json(raw: bytes) -> None:
    """Raises InvalidRequest for anything but well-formed JSON that every parser reads alike."""
    if raw.count(b"{") + raw.count(b"[") > DEEPEST and _depth(raw) > DEEPEST:
        raise InvalidRequest(f"the JSON is nested deeper than {DEEPEST} levels")
    try:
        _parse(raw.decode())
    except UnicodeDecodeError:
        raise InvalidRequest("the JSON is not UTF-8") from None
    # Digits beyond what Python converts end in a plain ValueError.
    except (ValueError, RecursionError):
        raise InvalidRequest("the body is not well-formed JSON") from None


def _depth(raw: bytes) -> int:
    deepest = depth = 0
    for match in _TOKEN.finditer(raw):
        token = match.group()
        if token in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif token in _CLOSING:
            depth -= 1
    return deepest


def _once_each(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise InvalidRequest("the JSON holds the same key twice in one object")


def _refuse(constant: str) -> NoReturn:
    raise InvalidRequest(f"`{constant}` is not JSON")


_parse = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_refuse).decode
