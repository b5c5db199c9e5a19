"""Live for an hour as a payment company does, at half of what the machine can do: `soak.py --minutes 60 --json`.

Payments that nobody is asked about, that a code releases, that are declined, cancelled, left open and told the outcome of; people
who enroll, pass bad pictures, are frozen, exported and erased; a backend that follows the feed, waits, reads the audit and has
webhooks sent.
Goes on in `--folder` where an earlier run ended: faults and counts add up, memory is compared within one life of the service.
Ends with 1 where something was answered that should not be, the audit is not sound, or the last quarter held over 1.05 times
the memory of the second.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import secrets
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from PIL import Image

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_CHECKOUT))

from tests.guarantees.people import Challenge, Person, Shop, expect, open_ticket  # noqa: E402  # As above.
from tests.support.live import LiveService  # noqa: E402
from tests.support.postgres import PostgresServer, postgres_program  # noqa: E402
from tests.support.receiver import Receiver  # noqa: E402
from tests.support.redis_server import RedisServer  # noqa: E402

THREADS = 8
SAMPLE_S = 5
MOST = 1.05
GONE = 12
AUDIT_S = 900
SMALL = 2_500


class Town:
    """People who come and go, and the calls that are made about them."""

    def __init__(self, live: LiveService) -> None:
        self.shop = Shop(live)
        self.people = [Person(self.shop) for _ in range(THREADS)]
        self.gone: deque[Person] = deque()
        self.moving = threading.Lock()
        self.feed = ""

    def somebody(self) -> Person:
        return random.choice(self.people)

    def challenged(self) -> tuple[dict[str, Any], Challenge]:
        """A payment that a code is due for. Whom so many wrong codes of ours had blocked makes room for somebody."""
        while True:
            person = self.somebody()
            payment = self.shop.payment(person)
            decision = expect(self.shop.decide(payment), 201)
            if decision["status"] == "challenge_required":
                return payment, Challenge(self.shop.live, decision)
            assert decision["reasons"][0]["rule"] == "account-blocked", decision
            self.replace(person)

    def replace(self, person: Person) -> None:
        newcomer = Person(self.shop)
        with self.moving:
            self.people = [newcomer if each is person else each for each in self.people]

    def pay_unasked(self) -> None:
        decided = self.shop.decide(self.shop.payment(self.somebody(), SMALL))
        assert expect(decided, 201)["status"] in ("approved", "exempted", "challenge_required", "denied")

    def pay_by_code(self) -> None:
        payment, challenge = self.challenged()
        if random.random() < 0.2:
            challenge.give_code(f"{secrets.randbelow(10**8):08d}")
            assert challenge.complete().slug in ("challenge-failed", "challenge-closed", "locked")
            return
        assert challenge.try_code(self.shop.issued_code(challenge.decision_id)).status == 200
        receipt = self.shop.decision(challenge.decision_id)["receipt"]
        body = {"receipt": receipt, "transaction": payment["transaction"], "user_id": payment["user_id"]}
        expect(self.shop.post("/v1/receipts/verify", body), 200)
        expect(self.shop.consume(receipt, payment), 200)
        assert self.shop.consume(receipt, payment).status == 409
        outcome = {"outcome": random.choice(("settled", "refunded", "fraud"))}
        expect(self.shop.post(f"/v1/decisions/{challenge.decision_id}/outcome", outcome), 200)

    def pay_from_a_stranger(self) -> None:
        asked = self.shop.payment(
            self.somebody(), 10 * SMALL, known_phone=False, risk={"score": random.randrange(101)}
        )
        expect(self.shop.decide(asked), 201)

    def decline(self) -> None:
        _, challenge = self.challenged()
        expect(challenge.post("decline", {"choice": "cancel"}), 200)

    def cancel(self) -> None:
        _, challenge = self.challenged()
        expect(self.shop.post(f"/v1/decisions/{challenge.decision_id}/cancel"), 200)

    def wait_for_an_answer(self) -> None:
        _, challenge = self.challenged()
        expect(self.shop.get(f"/v1/decisions/{challenge.decision_id}", Prefer="wait=1"), 200)

    def leave_open(self) -> None:
        self.challenged()

    def come_and_go(self) -> None:
        """Somebody new in the place of somebody; whoever went so long ago that no payment is open is frozen, or erased."""
        newcomer, place = Person(self.shop), random.randrange(len(self.people))
        with self.moving:
            self.gone.append(self.people[place])
            self.people[place] = newcomer
            if len(self.gone) <= GONE:
                return
            user = self.gone.popleft().user
        if random.random() < 0.5:
            expect(self.shop.post(f"/v1/users/{user}/freeze", {"reason": "a soak"}), 200)
        else:
            expect(self.shop.get(f"/v1/users/{user}/export"), 200)
            expect(self.shop.send("DELETE", f"/v1/users/{user}"), 200)

    def show_a_bad_picture(self) -> None:
        ticket = open_ticket(self.shop, f"u_{secrets.token_hex(6)}")
        ticket.begin("consent")
        expect(ticket.put("consent", {"modalities": ["face"]}), 200)
        answer = ticket.capture(ticket.begin("face")["nonce"], [_picture()])
        assert answer.status in (422, 415), answer

    def follow_the_feed(self) -> None:
        page = expect(self.shop.get(f"/v1/events?limit=200{self.feed}"), 200)
        if page.get("next"):
            self.feed = f"&after={page['next']}"

    def read_the_audit(self) -> None:
        expect(self.shop.get("/v1/audit/events?limit=200"), 200)
        expect(self.shop.get("/v1/audit/checkpoints"), 200)

    def look_around(self) -> None:
        for path in ("/metrics", "/readyz", "/healthz", "/.well-known/jwks.json", "/v1/openapi.json"):
            assert self.shop.get(path).status == 200, path
        expect(self.shop.get(f"/v1/users/{self.somebody().user}/status"), 200)


def _picture() -> bytes:
    """Noise: nobody is on it, and the worker looks for somebody."""
    sheet, written = Image.frombytes("L", (320, 240), os.urandom(320 * 240)), io.BytesIO()
    sheet.save(written, "JPEG")
    return written.getvalue()


KINDS: tuple[tuple[int, Callable[[Town], None]], ...] = (
    (40, Town.pay_unasked),
    (20, Town.pay_by_code),
    (8, Town.pay_from_a_stranger),
    (5, Town.follow_the_feed),
    (4, Town.decline),
    (4, Town.cancel),
    (4, Town.leave_open),
    (3, Town.wait_for_an_answer),
    (3, Town.come_and_go),
    (3, Town.look_around),
    (2, Town.read_the_audit),
    (2, Town.show_a_bad_picture),
)


class Traffic:
    """Who calls: as fast as answers come, or by a schedule; whatever surprised is kept, the first hundred in words."""

    def __init__(self, town: Town) -> None:
        self.done: Counter[str] = Counter()
        self.faults: list[str] = []
        self._town = town
        self._kinds = [kind for _, kind in KINDS]
        self._weights = [weight for weight, _ in KINDS]

    def run(self, seconds: float, rate: float | None = None) -> float:
        """How many a second it came to."""
        before, began = self.done.total(), time.monotonic()
        threads = [
            threading.Thread(target=self._calls, args=(began, seconds, rate, n)) for n in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (self.done.total() - before) / (time.monotonic() - began)

    def _calls(self, began: float, seconds: float, rate: float | None, number: int) -> None:
        due = began + (0.0 if rate is None else number / rate)
        while (now := time.monotonic()) < began + seconds:
            if rate is not None and due > now:
                time.sleep(min(due - now, 1.0))
                continue
            due += 0.0 if rate is None else THREADS / rate
            self._call(random.choices(self._kinds, self._weights)[0])

    def _call(self, kind: Callable[[Town], None]) -> None:
        name = kind.__name__
        try:
            kind(self._town)
        except (AssertionError, OSError, HTTPException, KeyError) as error:
            self.faults.append(f"{name}: {error!r}"[:300])
        self.done[name] += 1


class Memory:
    """What each kind of process holds, in MiB (PSS: what is shared counts once), every few seconds."""

    def __init__(self, live: LiveService) -> None:
        self.samples: list[dict[str, float]] = []
        self._live, self._stop = live, threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            kinds = {
                "web": self._live.web_processes,
                "sender": lambda: [self._live.sender_process()],
                "biometric": lambda: [self._live.biometric_process()],
            }
            with suppress(psutil.Error, ValueError):
                self.samples.append({name: sum(map(_held, found())) for name, found in kinds.items()})

    def quarters(self) -> dict[str, dict[str, float]]:
        """The second quarter and the last, and their ratio."""
        size = len(self.samples) // 4
        found = {}
        for name in self.samples[0] if size else ():
            second, last = (
                median(each[name] for each in self.samples[quarter * size : (quarter + 1) * size])
                for quarter in (1, 3)
            )
            found[name] = {
                "second": round(second, 1),
                "last": round(last, 1),
                "ratio": round(last / second, 3),
            }
        return found


def _held(process: psutil.Process) -> float:
    family = [process, *process.children(recursive=True)]
    return sum(float(each.memory_full_info().pss) for each in family) / (1 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--load", type=float, default=0.5, help="of what a closed loop of a minute came to")
    parser.add_argument("--networked", action="store_true", help="on PostgreSQL and Redis instead of SQLite")
    parser.add_argument("--folder", type=Path, default=_CHECKOUT / "var" / "soak")
    parser.add_argument("--models", type=Path, default=_CHECKOUT / "var" / "models")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    found = _soaked(options)
    print(json.dumps(found) if options.json else json.dumps(found, indent=1))
    if (
        found["faults"]
        or not found["sound"]
        or any(each["ratio"] > MOST for each in found["memory"].values())
    ):
        raise SystemExit(1)


def _soaked(options: argparse.Namespace) -> dict[str, Any]:
    kept = options.folder / "soak.json"
    state: dict[str, Any] = (
        json.loads(kept.read_text()) if kept.exists() else {"minutes": 0.0, "done": {}, "faults": []}
    )
    with ExitStack() as stack:
        live = stack.enter_context(_service(options, stack, state))
        live.await_face()
        traffic = Traffic(stack.enter_context(_town(live)))
        if "rate" not in state:
            traffic.run(10)
            state["closed_loop"] = traffic.run(60)
            state["rate"] = options.load * state["closed_loop"]
        memory = stack.enter_context(Memory(live))
        told = 0
        while state["minutes"] < options.minutes:
            lasting = min(1.0, options.minutes - state["minutes"])
            traffic.run(60 * lasting, state["rate"])
            state["minutes"] += lasting
            state["done"] = Counter(state["done"]) + traffic.done
            state["faults"] += traffic.faults[told:]
            traffic.done.clear()
            told = len(traffic.faults)
            state["memory"] = memory.quarters()
            kept.write_text(json.dumps(state))
            print(
                f"{state['minutes']:>6.1f}  {sum(state['done'].values())} calls", file=sys.stderr, flush=True
            )
        report = live.audit_report(AUDIT_S)
        return {
            "minutes": round(state["minutes"], 1),
            "store": "postgresql+redis" if options.networked else "sqlite",
            "a_second": {each: round(state[each], 1) for each in ("closed_loop", "rate")},
            "done": state["done"],
            "faults": len(state["faults"]),
            "first_faults": state["faults"][:10],
            "unforeseen": _unforeseen(live),
            "memory": state["memory"],
            "audit_lines": report["links"],
            "sound": report["sound"],
        }


def _unforeseen(live: LiveService) -> int:
    return sum("unforeseen" in line or "Traceback" in line for line in live.log.read_text().splitlines())


@contextmanager
def _town(live: LiveService) -> Iterator[Town]:
    """With a webhook for everything, which somebody takes."""
    town = Town(live)
    with Receiver() as receiver:
        endpoint = expect(town.shop.post("/v1/webhooks", {"url": receiver.url, "types": []}), 201)
        yield town
        live.ask("DELETE", f"/v1/webhooks/{endpoint['id']}", town.shop._bearer)


def _service(options: argparse.Namespace, stack: ExitStack, state: dict[str, Any]) -> LiveService:
    if not options.networked:
        return LiveService(options.folder, options.models, workers=2)
    postgres, initdb = postgres_program("postgres"), postgres_program("initdb")
    if postgres is None or initdb is None:
        raise SystemExit("PostgreSQL is not installed")
    place = options.folder / "servers"
    place.mkdir(mode=0o711, exist_ok=True)
    begun = "database" in state
    user = "postgres" if os.geteuid() == 0 else None
    database = stack.enter_context(
        PostgresServer(postgres, place / "data", user=user)
        if begun
        else PostgresServer.create(postgres, initdb, place)
    )
    redis = stack.enter_context(RedisServer("redis-server", options.folder))
    state["database"] = state["database"] if begun else database.create_database()
    url = database.url(state["database"])
    return LiveService(options.folder, options.models, workers=2, database_url=url, redis_url=redis.url)


if __name__ == "__main__":
    main()
