"""`authsvc audit`: for auditors and third parties, on a machine that need not run the service."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any  # Any: what JSON has, and the bar, whose type click keeps to itself.

import click

from authsvc.audit.archive import Archives
from authsvc.audit.chain import PublicKeys
from authsvc.audit.evidence_file import bundle_in, keys_in, verify_file
from authsvc.audit.evidence_page import page
from authsvc.audit.export import KEYS, read_checkpoints, read_keys, size_of, verify_export
from authsvc.audit.report import Report
from authsvc.audit.witness import Witness
from authsvc.errors import InvalidRequest

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("verify-export")
@click.argument("folder", type=_FOLDER)
@click.option("--keys", "keys_file", type=_FILE, help="The public audit keys, from a source you trust.")
@click.option("--kept", "kept_file", type=_FILE, help="Checkpoints that you kept from earlier exports.")
@click.option("--archives", type=_FOLDER, help="What was archived of it, to verify all of it as one.")
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON line.")
def verify_export_command(
    folder: Path, keys_file: Path | None, kept_file: Path | None, archives: Path | None, as_json: bool
) -> None:
    """Verify an exported audit log; exits with 1 when anything was touched."""
    try:
        keys = read_keys(keys_file or folder / KEYS)
        kept = () if kept_file is None else read_checkpoints(kept_file)
        archived = None if archives is None else Archives(archives, keys)
    except InvalidRequest as error:
        raise click.ClickException(error.detail) from None
    if keys_file is None:
        _compare_keys(keys)
    with progress_bar(size_of(folder), as_json) as bar:
        report = verify_export(folder, keys, kept, bar.update, archived)
    print_report(report, as_json)


@click.command("verify")
@click.argument("file", type=_FILE)
@click.option(
    "--keys", "keys_file", type=_FILE, help="The service's public audit keys, from a source you trust."
)
@click.option("--html", type=click.Path(path_type=Path), help="A page to read.")
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON line.")
def verified(file: Path, keys_file: Path | None, html: Path | None, as_json: bool) -> None:
    """Verify the evidence of one decision, with nothing but the public keys; exits with 1 when it does not hold."""
    content = file.read_bytes()
    try:
        keys = keys_in(content) if keys_file is None else read_keys(keys_file)
    except InvalidRequest as error:
        raise click.ClickException(error.detail) from None
    if keys_file is None:
        _compare_keys(keys)
    witness = verify_file(content, keys)
    if html is not None:
        html.write_text(page(_object(bundle_in(content)), witness), encoding="utf-8")
    _print(witness, _witness_lines(witness), as_json)


@click.command("evidence")
@click.argument("bundle", type=_FILE)
@click.option("--keys", "keys_file", type=_FILE, required=True, help="The service's public audit keys.")
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON line.")
@click.pass_context
def evidence_command(context: click.Context, bundle: Path, keys_file: Path, as_json: bool) -> None:
    """The old name of `authsvc evidence verify`."""
    context.invoke(verified, file=bundle, keys_file=keys_file, html=None, as_json=as_json)


def _compare_keys(keys: PublicKeys) -> None:
    click.echo("the keys come with what they verify; compare them with the service's own:", err=True)
    for key_id in keys:
        click.echo(f"  {key_id}", err=True)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def progress_bar(length: int, as_json: bool) -> AbstractContextManager[Any]:
    """For whoever waits at a terminal, and for nobody else."""
    hidden = as_json or not sys.stderr.isatty()
    bar: AbstractContextManager[Any] = click.progressbar(
        length=length, label="audit", file=sys.stderr, hidden=hidden, update_min_steps=max(1, length // 200)
    )
    return bar


def print_report(report: Report, as_json: bool) -> None:
    """Say what a verification found, and exit with 1 when anything was touched."""
    _print(report, _report_lines(report), as_json)


def _print(answer: Report | Witness, lines: list[str], as_json: bool) -> None:
    for line in [json.dumps(answer.to_json())] if as_json else lines:
        click.echo(line)
    if not answer.is_sound:
        raise click.exceptions.Exit(1)


def _report_lines(report: Report) -> list[str]:
    counts = f"{report.links} entries, {report.heads} signed heads, {report.checkpoints} checkpoints"
    chains = [f"chain {chain}: {last} entries" for chain, last in report.chains.items()]
    chains += [f"chain {chain}: 1 to {last} are in archives" for chain, last in report.archived.items()]
    findings = [f"{each.fault}: {each.chain} {each.seq}: {each.detail}" for each in report.findings]
    return [counts, *chains, *findings, _verdict(report.is_sound)]


def _witness_lines(witness: Witness) -> list[str]:
    entries = [f"{body.get('at')} {body.get('action')}: {body.get('result')}" for body in witness.timeline]
    return [f"evidence hash {witness.evidence_hash}", *entries, *witness.faults, _verdict(witness.is_sound)]


def _verdict(is_sound: bool) -> str:
    return "sound: nothing was touched" if is_sound else "NOT sound"
