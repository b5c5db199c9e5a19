"""Habits in a made-up town: how much more fraud is caught for the same number of questions, and what a decision pays for it.

`python benchmarks/habits.py --json --state FILE` goes on where the file ends.

People with shops, hours and amounts of their own pay for a year; shops and hours change on
the way. Some are defrauded in four ways. What is settled teaches after fourteen days, as in the service; fraud is reported
within them and never does. The second half of the year is judged: by the shipped document with and without its rules on habits,
and by the risk score alone at the threshold that asks at least as often. The score is an assumption, stated in `RISK`: with a
better one habits add less. Town and frauds are made up, and both were changed once after a look: no evidence about real people.
"""

from __future__ import annotations

import heapq
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(Path(__file__).parents[1]))

from authsvc.domain.account import Account
from authsvc.domain.decision import Habit
from authsvc.domain.payer import Payer, habit_of
from authsvc.habit.form import Packed, packed, unpacked
from authsvc.habit.habits import NONE, Habits
from authsvc.habit.sentences import sentences
from authsvc.habit.signals import signals
from authsvc.habit.words import Act, Signals
from authsvc.keys.keyring import KeyRing
from authsvc.lab.intervals import clopper_pearson
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import HABITS, Inputs
from authsvc.policy.level import Level
from authsvc.storage.sealing import Place, Sealer
from authsvc.subject import Novelty, Subject
from tests.habit import reference

RISK = {"honest": (12, 12), "fraud": (35, 20)}
"""Mean and deviation of the payment layer's score, cut to 0–100."""

BEGIN = datetime(2025, 1, 6, tzinfo=UTC)
YEAR, JUDGED_FROM = 365, 183
WAIT, SETTLES = timedelta(days=14), timedelta(days=1)
FRAUD = 0.25
"""The share of people who are defrauded once in the half that is judged: more than in life, so that intervals are narrow."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment as it is decided; `fraud` names its kind."""

    act: Act
    risk: int
    fraud: str | None = None


@dataclass(slots=True)
class Person:
    chance: random.Random
    pace: float
    evening: int
    amount: float
    shops: list[str]
    silent: tuple[int, int] = (0, 0)
    asked: list[Asked] = field(default_factory=list)


def town(people: Iterable[int], seed: int) -> Iterator[list[Asked]]:
    """Every person's year, in its order."""
    for number in people:
        chance = random.Random(f"{seed}-{number}")
        person = Person(
            chance,
            pace=chance.choice((1, 2, 2, 4, 7)),
            evening=chance.randrange(24),
            amount=chance.gauss(8.2, 0.7),
            shops=[f"shop-{chance.randrange(5_000)}" for _ in range(chance.randint(4, 14))],
        )
        way = chance.choice(tuple(WAYS)) if chance.random() < FRAUD else None
        day = chance.randint(JUDGED_FROM + 60, YEAR - 2)
        person.silent = (day - 50, day) if way == "sleeping account" else (0, 0)
        _live(person)
        if way is not None:
            at = BEGIN + timedelta(days=day, hours=chance.randrange(24), minutes=chance.randrange(60))
            person.asked += [Asked(act, _risk(chance, "fraud"), way) for act in WAYS[way](person, at)]
        yield sorted(person.asked, key=lambda each: each.act.at)


def _live(person: Person) -> None:
    chance, day = person.chance, 0.0
    while (day := day + chance.expovariate(person.pace / 7)) < YEAR:
        if chance.random() < 0.02:
            person.shops[chance.randrange(len(person.shops))] = f"shop-{chance.randrange(5_000)}"
        if chance.random() < 0.002:
            person.evening = chance.randrange(24)
        if person.silent[0] <= day < person.silent[1]:
            continue
        hour = (
            round(chance.gauss(person.evening, 1.5)) % 24
            if chance.random() < 0.85
            else chance.randrange(7, 23)
        )
        at = BEGIN + timedelta(days=int(day), hours=hour, minutes=chance.randrange(60))
        amount = int(chance.lognormvariate(person.amount + (2.5 if chance.random() < 0.03 else 0), 0.7))
        payee = chance.choice(person.shops) if chance.random() < 0.93 else f"shop-{chance.randrange(5_000)}"
        person.asked.append(Asked(_act(at, payee, amount), _risk(chance, "honest")))


