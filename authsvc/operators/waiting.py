"""What waits between two requests of one browser that is not signed in: a name, a challenge, an app's new secret.

Sealed and short-lived; losing it costs starting over. `visit` is the browser's own secret, and nobody else finds what is its.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

from authsvc.ephemeral import Box, Ephemeral, Key
from authsvc.errors import RateLimited
from authsvc.factor import Json

VISIT_LIFE = timedelta(minutes=10)
CEREMONY_LIFE = timedelta(minutes=2)

SIGN_INS_PER_MINUTE = 60
"""Of one source, counted at each step: so that nobody fills the audit log from outside, and nobody is shut out by another."""

_OWNER = "operators"


class Waiting:
    def __init__(self, ephemeral: Ephemeral, box: Box) -> None:
        self._ephemeral = ephemeral
        self._box = box

    def put(self, visit: str, name: str, value: Json, life: timedelta = CEREMONY_LIFE) -> None:
        key = _key(visit, name)
        self._ephemeral.put(key, self._box.seal(key.name, json.dumps(value).encode()), life)

    def look(self, visit: str, name: str) -> Json | None:
        """What waits, left where it is."""
        key = _key(visit, name)
        return self._opened(key, self._ephemeral.get(key))

    def take(self, visit: str, name: str) -> Json | None:
        """What waits, used up: of two who ask, one gets it."""
        key = _key(visit, name)
        return self._opened(key, self._ephemeral.take(key))

    def count(self, visit: str, name: str, most: int) -> None:
        """Raises RateLimited for one time too many within the life of a visit."""
        if self._ephemeral.increment(_key(visit, f"{name}:count"), VISIT_LIFE) > most:
            raise RateLimited("too many tries", retry_after=60)

    def count_sign_in(self, source: str) -> None:
        key = Key(_OWNER, f"sign-ins:{hashlib.sha256(source.encode()).hexdigest()[:32]}")
        if self._ephemeral.increment(key, timedelta(minutes=1)) > SIGN_INS_PER_MINUTE:
            raise RateLimited("too many sign-ins", retry_after=60)

    def _opened(self, key: Key, sealed: bytes | None) -> Json | None:
        if sealed is None:
            return None
        value: Json = json.loads(self._box.open(key.name, sealed))
        return value


def _key(visit: str, name: str) -> Key:
    return Key(_OWNER, f"{hashlib.sha256(visit.encode()).hexdigest()[:32]}:{name}")
