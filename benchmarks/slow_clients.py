"""What idle, slow and waiting clients cost the others: `python benchmarks/slow_clients.py --json`.

Starts the default server with a small Flask application and measures it alone, then amid a crowd of clients that never
send anything and clients that stop inside a body, then amid clients that are made to wait for an answer. Requests are sent at
a fixed rate and timed from the moment they were *due*, so a stall is counted once for everybody it keeps waiting. CPU
time is that of the server's whole process tree. `--peer` measures another server with the same application and clients:

    --peer "gunicorn -k gthread -w 2 --threads 16 -b 127.0.0.1:{port} benchmarks.slow_clients:make_app()"
"""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import click
import psutil
from flask import Flask, Response, request

from authsvc.serving.server import run
from authsvc.serving.settings import ServerSettings
from authsvc.serving.waiting import hold

Figures = dict[str, dict[str, float]]

_CHECKOUT = Path(__file__).resolve().parent.parent
_HEADERS = "Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
_STOPS_INSIDE_A_BODY = f"POST /echo HTTP/1.1\r\n{_HEADERS}Content-Length: 1000\r\n\r\n0123456789".encode()
_WAITS = f"GET /held HTTP/1.1\r\n{_HEADERS}\r\n".encode()
_SENDERS = 8
_FAILED_MS = 5_000.0
_GIVES_UP_AFTER = 3
_BODY = json.dumps({"text": "x" * 487})


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from due to done; a request that fails counts as five seconds at least."""

    requests: int
    failures: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


def make_app() -> Flask:
    """The smallest application that shows what a server costs."""
    app = Flask(__name__)

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    @app.post("/echo")
    def echo() -> dict[str, int]:
        return {"length": len(request.get_json()["text"])}

    @app.get("/held")
    def held() -> Response:
        return Response("done", headers=hold(request.environ, 25) or {})

    return app


def latency(port: int, *, rate: int, seconds: float) -> Latency:
    """Sends GETs and small POSTs in turn, `rate` a second, over a few connections that are kept alive."""
    count = round(rate * seconds)
    taken: list[float] = []
    start = time.perf_counter() + 0.1

    def send(sender: int, connection: HTTPConnection) -> None:
        failures = 0
        for number in range(sender, count, _SENDERS):
            if failures == _GIVES_UP_AFTER:
                taken.append(_FAILED_MS)
                continue
            due = start + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            answered = _answered(connection, number)
            elapsed_ms = (time.perf_counter() - due) * 1000
            failures += not answered
            taken.append(elapsed_ms if answered else max(elapsed_ms, _FAILED_MS))

    _send_side_by_side(port, send)
    taken.sort()
    failures = sum(ms >= _FAILED_MS for ms in taken)
    return Latency(count, failures, taken[count // 2], taken[count * 99 // 100], taken[-1])


def cpu_us(port: int, server: psutil.Process, *, post: bool, seconds: float) -> float:
    """Microseconds of CPU that one request costs the server's process tree while it gets all it can take."""
    done = [0] * _SENDERS
    before, end = _cpu_s(server), time.perf_counter() + seconds

    def send(sender: int, connection: HTTPConnection) -> None:
        while time.perf_counter() < end:
            done[sender] += _answered(connection, 1 if post else 0)

    _send_side_by_side(port, send)
    return (_cpu_s(server) - before) / max(1, sum(done)) * 1e6


@contextmanager
def crowd(port: int, sending: dict[bytes, int]) -> Iterator[None]:
    """So many clients for each thing they send; then they do nothing more, and nobody reads what they are answered."""
    with ExitStack() as stack:
        for data, count in sending.items():
            for _ in range(count):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
                client.sendall(data)
        time.sleep(0.3)
        yield


def slow_crowd(idle: int, mid_body: int) -> dict[bytes, int]:
    """Clients that say nothing, and clients that stop after ten bytes of a body of a thousand."""
    return {b"": idle, _STOPS_INSIDE_A_BODY: mid_body}


