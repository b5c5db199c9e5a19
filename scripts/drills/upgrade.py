"""A rolling upgrade and the way back, under load, across one schema change: `scripts/drills/upgrade.py --before COMMIT --json`.

Two hosts on PostgreSQL and Redis run the program of before. The database is upgraded, then host after host; then both are taken
back, and upgraded again. A client that does what a proxy does (another host where nothing was sent) asks for payments all the
while. Ends with 1 when a request failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_CHECKOUT))

from tests.support.ports import free_port  # noqa: E402  # The checkout is on the path only now.
from tests.support.server import Server  # noqa: E402
from tests.support.stores import stores  # noqa: E402


class Host(Server):
    """One host, which runs the program of a checkout."""

    patience_s = 180.0

    def __init__(self, folder: Path, checkout: Path, settings: Mapping[str, str]) -> None:
        self.settings = {**settings, "AUTHSVC_PORT": str(free_port()), "AUTHSVC_DATA_DIR": str(folder)}
        super().__init__(
            command(checkout, self.settings, "serve"),
            port=int(self.settings["AUTHSVC_PORT"]),
            log=folder / "log",
        )

    def answers(self) -> bool:
        try:
            return ask(self.port, "GET", "/readyz", {}, b"")[0] == 200
        except (OSError, HTTPException):
            return False

    def run(self, checkout: Path) -> None:
        """End what runs, draining, and start the program of another checkout."""
        self.stop()
        self.command = command(checkout, self.settings, "serve")
        self.start()


def command(checkout: Path, settings: Mapping[str, str], *words: str) -> tuple[str, ...]:
    variables = {**settings, "PYTHONPATH": str(checkout)}
    program = "authsvc.cli.main" if (checkout / "authsvc" / "cli").is_dir() else "authsvc.cli"
    return (
        "env",
        "-C",
        str(checkout),
        *(f"{k}={v}" for k, v in variables.items()),
        sys.executable,
        "-m",
        program,
        *words,
    )


def ask(port: int, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Load:
    """Payments, one after the other in each of a few threads, to whichever host takes them."""

    def __init__(self, hosts: list[Host], api_key: str, threads: int = 3) -> None:
        self._hosts = hosts
        self._api_key = api_key
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self.ended: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._pay, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Load:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def total(self) -> int:
        return sum(self.ended.values())

    def _pay(self) -> None:
        while not self._stop.is_set():
            number = next(self._numbers)
            payee = {"id": "p", "name": "payee"}
            transaction = {
                "id": f"pay_{number}",
                "type": "transfer",
                "amount_minor": 100,
                "currency": "CNY",
                "payee": payee,
            }
            body = json.dumps(
                {"transaction": transaction, "user_id": f"u_{number % 50}", "risk": {"score": 5}}
            ).encode()
            headers = {
                "Authorization": f"Bearer {self._api_key}",
                "Idempotency-Key": f"k-{number}",
                "Content-Type": "application/json",
            }
            self.ended[self._answered(number, headers, body)] += 1
            time.sleep(0.02)

    def _answered(self, number: int, headers: Mapping[str, str], body: bytes) -> str:
        """As a proxy: where nobody listens the next host is asked. Anything else that is no answer has failed."""
        for turn in range(40):
            host = self._hosts[(number + turn) % len(self._hosts)]
            try:
                status, _ = ask(host.port, "POST", "/v1/decisions", headers, body)
            except ConnectionRefusedError:
                time.sleep(0.05)
                continue
            except (OSError, HTTPException) as error:
                return type(error).__name__
            return "answered" if status in (200, 201) else str(status)
        return "nobody listens"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--before", required=True, help="the commit of the release before, with a schema before ours"
    )
    parser.add_argument("--least", type=int, default=1000, help="requests")
    parser.add_argument("--models", type=Path, default=_CHECKOUT / "var" / "models")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="authsvc-drill-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)
        found = play(folder, options, stack)
    found["seconds"] = round(time.monotonic() - began)
    print(
        json.dumps(found)
        if options.json
        else "\n".join(f"{key:>10}  {value}" for key, value in found.items())
    )
    if found["failed"] or found["requests"] < options.least:
        raise SystemExit(1)


def play(folder: Path, options: argparse.Namespace, stack: ExitStack) -> dict[str, Any]:
    before, after = folder / "before", _CHECKOUT
    subprocess.run(
        ["git", "-C", str(_CHECKOUT), "worktree", "add", "-q", "--detach", str(before), options.before],
        check=True,
    )
    stack.callback(
        subprocess.run, ["git", "-C", str(_CHECKOUT), "worktree", "remove", "--force", str(before)]
    )
    database_url, redis_url = stack.enter_context(stores(folder))
    settings = {
        "AUTHSVC_MODEL_DIR": str(options.models),
        "AUTHSVC_WORKERS": "1",
        "AUTHSVC_VOICE": "0",
        "AUTHSVC_DATABASE_URL": database_url,
        "AUTHSVC_REDIS_URL": redis_url,
    }
    hosts = [Host(made(folder / f"host-{number}"), before, settings) for number in (1, 2)]
    first = hosts[0].settings
    for words in (("keyring", "create"), ("db", "upgrade")):
        subprocess.run(command(before, first, *words), check=True, stdout=subprocess.DEVNULL)
    shutil.copy2(folder / "host-1" / "keyring.json", folder / "host-2" / "keyring.json")
    key = subprocess.run(
        command(before, first, "keys", "create", "--client", "shop", "--json"),
        check=True,
        capture_output=True,
    )
    for host in hosts:
        stack.enter_context(host)
    schemas = [schema(hosts)]
    with Load(hosts, json.loads(key.stdout)["api_key"]) as load:
        say(load, "before")
        subprocess.run(command(after, first, "db", "upgrade"), check=True, stdout=subprocess.DEVNULL)
        say(load, "database upgraded")
        for where, checkout in (("forward", after), ("back", before), ("forward again", after)):
            for number, host in enumerate(hosts, start=1):
                host.run(checkout)
                say(load, f"host {number} {where}")
        while load.total() < options.least:
            time.sleep(0.1)
        schemas.append(schema(hosts))
    failed = {name: count for name, count in load.ended.items() if name != "answered"}
    return {"requests": load.total(), "failed": failed, "schemas": schemas}


def say(load: Load, what: str) -> None:
    time.sleep(3)
    print(f"{what:20}  {dict(load.ended)}", file=sys.stderr, flush=True)


def schema(hosts: list[Host]) -> object:
    return json.loads(ask(hosts[0].port, "GET", "/readyz", {}, b"")[1]).get("schema", "not said")


def made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


if __name__ == "__main__":
    os.umask(0o077)
    main()
