"""What does one decision cost? `python benchmarks/decisions.py --json`.

`POST /v1/decisions`, authenticated, idempotent, durable and audited, on the embedded SQLite and on PostgreSQL with Redis, against
a bare Flask endpoint under the same server with the same number of processes and threads in the same run. Clients are
of their own; the rate is a closed loop of keep-alive connections, the latencies an open loop at a fixed rate, timed from
when each request was *due*. CPU time is that of the whole process tree of the server; PostgreSQL's and Redis's stand apart.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil

_CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_CHECKOUT))

from tests.support.ports import free_port  # noqa: E402  # The checkout is on the path only from here on.
from tests.support.postgres import PostgresServer, postgres_program  # noqa: E402
from tests.support.redis_server import RedisServer  # noqa: E402

WORKERS, THREADS = 2, 16
CONNECTIONS = 32
_DURABLE = ("fsync=on", "full_page_writes=on", "synchronous_commit=on", "max_connections=100")


@dataclass(frozen=True, slots=True)
class Target:
    """A running server and the request to put to it; `others` are the databases it leans on."""

    name: str
    port: int
    process: psutil.Process
    request: Callable[[str], bytes]
    others: tuple[int, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--requests", type=int, default=8_000, help="requests of each closed loop")
    parser.add_argument("--rate", type=int, default=200, help="requests per second of the open loop")
    parser.add_argument("--seconds", type=int, default=10, help="length of the open loop")
    parser.add_argument("--models", type=Path, default=_CHECKOUT / "var" / "models")
    parser.add_argument("--only", choices=["sqlite", "postgres_redis"], help="one store only")
    parser.add_argument("--bare-flask", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare_flask is not None:
        return serve_bare_flask(options.bare_flask)
    figures = compare(options)
    for name, found in figures.items():
        print(f"{name:>16}  " + "  ".join(f"{key} {value:g}" for key, value in found.items()))
    if options.json:
        print(json.dumps(figures))
    return None


def compare(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Every store beside bare Flask; the bare server is measured before and after, and the mean is taken."""
    stores = [options.only] if options.only else ["sqlite", "postgres_redis"]
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="authsvc-bench-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o711)
        bare = stack.enter_context(bare_flask())
        for name in stores:
            with service(name, Path(folder) / name, options.models) as target:
                before, own, after = (measure(each, options) for each in (bare, target, bare))
                base = (before["per_second"] + after["per_second"]) / 2
                own["ratio_to_bare_flask"] = round(own["per_second"] / base, 3)
                own["bare_flask_per_second"] = round(base)
                figures[name] = own
                figures["bare_flask"] = before
    return figures


