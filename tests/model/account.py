"""The rules of one account, small enough to be searched: what an act asks, what it changes, and what must never happen.

A factor is who enrolled it and how many steps it still waits. Time goes in steps, of which a cooling period has `COOLING`.
Each rule that keeps a thief out is a guard by name; a search may take one away and must then find the way that it shuts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

COOLING = 2
OTP, FACE, KEY = 0, 1, 2
NAMES = ("code", "face", "key")
ALL = (OTP, FACE, KEY)


class Way(NamedTuple):
    factors: frozenset[int]
    bounded: bool = False
    known_device: bool = False


WAYS: dict[int, tuple[Way, ...]] = {
    1: (Way(frozenset({OTP})), Way(frozenset({KEY}))),
    2: (Way(frozenset({FACE}), known_device=True), Way(frozenset({FACE, OTP})), Way(frozenset({KEY, OTP}))),
    3: (Way(frozenset({FACE, KEY})), Way(frozenset({KEY, OTP}), bounded=True)),
}
"""The ways of the seeds' levels, from the milder to the strictest."""

APART = {
    1: (Way(frozenset({OTP})), Way(frozenset({KEY}))),
    2: (Way(frozenset({FACE, OTP})), Way(frozenset({FACE, KEY}))),
    3: (Way(frozenset({FACE, KEY})),),
}
"""Those of `psd2.toml`, where a key and a code are of one category, with the password proved by the backend."""

A_CODE_ALONE = "a code alone proves no act of who has more"
"""A guard that only such ways need: in the seeds' table whoever has more is asked at a level where no code stands alone."""

SPOKEN = {
    1: (Way(frozenset({OTP})), Way(frozenset({KEY}))),
    2: (Way(frozenset({FACE, OTP})), Way(frozenset({KEY, OTP}))),
    3: (Way(frozenset({KEY, OTP}), bounded=True),),
}
"""Where no way names a key beside a face: so it is in the shipped documents for a voice, whose place the face takes here."""

A_KEY_ALONE = "a key alone proves no act of who has a face or a voice"
"""A guard that only such ways need."""

GUARDS = frozenset(
    {
        "a lock does not lower an act",
        "an outage does not lower an act",
        "what was removed is owed",
        "what was replaced is owed",
        "what is new waits",
        "what waits proves no act",
        "a new key proves only beside a face",
        "an account that was emptied is no new one",
        "whoever was erased waits",
        "a frozen account is not erased",
        "a receipt is consumed while the account is active",
        "what was released before a freeze stays void",
        "a receipt of a removed device is void",
        "a receipt of a removed key is void",
        "a receipt is consumed once",
        "a capture counts once",
        "a recovery takes two proofs",
        "whoever opens a recovery proves none of it",
        "new recovery codes wait",
        "a freeze ends enrollments",
        "a recovery ends enrollments",
        "a removal ends enrollments",
        "an overview ends with its account",
        "who has no secret suspends nobody",
        "who only named a phone suspends it by no overview",
        "an unfreeze is proved",
    }
)


class Factor(NamedTuple):
    by: str = ""
    wait: int = 0


NONE = Factor()


class Receipt(NamedTuple):
    """What a thief holds: for a payment or an act, with the phone's secret or without, by whose key, and what came since."""

    kind: str
    level: int
    phone: bool
    key: str = ""
    frozen_since: bool = False
    used: bool = False


class State(NamedTuple):
    factors: tuple[Factor, Factor, Factor]
    owed: tuple[int, int, int]
    peak: tuple[
        int, int, int
    ]  # What the owner had within the cooling period: kept by the search and by no rule.
    codes: Factor  # Recovery codes that are good.
    new_codes: Factor = NONE  # Those that replace them once they count.
    device: str = "active"
    exists: str = "yes"
    frozen: bool = False
    locked: bool = False
    worker: bool = True
    receipt: Receipt | None = None
    ticket: str = ""
    captures: int = 0
    again: bool = False  # Erased and enrolled again, so short a while ago that what was opened before may be in somebody's hands.


