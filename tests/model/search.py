"""Breadth-first through everything that an owner, a thief, a worker and the clock can do, to a stated depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.model.account import (
    ALL,
    COOLING,
    FACE,
    KEY,
    NAMES,
    NONE,
    OTP,
    Factor,
    Receipt,
    Rules,
    State,
    Thief,
    beginnings,
    level_of,
    voided,
    watched,
)

Step = tuple[str, State, str]
"""What was done, what came of it, and what must not have happened; nothing where all is well."""

ACTS = ("enrollment", "unfreeze", "erasure", "restore")


@dataclass(frozen=True)
class Found:
    """A way that must not be: for whom, and act by act."""

    thief: Thief
    broken: str
    story: tuple[str, ...]

    def told(self) -> str:
        return "\n".join(
            (
                f"With {self.thief.name}: {self.broken}.",
                *(f"  {n}. {line}" for n, line in enumerate(self.story, 1)),
            )
        )


@dataclass(frozen=True)
class Searched:
    """How many states each thief reached, how many steps were looked at, and the way of whoever holds the least."""

    states: tuple[int, ...]
    steps: int
    found: Found | None


class _Asked(frozenset[str]):
    """What a thief holds, and which of it was asked about."""

    def __new__(cls, holds: frozenset[str]) -> _Asked:
        return super().__new__(cls, holds)

    def __init__(self, _: frozenset[str]) -> None:
        self.questions: set[object] = set()

    def __contains__(self, name: object) -> bool:
        self.questions.add(name)
        return super().__contains__(name)


def search(rules: Rules, thieves: tuple[Thief, ...], depth: int) -> Searched:
    """Every state within `depth` steps of a beginning, until something is broken; for all thieves in one pass.

    A set of thieves is a number with a bit for each. A state is looked at once for all who reach it in the same number
    of steps, so that each has their own search, breadth first, and its shortest way.
    """
    everybody = (1 << len(thieves)) - 1
    layer = dict.fromkeys(beginnings(), everybody)
    reached, came = dict(layer), _came_from(layer)
    steps = 0
    for _ in range(depth):
        after: dict[State, int] = {}
        found: Found | None = None
        for state, here in layer.items():
            for (told, raw, broken), able in _moves_of_all(rules, thieves, state, here & everybody):
                steps += 1
                able &= everybody
                if broken and able:
                    least = able & -able
                    found = Found(
                        thieves[least.bit_length() - 1], broken, (*_story(came, state, least), told)
                    )
                    everybody = least - 1  # From here on only for who holds less.
                new = watched(raw)
                if fresh := able & ~reached.get(new, 0):
                    reached[new] = reached.get(new, 0) | fresh
                    after[new] = after.get(new, 0) | fresh
                    came.setdefault(new, []).append((fresh, state, told))
        if found is not None:
            return Searched(_counted(reached, thieves), steps, found)
        layer = after
    return Searched(_counted(reached, thieves), steps, None)


Came = dict[State, list[tuple[int, State | None, str]]]
"""Who came to a state, from where and by what; each thief once."""


def _came_from(layer: dict[State, int]) -> Came:
    return {state: [(here, None, "")] for state, here in layer.items()}


def _counted(reached: dict[State, int], thieves: tuple[Thief, ...]) -> tuple[int, ...]:
    return tuple(sum(who >> number & 1 for who in reached.values()) for number in range(len(thieves)))


def _story(came: Came, state: State, thief: int) -> tuple[str, ...]:
    lines: list[str] = []
    while True:
        _, before, told = next(each for each in came[state] if each[0] & thief)
        if before is None:
            has = ", ".join(NAMES[f] for f in ALL if state.factors[f].by)
            return (f"the owner has enrolled: {has}", *reversed(lines))
        lines.append(told)
        state = before


def _moves_of_all(
    rules: Rules, thieves: tuple[Thief, ...], state: State, here: int
) -> Iterator[tuple[Step, int]]:
    """The steps of all who are here, each with those who can take it."""
    for step in anybodys_moves(rules, state):
        yield step, here
    for part in PARTS:
        left = here
        while left:
            asked = _Asked(thieves[(left & -left).bit_length() - 1].holds)
            steps = tuple(part(rules, Thief(asked), state))
            alike = left & _who_holds(thieves, frozenset(asked.questions), asked & asked.questions)
            yield from ((step, alike) for step in steps)
            left &= ~alike


@cache
def _who_holds(thieves: tuple[Thief, ...], asked: frozenset[object], held: frozenset[str]) -> int:
    """Whoever answers the same to what was asked has the same steps."""
    return sum(1 << number for number, thief in enumerate(thieves) if thief.holds & asked == held)


def moves(rules: Rules, thief: Thief, state: State) -> Iterator[Step]:
    yield from anybodys_moves(rules, state)
    for part in PARTS:
        yield from part(rules, thief, state)


def anybodys_moves(rules: Rules, state: State) -> Iterator[Step]:
    """Those for which it does not matter what a thief holds."""
    yield from _chance(rules, state)
    yield from _owner(rules, state)
    yield from _receipts(rules, state)


def _chance(rules: Rules, state: State) -> Iterator[Step]:
    yield "time passes", rules.ticked(state), ""
    yield (
        "the worker goes down" if state.worker else "the worker is back",
        state._replace(worker=not state.worker),
        "",
    )


def _owner(rules: Rules, state: State) -> Iterator[Step]:
    if state.exists != "yes":
        return
    if not state.frozen:
        yield "the owner freezes", rules.froze(state), ""
    else:
        yield "two operators unfreeze", state._replace(frozen=False, locked=False), ""
    if state.device == "active":
        yield "the owner removes the phone", rules.removed_device(state), ""
    if state.device == "suspended":
        yield "two operators restore the phone", _restored(state), ""
    if state.factors[FACE].by == "owner" and not state.frozen:
        yield "the owner replaces the face", rules.with_factor(state, FACE, "owner", COOLING), ""
    if state.codes.by == "owner" and not state.frozen:
        yield "the owner recovers", _back(rules, state), ""
    if any(f.by == "thief" and f.wait for f in state.factors):
        kept = tuple(NONE if f.by == "thief" and f.wait else f for f in state.factors)
        vetoed = state._replace(factors=kept, new_codes=NONE)  # type: ignore[arg-type]  # Three of them.
        if kept[KEY] != state.factors[KEY]:
            vetoed = _without_their_phone(rules, vetoed)
        yield "the owner vetoes what waits", vetoed, ""


def _back(rules: Rules, state: State) -> State:
    """The owner, with a recovery code and a code that the shop sends, enrolls an app; what the lost phone began is over."""
    back = rules.enrolled(rules.recovered(state), "owner", (OTP,))
    stale = f"{state.ticket.rstrip('!')}!" if state.ticket else ""
    return back if rules.has("a recovery ends enrollments") else back._replace(ticket=stale)


def _without_their_phone(rules: Rules, state: State) -> State:
    """A thief's own phone is removed like any other."""
    receipt = state.receipt
    by_it = receipt is not None and receipt.key == "thief" and rules.has("a receipt of a removed key is void")
    return rules.ended_proved(voided(state) if by_it else state)


