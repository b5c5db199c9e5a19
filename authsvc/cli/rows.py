"""What an operator does about the rows that carry authority: look at them, bind those of before, accept what was found out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from authsvc.bootstrap import command_line
from authsvc.cli.operate import as_json_option, db, opened_store, say, with_settings
from authsvc.errors import RecordBroken
from authsvc.storage.adopting import Finding

MOST_SHOWN = 100


@db.command("check")
@with_settings
@as_json_option
def check_rows(as_json: bool, **options: Any) -> None:
    """Look for rows that were changed, put there, removed or put back without the keys; exits with 1 when there are any."""
    with opened_store(**options) as store:
        survey = store.adopting.look()
    unbound, findings = dict(survey.unbound), survey.findings
    if as_json:
        found = [
            {"table": each.table, "row": each.row, "fault": each.fault} for each in findings[:MOST_SHOWN]
        ]
        click.echo(json.dumps({"sound": dict(survey.sound), "unbound": unbound, "findings": found}))
    else:
        say(False, {"sound": survey.sound.total(), "unbound": survey.unbound.total(), **unbound})
        for line in _lines(findings):
            click.echo(line)
    sys.exit(1 if findings else 0)


@db.command("adopt")
@with_settings
@as_json_option
def adopt_rows(as_json: bool, **options: Any) -> None:
    """Once, when every host has this version: bind the rows of before, and require it from then on.

    Refuses while any row has a MAC that is wrong, and once it was done.
    """
    with opened_store(**options) as store:
        if store.ring.all_bound:
            raise RecordBroken(
                "every row is bound already, and one without a MAC is not adopted a second time"
            )
        broken = store.adopting.look().broken
        if broken:
            raise RecordBroken("\n".join(["nothing was adopted; these rows are broken:", *_lines(broken)]))
        bound = store.adopting.adopt(command_line.actor())
        store.ring.mark_all_bound()
    say(as_json, {"adopted": sum(bound.values()), **bound})


@db.command("accept-rows")
@click.option("--reason", required=True, help="Why, for the log: what was found out, who decided.")
@with_settings
@as_json_option
def accept_rows(reason: str, as_json: bool, **options: Any) -> None:
    """After `db check` found something, and it was looked into: take every row as it stands, and say so in the log."""
    with opened_store(**options) as store:
        bound = store.adopting.accept(command_line.actor(), reason)
    say(as_json, {"accepted": sum(bound.values()), **bound})


def _lines(findings: Sequence[Finding]) -> list[str]:
    shown = [f"  {each.fault:9}  {each.table}  {each.row}" for each in findings[:MOST_SHOWN]]
    more = len(findings) - len(shown)
    return [*shown, f"  and {more} more"] if more else shown
