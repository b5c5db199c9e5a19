"""`authsvc lab sign`: the service's own key under a lab report, so that nobody changes it before a policy rests on it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from authsvc.audit.chain import entry
from authsvc.audit.signed_file import sign, signature_of
from authsvc.bootstrap import command_line
from authsvc.cli.operate import as_json_option, opened_store, say, with_settings
from authsvc.policy_life.lab_proof import REPORT_LABEL, read_report


@click.command("sign")
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_settings
@as_json_option
def sign_command(report: Path, as_json: bool, **options: Any) -> None:
    """Sign REPORT of `authsvc lab all` with the service's audit key, on the service's host; REPORT.sig is written beside it."""
    content = read_report(report)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with opened_store(**options) as store:
        written = sign(REPORT_LABEL, content, store.ring.audit_signing_key())
        line = entry(command_line.actor(), "lab.sign", None, digest, "done", store.clock.now())
        store.ledger.transact(lambda tx: tx.record(line))
    signature_of(report).write_text(written, encoding="ascii")
    say(as_json, {"written": str(signature_of(report)), "report": digest})