def _act(at: datetime, payee: str, amount: int) -> Act:
    return Act(at, "payment", "CNY", max(1, amount), payee, device="phone", channel="app", place="CN-31")


def _risk(chance: random.Random, who: str) -> int:
    return max(0, min(100, round(chance.gauss(*RISK[who]))))


def _stolen(person: Person, at: datetime) -> list[Act]:
    """The unlocked phone in other hands: three transfers within the hour."""
    amounts = [person.chance.randint(50_000, 99_000) for _ in range(3)]
    return [
        replace(_act(at + timedelta(minutes=9 * n), "mule", each), recent=n + 1)
        for n, each in enumerate(amounts)
    ]


def _talked_into(person: Person, at: datetime) -> list[Act]:
    """The payer pays a fraudster at a usual hour."""
    return [_act(at.replace(hour=person.evening), "fraudster", person.chance.randint(50_000, 99_000))]


def _small_first(person: Person, at: datetime) -> list[Act]:
    """Five small payments, one a day, before the large one."""
    small = [_act(at - timedelta(days=5 - day), "mule", 500) for day in range(5)]
    return [*small, _act(at, "mule", person.chance.randint(60_000, 99_000))]


def _sleeping(person: Person, at: datetime) -> list[Act]:
    """An account that nobody has used for weeks."""
    return [_act(at, "mule", person.chance.randint(50_000, 99_000))]


WAYS: dict[str, Callable[[Person, datetime], list[Act]]] = {
    "stolen phone": _stolen,
    "talked into": _talked_into,
    "small ones first": _small_first,
    "sleeping account": _sleeping,
}


Explained = tuple[bool, bool]
"""Whether every number is what a slow reading of the history gives, and whether the same signals came without any rounding."""


@dataclass(frozen=True, slots=True)
class Judged:
    asked: Asked
    plain: bool
    habits: bool


def lived(
    policies: tuple[Policy, Policy], asked: list[Asked], sampled: random.Random, explained: list[Explained]
) -> Iterator[Judged]:
    """One person's year, learning as it goes. One explanation is checked against the whole history."""
    habits: Habits = NONE
    waiting: list[tuple[datetime, int, Act]] = []
    learned: list[Act] = []
    chosen = _chosen(asked, sampled)
    for number, each in enumerate(asked):
        while waiting and waiting[0][0] <= each.act.at:
            learned.append(heapq.heappop(waiting)[2])
            habits = unpacked(packed(habits.learned(learned[-1])))
        if _is_judged(each):
            said = signals(Packed(packed(habits)), each.act)
            if each is chosen:
                explained.append(_explained(said, learned, each.act))
            plain = _inputs(each)
            seen = replace(plain, **said.inputs())  # type: ignore[arg-type]  # Each input has its own type.
            levels = (policies[0].evaluate(plain).level, policies[1].evaluate(seen).level)
            yield Judged(each, *(level is not Level.NONE for level in levels))
        if each.fraud is None:
            heapq.heappush(waiting, (each.act.at + SETTLES + WAIT, number, each.act))


def _explained(said: Signals, learned: list[Act], act: Act) -> Explained:
    found = {**said.present, **dict.fromkeys(said.unknown)}
    unrounded = reference.signals(learned, act, reference.exact)
    return found == reference.signals(learned, act), found.keys() == unrounded.keys()


def _is_judged(asked: Asked) -> bool:
    return (asked.act.at - BEGIN).days >= JUDGED_FROM


