"""`authsvc report`: a month for management and auditors, from the audit log, as a page and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from authsvc.audit.chain import Link
from authsvc.bootstrap.opening import Store
from authsvc.cli.month_page import page
from authsvc.cli.operate import as_json_option, opened_store, with_settings
from authsvc.errors import InvalidRequest
from authsvc.lab.options import output_file
from authsvc.operators.month import AT_ONCE, Month, bodies, month_of

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--month", "text", required=True, metavar="YYYY-MM", help="The month, in UTC.")
@click.option("--html", required=True, type=output_file, help="The page.")
@click.option("--out", type=output_file, help="The same as JSON.")
@click.option("--lab", type=_FILE, help="A report of `authsvc lab all`, to stand in it.")
@click.option(
    "--drills", type=_FILE, help="What `authsvc drill --json` printed: its holes are open findings."
)
@with_settings
@as_json_option
def report(
    text: str,
    html: Path,
    out: Path | None,
    lab: Path | None,
    drills: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Decisions, challenges, fraud, exemptions, false rejects, liveness rejects, lock-outs, time to freeze, lab and findings."""
    try:
        since, until = month_of(text)
    except ValueError:
        raise click.UsageError(f"`{text}` is no month such as 2026-11") from None
    tried = None if lab is None else _read(lab, "gate")
    played = None if drills is None else _read(drills, "drills")
    with opened_store(**options) as store:
        found = _counted(store, since, until)
        sound = store.audit.verify()
    found["audit"] = {"lines": found.pop("lines"), "sound": not sound.findings}
    found["lab"] = None if tried is None else {name: tried.get(name) for name in ("date", "data_set", "gate")}
    broken = [f"audit: {each.fault.value}" for each in sound.findings]
    found["open_findings"] = None if played is None and not broken else [*broken, *_holes(played)]
    html.write_text(page(found), encoding="utf-8")
    if out is not None:
        out.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else f"written: {html}")


def _counted(store: Store, since: datetime, until: datetime) -> dict[str, Any]:
    def exempted(decision_id: str) -> tuple[str, str, int] | None:
        decision = store.ledger.read(lambda tx: tx.decisions.find(decision_id))
        if decision is None or decision.exemption is None:
            return None
        return decision.exemption, decision.payment.currency, decision.payment.amount_minor

    month, lines = Month(since, until, exempted), 0
    for head in store.ledger.read(lambda tx: tx.audit.last_heads()):
        for first in range(1, head.seq + 1, AT_ONCE):
            links = _links(store, head.chain, first, min(first + AT_ONCE - 1, head.seq))
            lines += len(links)
            for body in bodies(links):
                month.take(body)
    return {**month.report(), "lines": lines}


def _links(store: Store, chain: str, first: int, last: int) -> Sequence[Link]:
    return store.ledger.read(lambda tx: tx.audit.links_between(chain, first, last))


def _holes(played: dict[str, Any] | None) -> list[str]:
    drills = [] if played is None else played["drills"]
    said = {"hole": "", "broken": " (could not be played, so nothing is shown)"}
    return [
        f"{each['name']}: {each['attack']}{said[each['verdict']]}"
        for each in drills
        if each["verdict"] in said
    ]


def _read(file: Path, field: str) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or field not in found:
        raise InvalidRequest(f"`{file.name}` is not such a report: it has no `{field}`")
    return found
