"""Where an enrollment waits until it is completed: sealed, short-lived, and nothing of it counts."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from authsvc.domain.ticket import TICKET_LIFE, EnrollmentStep, Ticket
from authsvc.ephemeral import Box, Ephemeral, Key
from authsvc.errors import RateLimited
from authsvc.factor import Json

TRIES_PER_STEP = 20
TRIES_OF = {EnrollmentStep.VOICE: 60, EnrollmentStep.FACE: 40}
"""Five phrases are each begun and answered, and some of them are read again; a face is begun once and shown in four parts."""


class Staging:
    """What has been begun and what has come in, by ticket and step."""

    def __init__(self, ephemeral: Ephemeral, box: Box) -> None:
        self._ephemeral = ephemeral
        self._box = box

    def count_try(self, ticket: Ticket, step: EnrollmentStep) -> None:
        """Count a beginning or an answer of a step; raises RateLimited past the limit."""
        self.count(ticket, step, TRIES_OF.get(step, TRIES_PER_STEP))

    def count(self, ticket: Ticket, name: str, limit: int) -> int:
        """Count one try and return how many are left; raises RateLimited past the limit."""
        tries = self._ephemeral.increment(_key(ticket, f"{name}:count"), TICKET_LIFE)
        if tries > limit:
            raise RateLimited("too many tries of this step; ask for a new enrollment", retry_after=900)
        return limit - tries

    def begin(self, ticket: Ticket, step: EnrollmentStep, kept: Json) -> None:
        """Keep the private half of a step; one begun earlier is void."""
        self._put(_key(ticket, f"{step}:begun"), kept)

    def begun(self, ticket: Ticket, step: EnrollmentStep) -> Json | None:
        key = _key(ticket, f"{step}:begun")
        return self._opened(key, self._ephemeral.get(key))

    def take_begun(self, ticket: Ticket, step: EnrollmentStep) -> Json | None:
        """The same, used up: of two answers, one finds it."""
        key = _key(ticket, f"{step}:begun")
        return self._opened(key, self._ephemeral.take(key))

    def keep_parts(self, ticket: Ticket, step: EnrollmentStep, parts: Sequence[Json]) -> None:
        """Keep what has come in of a step that takes its evidence in parts; what was kept before is replaced."""
        self._put(_key(ticket, f"{step}:parts"), {"parts": list(parts)})

    def parts(self, ticket: Ticket, step: EnrollmentStep) -> tuple[Json, ...]:
        key = _key(ticket, f"{step}:parts")
        found = self._opened(key, self._ephemeral.get(key)) or {}
        parts = found.get("parts", ())
        return tuple(parts) if isinstance(parts, list) else ()

    def read_so_far(self, ticket: Ticket) -> int:
        """How many phrases were handed in, good or bad: digits that were read are not asked for again."""
        key = _key(ticket, f"{EnrollmentStep.VOICE}:read")
        return int(str((self._opened(key, self._ephemeral.get(key)) or {"times": 0})["times"]))

    def count_reading(self, ticket: Ticket) -> None:
        self._put(_key(ticket, f"{EnrollmentStep.VOICE}:read"), {"times": self.read_so_far(ticket) + 1})

    def stage(self, ticket: Ticket, step: EnrollmentStep, value: Json) -> None:
        """Keep what `complete` will make count; what was staged before is replaced."""
        self._put(_key(ticket, f"{step}:staged"), value)

    def staged(self, ticket: Ticket, step: EnrollmentStep) -> Json | None:
        key = _key(ticket, f"{step}:staged")
        return self._opened(key, self._ephemeral.get(key))

    def forget(self, ticket: Ticket, step: EnrollmentStep) -> None:
        for part in ("begun", "parts", "staged", "read"):
            self._ephemeral.delete(_key(ticket, f"{step}:{part}"))

    def _put(self, key: Key, value: Json) -> None:
        self._ephemeral.put(key, self._box.seal(key.name, json.dumps(value).encode()), TICKET_LIFE)

    def _opened(self, key: Key, sealed: bytes | None) -> Json | None:
        if sealed is None:
            return None
        value: Json = json.loads(self._box.open(key.name, sealed))
        return value


def text_of(raw: bytes) -> str:
    """Bytes as JSON can hold them."""
    return base64.b64encode(raw).decode()


def bytes_of(text: object) -> bytes:
    """What `text_of` was given."""
    return base64.b64decode(str(text))


def strings_of(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


def _key(ticket: Ticket, name: str) -> Key:
    return Key(f"{ticket.subject.client}/{ticket.subject.user}", f"{ticket.id}:{name}")
