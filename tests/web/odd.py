"""Requests as no library of ours would write them: odd text, numbers, encodings and headers around a body that fits."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

TEXTS = (
    "",
    " ",
    "ann ",
    "\u3000李",
    "Rene\u0301",
    "\u212aarl",
    "\uf90a",
    "pay\u202e0001",
    "\u2066x\u2069",
    "a\u200bb",
    "\u061c1",
    "\ufeffx",
    "\ud800",
    "x\udfff\ud800y",
    "\x00",
    "a\nb",
    "\x7f",
    "\uffff",
    "\U000e0041",
    "e" + "\u0301" * 300,
    "👩‍👩‍👧",
    "１２３４５６",
    "../../etc",
    "%00%2f",
    "a\\b",
    "'; --",
    "{{7*7}}",
    "<b>x",
    "x" * 5000,
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+14:00",
)
NUMBERS = (
    "-0", "0.1", "1e3", "1e400", "-1e400", "1E-400", "9007199254740992", "9223372036854775808", "-9223372036854775809",
    "18446744073709551616", "9" * 4400, "NaN", "-Infinity", "0125", "+1", "1_000", "0x1F", "true",
)  # fmt: skip
WRITTEN = (*NUMBERS, "null", "[]", "{}", "[[[[" * 8 + "]]]]" * 8, '{"a":1,"a":2}', json.dumps([0] * 3000))
MEDIA = (
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=gbk",
    "application/json; charset=\x80",
    "APPLICATION/JSON",
    "application/problem+json",
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 90,
    "application/x-www-form-urlencoded",
    "application/cbor",
    "*/*",
    ";",
    "",
)
ODD_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Type": MEDIA,
    "Content-Encoding": ("gzip", "br", "identity", "", "gzip, identity", "x" * 300),
    "Expect": ("100-continue", "200-maybe", ""),
    "Accept": ("text/html", "application/*;q=0", "\x80", "*"),
    "Accept-Language": ("zh-TW;q=2", "*", "x" * 2000, "en;q=\xff", ",,,;;"),
    "Authorization": ("", "Basic dTpw", "bearer ak_x", "Bearer " + "x" * 5000, "Challenge ct_\xe9", "Bearer  "),
    "Idempotency-Key": ("", '"', '""', '"a", "b"', "\xe9", "x" * 256, '"a\\"b"', "a,b", " "),
    "If-Match": ("*", 'W/"a"', '"a", "b"', "\xff", ""),
    "If-None-Match": ("*", '"x"'),
    "If-Modified-Since": ("yesterday", "Mon, 30 Nov 2099 00:00:00 GMT"),
    "Range": ("bytes=0-0", "bytes=-", "x"),
    "Prefer": ("wait=99999999", "wait=-1", 'wait="', "wait=１", "respond-async"),
    "X-Forwarded-For": ("::1, x", "999.1.1.1", ","),
    "X-Request-Id": ("\xe9", "x" * 2000),
    "Cookie": ("=", "a" * 4000, '__Host-challenge-x="'),
    "Origin": ("null", "https://[::", "\xff"),
    "Signature-Input": ("sig=()", 'sig1=("@method");created=9e9', "\xff"),
}  # fmt: skip


@dataclass(frozen=True)
class Odd:
    """What is sent: raw bytes, headers that replace the good ones, a query, and the parts of the address that are odd."""

    raw: bytes
    headers: Mapping[str, str]
    query: str
    names: Mapping[str, str]


Draw = Callable[[st.SearchStrategy[Any]], Any]  # Any: what a strategy draws is its own.


@st.composite
def odd_requests(draw: Draw, body: object, names: tuple[str, ...], multipart: bool) -> Odd:
    """One to three things in a request are odd; the rest of it is as the document has it."""
    where = draw(
        st.sets(st.sampled_from(("body", "bytes", "headers", "query", "names")), min_size=1, max_size=3)
    )
    written = _multipart(draw, body) if multipart else json.dumps(body).encode()
    if "body" in where and not multipart:
        written = _written(_spoiled(draw, body), draw)
    if "bytes" in where:
        written = draw(st.sampled_from(_SPOILERS))(written)
    media = f"multipart/form-data; boundary={_BOUNDARY}" if multipart else MEDIA[0]
    headers = {"Content-Type": media, "Idempotency-Key": draw(st.sampled_from(("k1", "k2", '"k3"')))}
    for name in draw(st.sets(st.sampled_from(sorted(ODD_HEADERS)), max_size=3)) if "headers" in where else ():
        headers[name] = draw(st.sampled_from(ODD_HEADERS[name]))
    return Odd(written, headers, _query(draw, where), _names(draw, where, names))


def _spoiled(draw: Draw, value: object) -> object:
    """The value with one of its leaves, or itself, made into something else; a marker stands for what is written by hand."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        name = draw(st.sampled_from(sorted(value)))
        kept = {key: each for key, each in value.items() if key != name}
        new = draw(st.sampled_from((name, name, name, name, draw(st.sampled_from(TEXTS)), "__proto__")))
        return {**kept, new: _spoiled(draw, value[name])}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        return [*value[1:], _spoiled(draw, value[0])]
    texts, written = st.sampled_from(TEXTS), st.sampled_from(WRITTEN).map(_marked)
    return draw(st.one_of(texts, texts, written, st.lists(texts, max_size=3)))


