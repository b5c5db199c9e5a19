"""Open ceremonies and received evidence: sealed, short-lived, and used once.

What waits here may be lost at any time; the payer then begins the step again. Nothing here decides anything.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import timedelta

from authsvc.domain.challenge import CHALLENGE_LIFE
from authsvc.ephemeral import Box, Ephemeral, Key
from authsvc.errors import RateLimited
from authsvc.factor import Begun, Factor, Json, Step

BEGUN_LIFE = timedelta(seconds=120)
"""A nonce counts for two minutes after it was issued (requirement 6)."""

HOUR = timedelta(hours=1)
STEPS_PER_CHALLENGE = 30
"""Begins and captures of one factor of one challenge; a person needs a handful, a guesser thousands."""

CAPTURES_AN_HOUR = 60
"""Faces, or voices, of one person over all their challenges. Unusable ones cost no attempt, and seconds of computing each."""


class Ceremonies:
    def __init__(self, ephemeral: Ephemeral, box: Box) -> None:
        self._ephemeral = ephemeral
        self._box = box

    def count(self, step: Step, factor: Factor) -> None:
        """Count one begin or capture; raises RateLimited past what a person needs."""
        count = self._ephemeral.increment(_key(step, factor, "count"), CHALLENGE_LIFE)
        if count > STEPS_PER_CHALLENGE:
            raise RateLimited("too many tries of this step", retry_after=60)

    def count_capture(self, step: Step, factor: Factor) -> None:
        """Count one capture of a person, whatever will become of it; raises RateLimited past what one can need."""
        if not factor.is_server_side_biometric:
            return
        count = self._ephemeral.increment(Key(_owner(step), f"captures:{factor}"), HOUR)
        if count > CAPTURES_AN_HOUR:
            raise RateLimited("too many captures of this person", retry_after=600)

    def begin(self, step: Step, factor: Factor, begun: Begun) -> None:
        """Keep the private half of a ceremony; a ceremony begun earlier for the same factor is void."""
        self._put(_key(step, factor, "begun"), begun.kept, BEGUN_LIFE)

    def keep_revealed(self, step: Step, factor: Factor) -> None:
        """Remember, longer than any ceremony lasts, that the payer knows what was to come."""
        self._ephemeral.put(_key(step, factor, "revealed"), b"1", CHALLENGE_LIFE)

    def take_revealed(self, step: Step, factor: Factor) -> bool:
        """Whether it was revealed; said once."""
        return self._ephemeral.take(_key(step, factor, "revealed")) is not None

    def take_begun(self, step: Step, factor: Factor) -> Json | None:
        """The private half, used up: of two submissions for one ceremony, one finds it."""
        return self._take(_key(step, factor, "begun"))

    def restore(self, step: Step, factor: Factor, kept: Json) -> None:
        """Give a ceremony back whose evidence could not be judged. Its nonce carries its own end, which this does not move."""
        self._put(_key(step, factor, "begun"), kept, BEGUN_LIFE)

    def keep_received(self, step: Step, factor: Factor, received: Json) -> None:
        self._put(_key(step, factor, "received"), received, CHALLENGE_LIFE)

    def has_received(self, step: Step, factor: Factor) -> bool:
        return self._ephemeral.get(_key(step, factor, "received")) is not None

    def find_received(self, step: Step, factor: Factor) -> Json | None:
        """What was received, left where it is."""
        key = _key(step, factor, "received")
        return self._opened(key, self._ephemeral.get(key))

    def begin_statement(self, step: Step, factor: Factor, begun: Begun) -> None:
        """Keep what a statement about the capture is judged by."""
        self._put(_key(step, factor, "statement"), begun.kept, BEGUN_LIFE)

    def take_statement(self, step: Step, factor: Factor) -> Json | None:
        return self._take(_key(step, factor, "statement"))

    def take_received(self, step: Step, factors: Collection[Factor]) -> dict[Factor, Json]:
        """What was received for these factors, used up: of two completions, one finds it."""
        found = {factor: self._take(_key(step, factor, "received")) for factor in factors}
        return {factor: kept for factor, kept in found.items() if kept is not None}

    def forget(self, step: Step, factors: Collection[Factor]) -> None:
        for factor in factors:
            for part in ("begun", "received", "revealed", "statement"):
                self._ephemeral.delete(_key(step, factor, part))

    def _put(self, key: Key, value: Json, life: timedelta) -> None:
        self._ephemeral.put(key, self._box.seal(key.name, json.dumps(value).encode()), life)

    def _take(self, key: Key) -> Json | None:
        return self._opened(key, self._ephemeral.take(key))

    def _opened(self, key: Key, sealed: bytes | None) -> Json | None:
        if sealed is None:
            return None
        value: Json = json.loads(self._box.open(key.name, sealed))
        return value


def _key(step: Step, factor: Factor, part: str) -> Key:
    return Key(_owner(step), f"{step.challenge_id}:{factor}:{part}")


def _owner(step: Step) -> str:
    return f"{step.subject.client}/{step.subject.user}"
