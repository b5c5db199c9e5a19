"""Which users, devices or events somebody wants listed, and where a list goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

Row = TypeVar("Row")
Mark = tuple[int | str, ...]
"""A place in a list: the key of the row that was looked at last, in the order of the list."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty is anything. `begins` is how the user's id begins, `state` a status of users, a state of devices, a tag of events."""

    client: str = ""
    begins: str = ""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Roll(Generic[Row]):
    """One page of a list. `next` is where it goes on, None at its end; a page may hold few rows, or none, and go on."""

    rows: Sequence[Row]
    next: Mark | None = None