@dataclass(frozen=True)
class Thief:
    """What somebody holds beside a session at the shop, which everybody in here has."""

    holds: frozenset[str] = field(default_factory=frozenset)

    @property
    def name(self) -> str:
        return " + ".join(("session", *sorted(self.holds)))

    def shows(self, state: State, factor: int) -> bool:
        """Whether they can show this factor: one of their own, or the owner's by what they hold."""
        kept = state.factors[factor]
        if kept.by == "thief":
            return True
        if kept.by != "owner":
            return False
        if factor == OTP:
            return "codes" in self.holds or "phone and PIN" in self.holds
        if factor == FACE:
            return "recordings" in self.holds and state.worker
        # A phone signs, whatever the service thinks of it; whether that counts is for the rules.
        return "phone and PIN" in self.holds


HOLDINGS = ("codes", "phone and PIN", "recordings", "recovery code", "enroll key")
THIEVES = tuple(
    Thief(frozenset(held)) for size in range(len(HOLDINGS) + 1) for held in combinations(HOLDINGS, size)
)


def beginnings() -> Iterator[State]:
    """Accounts as owners have them: some of the factors, enrolled long ago on a first ticket."""
    for size in range(1, 4):
        for enrolled in combinations(ALL, size):
            factors = tuple(Factor("owner") if each in enrolled else NONE for each in ALL)
            peak = tuple(COOLING if each in enrolled else 0 for each in ALL)
            yield State(factors, (0, 0, 0), peak, Factor("owner"))  # type: ignore[arg-type]  # Three of each.


def level_of(owned: frozenset[int], known: Mapping[int, tuple[Way, ...]] = WAYS) -> int:
    """The strictest level of which a whole way is owned; the strictest of all where none is."""
    levels = [level for level, ways in known.items() if any(way.factors <= owned for way in ways)]
    return max(levels, default=3)