def measure(target: Target, options: argparse.Namespace) -> dict[str, float]:
    """Rate and CPU of a closed loop, then latencies of an open one."""
    closed_loop(target, options.requests // 8)  # Warm: prepared statements, pools, caches.
    cpu, others = cpu_seconds(target.process.pid), sum(map(cpu_seconds, target.others))
    began = time.perf_counter()
    done = closed_loop(target, options.requests)
    lasted = time.perf_counter() - began
    cpu, others = cpu_seconds(target.process.pid) - cpu, sum(map(cpu_seconds, target.others)) - others
    latencies = sorted(open_loop(target, options.rate, options.seconds))
    return {
        "per_second": round(done / lasted),
        "cpu_us": round(1e6 * cpu / done),
        "store_cpu_us": round(1e6 * others / done),
        "p50_ms": round(1e3 * latencies[len(latencies) // 2], 2),
        "p99_ms": round(1e3 * latencies[int(len(latencies) * 0.99)], 2),
    }


# -- Load ---------------------------------------------------------------------------------------------------------------


def closed_loop(target: Target, requests: int) -> int:
    """As fast as the server answers, from two client processes; returns how many succeeded."""
    each = CONNECTIONS // 2
    jobs = [
        (target.port, target.request, f"{os.getpid()}-{time.monotonic_ns()}-{n}", requests // 2, each)
        for n in range(2)
    ]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return sum(pool.starmap(_ask_in_turn, jobs))


def _ask_in_turn(
    port: int, request: Callable[[str], bytes], prefix: str, requests: int, connections: int
) -> int:
    """One thread, many connections: send on all, then read each and send on it again."""
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    sent = 0
    for line in lines:
        line.sendall(request(f"{prefix}-{sent}"))
        sent += 1
    done = 0
    while done < requests:
        for line in lines:
            _read_answer(line)
            done += 1
            line.sendall(request(f"{prefix}-{sent}"))
            sent += 1
    for line in lines:
        _read_answer(line)
        line.close()
    return done + len(lines)


def open_loop(target: Target, rate: int, seconds: int) -> list[float]:
    """Latencies from the due time, from four client processes that keep to their schedule."""
    jobs = [(target.port, target.request, f"o{time.monotonic_ns()}-{n}", rate / 4, seconds) for n in range(4)]
    with multiprocessing.get_context("fork").Pool(4) as pool:
        return [latency for found in pool.starmap(_ask_on_time, jobs) for latency in found]


def _ask_on_time(
    port: int, request: Callable[[str], bytes], prefix: str, rate: float, seconds: int
) -> list[float]:
    line = socket.create_connection(("127.0.0.1", port))
    start = time.perf_counter() + 0.1
    latencies = []
    for number in range(round(rate * seconds)):
        due = start + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        line.sendall(request(f"{prefix}-{number}"))
        _read_answer(line)
        latencies.append(time.perf_counter() - due)
    return latencies


def _read_answer(line: socket.socket) -> None:
    """One HTTP answer with a Content-Length; anything but 2xx ends the benchmark."""
    data = line.recv(65536)
    while b"\r\n\r\n" not in data:
        data += line.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise SystemExit(f"the server answered {head[:200]!r} {body[:300]!r}")
    length = int(
        next(row.split(b":")[1] for row in head.split(b"\r\n") if row.lower().startswith(b"content-length"))
    )
    while len(body) < length:
        body += line.recv(65536)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and all below it, those that ended included."""
    process = psutil.Process(pid)
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        times = each.cpu_times()
        total += times.user + times.system
    return total


# -- What is measured -----------------------------------------------------------------------------------------------------


@contextmanager
def bare_flask() -> Iterator[Target]:
    port = free_port()
    command = [sys.executable, __file__, "--bare-flask", str(port)]
    with running(command, port, "/") as process:
        yield Target("bare_flask", port, process, _bare_request)


def serve_bare_flask(port: int) -> None:
    """Flask as it comes, under the service's own server: reads a body, answers a small JSON object."""
    from authsvc.serving.server import run
    from authsvc.serving.settings import ServerSettings

    run(ServerSettings(port=port, workers=WORKERS, threads=THREADS), _bare_app)


def _bare_app() -> object:
    from flask import Flask, request

    app = Flask("bare")

    @app.route("/", methods=["GET", "POST"])
    def hello() -> dict[str, object]:
        return {"status": "approved", "bytes": len(request.get_data())}

    return app


def _bare_request(unique: str) -> bytes:
    body = _decision_body(unique)
    return (
        f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


@contextmanager
def service(store: str, folder: Path, models: Path) -> Iterator[Target]:
    """The real service on one store, with one enrolled person and a trusted phone: every decision is `approved`."""
    folder.mkdir()
    with ExitStack() as stack:
        extra: list[str] = []
        others: tuple[int, ...] = ()
        if store == "postgres_redis":
            extra, others = servers(stack, folder)
        port = free_port()
        command = [
            str(Path(sys.executable).parent / "authsvc"),
            "serve",
            "--development",
            "--port",
            str(port),
        ]
        command += [
            "--data-dir",
            str(folder / "data"),
            "--model-dir",
            str(models),
            "--workers",
            str(WORKERS),
            *extra,
        ]
        process = stack.enter_context(running(command, port, "/readyz"))
        key = (folder / "data" / "development-api-key").read_text().strip()
        asking = asking_as(f"http://127.0.0.1:{port}", key)
        await_quiet(process)
        yield Target(store, port, process, asking, others)


def servers(stack: ExitStack, folder: Path) -> tuple[list[str], tuple[int, ...]]:
    """A durable PostgreSQL and a Redis of the benchmark's own."""
    postgres, initdb = postgres_program("postgres"), postgres_program("initdb")
    if postgres is None or initdb is None:
        raise SystemExit("PostgreSQL is not installed; `make setup-test` installs it")
    folder.chmod(0o711)
    place = folder / "postgres"
    place.mkdir()
    database = PostgresServer.create(postgres, initdb, place)
    database.command += tuple(word for option in _DURABLE for word in ("-c", option))
    stack.enter_context(database)
    redis = stack.enter_context(RedisServer("redis-server", folder))
    name = database.create_database()
    return ["--database-url", database.url(name), "--redis-url", redis.url], (database.pid, redis.pid)


def asking_as(base_url: str, key: str) -> Asking:
    """Requests of the client with this key, for a person who is enrolled for it."""
    return Asking(key, _enrolled_device(base_url, key))


class Asking:
    """Requests for decisions about small payments from one known phone, each about another transaction."""

    def __init__(self, key: str, device: dict[str, str]) -> None:
        self.key = key
        self._device = device

    def __call__(self, unique: str) -> bytes:
        body = _decision_body(unique, self._device)
        head = (
            "POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f'Authorization: Bearer {self.key}\r\nIdempotency-Key: "{unique}"\r\nContent-Length: {len(body)}\r\n\r\n'
        )
        return head.encode() + body


def _decision_body(unique: str, device: dict[str, str] | None = None) -> bytes:
    return json.dumps(
        {
            "transaction": {
                "id": f"pay_{unique}",
                "type": "transfer",
                "amount_minor": 2500,
                "currency": "CNY",
                "payee": {"id": "cn:6228480402564890018", "name": "友谊商店"},
            },
            "user_id": "u_1",
            "device": device or {"id": "dev_abcdefghijklmnopqrstuvwx", "secret": "ds_" + "x" * 43},
            "risk": {"score": 5, "reasons": []},
            "context": {"channel": "app", "ip": "203.0.113.7", "locale": "zh-CN"},
        },
        ensure_ascii=False,
    ).encode()


def _enrolled_device(base_url: str, key: str) -> dict[str, str]:
    """Enroll one person with a phone, through the service's own calls."""
    backend = {"Authorization": f"Bearer {key}", "Idempotency-Key": '"enroll"'}
    ticket = call(base_url, "POST", "/v1/enrollments", {"user_id": "u_1", "locale": "zh-CN"}, backend)
    person = {"Authorization": f"Enrollment {ticket['token']}"}
    steps = f"/v1/enrollments/{ticket['id']}"
    call(base_url, "POST", f"{steps}/steps/device/begin", {}, person)
    device = call(base_url, "PUT", f"{steps}/steps/device", {"name": "phone"}, person)["device"]
    call(base_url, "POST", f"{steps}/complete", {}, person)
    return {str(name): str(value) for name, value in device.items()}


def call(
    base_url: str, method: str, path: str, body: object, headers: dict[str, str]
) -> dict[str, dict[str, str]]:
    from urllib.request import Request

    request = Request(
        base_url + path,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **headers},
        method=method,
    )
    with urlopen(request) as answer:
        found: dict[str, dict[str, str]] = json.load(answer)
        return found


@contextmanager
def running(command: Sequence[str], port: int, path: str) -> Iterator[psutil.Process]:
    """A server that is ended again, its whole group with it."""
    process = subprocess.Popen(
        command, cwd=_CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}{path}")
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def await_quiet(process: psutil.Process) -> None:
    """Until what starts beside the web processes, and loads models, is no part of what is measured any more."""
    deadline, before = time.monotonic() + 60, cpu_seconds(process.pid)
    while time.monotonic() < deadline:
        time.sleep(1)
        now = cpu_seconds(process.pid)
        if now - before < 0.1:
            return
        before = now


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


if __name__ == "__main__":
    main()
