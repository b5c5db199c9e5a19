"""A whole HTTP answer as a value: what a thread hands to the event loop."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """Status, headers with lower-case names in the application's order, and all of the body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
