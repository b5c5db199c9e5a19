"""`authsvc`: one command for whoever runs the service. Groups load when they are asked for, so that a start is quick."""

from __future__ import annotations

import importlib
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from authsvc import __version__
from authsvc.config import read_settings
from authsvc.errors import AuthsvcError

_GROUPS = {
    "audit": "authsvc.cli.operate:audit",
    "db": "authsvc.cli.operate:db",
    "demo": "authsvc.demo.commands:demo",
    "demo-shop": "authsvc.demo.shop.commands:demo_shop",
    "keyring": "authsvc.cli.operate:keyring",
    "keys": "authsvc.cli.operate:keys",
    "lab": "authsvc.lab.commands:lab",
    "models": "authsvc.cli.models:models",
    "operators": "authsvc.cli.operators:operators",
    "policy": "authsvc.cli.policy:policy",
}


class _Lazy(click.Group):
    """A group whose further commands are imported by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_GROUPS})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _GROUPS:
            return super().get_command(ctx, name)
        module, _, attribute = _GROUPS[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Whatever we raise on purpose is one line for the operator, without a traceback."""
        try:
            return super().invoke(ctx)
        except AuthsvcError as error:
            raise click.ClickException(error.detail) from error


@click.group(cls=_Lazy)
@click.version_option(__version__, prog_name="authsvc")
def main() -> None:
    """Step-up authentication for payments."""


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Database, keys, models.")
@click.option("--database-url", help="PostgreSQL instead of the embedded SQLite.")
@click.option("--redis-url", help="Redis for short-lived state, from the second host on.")
@click.option("--workers", type=click.IntRange(1, 64), help="Web processes.")
@click.option("--model-dir", type=click.Path(file_okay=False, path_type=Path), help="The weight files.")
@click.option(
    "--policy-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What an empty store is seeded with.",
)
@click.option("--development", is_flag=True, help="Create what is missing; take photographs for people.")
@click.option("--shop", is_flag=True, help="Open the demo shop beside it; with --development.")
@click.option("--json", "as_json", is_flag=True, help="Say what to open as one JSON line.")
def serve(development: bool, shop: bool, as_json: bool, **options: Any) -> None:
    """Start the service under its production server."""
    if shop and not development:
        raise click.UsageError("the demo shop plays with a development service only")
    from authsvc.bootstrap.launch import launch

    if development:
        options["unsafe_no_pad"] = True
    settings = read_settings(**options)
    logging.basicConfig(
        level=settings.log_level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    # Which of its own parts a library has set up is news to nobody.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    launch(
        settings,
        development=development,
        with_shop=shop,
        announce=_json_line if as_json else _lines,
    )


def _json_line(facts: Mapping[str, object]) -> None:
    click.echo(json.dumps(facts))
    sys.stdout.flush()


def _lines(facts: Mapping[str, object]) -> None:
    for name, value in facts.items():
        click.echo(f"{name:>12}  {value}" if "\n" not in str(value) else f"\n{value}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
