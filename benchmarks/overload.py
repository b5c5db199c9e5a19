"""What becomes of everybody when more is asked than can be done? `python benchmarks/overload.py --json`.

On the embedded SQLite, decisions of a known phone. First the capacity, by a closed loop, and the calm: a quarter of it. Then
twice the capacity, from a schedule that does not wait for answers; then one client that floods beside another that pays in
peace; then decisions while captures keep the biometric worker busy. Latencies count from when a request was *due*. What
is to be read are the ratios: each is taken within minutes on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_CHECKOUT))

import uvloop  # noqa: E402  # The checkout is on the path only from here on.
from PIL import Image  # noqa: E402  # As above.

from benchmarks.decisions import (  # noqa: E402  # As above.
    Asking,
    Target,
    asking_as,
    call,
    closed_loop,
    service,
)
from tests.guarantees.people import form  # noqa: E402  # As above.

CONNECTIONS = 512
"""Of one load process; who finds none free waits, and is counted as waiting."""

Bytes = Callable[[str], bytes]


@dataclass
class Seen:
    """Seconds from due to done, by status; 0 for no whole answer.

    `late` is how long after it was due the sender turned to each, `waited` how long until it had a connection for it as well.
    """

    by_status: dict[int, list[float]] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def add(self, status: int, seconds: float) -> None:
        self.by_status.setdefault(status, []).append(seconds)

    def count(self, *statuses: int) -> int:
        return sum(len(self.by_status.get(each, ())) for each in statuses)

    def failures(self, *expected: int) -> int:
        return sum(len(each) for status, each in self.by_status.items() if status not in expected)

    def p99_ms(self, *statuses: int) -> float:
        return _p99_ms([seconds for each in statuses for seconds in self.by_status.get(each, ())])


def _p99_ms(seconds: Sequence[float]) -> float:
    found = sorted(seconds)
    return round(1e3 * found[int(len(found) * 0.99)], 1) if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument(
        "--seconds", type=int, default=60, help="at twice the capacity; the other stages take a third"
    )
    parser.add_argument(
        "--requests", type=int, default=4_000, help="of the closed loop that finds the capacity"
    )
    parser.add_argument("--models", type=Path, default=_CHECKOUT / "var" / "models")
    options = parser.parse_args()
    print_figures(measured(options), as_json=options.json)


def print_figures(figures: dict[str, float], *, as_json: bool) -> None:
    """A line each, and at the end all of them as JSON where asked for."""
    for name, value in figures.items():
        print(f"{name:>32}  {value:g}")
    if as_json:
        print(json.dumps(figures))


def measured(options: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="authsvc-bench-") as name:
        folder = Path(name) / "sqlite"
        with service("sqlite", folder, options.models) as target:
            other = Target("other", target.port, target.process, _another_client(target, folder / "data"))
            short = max(5, options.seconds // 3)
            found = {
                "load_before": os.getloadavg()[0],
                **_twice(target, options.requests, options.seconds, short),
            }
            rate = max(2.0, found["capacity_per_second"] / 20)
            alone = open_loop(other, rate, short)
            with _flood(target):
                flooded = open_loop(other, rate, short)
            with _captures(target):
                beside = open_loop(other, rate, short)
    for stage, seen in (("alone", alone), ("amid_a_flood", flooded), ("amid_captures", beside)):
        found |= {f"{stage}_p99_ms": seen.p99_ms(201), f"{stage}_failures": seen.failures(201)}
    calm = found["alone_p99_ms"]
    found["flood_ratio"] = round(found["amid_a_flood_p99_ms"] / calm, 2)
    found["captures_ratio"] = round(found["amid_captures_p99_ms"] / calm, 2)
    return found | {"load_after": os.getloadavg()[0]}


def _twice(target: Target, requests: int, seconds: int, short: int) -> dict[str, float]:
    closed_loop(target, requests // 4)
    began = time.perf_counter()
    capacity = closed_loop(target, requests) / (time.perf_counter() - began)
    calm = open_loop(target, capacity / 4, short)
    crowded = open_loop(target, capacity * 2, seconds)
    return {
        "capacity_per_second": round(capacity),
        "calm_p99_ms": calm.p99_ms(201),
        "twice_accepted": crowded.count(201),
        "twice_accepted_p99_ms": crowded.p99_ms(201),
        "twice_refused": crowded.count(503, 429),
        "twice_refused_p99_ms": crowded.p99_ms(503, 429),
        # So much of it may be the sender's own doing, on a machine that it has to share, or for want of connections.
        "twice_sender_late_p99_ms": _p99_ms(crowded.late),
        "twice_sent_late_p99_ms": _p99_ms(crowded.waited),
        "twice_failures": crowded.failures(201, 503, 429),
        "twice_ratio": round(crowded.p99_ms(201) / calm.p99_ms(201), 2),
    }


# -- Load -----------------------------------------------------------------------------------------------------------------


def open_loop(target: Target, rate: float, seconds: int) -> Seen:
    """Requests by their schedule, from a process of their own that goes before what it measures."""
    with multiprocessing.get_context("fork").Pool(1, _go_first) as pool:
        return pool.apply(_on_schedule, (target.port, target.request, rate, seconds))


def _go_first() -> None:
    with suppress(PermissionError):
        os.nice(-5)


def _on_schedule(port: int, request: Bytes, rate: float, seconds: int) -> Seen:
    return uvloop.run(_scheduled(port, request, rate, seconds))


async def _scheduled(port: int, request: Bytes, rate: float, seconds: int) -> Seen:
    seen, idle = Seen(), asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None]()
    for _ in range(CONNECTIONS):
        idle.put_nowait(None)
    prefix, start = f"s{time.monotonic_ns()}", time.perf_counter() + 0.1

    async def one(number: int, due: float) -> None:
        seen.late.append(time.perf_counter() - due)
        line = await idle.get()
        try:
            line = line or await asyncio.open_connection("127.0.0.1", port)
            seen.waited.append(time.perf_counter() - due)
            status, stays = await _asked(*line, request(f"{prefix}-{number}"))
        except (OSError, asyncio.IncompleteReadError):
            status, stays = 0, False
        seen.add(status, time.perf_counter() - due)
        if not stays and line is not None:
            line[1].close()
        idle.put_nowait(line if stays else None)

    under_way = []
    for number in range(round(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        under_way.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*under_way)
    return seen


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> tuple[int, bool]:
    """The status of one answer, and whether the connection stays."""
    writer.write(raw)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(row for row in head.split(b"\r\n") if row.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return int(head.split(b" ", 2)[1]), b"connection: close" not in head


@contextmanager
def _flood(target: Target) -> Iterator[None]:
    """Sixty-four connections of one client, each with a request under way at all times, whatever it is answered."""
    with _meanwhile(_flooding, target.port, target.request):
        yield


def _flooding(port: int, request: Bytes) -> None:
    async def line(number: int) -> None:
        count, prefix = 0, f"f{time.monotonic_ns()}-{number}"
        while True:
            # Whatever becomes of a connection, another takes its place.
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                stays = True
                while stays:
                    _, stays = await _asked(reader, writer, request(f"{prefix}-{count}"))
                    count += 1
                writer.close()

    async def lines() -> None:
        await asyncio.gather(*map(line, range(64)))

    asyncio.run(lines())


@contextmanager
def _captures(target: Target) -> Iterator[None]:
    """Four people whose pictures come again and again; nobody is on them, and the worker looks for somebody."""
    assert isinstance(target.request, Asking)
    with _meanwhile(_capturing, f"http://127.0.0.1:{target.port}", target.request.key):
        time.sleep(2)
        yield


def _capturing(base_url: str, key: str) -> None:
    people = [
        threading.Thread(target=_show_again_and_again, args=(base_url, key, _picture())) for _ in range(4)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()


def _show_again_and_again(base_url: str, key: str, picture: bytes) -> None:
    while True:
        try:
            _show(base_url, key, picture)
        except OSError:
            # Refused, or unusable as often as a step may be: somebody else comes.
            time.sleep(0.05)


def _show(base_url: str, key: str, picture: bytes) -> None:
    user = f"u{os.getpid()}-{time.monotonic_ns()}"
    backend = {"Authorization": f"Bearer {key}", "Idempotency-Key": f'"{user}"'}
    ticket = call(base_url, "POST", "/v1/enrollments", {"user_id": user, "locale": "en"}, backend)
    person = {"Authorization": f"Enrollment {ticket['token']}"}
    steps = f"/v1/enrollments/{ticket['id']}/steps"
    call(base_url, "POST", f"{steps}/consent/begin", {}, person)
    call(base_url, "PUT", f"{steps}/consent", {"modalities": ["face"]}, person)
    nonce: Any = call(base_url, "POST", f"{steps}/face/begin", {}, person)["nonce"]
    kind, body = form({"nonce": str(nonce)}, [picture])
    for _ in range(20):
        shown = Request(f"{base_url}{steps}/face", body, {**person, "Content-Type": kind}, method="PUT")
        with suppress(HTTPError), urlopen(shown):
            pass


def _picture() -> bytes:
    sheet = Image.frombytes("L", (640, 480), os.urandom(640 * 480))
    written = io.BytesIO()
    sheet.save(written, "JPEG")
    return written.getvalue()


@contextmanager
def _meanwhile(function: Callable[..., None], *given: object) -> Iterator[None]:
    process = multiprocessing.get_context("fork").Process(target=function, args=given, daemon=True)
    process.start()
    try:
        yield
        if not process.is_alive():
            raise SystemExit(f"{function.__name__} ended before what it was to disturb")
    finally:
        process.kill()
        process.join()


def _another_client(target: Target, data_dir: Path) -> Bytes:
    """Requests of a second payment backend, with a phone of its own payer."""
    program = str(Path(sys.executable).with_name("authsvc"))
    command = [program, "keys", "create", "--client", "other-shop", "--json", "--data-dir", str(data_dir)]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    asking = asking_as(f"http://127.0.0.1:{target.port}", str(made["api_key"]))
    # Whoever asked a moment ago is there, and has threads kept for it.
    time.sleep(3)
    return asking


if __name__ == "__main__":
    main()
