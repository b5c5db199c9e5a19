"""`authsvc demo-shop`: the shop on a port of its own, against a service that runs in development."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from pathlib import Path

import click
from werkzeug.serving import make_server

from authsvc.bootstrap.launch import DEVELOPMENT_CLIENT
from authsvc.cli.demo.first_payer import LARGE, SMALL, first_payer
from authsvc.cli.demo.service import health_of
from authsvc.cli.demo.shop.app import Shop, make_shop
from authsvc.cli.demo.shop.till import Till
from authsvc.client import AuthsvcClient
from authsvc.errors import AuthsvcError
from authsvc.http import Trace, traced

_PATIENCE_S = 120


@click.command("demo-shop")
@click.option("--service", default="http://localhost:8000", show_default=True, help="Where authsvc answers.")
@click.option("--port", type=click.IntRange(0, 65535), default=8100, show_default=True, help="0: a free one.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("var"), show_default=True)
@click.option("--introduction", default=lambda: secrets.token_hex(16), hidden=True)
def demo_shop(service: str, port: int, data_dir: Path, introduction: str) -> None:
    """A shop to click through, which plays the payment backend. Start `authsvc serve --development` first."""
    key_file = data_dir / "development-api-key"
    if not key_file.exists():
        raise click.ClickException(
            f"there is no `{key_file}`: start `authsvc serve --development` with this data directory first"
        )
    key = key_file.read_text().strip()
    listener = socket.create_server(("127.0.0.1", port))
    # The shop tells the service where payers come back to, so it must know its own address before it serves.
    port = listener.getsockname()[1]
    url = f"http://localhost:{port}"
    # A development service takes photographs for people, and says so in every receipt.
    client = AuthsvcClient(
        service, key, client=DEVELOPMENT_CLIENT, tolerated_warnings=("unsafe-no-pad",), timeout=30.0
    )
    shop = make_shop(Shop(Till(client, url), service))
    server = make_server("127.0.0.1", port, shop, threaded=True, fd=listener.fileno())
    trace = Trace("", introduction)
    threading.Thread(
        target=_introduce, args=(client, service, key, data_dir, url, trace), daemon=True
    ).start()
    server.serve_forever()


def _introduce(client: AuthsvcClient, service: str, key: str, folder: Path, shop: str, trace: Trace) -> None:
    """Once the service is ready: what to open and what to paste. The last thing that a start says.

    What it asks for that belongs to `trace`, of which the service's log of requests says nothing.
    """
    began = time.monotonic()
    while "engine" not in health_of(service).get("face", {}):
        if time.monotonic() - began > _PATIENCE_S:
            click.echo(f"the service is not ready after {_PATIENCE_S} s; {service}/readyz says why", err=True)
            return
        time.sleep(0.2)
    try:
        with traced(trace):
            payer = first_payer(client, service, folder)
    except AuthsvcError as error:
        click.echo(f"no payer could be enrolled: {error.detail}", err=True)
        return
    run = secrets.token_hex(3)
    small, large = (
        payer.decide(service, key, f"{name}-{run}", amount)
        for name, amount in (("coffee", SMALL), ("phone", LARGE))
    )
    click.echo(
        f"\nReady.\n\n   shop  {shop}  (buy something; it plays the payment backend)\n    API  {service}/docs\n"
        f"  payer  {payer.user_id}, with this phone and an authenticator app (secret {payer.app_secret})\n\n"
        f"Approved, from a known phone:\n\n{small}\n\n"
        f"Asks for a code; paste the answer at {shop}/open to be the payer:\n\n{large}\n"
    )