def _marked(written: str) -> str:
    return f"\x01{written}\x02"


def _written(value: object, draw: Draw) -> bytes:
    """JSON, in escapes or as bytes, what was marked bare; half of a character stands there as UTF-8 never has it."""
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    bare = text.replace('"\\u0001', "").replace('\\u0002"', "")
    return bare.encode("utf-8", "surrogatepass")


_BOUNDARY = "b" * 20

_SPOILERS: tuple[Callable[[bytes], bytes], ...] = (
    gzip.compress,
    lambda raw: b"\xef\xbb\xbf" + raw,
    lambda raw: raw.decode("utf-8", "replace").encode("utf-16"),
    lambda raw: raw[: len(raw) // 2],
    lambda raw: raw + raw,
    lambda raw: b"",
    lambda raw: raw + b"\x00",
    lambda raw: b"\xff\xfe" + raw,
    lambda raw: b" " * 70_000 + raw,
)


def _multipart(draw: Draw, body: object) -> bytes:
    """A capture whose parts are named, typed and filled in ways of their own."""
    names = st.sampled_from(("frame", "audio", "nonce", "meta", "", "frame\x00", "\xe9"))
    kinds = st.sampled_from(("image/jpeg", "image/png", "audio/wav", "text/plain", "", "image/jpeg;\x80"))
    texts = st.sampled_from([text.encode("utf-8", "surrogatepass") for text in TEXTS])
    filled = st.one_of(st.binary(max_size=200), texts, st.sampled_from((b"{}", b"[", b"\xff\xd8\xff")))
    parts = b""
    for _ in range(draw(st.integers(0, 5))):
        file = draw(st.sampled_from(("", '; filename="a.jpg"', "; filename*=utf-8''%ff", '; filename="')))
        head = f'Content-Disposition: form-data; name="{draw(names)}"{file}\r\nContent-Type: {draw(kinds)}'
        parts += f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode("latin-1") + draw(filled) + b"\r\n"
    return parts + draw(st.sampled_from((f"--{_BOUNDARY}--\r\n".encode(), b"", b"--")))


def _query(draw: Draw, where: set[str]) -> str:
    if "query" not in where:
        return ""
    names = st.sampled_from(("after", "limit", "chain", "state", "lang", "wait", "x", "\u212a", ""))
    values = st.one_of(st.sampled_from(TEXTS[:30]), st.sampled_from(NUMBERS[:12]))
    pairs = draw(st.lists(st.tuples(names, values), max_size=3))
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _names(draw: Draw, where: set[str], names: tuple[str, ...]) -> dict[str, str]:
    texts = [text for text in TEXTS if text and len(text) < 400]
    odd = draw(st.sets(st.sampled_from(names), max_size=2)) if names and "names" in where else set()
    return {name: _quoted(draw(st.sampled_from(texts))) for name in sorted(odd)}


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")
