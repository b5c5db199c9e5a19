"""Unique bytes to look for afterwards, in every form in which they might have been written down."""

from __future__ import annotations

import base64
import io
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import psycopg
import redis
from PIL import Image
from psycopg import sql

Search = Callable[[bytes], bool]
Searches = Mapping[str, Search]


def word() -> str:
    """A text that is nowhere else, short enough for a name."""
    return f"canary{secrets.token_hex(8)}"


def forms_of(needle: bytes | str) -> tuple[bytes, ...]:
    """A needle raw, as hex, as base64 at each of its three phases, and as UTF-16."""
    raw = needle.encode() if isinstance(needle, str) else needle
    forms = {raw, raw.hex().encode(), raw.hex().upper().encode(), *_base64_phases(raw)}
    if isinstance(needle, str):
        forms |= {needle.encode("utf-16-le"), needle.encode("utf-16-be"), needle.lower().encode()}
    return tuple(sorted(forms))


def searches(needles: Mapping[str, bytes | str], codes: Iterable[str]) -> Searches:
    """How each is searched for, by name."""
    found = {name: _any_form_of(needle) for name, needle in needles.items()}
    return found | {f"code {number}": _standing_alone(code) for number, code in enumerate(codes)}


def hits(wanted: Searches, places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Which canary was found where."""
    return [f"{name} in {place}" for place, data in places for name, is_in in wanted.items() if is_in(data)]


def _any_form_of(needle: bytes | str) -> Search:
    forms = forms_of(needle)
    return lambda data: any(form in data for form in forms)


def _standing_alone(code: str) -> Search:
    """Six digits inside of a longer number are an accident."""
    wide = re.escape(code.encode("utf-16-le"))
    pattern = re.compile(rb"(?<![0-9.])%s(?![0-9])|%s" % (code.encode(), wide))
    return lambda data: pattern.search(data) is not None


def files_under(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file with its content; what vanishes meanwhile was there too briefly to be kept."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            try:
                if path.is_file() and not path.is_symlink():
                    yield str(path), path.read_bytes()
            except OSError:
                continue


def sqlite_cells(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every value of an SQLite file: a long one is scattered over pages, and not found in the file as it lies."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for name in names:
            rows = connection.execute(f'SELECT * FROM "{name}"')
            yield f"table {name}", b"\n".join(_bytes(value) for row in rows for value in row)


def postgres_cells(url: str) -> Iterator[tuple[str, bytes]]:
    """Every value of a database, uncompressed."""
    with psycopg.connect(url) as connection:
        tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        for (name,) in connection.execute(tables).fetchall():
            rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))
            yield f"table {name}", b"\n".join(_bytes(value) for row in rows for value in row)


def redis_values(client: redis.Redis) -> Iterator[tuple[str, bytes]]:
    """Every key with its value."""
    for key in client.scan_iter():
        value = client.get(key)
        yield "redis", bytes(key) + b"\n" + (value if isinstance(value, bytes) else b"")


class Photograph:
    """A picture with canaries in its comment, its metadata, its pixels, and its very bytes."""

    def __init__(self, upright: bytes, kind: str = "JPEG") -> None:
        self.comment, self.exif, self.filename = word(), word(), word()
        picture = Image.open(io.BytesIO(upright)).convert("RGB")
        noise = secrets.token_bytes(24 * 8 * 3)
        picture.paste(Image.frombytes("RGB", (24, 8), noise), (0, 0))
        metadata = Image.Exif()
        metadata[0x010E] = self.exif
        buffer = io.BytesIO()
        options = {"quality": 95, "comment": self.comment.encode()} if kind == "JPEG" else {}
        picture.save(buffer, kind, exif=metadata, **options)
        self.content = buffer.getvalue()
        # Of a lossy picture only the bytes are known; of a lossless one also what they are unpacked to.
        self._rows = [] if kind == "JPEG" else [noise[at : at + 72] for at in range(0, len(noise), 72)]

    def needles(self) -> dict[str, bytes | str]:
        size = len(self.content)
        parts = {f"bytes at {part}/8": self.content[size * part // 8 :][:48] for part in (1, 4, 7)}
        rows = {f"pixel row {number}": row for number, row in enumerate(self._rows)}
        swapped = {f"{name}, BGR": _swapped(row) for name, row in rows.items()}
        comment = {} if self._rows else {"comment": self.comment}
        return {**parts, **rows, **swapped, **comment, "metadata": self.exif, "filename": self.filename}


def _base64_phases(raw: bytes) -> Iterator[bytes]:
    """What of the needle's base64 does not depend on what stands before and after it."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)
        start, end = -(-before * 4 // 3), (before + len(raw)) // 3 * 4
        yield encoded[start:end]
        yield encoded[start:end].translate(bytes.maketrans(b"+/", b"-_"))


def _swapped(row: bytes) -> bytes:
    return b"".join(row[at : at + 3][::-1] for at in range(0, len(row), 3))


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
