"""What a drill is: an attack with a name, the control that must stop it, and what became of each try."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from authsvc.errors import AuthsvcError

if TYPE_CHECKING:
    from authsvc.lab.drill.scene import Scene

Play = Callable[["Scene"], None]
Resulting = TypeVar("Resulting")

MOST_TURNS = 4
BUSY_S = 2.0
"""Between two turns of what a busy service did not let begin."""


class Verdict(StrEnum):
    """`BROKEN` is a drill whose preparation failed: it proves nothing, so it counts as no success."""

    STOPPED = "stopped"
    HOLE = "hole"
    BROKEN = "broken"
    NOT_PLAYED = "not_played"


class NotPlayed(AuthsvcError):
    """What a drill needs is not at hand here."""


class Unprepared(AuthsvcError):
    """The service did not do for an honest person what the drill takes for granted."""


class Busy(Unprepared):
    """It had no time for it, and said so: somebody honest comes back."""


def in_turns(turn: Callable[[bool], Resulting], most: int = MOST_TURNS) -> Resulting:
    """`turn`, which is told whether it is the last, once more for each Busy that it raises; the last turn's is the caller's."""
    for _ in range(most - 1):
        try:
            return turn(False)
        except Busy:
            time.sleep(BUSY_S)
    return turn(True)


@dataclass(frozen=True, slots=True)
class Drill:
    """`alone` is for what would disturb the others: it is played when they are through."""

    name: str
    attack: str
    control: str
    play: Play
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Try:
    """One try of the attacker, and what came back."""

    got_through: bool
    answer: str


@dataclass(frozen=True, slots=True)
class Trace:
    """What the service's own records show of an attack; `seconds` after its first try, None where nothing was recorded."""

    events: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    seconds: float | None = None
    noticed_by: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    drill: Drill
    verdict: Verdict
    tries: tuple[Try, ...] = ()
    why: str = ""
    trace: Trace = field(default_factory=Trace)
    seconds: float = 0.0

    @property
    def stopped_by(self) -> str:
        """The answers that the attacker got, each once."""
        return ", ".join(dict.fromkeys(each.answer for each in self.tries))


DRILLS: dict[str, Drill] = {}


def drill(name: str, attack: str, *, control: str, alone: bool = False) -> Callable[[Play], Play]:
    """Put a function among the drills."""

    def register(play: Play) -> Play:
        if name in DRILLS:
            raise ValueError(f"two drills are called `{name}`")
        DRILLS[name] = Drill(name, attack, control, play, alone)
        return play

    return register
