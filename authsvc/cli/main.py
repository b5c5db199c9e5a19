"""`authsvc`: one command for whoever runs the service. Groups load when they are asked for, so that a start is quick."""

from __future__ import annotations

import errno
import importlib
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from authsvc import __version__
from authsvc.config import read_settings
from authsvc.errors import AuthsvcError
from authsvc.text import did_you_mean

_GROUPS = {
    "audit": "authsvc.cli.operate:audit",
    "backup": "authsvc.cli.backups:backup",
    "db": "authsvc.cli.rows:db",
    "demo": "authsvc.cli.demo.commands:demo",
    "demo-shop": "authsvc.cli.demo.shop.commands:demo_shop",
    "doctor": "authsvc.cli.doctor:doctor",
    "drill": "authsvc.cli.drill:drill",
    "evidence": "authsvc.cli.evidence:evidence",
    "ids": "authsvc.cli.ids:ids",
    "keyring": "authsvc.cli.operate:keyring",
    "keys": "authsvc.cli.operate:keys",
    "lab": "authsvc.cli.lab.commands:lab",
    "models": "authsvc.cli.models:models",
    "operators": "authsvc.cli.operators:operators",
    "policy": "authsvc.cli.policy:policy",
    "report": "authsvc.cli.report:report",
    "restore": "authsvc.cli.backups:restore",
}


class _Root(click.Group):
    """The group of everything: further commands are imported by name, and what goes wrong is one line, never a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_GROUPS})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _GROUPS:
            return super().get_command(ctx, name)
        module, _, attribute = _GROUPS[name].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            return _absent(name, error)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            raise click.UsageError(
                f"no command is called `{args[0]}`{did_you_mean(args[0], self.list_commands(ctx))}", ctx
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except AuthsvcError as error:
            raise click.ClickException(error.detail) from error
        except ModuleNotFoundError as error:
            raise click.ClickException(_with_extra("server", error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            where = "" if error.filename is None else f"`{error.filename}`: "
            raise click.ClickException(f"{where}{error.strerror or error}") from error

    # Any: as click has it. The overloads only say that a stand-alone call never returns.
    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Whoever asked for JSON gets it of an error too, on standard error."""
        words = sys.argv[1:] if args is None else args
        if not standalone_mode or "--json" not in words:
            return super().main(args, prog_name, complete_var, standalone_mode, **extra)
        sys.exit(
            _answered_in_json(lambda: super(_Root, self).main(args, prog_name, complete_var, False, **extra))
        )


def _answered_in_json(command: Callable[[], object]) -> int:
    """The exit code of a command whose errors are said in JSON."""
    try:
        code = command()
    except click.ClickException as error:
        click.echo(json.dumps({"error": error.format_message()}, ensure_ascii=False), err=True)
        return error.exit_code
    except click.Abort:
        click.echo(json.dumps({"error": "interrupted"}), err=True)
        return 1
    return code if isinstance(code, int) else 0


def _with_extra(extra: str, missing: ModuleNotFoundError) -> str:
    """`pip install authsvc` brings the client alone; what a command needs comes with an extra. Raises for a part of our own."""
    if (missing.name or "authsvc").partition(".")[0] in ("authsvc", "enrollment"):
        raise missing
    return f"this needs `{missing.name}`; install it with: pip install 'authsvc[{extra}]'"


def _absent(name: str, missing: ModuleNotFoundError) -> click.Command:
    """Stands where a command would be: it can be listed, and whatever it is asked it says what to install."""
    message = _with_extra("lab" if name == "lab" else "server", missing)

    def say_so(words: Sequence[str]) -> None:
        raise click.ClickException(message)

    return click.Command(
        name,
        callback=say_so,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
        short_help=message.partition("; ")[2],
    )


@click.group(cls=_Root)
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
    from authsvc.serving.logs import set_up

    if development:
        options["unsafe_no_pad"] = True
    settings = read_settings(**options)
    set_up(settings.log_level, settings.log_format)
    # Which of its own parts a library has set up is news to nobody, nor is each step that makes a developer's database.
    logging.getLogger("alembic.runtime").setLevel(logging.WARNING)
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