def _chosen(asked: list[Asked], sampled: random.Random) -> Asked | None:
    """Of a person who is defrauded the last fraud, of anybody else any payment."""
    judged = [each for each in asked if _is_judged(each)]
    if not judged:
        return None
    frauds = [each for each in judged if each.fraud]
    return frauds[-1] if frauds else sampled.choice(judged)


def _inputs(asked: Asked) -> Inputs:
    act = asked.act
    return Inputs(
        act.kind,
        act.amount_minor,
        act.currency,
        novelty=Novelty.TRUSTED,
        risk_score=asked.risk,
        channel="app",
    )


def documents() -> tuple[Policy, Policy]:
    """The shipped one without its rules on habits, and as it is."""
    shipped = loading.shipped()
    mapping = json.loads(shipped.canonical)
    rules = [rule for rule in mapping["rules"] if not any(key.startswith(HABITS) for key in rule)]
    return loading.from_mapping({**mapping, "rules": rules, "tests": []}), shipped


PIECE = 100
"""People who are judged at once."""


def piece(policies: tuple[Policy, Policy], seed: int, begin: int) -> dict[str, Any]:
    """What became of a hundred people: asked and honest by risk, and each loss. Any: JSON."""
    honest: Counter[int] = Counter()
    asked = {"plain": 0, "habits": 0}
    losses: list[tuple[str, int, bool, bool]] = []
    explained: list[Explained] = []
    for number, year in enumerate(town(range(begin, begin + PIECE), seed), begin):
        judged = list(lived(policies, year, random.Random(f"{seed}-{number}-sampled"), explained))
        for each in judged:
            if each.asked.fraud is None:
                honest[each.asked.risk] += 1
                asked["plain"] += each.plain
                asked["habits"] += each.habits
        # The payment with which the money is gone: the last one, and one a person, so that trials are independent.
        losses += [
            (each.asked.fraud, each.asked.risk, each.plain, each.habits)
            for each in judged
            if each.asked.fraud
        ][-1:]
    return {"begin": begin, "honest": dict(honest), "asked": asked, "losses": losses, "explained": explained}


