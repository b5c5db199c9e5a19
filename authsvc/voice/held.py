"""A first phrase that was neither clearly the payer's nor clearly not, held sealed until the second one comes.

It may be lost at any time; the payer then is asked for one phrase more.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import timedelta

from authsvc.ephemeral import Box, Ephemeral, Key
from authsvc.factor import Step

CORRECTIONS = 3
"""How often in a challenge digits in another language are a hint and no attempt."""

HELD_LIFE = timedelta(seconds=180)


@dataclass(frozen=True, slots=True)
class HeldPhrase:
    """`probe` is the phrase's vector, `template` and `model` what it was compared with, `nonce` the capture it came by.

    `fingerprints` are remembered with the second phrase's, should the two be accepted.
    """

    nonce: str
    template: str
    model: str
    probe: bytes
    fingerprints: tuple[str, ...]


class HeldPhrases:
    """At most one phrase per challenge."""

    def __init__(self, ephemeral: Ephemeral, box: Box) -> None:
        self._ephemeral = ephemeral
        self._box = box

    def hold(self, step: Step, phrase: HeldPhrase) -> None:
        key = _key(step)
        fields = {
            "nonce": phrase.nonce,
            "template": phrase.template,
            "model": phrase.model,
            "probe": base64.b64encode(phrase.probe).decode(),
            "fingerprints": phrase.fingerprints,
        }
        self._ephemeral.put(key, self._box.seal(key.name, json.dumps(fields).encode()), HELD_LIFE)

    def find(self, step: Step) -> HeldPhrase | None:
        key = _key(step)
        sealed = self._ephemeral.get(key)
        if sealed is None:
            return None
        fields = json.loads(self._box.open(key.name, sealed))
        return HeldPhrase(
            fields["nonce"],
            fields["template"],
            fields["model"],
            base64.b64decode(fields["probe"]),
            tuple(fields["fingerprints"]),
        )

    def corrects(self, step: Step) -> bool:
        """Whether one more hint may be given to this challenge without a charge; counted before it is."""
        key = Key(_key(step).owner, f"{step.challenge_id}:voice:corrections")
        return self._ephemeral.increment(key, HELD_LIFE) <= CORRECTIONS

    def forget(self, step: Step) -> None:
        self._ephemeral.delete(_key(step))


def _key(step: Step) -> Key:
    return Key(f"{step.subject.client}/{step.subject.user}", f"{step.challenge_id}:voice:held")