@dataclass(frozen=True)
class Rules:
    """The rules with some guards taken away."""

    without: frozenset[str] = frozenset()
    ways: Mapping[int, tuple[Way, ...]] = field(default_factory=lambda: WAYS)

    def has(self, guard: str) -> bool:
        assert guard in GUARDS | {A_CODE_ALONE, A_KEY_ALONE}
        return guard not in self.without

    # -- What is asked ----------------------------------------------------------------------------------------------

    def strong(self, state: State) -> frozenset[int]:
        acts_wait = self.has("what waits proves no act")
        return frozenset(
            f for f in ALL if state.factors[f].by and (not state.factors[f].wait or not acts_wait)
        )

    def usable(self, state: State, factors: frozenset[int], *, restoring: bool = False) -> frozenset[int]:
        shut = set()
        if state.locked or not state.worker:
            shut.add(FACE)
        if state.device != "active" and state.factors[KEY].by == "owner" and not restoring:
            shut.add(KEY)
        return factors - shut

    def owed(self, state: State) -> frozenset[int]:
        return self.strong(state) | {f for f in ALL if state.owed[f]}

    def act_level(self, state: State) -> int:
        """What an act on the account asks."""
        owned = self.owed(state)
        if state.locked and not self.has("a lock does not lower an act"):
            owned = owned - {FACE}
        if not state.worker and not self.has("an outage does not lower an act"):
            owned = owned - {FACE}
        return level_of(owned, self.ways)

    def act_ways(self, state: State, kind: str) -> tuple[frozenset[int], ...]:
        usable = self.usable(state, self.strong(state), restoring=kind == "restore")
        more = self.has(A_CODE_ALONE) and bool(self.owed(state) - {OTP})
        seen = frozenset({FACE}) if self.has(A_KEY_ALONE) and FACE in self.owed(state) else frozenset()
        asked = (
            way.factors | (seen if way.factors == {KEY} else frozenset())
            for way in self.ways[self.act_level(state)]
            if not way.known_device
        )
        return tuple(way for way in asked if way <= usable and not (more and way == {OTP}))

    def pay_ways(self, state: State, level: int, *, phone: bool, small: bool) -> tuple[frozenset[int], ...]:
        strong = self.usable(
            state, frozenset(f for f in ALL if state.factors[f].by and not state.factors[f].wait)
        )
        young = self.usable(state, frozenset(f for f in ALL if state.factors[f].by and state.factors[f].wait))
        found = []
        for way in self.ways[level]:
            if (way.known_device and not phone) or (way.bounded and not small):
                continue
            admitted = set(strong)
            if way.bounded:
                beside_a_face = FACE in way.factors and not phone
                admitted |= (
                    young
                    if beside_a_face or not self.has("a new key proves only beside a face")
                    else young - {KEY}
                )
            if way.factors <= admitted:
                found.append(way.factors)
        return tuple(found)

    # -- What is changed --------------------------------------------------------------------------------------------

    def without_factor(self, state: State, factor: int) -> State:
        """Destroyed at once; only the demand outlives it."""
        counted = state.factors[factor].by and not state.factors[factor].wait
        owes = counted and self.has("what was removed is owed")
        return state._replace(
            factors=_put(state.factors, factor, NONE),
            owed=_put(state.owed, factor, COOLING if owes else state.owed[factor]),
        )

    def with_factor(self, state: State, factor: int, by: str, wait: int) -> State:
        replaced = state.factors[factor].by and not state.factors[factor].wait
        owes = replaced and wait and self.has("what was replaced is owed")
        return state._replace(
            factors=_put(state.factors, factor, Factor(by, wait)),
            owed=_put(state.owed, factor, COOLING if owes else state.owed[factor]),
        )

    def froze(self, state: State) -> State:
        receipt = None if state.receipt is None else state.receipt._replace(frozen_since=True)
        stale = f"{state.ticket.rstrip('!')}!" if state.ticket else ""
        ticket = "" if self.has("a freeze ends enrollments") else stale
        return state._replace(frozen=True, receipt=receipt, ticket=ticket)

    def recovered(self, state: State) -> State:
        """Whoever lost the phone gives up every key, and what was released before."""
        lost = voided(self.without_factor(state, KEY) if state.factors[KEY].by else state)
        return lost._replace(device="removed", ticket="recovery", codes=NONE, new_codes=NONE, locked=False)

    def ended_proved(self, state: State) -> State:
        """A phone whose key may have earned a ticket is out of use."""
        if state.ticket.rstrip("!") != "receipt":
            return state
        return state._replace(ticket="" if self.has("a removal ends enrollments") else "receipt!")

    def removed_device(self, state: State) -> State:
        gone = self.ended_proved(state._replace(device="removed"))
        return self.without_factor(gone, KEY) if state.factors[KEY].by == "owner" else gone

    def enrolled(self, state: State, by: str, factors: tuple[int, ...]) -> State:
        waits = self.has("what is new waits")
        is_new = state.exists == "none" or (
            state.exists == "erased" and not self.has("whoever was erased waits")
        )
        wait = 0 if is_new or not waits else COOLING
        recovered = state.ticket.startswith("recovery")
        again = state.again or state.exists == "erased"
        fresh = state._replace(exists="yes", ticket="", again=again)
        for each in factors:
            fresh = self.with_factor(fresh, each, by, wait)
        codes = Factor(by, wait if self.has("new recovery codes wait") else 0)
        if not codes.wait:
            return fresh._replace(codes=codes, new_codes=NONE)
        # Those of before stay good until then, but not after a loss: whoever has the phone may have them.
        return fresh._replace(codes=NONE if recovered else fresh.codes, new_codes=codes)

    def ticked(self, state: State) -> State:
        """One step of the clock."""
        waits = max(0, state.new_codes.wait - 1)
        counts = bool(state.new_codes.by) and not waits
        return state._replace(
            codes=Factor(state.new_codes.by) if counts else state.codes,
            new_codes=NONE if counts else state.new_codes._replace(wait=waits),
            factors=tuple(f._replace(wait=max(0, f.wait - 1)) for f in state.factors),  # type: ignore[arg-type]
            owed=tuple(max(0, each - 1) for each in state.owed),  # type: ignore[arg-type]
            peak=tuple(max(0, each - 1) for each in state.peak),  # type: ignore[arg-type]
            locked=False,
            receipt=None,
            ticket="",
            captures=0,
            again=False,
        )


def _put(values: tuple, at: int, value: object) -> tuple:  # type: ignore[type-arg]  # Three of whatever they are.
    return (*values[:at], value, *values[at + 1 :])


def voided(state: State) -> State:
    """What was released before is good for nothing any more."""
    receipt = None if state.receipt is None else state.receipt._replace(frozen_since=True)
    return state._replace(receipt=receipt)


def watched(state: State) -> State:
    """With what the owner has now in the memory of the search."""
    counts = [f for f in ALL if state.factors[f] == Factor("owner")]
    peak = tuple(COOLING if f in counts else state.peak[f] for f in ALL)
    return state._replace(peak=peak)  # type: ignore[arg-type]  # Three of them.