def pieces(people: int, seed: int, state: Path | None) -> list[dict[str, Any]]:
    """Those of the file, and whatever is missing, added to it."""
    done = [json.loads(line) for line in state.read_text().splitlines()] if state and state.exists() else []
    policies = documents()
    for begin in range(len(done) * PIECE, people, PIECE):
        found = json.loads(json.dumps(piece(policies, seed, begin)))
        done.append(found)
        if state is not None:
            with state.open("a") as file:
                file.write(json.dumps(found) + "\n")
    return done[: people // PIECE]


def compare(done: list[dict[str, Any]]) -> dict[str, Any]:
    """Any: JSON."""
    honest: Counter[int] = Counter()
    for each in done:
        honest.update({int(risk): count for risk, count in each["honest"].items()})
    losses = [loss for each in done for loss in each["losses"]]
    total = honest.total()
    found: dict[str, Any] = {"people": len(done) * PIECE, "honest": total, "frauds": len(losses)}
    explained = [each for one in done for each in one["explained"]]
    found["explanations_right"] = _share([right for right, _ in explained])
    found["same_signals_without_rounding"] = _share([same for _, same in explained])
    for place, name in enumerate(("plain", "habits")):
        asked = sum(each["asked"][name] for each in done)
        threshold = _threshold(honest, asked)
        found[name] = {
            "challenge_rate": round(asked / total, 5),
            "caught": _share([loss[2 + place] for loss in losses]),
            "risk_alone_from": threshold,
            "risk_alone_challenge_rate": round(_from(honest, threshold) / total, 5),
            "risk_alone_caught": _share([loss[1] >= threshold for loss in losses]),
        }
    found["by_kind"] = {
        way: {
            name: _share([loss[2 + place] for loss in losses if loss[0] == way])
            for place, name in enumerate(("plain", "habits"))
        }
        for way in WAYS
    }
    return found


def _from(honest: Counter[int], threshold: int) -> int:
    return sum(count for risk, count in honest.items() if risk >= threshold)


def _threshold(honest: Counter[int], asked: int) -> int:
    """The highest score that asks at least as often."""
    return max(each for each in range(101) if _from(honest, each) >= asked)


def _share(hits: list[bool]) -> dict[str, object]:
    if not hits:
        return {"k": 0, "n": 0}
    low, high = clopper_pearson(sum(hits), len(hits))
    share = round(sum(hits) / len(hits), 4)
    return {"k": sum(hits), "n": len(hits), "share": share, "95%": [round(low, 4), round(high, 4)]}


def cost(rounds: int) -> dict[str, float]:
    """CPU microseconds of a decision for its habits: unsealing, signals, inputs, what is stored, and the sentences."""
    person = next(town([0], 3))
    habits = NONE
    for each in person[:60]:
        habits = habits.learned(each.act)
    subject, sealer = Subject("bank", "u"), Sealer(KeyRing.create())
    key, place = sealer.new_subject_key(subject), Place("habits", "sealed", "u", subject)
    sealed, account = sealer.seal(key, place, packed(habits)), Account(subject, BEGIN)
    usual = person[60].act
    odd = replace(usual, payee="mule", amount_minor=10**6, at=usual.at + timedelta(hours=11))

    def decide(act: Act) -> Habit:
        payer = Payer(account, None, Packed(sealer.open(key, place, sealed)), 0)
        said = habit_of(payer, act)
        _ = said.inputs, said.to_json(), [sentences(name, numbers) for name, numbers in said.present.items()]
        return said

    key_of_receipts = ec.generate_private_key(ec.SECP256R1())
    signature = _cpu(lambda: key_of_receipts.sign(b"receipt", ec.ECDSA(hashes.SHA256())), rounds)
    found = {"as_usual": _cpu(partial(decide, usual), rounds), "unlike": _cpu(partial(decide, odd), rounds)}
    ratios = {f"{name}_in_signatures": round(each / signature, 2) for name, each in found.items()}
    return {**found, "signature": signature, **ratios}


def flat(users: int, rounds: int) -> float:
    """CPU microseconds of finding a user's habits among so many, by key, in SQLite on a disk, in the order of nobody's names."""
    with tempfile.TemporaryDirectory() as folder:
        base = sqlite3.connect(Path(folder, "habits.db"))
        base.execute("PRAGMA journal_mode = off")
        base.execute(
            "CREATE TABLE habits (client, user_id, sealed, changed_at, PRIMARY KEY (client, user_id))"
        )
        rows = ((f"u_{number}", bytes(574)) for number in range(users))
        base.executemany("INSERT INTO habits VALUES ('bank', ?, ?, 0)", rows)
        base.commit()
        names = [f"u_{random.Random(number).randrange(users)}" for number in range(rounds)]
        find = "SELECT sealed FROM habits WHERE client = 'bank' AND user_id = ?"
        found = _cpu(lambda: [base.execute(find, (name,)).fetchall() for name in names], 1)
        base.close()
        return round(found / rounds, 2)


def _cpu(act: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(15):
        begun = time.process_time()
        for _ in range(rounds):
            act()
        best = min(best, (time.process_time() - begun) / rounds * 1e6)
    return round(best, 1)


@click.command()
@click.option("--people", default=10_000, show_default=True, help=f"In steps of {PIECE}.")
@click.option("--seed", default=19, show_default=True)
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="A file to go on with.")
@click.option("--users", default="1000,10000,100000,1000000", show_default=True, help="To look one up among.")
@click.option("--rounds", default=1_000, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(people: int, seed: int, state: Path | None, users: str, rounds: int, as_json: bool) -> None:
    found = {
        "cpu_us": cost(rounds),
        "lookup_us": {each: flat(int(each), rounds) for each in users.split(",") if each},
        "town": compare(pieces(people, seed, state)) if people else None,
    }
    for name, each in found.items():
        click.echo(f"{name}: {each}", err=as_json)
    if as_json:
        click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
