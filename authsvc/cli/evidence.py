"""`authsvc evidence`: the evidence of one decision, to hand over and to verify offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from authsvc.audit.commands import verified
from authsvc.audit.evidence_file import write_file
from authsvc.audit.evidence_page import page
from authsvc.audit.witness import verify_bundle
from authsvc.canonical import canonical
from authsvc.cli.operate import as_json_option, opened_store, say, with_settings
from authsvc.errors import NotFound
from authsvc.lab.options import output_file


class _ByDecision(click.Group):
    """`authsvc evidence dec_…` writes that decision's."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0].startswith("dec_"):
            return "write", self.commands["write"], args
        return super().resolve_command(ctx, args)


@click.group(cls=_ByDecision)
def evidence() -> None:
    """Everything that one decision rests on: `authsvc evidence DECISION`, and `verify` for whoever gets it."""


@evidence.command("write")
@click.argument("decision_id")
@click.option("--out", type=output_file, help="The file; by default DECISION.evidence.json.")
@click.option("--html", type=output_file, help="A page to read, beside it.")
@with_settings
@as_json_option
def write(decision_id: str, out: Path | None, html: Path | None, as_json: bool, **options: Any) -> None:
    """Write a decision's evidence: inputs, rules, policy, proofs, device, timeline, its place in the audit, and the keys."""
    out = out or Path(f"{decision_id}.evidence.json")
    with opened_store(**options) as store:
        decision = store.ledger.read(lambda tx: tx.decisions.find(decision_id))
        if decision is None:
            raise NotFound(f"there is no decision `{decision_id}`")
        bundle, keys = store.audit.evidence(decision), store.ring.audit_public_keys()
        out.write_text(write_file(canonical(bundle), store.ring.audit_signing_key(), keys), encoding="utf-8")
    witness = verify_bundle(json.dumps(bundle), keys)
    if html is not None:
        html.write_text(page(bundle, witness), encoding="utf-8")
    say(as_json, {"written": str(out), "evidence_hash": witness.evidence_hash, "sound": witness.is_sound})


evidence.add_command(verified)
