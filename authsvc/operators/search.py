"""What an auditor looks for in the audit chains, and how far a search has come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from authsvc.audit.chain import ROWS_WRITTEN
from authsvc.errors import InvalidRequest

_MARK = re.compile(r"([\w-]{1,64}):([0-9]{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty is anything. `actor` and `action` are beginnings, `object`, `user` and `client` the whole; times are half-open.

    Lines that count rows stand beside nearly every other: they are left out, unless `counted` or the action asks for them.
    """

    actor: str = ""
    action: str = ""
    object: str = ""
    user: str = ""
    client: str = ""
    since: datetime | None = None
    until: datetime | None = None
    counted: bool = False

    def is_met_by(self, body: Mapping[str, Any]) -> bool:  # Any: a decoded audit line.
        subject = body["subject"] or {}
        at = datetime.fromisoformat(body["at"])
        return (
            body["actor"].startswith(self.actor)
            and body["action"].startswith(self.action)
            and body["action"] not in self.left_out
            and self.object in ("", body["object"])
            and self.user in ("", subject.get("user"))
            and self.client in ("", subject.get("client"))
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """Actions whose lines are not looked for."""
        is_asked = self.counted or (self.action != "" and ROWS_WRITTEN.startswith(self.action))
        return () if is_asked else (ROWS_WRITTEN,)

    def fragments(self) -> tuple[str, ...]:
        """Texts that stand in the canonical JSON of every line that meets this, for a database to sift by."""
        stated = {"actor": self.actor, "action": self.action}
        beginnings = [f'"{name}":"{text}' for name, text in stated.items() if text]
        whole = {"object": self.object, "user": self.user, "client": self.client}
        return (*beginnings, *(f'"{name}":"{text}"' for name, text in whole.items() if text))

    def without(self) -> tuple[str, ...]:
        """Texts that stand in every line that is left out, and in no other: canonical JSON has no spaces."""
        return tuple(f'"action":"{action}"' for action in self.left_out)

    def must_be_plain(self) -> Wanted:
        """This search; raises InvalidRequest for what JSON would write differently, and so no line could match."""
        for text in (self.actor, self.action, self.object, self.user, self.client):
            if any(letter in text for letter in '"\\') or not (text.isprintable() or text == ""):
                raise InvalidRequest("quotes, backslashes and control characters stand in no audit line")
        return self


@dataclass(frozen=True, slots=True)
class Cursor:
    """Before which line of each chain the search goes on; a chain that is not named has not been begun."""

    below: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Cursor:
        """What `write` gave; raises InvalidRequest for anything else."""
        marks = [_MARK.fullmatch(part) for part in text.split(",")] if text else []
        if len(marks) > 64 or not all(marks):
            raise InvalidRequest("`after` must be a cursor that was answered")
        return cls({mark.group(1): int(mark.group(2)) for mark in marks if mark is not None})

    def write(self) -> str:
        return ",".join(f"{chain}:{seq}" for chain, seq in sorted(self.below.items()))
