"""`authsvc policy draft`, `approve`, `activate` and their like: a policy's life on the command line, by a signed-in operator.

These commands speak to the running service as any program of an operator does. Nobody acts anonymously, and whoever may
log in to the machine may not approve for that reason.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

from authsvc.caller.wire import Body, Wire
from authsvc.errors import PolicyInvalid
from authsvc.policy.commands import policy
from authsvc.policy.profiles import Profile
from authsvc.policy.wording import fault_lines, report_lines

# Any: answers of the service, as its OpenAPI document describes them.
Said = Mapping[str, Any]

POLICIES = "/v1/policies"
LOOKED_EVERY_S = 0.5

_note = click.option("--note", default="", help="Why, for the log.")


class PolicyApi:
    """The policy calls of the service, as one operator's session opens it."""

    def __init__(self, service: str, session: str) -> None:
        # Walking a large document takes the service longer than anything else that is asked of it.
        self._wire = Wire(service, f"Operator {session}", timeout=90.0)

    def get(self, path: str) -> Said:
        return self._wire.get(f"{POLICIES}{path}").value

    def post(self, path: str, body: Said, if_match: str | None = None) -> Said:
        key = secrets.token_hex(16)
        return self._wire.send(
            "POST", f"{POLICIES}{path}", Body.of(body), idempotency_key=key, if_match=if_match
        ).value

    def delete(self, path: str) -> Said:
        return self._wire.send("DELETE", f"{POLICIES}{path}").value