def _send_side_by_side(port: int, send: Callable[[int, HTTPConnection], None]) -> None:
    connections = [HTTPConnection("127.0.0.1", port, timeout=_FAILED_MS / 1000) for _ in range(_SENDERS)]
    threads = [threading.Thread(target=send, args=pair) for pair in enumerate(connections)]
    for thread in threads:
        thread.start()
    for thread, connection in zip(threads, connections, strict=True):
        thread.join()
        connection.close()


def _answered(connection: HTTPConnection, number: int) -> bool:
    try:
        if number % 2:
            connection.request("POST", "/echo", _BODY, {"Content-Type": "application/json"})
        else:
            connection.request("GET", "/hello")
        response = connection.getresponse()
        response.read()
        return response.status == 200
    except (OSError, HTTPException):
        connection.close()
        return False


def _cpu_s(server: psutil.Process) -> float:
    times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
    return sum(time.user + time.system for time in times)


@contextmanager
def _running(command: list[str], port: int) -> Iterator[psutil.Process]:
    program = subprocess.Popen(command, cwd=_CHECKOUT)
    try:
        deadline = time.monotonic() + 15
        while not _answered(HTTPConnection("127.0.0.1", port, timeout=1), 0):
            if program.poll() is not None or time.monotonic() > deadline:
                raise click.ClickException(f"`{shlex.join(command)}` gives no answer")
            time.sleep(0.02)
        yield psutil.Process(program.pid)
    finally:
        program.terminate()
        program.wait(timeout=20)


def _measure(
    command: list[str], port: int, crowds: dict[str, dict[bytes, int]], rate: int, seconds: int
) -> Figures:
    with _running(command, port) as server:
        cpu = {"hello": cpu_us(port, server, post=False, seconds=seconds)}
        cpu["post"] = cpu_us(port, server, post=True, seconds=seconds)
        figures: Figures = {"cpu_us": cpu, "calm": asdict(latency(port, rate=rate, seconds=seconds))}
        for name, sending in crowds.items():
            with crowd(port, sending):
                figures[name] = asdict(latency(port, rate=rate, seconds=seconds))
    figures["ratios"] = {
        f"p99_{name}_to_calm": figures[name]["p99_ms"] / figures["calm"]["p99_ms"] for name in crowds
    }
    return figures


def _show(name: str, figures: Figures) -> None:
    cpu = figures["cpu_us"]
    click.echo(
        f"{name}: CPU per request, hello {cpu['hello']:.0f} us, POST of 500 bytes {cpu['post']:.0f} us"
    )
    for situation, values in figures.items():
        if "p99_ms" in values:
            click.echo(
                f"  {situation:11} p50 {values['p50_ms']:8.1f} ms  p99 {values['p99_ms']:8.1f} ms"
                f"  failures {values['failures']:.0f} of {values['requests']:.0f}"
            )


@click.command()
@click.option("--idle", default=200, help="Clients that connect and say nothing.")
@click.option("--mid-body", default=200, help="Clients that stop inside a body.")
@click.option("--held", default=200, help="Clients that are made to wait for an answer.")
@click.option("--rate", default=200, help="Requests a second of the others.")
@click.option("--seconds", default=5, help="Length of each measurement.")
@click.option("--peer", help="Command of another server, `{port}` where its port goes.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--serve", type=int, hidden=True, help="Only serve the application on this port.")
def main(
    idle: int,
    mid_body: int,
    held: int,
    rate: int,
    seconds: int,
    peer: str | None,
    as_json: bool,
    serve: int | None,
) -> None:
    """What idle, slow and waiting clients cost the others."""
    if serve is not None:
        run(ServerSettings(port=serve), make_app)
        return
    slow = {"amid_slow": slow_crowd(idle, mid_body)}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    ours = [sys.executable, __file__, "--serve", str(port)]
    results = {"authsvc": _measure(ours, port, {**slow, "amid_held": {_WAITS: held}}, rate, seconds)}
    if peer is not None:
        results["peer"] = _measure(shlex.split(peer.format(port=port)), port, slow, rate, seconds)
    for name, figures in results.items():
        _show(name, figures)
    if as_json:
        clients = {"idle": idle, "mid_body": mid_body, "held": held}
        click.echo(json.dumps({"benchmark": "slow_clients", "clients": clients, "rate": rate, **results}))


if __name__ == "__main__":
    main()
