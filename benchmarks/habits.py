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
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import BigInteger, Table, create_engine

sys.path.insert(0, str(Path(__file__).parents[1]))

from authsvc.domain.account import Account
from authsvc.domain.decision import Habit
from authsvc.domain.payer import Payer, habit_of
from authsvc.habit.form import SIZE, Packed, packed, unpacked
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
from authsvc.storage import schema
from authsvc.storage.accounts import FIND_PAYER, FIND_WITH_DEVICE
from authsvc.storage.sealing import Place, Sealer
from authsvc.storage.sqlite import SqliteConnection
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


WIDTHS = {"users": 40, "habits": SIZE + 29}
"""Bytes of a value: habits with what sealing adds."""

TURNS = 200
"""How often each thing that is timed has its turn."""

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
    """CPU microseconds of a decision for its habits beside the look-up: unsealing, signals, inputs, what is stored, sentences."""
    person = next(town([0], 3))
    habits = NONE
    for each in person[:60]:
        habits = habits.learned(each.act)
    subject, sealer = Subject("bank", "u"), Sealer(KeyRing.create())
    key = sealer.new_subject_key(subject)
    sealed = sealer.seal(key, Place("habits", "sealed", "u", subject), packed(habits))
    usual, account = person[60].act, Account(subject, BEGIN)
    odd = replace(usual, payee="mule", amount_minor=10**6, at=usual.at + timedelta(hours=11))

    def decide(act: Act) -> Habit:
        place = Place("habits", "sealed", subject.user, subject)
        said = habit_of(Payer(account, None, Packed(sealer.open(key, place, sealed)), 0), act)
        _ = said.inputs, said.to_json(), [sentences(name, numbers) for name, numbers in said.present.items()]
        return said

    key_of_receipts = ec.generate_private_key(ec.SECP256R1())
    found = _medians(
        {
            "as_usual": partial(decide, usual),
            "unlike": partial(decide, odd),
            "signature": lambda: key_of_receipts.sign(b"receipt", ec.ECDSA(hashes.SHA256())),
        },
        rounds,
    )
    ratios = {
        f"{name}_in_signatures": round(found[name] / found["signature"], 2) for name in ("as_usual", "unlike")
    }
    return {**found, **ratios}


class Populated:
    """The service's own schema in SQLite on a disk, with so many users and their habits, in the order of nobody's names."""

    def __init__(self, folder: Path, users: int) -> None:
        path = folder / f"{users}.db"
        schema.metadata.create_all(create_engine(f"sqlite:///{path}"))
        self._mine, self._other = SqliteConnection(path, 5), SqliteConnection(path, 5)
        self._users, self._chance = users, random.Random(users)
        # What another process has written meanwhile, so that nothing read before may be believed, as between two decisions.
        self._other.run("CREATE TABLE ticks (at)", {})
        self._other.run("INSERT INTO ticks VALUES (0)", {})
        self._other.run("PRAGMA foreign_keys = OFF", {})
        self._other.run("PRAGMA synchronous = OFF", {})
        order = list(range(users))
        self._chance.shuffle(order)
        self._other.begin()
        for table in (schema.users, schema.habits):
            self._other.many(_filling(table), ({"user": f"u_{number}"} for number in order))
        self._other.commit()

    def look_up(self, statement: str) -> float:
        """CPU microseconds of one statement about anybody, within a transaction that writes."""
        user = f"u_{self._chance.randrange(self._users)}"
        about = {"user": user, "client": "bank", "device": None, "transaction": "none", "since": 1}
        self._other.run("UPDATE ticks SET at = at + 1", {})
        self._mine.begin()
        self._mine.all("SELECT at FROM ticks", {})
        begun = time.thread_time_ns()
        self._mine.all(statement, about)
        lasted = time.thread_time_ns() - begun
        self._mine.rollback()
        return lasted / 1_000

    def close(self) -> None:
        self._mine.close()
        self._other.close()


def _filling(table: Table) -> str:
    """A row of a user, with something in each column that no look-up looks at."""
    others = [each for each in table.columns if each.name not in ("client", "user_id")]
    values = [
        "0" if isinstance(each.type, BigInteger) else f"zeroblob({WIDTHS[table.name]})" for each in others
    ]
    names = ", ".join(each.name for each in others)
    return f"INSERT INTO {table.name} (client, user_id, {names}) VALUES ('bank', :user, {', '.join(values)})"  # noqa: S608  # Names of the schema.


def flat(sizes: Sequence[int], rounds: int) -> dict[str, dict[str, float]]:
    """What the look-up of a payer costs with habits and the count of this hour, and without; sizes take turns, medians."""
    with tempfile.TemporaryDirectory() as folder:
        populated = [Populated(Path(folder), size) for size in sizes]
        ways = {"with": FIND_PAYER, "without": FIND_WITH_DEVICE}
        found: dict[tuple[int, str], list[float]] = {(size, way): [] for size in sizes for way in ways}
        for _ in range(rounds):
            for size, each in zip(sizes, populated, strict=True):
                for way, statement in ways.items():
                    found[size, way].append(each.look_up(statement))
        for each in populated:
            each.close()
    medians = {size: {way: median(found[size, way]) for way in ways} for size in sizes}
    return {
        str(size): {**_rounded(each), "habits": round(each["with"] - each["without"], 1)}
        for size, each in medians.items()
    }


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(each, 1) for name, each in figures.items()}


def _medians(acts: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """CPU microseconds of each, which take turns."""
    found: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(TURNS):
        for name, act in acts.items():
            begun = time.thread_time_ns()
            for _ in range(rounds):
                act()
            found[name].append((time.thread_time_ns() - begun) / rounds / 1_000)
    return _rounded({name: median(each) for name, each in found.items()})


@click.command()
@click.option("--people", default=10_000, show_default=True, help=f"In steps of {PIECE}.")
@click.option("--seed", default=19, show_default=True)
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="A file to go on with.")
@click.option("--users", default="1000,10000,100000,1000000", show_default=True, help="To look one up among.")
@click.option("--rounds", default=3_000, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(people: int, seed: int, state: Path | None, users: str, rounds: int, as_json: bool) -> None:
    found = {
        "cpu_us": cost(rounds // 20),
        "lookup_us": flat([int(each) for each in users.split(",") if each], rounds),
        "town": compare(pieces(people, seed, state)) if people else None,
    }
    for name, each in found.items():
        click.echo(f"{name}: {each}", err=as_json)
    if as_json:
        click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
