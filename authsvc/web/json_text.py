"""JSON from strangers, made safe to parse: UTF-8, not too deep, no key twice, nothing that JSON does not have.

A field given twice reads differently in two parsers, and the one that decides must not be the one that was fooled.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import NoReturn

from authsvc.errors import InvalidRequest

DEEPEST = 16

# Strings are stepped over whole; possessive, so that an unterminated one costs one pass and not one pass per quote.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_OPENING = frozenset((b"[", b"{"))
_CLOSING = frozenset((b"]", b"}"))
_ODD_NUMBER = re.compile(r"[+.]\d|0[\dxXoO]|\d[_\d.]|-[.+]")
_NOT_UTF_8 = "the JSON is not UTF-8"


def must_be_plain_json(raw: bytes) -> None:
    """Raises InvalidRequest for anything but well-formed JSON that every parser reads alike."""
    if raw.count(b"{") + raw.count(b"[") > DEEPEST and _depth(raw) > DEEPEST:
        raise InvalidRequest(f"the JSON is nested deeper than {DEEPEST} levels")
    try:
        _parse(raw.decode())
    except UnicodeDecodeError:
        raise InvalidRequest(_NOT_UTF_8) from None
    except json.JSONDecodeError as error:
        raise InvalidRequest(_whereabouts(raw, error)) from None
    # Digits beyond what Python converts end in a plain ValueError.
    except ValueError:
        raise InvalidRequest("the JSON holds a number of too many digits") from None
    except RecursionError:
        raise InvalidRequest("the body is not well-formed JSON") from None


def _whereabouts(raw: bytes, error: json.JSONDecodeError) -> str:
    """Where it stops being JSON, and why where that can be said; nothing of it is repeated."""
    if raw.startswith(codecs.BOM_UTF8):
        return "the JSON begins with a byte order mark (EF BB BF): send it without"
    if not raw.strip():
        return "the body is empty, and JSON is expected"
    if b"\x00" in raw[:4]:
        return _NOT_UTF_8
    place = f"at line {error.lineno}, column {error.colno}"
    if _ODD_NUMBER.match(error.doc, error.pos) or _ODD_NUMBER.match(error.doc, max(0, error.pos - 1)):
        return f"the body is not well-formed JSON {place}: a number has neither `+`, nor a leading 0 or point, nor separators"
    return f"the body is not well-formed JSON {place}"


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