def _session(rules: Rules, thief: Thief, state: State) -> Iterator[Step]:
    if state.exists != "yes":
        return
    if state.frozen and not rules.has("an unfreeze is proved"):
        yield "unfreezes without a proof", state._replace(frozen=False), "a session undoes a freeze"
    if state.again and not rules.has("an overview ends with its account"):
        told = "acts through an overview of before the erasure"
        yield told, rules.froze(state), "an overview outlives its account"
    if state.factors[FACE].by and state.worker and not state.locked:
        yield "shows three wrong faces", state._replace(locked=True), ""
    if state.factors[FACE].by:
        yield "withdraws the face", rules.without_factor(state, FACE), ""
    if state.device != "removed":
        yield "removes the phone", rules.removed_device(state), ""
    if state.device == "active" and not rules.has("who only named a phone suspends it by no overview"):
        told = "disowns a payment that only named the phone"
        yield told, _suspended(rules, state), "a session suspends the owner's phone"
    if state.device == "active" and not state.frozen:
        shows = "phone and PIN" in thief.holds or bool(counted(rules, thief, state))
        if shows or not rules.has("who has no secret suspends nobody"):
            broken = "" if shows else "a session suspends the owner's phone"
            yield "says `not me`, and the phone is suspended", _suspended(rules, state), broken


def _restored(state: State) -> State:
    """Receipts of before are void, or one from before the suspension would come back with the phone."""
    return voided(state)._replace(device="active")


def counted(rules: Rules, thief: Thief, state: State) -> frozenset[int]:
    """What a thief can show that counts."""
    usable = rules.usable(
        state, frozenset(f for f in ALL if state.factors[f].by and not state.factors[f].wait)
    )
    return frozenset(f for f in usable if thief.shows(state, f))


def _suspended(rules: Rules, state: State) -> State:
    counted = state.factors[KEY] == Factor("owner")
    owed = state.owed if not counted else (state.owed[OTP], state.owed[FACE], COOLING)
    return rules.ended_proved(state._replace(device="suspended", owed=owed))


