"""Which hash was signed in which place of a log? Kept on disk, since a log of years has more signatures than memory has room.

For a verification. The file has no name and goes with the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from authsvc.errors import Unavailable

_MAKE = "CREATE TABLE vouched (place BLOB PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID"
_FIND = "SELECT hash FROM vouched WHERE place = ?"
_ADD = "INSERT INTO vouched VALUES (?, ?) ON CONFLICT DO NOTHING"
_REMOVE = "DELETE FROM vouched WHERE place = ?"


class Vouched:
    """Hashes by chain and sequence number; what comes first in a place stays. Raises Unavailable where no disk has room."""

    def __init__(self) -> None:
        with _translated():
            # An empty name is a file of its own that SQLite removes by itself, and holds two megabytes of in memory.
            self._raw = sqlite3.connect("", isolation_level=None)
            self._raw.execute("PRAGMA journal_mode = OFF")
            self._raw.execute(_MAKE)

    def close(self) -> None:
        self._raw.close()

    def first(self, chain: str, seq: int, digest: str) -> str:
        """The hash that is signed in this place: this one, where none was before."""
        place = _place(chain, seq)
        with _translated():
            if self._raw.execute(_ADD, (place, digest)).rowcount == 1:
                return digest
            (known,) = self._raw.execute(_FIND, (place,)).fetchone()
        return str(known)

    def find(self, chain: str, seq: int) -> str | None:
        with _translated():
            row = self._raw.execute(_FIND, (_place(chain, seq),)).fetchone()
        return None if row is None else row[0]

    def forget(self, chain: str, seq: int) -> None:
        with _translated():
            self._raw.execute(_REMOVE, (_place(chain, seq),))


def _place(chain: str, seq: int) -> bytes:
    # Of any length and in any writing, since a spoiled log may say so.
    return f"{chain}\0{seq}".encode(errors="surrogatepass")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(f"no room to verify in, in the folder of temporary files: {error}") from error
