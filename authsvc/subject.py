"""Who is meant: a user of one payment backend, and how well the phone in their hand is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A user as one client (payment backend) names them; two clients' `u_42` are two subjects."""

    client: str
    user: str


_whom: ContextVar[Subject | None] = ContextVar("worked_for", default=None)


@contextmanager
def working_for(subject: Subject) -> Iterator[None]:
    """Whatever this block has computed elsewhere is on this account's bill."""
    token = _whom.set(subject)
    try:
        yield
    finally:
        _whom.reset(token)


def worked_for() -> Subject | None:
    """Whose bill it is; None for work that is nobody's in particular."""
    return _whom.get()


class Novelty(StrEnum):
    """How well a device is known, from the best to the worst."""

    TRUSTED = "trusted"
    PROBATION = "probation"
    NEW = "new"
    UNKNOWN = "unknown"
    REVOKED = "revoked"

    @property
    def rank(self) -> int:
        """0 for `trusted`; higher is riskier."""
        return _NOVELTY_RANK[self]

    def or_worse(self, stated: Novelty | None) -> Novelty:
        """The worse of two: a caller may doubt a device that we trust, never the other way."""
        return self if stated is None or stated.rank <= self.rank else stated


_NOVELTY_RANK = {novelty: rank for rank, novelty in enumerate(Novelty)}