def _proofs(rules: Rules, thief: Thief, state: State) -> Iterator[Step]:
    """An act on the account is asked about, and proved."""
    if state.exists != "yes":
        return
    lowered = _lowered(rules, state)
    for kind in ACTS:
        if state.frozen and kind != "unfreeze":
            continue
        for way in rules.act_ways(state, kind):
            if all(thief.shows(state, f) for f in way):
                level = rules.act_level(state)
                broken = lowered or _by_what_waits(state, way, "an act") or _by_one_alone(state, way)
                yield (
                    f"proves `{kind}` with {_names(way)}",
                    state._replace(receipt=Receipt(kind, level, False, _key_in(state, way))),
                    broken,
                )


def _key_in(state: State, way: frozenset[int]) -> str:
    return state.factors[KEY].by if KEY in way else ""


def _lowered(rules: Rules, state: State) -> str:
    """Whether less is asked than the owner had within the cooling period."""
    had = frozenset(f for f in ALL if state.peak[f])
    return (
        "an act asks for less than the owner has enrolled"
        if had and rules.act_level(state) < level_of(had, rules.ways)
        else ""
    )


def _by_one_alone(state: State, way: frozenset[int]) -> str:
    had = frozenset(f for f in ALL if state.peak[f])
    if way == {OTP} and had - {OTP}:
        return "a code alone proves an act of somebody who has more"
    return "a key alone proves an act of somebody who has a face" if way == {KEY} and FACE in had else ""


def _by_what_waits(state: State, way: frozenset[int], what: str) -> str:
    young = [f for f in way if state.factors[f].by == "thief" and state.factors[f].wait]
    return f"{what} is proved with what waits" if young else ""


def _payments(rules: Rules, thief: Thief, state: State) -> Iterator[Step]:
    if state.exists != "yes" or state.frozen:
        return
    phones = (False, True) if "phone and PIN" in thief.holds and state.device == "active" else (False,)
    for level in rules.ways:
        for phone in phones:
            for small in (False, True):
                for way in rules.pay_ways(state, level, phone=phone, small=small):
                    if not all(thief.shows(state, f) for f in way):
                        continue
                    broken = _climbs(state, way)
                    where = "the phone" if phone else "elsewhere"
                    if FACE in way and state.captures and rules.has("a capture counts once"):
                        continue
                    if FACE in way and state.captures and state.factors[FACE].by == "owner":
                        broken = broken or "one capture pays twice"
                    new = state._replace(
                        receipt=Receipt("payment", level, phone, _key_in(state, way)),
                        captures=min(1, state.captures + (FACE in way)),
                    )
                    yield f"pays at level {level} from {where} with {_names(way)}", new, broken


def _climbs(state: State, way: frozenset[int]) -> str:
    """What waits may stand beside what the owner has, never be all that a thief brings of their own and a code."""
    mine = {f for f in way if state.factors[f].by == "thief" and state.factors[f].wait}
    if KEY in mine and FACE not in way:
        return "a new phone proves itself"
    return "a payment is proved with nothing that counts" if mine and mine == set(way) else ""


def _receipts(rules: Rules, state: State) -> Iterator[Step]:
    receipt = state.receipt
    if receipt is None:
        return
    if receipt.kind == "payment":
        if state.frozen and rules.has("a receipt is consumed while the account is active"):
            return
        if state.exists != "yes" and rules.has("a receipt is consumed while the account is active"):
            return
        if (
            receipt.frozen_since
            and not state.frozen
            and rules.has("what was released before a freeze stays void")
        ):
            return
        if receipt.phone and state.device != "active" and rules.has("a receipt of a removed device is void"):
            return
        if _is_of_a_removed_key(state, receipt) and rules.has("a receipt of a removed key is void"):
            return
        if receipt.used and rules.has("a receipt is consumed once"):
            return
        broken = ""
        if state.frozen or receipt.frozen_since or state.exists != "yes":
            broken = "a receipt is consumed after a freeze or an erasure"
        elif (receipt.phone and state.device != "active") or _is_of_a_removed_key(state, receipt):
            broken = "a receipt is consumed after its phone was removed"
        elif receipt.used:
            broken = "a receipt is consumed twice"
        yield "consumes the receipt", state._replace(receipt=receipt._replace(used=True)), broken
        return
    if receipt.frozen_since and rules.has("what was released before a freeze stays void"):
        return
    removed = _is_of_a_removed_key(state, receipt)
    if removed and rules.has("a receipt of a removed key is void"):
        return
    broken = "an act is done upon a proof of a removed phone" if removed else ""
    if receipt.kind == "enrollment" and not state.frozen and state.exists == "yes":
        yield "gets a ticket for the proof", state._replace(receipt=None, ticket="receipt"), broken
    elif receipt.kind == "unfreeze" and state.frozen:
        yield "unfreezes with the proof", state._replace(receipt=None, frozen=False), broken
    elif receipt.kind == "erasure" and not state.frozen and state.exists == "yes":
        yield "erases with the proof", _erased(state), broken
    elif receipt.kind == "restore" and state.device == "suspended":
        yield "restores the phone with the proof", _restored(state._replace(receipt=None)), broken


