"""One drill under way: its people, the attacker's tries, and what is at hand here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from authsvc.lab.drill.drill import NotPlayed, Try
from authsvc.lab.drill.people import Asked, Person, expect
from authsvc.lab.drill.service import RELEASED, Answer, Service

Value = TypeVar("Value")

MOST_TRIES = 200
"""A drill is a rehearsal and no siege."""


class Premises(Protocol):
    """What only whoever runs the service has: its files, its commands, its processes."""

    @property
    def database(self) -> Path: ...

    def give_face(self, user: str) -> None:
        """Put the face of `Pictures.owner` into an account."""

    def give_voice(self, user: str) -> None:
        """Put the voice of `Voices.owner` into an account, and what it is known again by."""

    def invite(self, name: str, *roles: str) -> str:
        """The link of an invitation to the console."""

    def operator(self, name: str, *roles: str) -> str:
        """The bearer of a new operator who is signed in."""

    def new_key(self, client: str, *scopes: str) -> tuple[str, str]:
        """The id of a new API key, and the key."""

    def audit_faults(self) -> tuple[str, ...]:
        """What `authsvc audit verify` finds."""

    def row_faults(self) -> tuple[tuple[str, str], ...]:
        """What `authsvc db check` finds: table and fault."""

    def without_worker(self) -> AbstractContextManager[None]:
        """The biometric worker hangs as long as this is open."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Photographs of the person whose face is enrolled, of somebody else, and the stills of a clip.

    `changed` are the owner's again, brighter and smaller: other files, and the same capture.
    """

    owner: Sequence[bytes] = ()
    stranger: Sequence[bytes] = ()
    clip: Sequence[bytes] = ()
    changed: Sequence[bytes] = ()


Say = Callable[[str], bytes]
"""A recording in which these digits are spoken."""


@dataclass(frozen=True, slots=True)
class Voices:
    """The person whose voice is enrolled, out of takes that were not heard then, and out of those that were; somebody else.

    `changes` are what an attacker does to a recording so that it is another one.
    """

    owner: Say
    heard: Say
    stranger: Say
    changes: Sequence[Callable[[bytes], bytes]]


@dataclass
class Scene:
    service: Service
    premises: Premises | None = None
    pictures: Pictures = field(default_factory=Pictures)
    voices: Voices | None = None
    people: list[Person] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    began: float | None = None
    noticed_by: str = ""

    def person(self, *steps: str, face: bool = False) -> Person:
        """Somebody who is enrolled, by default with an app and a phone that has a key."""
        made = Person(self.service)
        self.people.append(made)
        made.enroll(*(steps or ("otp", "key")))
        if face:
            self.on_premises.give_face(made.user)
        return made

    @property
    def on_premises(self) -> Premises:
        if self.premises is None:
            raise NotPlayed("needs a service of the drill's own, or --data-dir")
        return self.premises

    def attack(self, answer: Answer | str, *, through: bool) -> None:
        """Note one try of the attacker: what came back, and whether that is what they wanted."""
        if len(self.tries) >= MOST_TRIES:
            raise ValueError(f"a drill has {MOST_TRIES} tries at most")
        self.tries.append(Try(through, str(answer)))

    def begins(self) -> None:
        """From here on it is the attacker who acts."""
        self.began = time.time()

    def pays(self, answer: Answer) -> None:
        """The attacker's payment: through when it is released without a proof."""
        decision = answer.json
        self.decisions += [str(decision["id"])] if "id" in decision else []
        self.attack(answer, through=answer.is_good and decision.get("status") in RELEASED)

    def asks_weakly(self, answer: Answer, strong: frozenset[str]) -> None:
        """An attacker is asked for something: through when a way needs nothing of `strong`, or nothing at all."""
        decision = answer.json
        self.decisions += [str(decision["id"])] if "id" in decision else []
        challenge = decision.get("challenge")
        weak = challenge is not None and any(not strong.intersection(way) for way in challenge["sets"])
        released = answer.is_good and decision.get("status") in RELEASED
        self.attack(answer, through=released or weak)

    def proves(self, asked: Asked, answer: Answer) -> None:
        """The attacker completed a challenge: through when it was taken."""
        self.decisions.append(str(asked.decision["id"]))
        self.attack(answer, through=answer.is_good)

    def at_once(self, calls: Sequence[Callable[[], Value]]) -> list[Value]:
        """All of them in the same moment."""
        gate = threading.Barrier(len(calls))

        def run(call: Callable[[], Value]) -> Value:
            gate.wait(timeout=30)
            return call()

        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(run, calls))


__all__ = ["Pictures", "Premises", "Say", "Scene", "Voices", "expect"]
