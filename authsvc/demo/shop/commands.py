"""`authsvc demo-shop`: the shop on a port of its own, against a service that runs in development."""

from __future__ import annotations

import socket
from pathlib import Path

import click
from werkzeug.serving import make_server

from authsvc.bootstrap.launch import DEVELOPMENT_CLIENT
from authsvc.client import AuthsvcClient
from authsvc.demo.shop.app import Shop, make_shop
from authsvc.demo.shop.till import Till


@click.command("demo-shop")
@click.option("--service", default="http://localhost:8000", show_default=True, help="Where authsvc answers.")
@click.option("--port", type=click.IntRange(0, 65535), default=8100, show_default=True, help="0: a free one.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("var"), show_default=True)
def demo_shop(service: str, port: int, data_dir: Path) -> None:
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
    click.echo(f"the shop is open: {url}")
    server.serve_forever()