def _is_of_a_removed_key(state: State, receipt: Receipt) -> bool:
    """Whether the phone whose key proved it is out of use by now; a suspended one may be asked back with it."""
    usable = ("active", "suspended") if receipt.kind == "restore" else ("active",)
    return receipt.key == "owner" and state.device not in usable


def _erased(state: State) -> State:
    receipt = None if state.receipt is None else state.receipt._replace(frozen_since=True)
    return state._replace(
        factors=(NONE, NONE, NONE),
        owed=(0, 0, 0),
        peak=(0, 0, 0),
        codes=NONE,
        new_codes=NONE,
        device="removed",
        exists="erased",
        receipt=receipt if receipt is not None and receipt.kind == "payment" else None,
        ticket="",
        frozen=False,
        again=False,
    )


def _tickets(rules: Rules, thief: Thief, state: State) -> Iterator[Step]:
    if "enroll key" in thief.holds:
        if state.exists == "yes" and (not state.frozen or not rules.has("a frozen account is not erased")):
            broken = "an erasure undoes a freeze" if state.frozen else ""
            yield "erases the account as its backend", _erased(state), broken
        emptied = state.exists == "yes" and not any(f.by for f in state.factors)
        if state.exists == "erased" or (
            emptied and not rules.has("an account that was emptied is no new one")
        ):
            broken = "an emptied account is taken over by a ticket" if emptied else ""
            yield "opens a first ticket as its backend", state._replace(ticket="first"), broken
    if (
        "recovery code" in thief.holds
        and state.codes == Factor("owner")
        and not state.frozen
        and state.exists == "yes"
    ):
        yield from _recovery(rules, thief, state, "the owner's recovery code")
        if "enroll key" in thief.holds and not rules.has("whoever opens a recovery proves none of it"):
            told = "recovers with the owner's recovery code and what the backend's key says"
            yield told, rules.recovered(state), "an enrollment key is the second proof of a recovery"
    if state.codes.by == "thief" and not state.frozen and state.exists == "yes":
        waits = any(f.by == "thief" and f.wait for f in state.factors)
        broken = "recovery codes count while what came with them waits" if waits else ""
        for told, new, _ in _recovery(rules, thief, state, "a recovery code of their own"):
            yield told, new, broken
    if state.ticket and not state.frozen:
        for factors in ((OTP,), (OTP, FACE, KEY)):
            new = rules.enrolled(state, "thief", factors)
            counts = any(new.factors[f] == Factor("thief") for f in factors)
            broken = "what a thief enrolls counts at once" if counts else ""
            broken = broken or (
                "an enrollment outlives a freeze, a removal or a recovery"
                if state.ticket.endswith("!")
                else ""
            )
            yield f"enrolls their own {_names(frozenset(factors))}", new, broken


def _recovery(rules: Rules, thief: Thief, state: State, code: str) -> Iterator[Step]:
    seconds = [
        name
        for name, there in (
            ("an issued code", "codes" in thief.holds),
            ("the face", thief.shows(state, FACE) and not state.factors[FACE].wait and not state.locked),
        )
        if there
    ]
    if not seconds and rules.has("a recovery takes two proofs"):
        return
    broken = "" if seconds else "a recovery code alone takes the account over"
    yield f"recovers with {' and '.join([code, *seconds[:1]])}", rules.recovered(state), broken


PARTS = (_session, _proofs, _payments, _tickets)
"""The steps of a thief."""


def _names(way: frozenset[int]) -> str:
    return " and ".join(NAMES[f] for f in sorted(way))


@cache
def comes_back(state: State, left: int = 6) -> bool:
    """Whether the owner, who has what they enrolled, and two operators get to an active account with a factor that counts."""
    rules = Rules()
    if state.exists != "yes":
        return True  # Whoever was erased enrolls as anybody does.
    if not state.frozen and state.device != "suspended" and any(f == Factor("owner") for f in state.factors):
        return True
    if left == 0:
        return False
    if state.frozen:
        return comes_back(state._replace(frozen=False, locked=False), left - 1)
    if state.device == "suspended":
        return comes_back(state._replace(device="active"), left - 1)
    if state.codes.by == "owner" and not state.codes.wait:
        lost = rules.removed_device(state)._replace(ticket="recovery", codes=NONE)
        recovered = rules.enrolled(lost, "owner", ALL)
        return comes_back(recovered._replace(device="active"), left - 1)
    return comes_back(rules.ticked(state._replace(worker=True)), left - 1)