def at_the_desk(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every command that speaks to the service; the command gets `api`."""

    @click.option(
        "--service", default="http://localhost:8000", show_default=True, help="Where it is reached."
    )
    @click.option(
        "--session-file",
        type=click.File(),
        help="A file that holds the session `os_…`, or `-`; asked for by default. The console opens one for a program.",
    )
    @click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
    @wraps(command)
    def with_desk(service: str, session_file: Any, **options: Any) -> None:
        session = click.prompt("session", hide_input=True) if session_file is None else session_file.read()
        command(api=PolicyApi(service, session.strip()), **options)

    return with_desk


@policy.command("draft")
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--profile", type=click.Choice([each.value for each in Profile]), help="A rule book to check as well."
)
@_note
@at_the_desk
def draft_command(api: PolicyApi, document: Path, profile: str | None, note: str, as_json: bool) -> None:
    """Bring DOCUMENT in as a new version, validate and analyze it; exit code 1 where something stands in its way."""
    form = "json" if document.suffix == ".json" else "toml"
    body = {"document": document.read_text(encoding="utf-8"), "form": form, **_noted(note)}
    try:
        version = api.post("", body)
        api.post(f"/{version['id']}/validate", {})
    except PolicyInvalid as error:
        raise click.ClickException("\n".join(fault_lines(error.extra["findings"]))) from error
    version = api.post(f"/{version['id']}/analyze", {"profile": profile})
    _print(as_json, version, _version_lines(version))
    raise SystemExit(int(bool(version["analysis"]["errors"])))


@policy.command("versions")
@at_the_desk
def versions_command(api: PolicyApi, as_json: bool) -> None:
    """The newest versions, and how far each has come."""
    found = api.get("")
    lines = (
        f"{each['id']}  {each['state']:11}  {_named(each)}  by {each['author']}  {each['note']}"
        for each in found["versions"]
    )
    _print(as_json, found, lines)


@policy.command("history")
@at_the_desk
def history_command(api: PolicyApi, as_json: bool) -> None:
    """The publication log: what decided from when on, by whose act."""
    found = api.get("/history")
    lines = (
        f"{each['number']:4}  {each['at']}  {each['how']:11}  {each['version']}  by {each['by']}  {each['note']}"
        for each in found["publications"]
    )
    _print(as_json, found, lines)


@policy.command("replay")
@click.argument("version")
@click.option("--days", type=click.IntRange(1, 3650), default=3650, show_default=True, help="How far back.")
@at_the_desk
def replay_command(api: PolicyApi, version: str, days: int, as_json: bool) -> None:
    """Backtest VERSION on the service's own decisions, and wait for the report; exit code 1 unless it is done."""
    job = api.post(f"/{version}/backtests", {"days": days})
    hidden = as_json or not sys.stderr.isatty()
    with click.progressbar(length=100, label=job["id"], file=sys.stderr, hidden=hidden) as bar:
        while job["state"] in ("queued", "running"):
            bar.update(int(100 * (job["share"] or 0)) - bar.pos)
            time.sleep(LOOKED_EVERY_S)
            job = api.get(f"/{version}/backtests/{job['id']}")
    _print(as_json, job, [job["state"]] if job["report"] is None else report_lines(job["report"]))
    raise SystemExit(int(job["state"] != "done"))


@policy.command("shadow")
@click.argument("version")
@click.option("--start", "step", flag_value="start", help="Evaluate it beside the active policy from now on.")
@click.option("--stop", "step", flag_value="stop", help="End that; what was counted stays.")
@at_the_desk
def shadow_command(api: PolicyApi, version: str, step: str | None, as_json: bool) -> None:
    """How VERSION compares with live decisions."""
    if step == "start":
        api.post(f"/{version}/shadow", {})
    elif step == "stop":
        api.delete(f"/{version}/shadow")
    found = api.get(f"/{version}/shadow")
    _print(as_json, found, _shadow_lines(found))


@policy.command("approve")
@click.argument("version")
@click.option("--accept", multiple=True, help="A finding that may stand, by its name; repeat for several.")
@_note
@at_the_desk
def approve_command(api: PolicyApi, version: str, accept: tuple[str, ...], note: str, as_json: bool) -> None:
    """Find VERSION fit; nobody approves one of their own."""
    found = api.post(f"/{version}/approve", {"accept": accept, **_noted(note)})
    _print(as_json, found, _version_lines(found))


@policy.command("activate")
@click.argument("version")
@click.option(
    "--replacing", help="The etag of the publication that it is to replace; by default the active one."
)
@_note
@at_the_desk
def activate_command(api: PolicyApi, version: str, replacing: str | None, note: str, as_json: bool) -> None:
    """Let VERSION decide from now on, in place of the active one as it was seen."""
    publication = api.post(f"/{version}/activate", _noted(note), replacing or _active(api))
    _print(as_json, publication, _publication_lines(publication))


@policy.command("rollback")
@click.option("--replacing", help="The etag of the publication that is to go; by default the active one.")
@_note
@at_the_desk
def rollback_command(api: PolicyApi, replacing: str | None, note: str, as_json: bool) -> None:
    """Let the version before the active one decide again."""
    publication = api.post("/rollback", _noted(note), replacing or _active(api))
    _print(as_json, publication, _publication_lines(publication))


def _active(api: PolicyApi) -> str:
    etag: str = api.get("/active")["publication"]["etag"]
    return etag


def _noted(note: str) -> dict[str, object]:
    return {"note": note} if note else {}


def _named(version: Said) -> str:
    named = version["policy"]
    return f"{named['id']} version {named['version']}" if named["id"] else "no policy yet"


def _version_lines(version: Said) -> Iterator[str]:
    yield f"{version['id']} is {version['state']}: {_named(version)}, {version['policy']['digest']}"
    analysis = version["analysis"]
    for finding in [] if analysis is None else analysis["report"]["findings"]:
        yield f"{finding['severity']}: {finding['name']}: {finding['message']}"
    if analysis is not None and analysis["errors"]:
        yield f"to be accepted by name, if at all: {', '.join(analysis['errors'])}"


def _publication_lines(publication: Said) -> Iterator[str]:
    yield f"{publication['version']} decides since {publication['at']}, {publication['digest']}"
    yield f"publication {publication['number']}, etag {publication['etag']}"


def _shadow_lines(found: Said) -> Iterator[str]:
    until = found["stopped_at"] or "now"
    yield f"{found['compared']} decisions compared from {found['started_at']} to {until}"
    yield f"{found['different']} different, {found['failed']} failed, {found['not_compared']} not compared"
    for move in found["moves"]:
        if move["before"] != move["after"]:
            shown = ", ".join(move["sampled"][:3])
            yield f"{move['before']} → {move['after']}: {move['decisions']}  ({shown})"


def _print(as_json: bool, value: Said, lines: Iterable[str]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False) if as_json else "\n".join(lines))
