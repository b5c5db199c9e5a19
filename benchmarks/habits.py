"""Habits in a made-up town: how much more fraud is caught for the same number of questions, and what a decision pays for it.

`python benchmarks/habits.py --json`. People with shops, hours and amounts of their own pay for a year; shops and hours change on
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
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import click

from authsvc.domain.account import Account
from authsvc.domain.decision import Habit
from authsvc.domain.payer import Payer, habit_of
from authsvc.habit.form import Packed, packed, unpacked
from authsvc.habit.habits import NONE, Habits
from authsvc.habit.sentences import sentences
from authsvc.habit.signals import signals
from authsvc.habit.words import Act
from authsvc.keys.keyring import KeyRing
from authsvc.lab.intervals import clopper_pearson
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import HABITS, Inputs
from authsvc.policy.level import Level
from authsvc.storage.sealing import Place, Sealer
from authsvc.subject import Novelty, Subject

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


def town(people: int, seed: int) -> Iterator[list[Asked]]:
    """Every person's year, in its order."""
    for number in range(people):
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


@dataclass(frozen=True, slots=True)
class Judged:
    asked: Asked
    plain: bool
    habits: bool


def lived(policies: tuple[Policy, Policy], asked: list[Asked]) -> Iterator[Judged]:
    """One person's year, learning as it goes."""
    habits: Habits = NONE
    waiting: list[tuple[datetime, int, Act]] = []
    for number, each in enumerate(asked):
        while waiting and waiting[0][0] <= each.act.at:
            habits = unpacked(packed(habits.learned(heapq.heappop(waiting)[2])))
        if (each.act.at - BEGIN).days >= JUDGED_FROM:
            said = signals(Packed(packed(habits)), each.act)
            plain = _inputs(each)
            seen = replace(plain, **said.inputs())  # type: ignore[arg-type]  # Each input has its own type.
            levels = (policies[0].evaluate(plain).level, policies[1].evaluate(seen).level)
            yield Judged(each, *(level is not Level.NONE for level in levels))
        if each.fraud is None:
            heapq.heappush(waiting, (each.act.at + SETTLES + WAIT, number, each.act))


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


def compare(people: int, seed: int) -> dict[str, Any]:
    """Any: JSON."""
    policies = documents()
    honest: list[Judged] = []
    losses: list[Judged] = []
    for asked in town(people, seed):
        judged = list(lived(policies, asked))
        honest += (each for each in judged if each.asked.fraud is None)
        # The payment with which the money is gone: the last one, and one a person, so that trials are independent.
        losses += [each for each in judged if each.asked.fraud is not None][-1:]
    found: dict[str, Any] = {"people": people, "honest": len(honest), "frauds": len(losses)}
    for name in ("plain", "habits"):
        rate = sum(getattr(each, name) for each in honest) / len(honest)
        threshold = sorted((each.asked.risk for each in honest), reverse=True)[int(rate * len(honest))]
        caught = [getattr(each, name) for each in losses]
        alone = [each.asked.risk >= threshold for each in losses]
        found[name] = {
            "challenge_rate": round(rate, 5),
            "caught": _share(caught),
            "risk_alone_from": threshold,
            "risk_alone_challenge_rate": round(
                sum(each.asked.risk >= threshold for each in honest) / len(honest), 5
            ),
            "risk_alone_caught": _share(alone),
        }
    found["by_kind"] = {
        way: {
            name: _share([getattr(each, name) for each in losses if each.asked.fraud == way])
            for name in ("plain", "habits")
        }
        for way in WAYS
    }
    return found


def _share(hits: list[bool]) -> dict[str, object]:
    if not hits:
        return {"k": 0, "n": 0}
    low, high = clopper_pearson(sum(hits), len(hits))
    share = round(sum(hits) / len(hits), 4)
    return {"k": sum(hits), "n": len(hits), "share": share, "95%": [round(low, 4), round(high, 4)]}


def cost(rounds: int) -> dict[str, float]:
    """CPU microseconds of a decision for its habits: unsealing, signals, inputs, what is stored, and the sentences."""
    person = next(iter(town(1, 3)))
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

    return {"as_usual": _cpu(partial(decide, usual), rounds), "unlike": _cpu(partial(decide, odd), rounds)}


def flat(users: int, rounds: int) -> float:
    """CPU microseconds of finding a user's row among so many, by key, in SQLite."""
    base = sqlite3.connect("")
    base.execute(
        "CREATE TABLE habits (client TEXT, user_id TEXT, sealed BLOB, PRIMARY KEY (client, user_id))"
    )
    base.executemany(
        "INSERT INTO habits VALUES ('bank', ?, ?)", ((f"u_{n}", bytes(574)) for n in range(users))
    )
    chance = random.Random(1)
    names = [f"u_{chance.randrange(users)}" for _ in range(rounds)]
    begun = time.process_time()
    for name in names:
        base.execute("SELECT sealed FROM habits WHERE client = 'bank' AND user_id = ?", (name,)).fetchall()
    return round((time.process_time() - begun) / rounds * 1e6, 2)


def _cpu(act: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        for _ in range(rounds):
            act()
        best = min(best, (time.process_time() - begun) / rounds * 1e6)
    return round(best, 1)


@click.command()
@click.option("--people", default=10_000, show_default=True)
@click.option("--seed", default=19, show_default=True)
@click.option(
    "--users", default="1000,10000,100000", show_default=True, help="Numbers of users to look one up among."
)
@click.option("--rounds", default=2_000, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(people: int, seed: int, users: str, rounds: int, as_json: bool) -> None:
    found = {
        "cpu_us": cost(rounds),
        "lookup_us": {each: flat(int(each), rounds) for each in users.split(",")},
        "town": compare(people, seed),
    }
    for name, each in found.items():
        click.echo(f"{name}: {each}", err=as_json)
    if as_json:
        click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
