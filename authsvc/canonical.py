"""One text for one JSON value (RFC 8785), so that a digest taken here can be taken again by anybody.

Three writers write the same text. orjson is ten times faster than the standard library, which is six times faster than rfc8785;
each is used for what it writes as the standard has it. Where orjson is not installed, as beside the client alone, it is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from importlib import import_module
from types import ModuleType

import rfc8785

# In compact JSON a number stands behind `":`, `,` or `[`; where a string looks the same, it only costs time.
_HARD_NUMBER = re.compile(r"[:,\[](?<!\w:)-?\d(?:\d*[.eE]|\d{15})")

_SIMPLE = frozenset((str, int, bool, type(None)))
_NESTED = frozenset((dict, list, tuple))


def _quick_library() -> ModuleType | None:
    try:
        return import_module("orjson")
    except ModuleNotFoundError:
        return None


_quick = _quick_library()
# Integers beyond 2**53 are refused by it, and so left to the others.
_SORTED = 0 if _quick is None else _quick.OPT_SORT_KEYS | _quick.OPT_STRICT_INTEGER


def canonical(value: Mapping[str, object]) -> str:
    """The RFC 8785 text of a JSON object; raises ValueError for what has none (NaN, large integers, lone surrogates,
    bytes, other objects). Mappings and tuples count as objects and arrays."""
    text = _quickly(value, _SORTED)
    if text is None:
        return _slowly(value)
    return _again(text) if _holds_pairs(text) else text


def compact(value: object) -> str:
    """JSON without spaces, in the order given: for what is stored and shown, and signed by nobody."""
    text = _quickly(value, 0)
    return _write(value) if text is None else text


def _quickly(value: object, option: int) -> str | None:
    """The text by orjson; None for what it would write in another way, or not refuse."""
    if _quick is None or type(value) is not dict or not _is_plain(value.values()):
        return None
    try:
        text: str = _quick.dumps(value, option=option).decode()
    except TypeError:
        return None
    return text


def _is_plain(values: Collection[object]) -> bool:
    """Whether all of it is text, whole numbers, truth values, null, and plain containers of them.

    What is left out: fractions, which RFC 8785 writes in a way of its own and of which orjson writes NaN as null, and all
    that orjson writes though it is no JSON value.
    """
    if _SIMPLE.issuperset(map(type, values)):
        return True
    for value in values:
        kind = type(value)
        if kind in _SIMPLE:
            continue
        if kind not in _NESTED or not _is_plain(value.values() if kind is dict else value):  # type: ignore[attr-defined, arg-type]  # By its kind.
            return False
    return True


def _slowly(value: Mapping[str, object]) -> str:
    try:
        text = _encode(value)
        if _HARD_NUMBER.search(text) or _holds_pairs(text):
            return _again(text)
        text.encode()
    except (TypeError, rfc8785.CanonicalizationError) as error:
        raise ValueError(f"no canonical JSON: {error}") from None
    return text


def _holds_pairs(text: str) -> bool:
    """Whether a character of it takes two units of UTF-16, by which the standard sorts keys."""
    return not text.isascii() and len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text)


def _again(text: str) -> str:
    return str(rfc8785.dumps(json.loads(text)), "utf-8")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"`{type(value).__name__}` is not a JSON value")


_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
).encode

_write = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain).encode
