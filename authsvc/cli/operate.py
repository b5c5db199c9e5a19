"""What an operator does on the command line: keys, database, audit. Every act is a line in the audit log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click

from authsvc.audit.chain import entry
from authsvc.audit.commands import evidence_command, print_report, progress_bar, verify_export_command
from authsvc.audit.export import read_checkpoints
from authsvc.bootstrap import command_line
from authsvc.bootstrap.alone import alone_in
from authsvc.bootstrap.opening import Store, open_database, open_store, token_of
from authsvc.clock import rfc3339
from authsvc.config import read_settings
from authsvc.errors import InvalidRequest, NotFound
from authsvc.keys.access import ALL_SCOPES, ApiKey, Scope, name_of, new_api_key
from authsvc.keys.keyring import KeyRing, Purpose
from authsvc.keys.pem import certificate_in, signing_key_in
from authsvc.storage.archiving import Archiving
from authsvc.storage.revision import refuse_misfit
from authsvc.storage.transaction import StoreTransaction
from authsvc.storage.upgrade import database_url, upgrade
from authsvc.subject import Subject
from authsvc.text import did_you_mean

as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every command that opens the store."""
    folder = click.Path(file_okay=False, path_type=Path)
    command = click.option("--data-dir", type=folder, help="Where database and keys are.")(command)
    return click.option("--database-url", help="PostgreSQL instead of the embedded SQLite.")(command)


@contextmanager
def opened_store(**options: Any) -> Iterator[Store]:
    settings = read_settings(**options)
    store = open_store(settings)
    try:
        refuse_misfit(open_database(settings))
        yield store
    finally:
        store.close()


Merge = Callable[[frozenset[str], frozenset[str]], frozenset[str]]


def _pem_option(name: str, text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        name, multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help=text
    )


@click.group()
def keys() -> None:
    """API keys of payment backends."""


@keys.command("create")
@click.option("--client", required=True, help="The payment backend; its users are its own.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="Repeat; default all.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Until it expires; default never.")
@with_settings
@as_json_option
def create_key(client: str, scopes: tuple[str, ...], days: int | None, as_json: bool, **options: Any) -> None:
    """Make a key and show it, this once."""
    with opened_store(**options) as store:
        lifetime = None if days is None else timedelta(days=days)
        key, shown = new_api_key(
            store.ring, client, frozenset(map(Scope, scopes)) or ALL_SCOPES, store.clock.now(), lifetime
        )
        _change_keys(store, "key.create", key.id, client, lambda tx: tx.keys.add(key))
    say(as_json, {**_key_view(key), "api_key": shown})


@keys.command("rotate")
@click.argument("key_id")
@click.option("--overlap-hours", type=click.IntRange(0, 720), default=24, show_default=True)
@with_settings
@as_json_option
def rotate_key(key_id: str, overlap_hours: int, as_json: bool, **options: Any) -> None:
    """Make a successor with the same client and scopes; the old key runs out after the overlap."""
    with opened_store(**options) as store:
        old = store.ledger.read(lambda tx: tx.keys.find(key_id))
        if old is None:
            raise _unknown_key(store, key_id)
        now = store.clock.now()
        scopes = frozenset(Scope(scope) for scope in old.scopes)
        key, shown = new_api_key(store.ring, old.client, scopes, now)
        key = replace(key, certificates=old.certificates, signing_keys=old.signing_keys)

        def unit(tx: StoreTransaction) -> None:
            tx.keys.add(key)
            tx.keys.end(key_id, now + timedelta(hours=overlap_hours))

        _change_keys(store, "key.rotate", key_id, old.client, unit)
    say(as_json, {**_key_view(key), "api_key": shown})


@keys.command("list")
@with_settings
@as_json_option
def list_keys(as_json: bool, **options: Any) -> None:
    """Every key, without its secret."""
    with opened_store(**options) as store:
        found = store.ledger.read(lambda tx: tx.keys.all())
    if as_json:
        click.echo(json.dumps([_key_view(key) for key in found]))
        return
    for key in found:
        state = "good" if key.is_good(store.clock.now()) else "ended"
        click.echo(f"{key.id}  {state:5}  {key.client:20}  {' '.join(sorted(key.scopes))}")


@keys.command("revoke")
@click.argument("key_id")
@with_settings
@as_json_option
def revoke_key(key_id: str, as_json: bool, **options: Any) -> None:
    """End a key; every worker refuses it within a second."""
    with opened_store(**options) as store:
        key = store.ledger.read(lambda tx: tx.keys.find(key_id))
        if key is None:
            raise _unknown_key(store, key_id)
        now = store.clock.now()
        _change_keys(store, "key.revoke", key_id, key.client, lambda tx: tx.keys.revoke(key_id, now))
    say(as_json, {"id": key_id, "revoked_at": rfc3339(now)})


@keys.command("bind")
@click.argument("key_id")
@_pem_option("--certificate", "Certificate (PEM) that a connection must show; one of several.")
@_pem_option("--signing-key", "Public Ed25519 key (PEM) that requests must be signed with; one of several.")
@with_settings
@as_json_option
def bind_key(key_id: str, as_json: bool, **options: Any) -> None:
    """Let a key count only with one of these certificates, or signatures, besides those that it is bound to already.

    For a rotation bind the new one, have the backend change over, then `unbind` the old one.
    """
    _rebind(key_id, as_json, options, lambda old, new: old | new)


@keys.command("unbind")
@click.argument("key_id")
@_pem_option("--certificate", "Certificate (PEM) that counts no more.")
@_pem_option("--signing-key", "Public key (PEM) that counts no more.")
@with_settings
@as_json_option
def unbind_key(key_id: str, as_json: bool, **options: Any) -> None:
    """Take certificates or signing keys from a key; the last one is not taken, since that would loosen it."""
    _rebind(key_id, as_json, options, lambda old, new: old - new)


def _rebind(key_id: str, as_json: bool, options: dict[str, Any], merge: Merge) -> None:
    certificates = frozenset(map(certificate_in, options.pop("certificate")))
    signing_keys = frozenset(map(signing_key_in, options.pop("signing_key")))
    if not certificates and not signing_keys:
        raise click.UsageError("name a `--certificate` or a `--signing-key`")
    with opened_store(**options) as store:
        old = store.ledger.read(lambda tx: tx.keys.find(key_id))
        if old is None:
            raise _unknown_key(store, key_id)
        key = replace(
            old,
            certificates=merge(old.certificates, certificates),
            signing_keys=merge(old.signing_keys, signing_keys),
        )
        if (old.certificates and not key.certificates) or (old.signing_keys and not key.signing_keys):
            raise InvalidRequest(
                "the key would be bound to nothing: make another one instead, and revoke this"
            )
        _change_keys(store, "key.bind", key_id, key.client, lambda tx: tx.keys.bind(key))
    say(as_json, _key_view(key))


@click.group()
def keyring() -> None:
    """The service's own keys."""


@keyring.command("create")
@with_settings
@as_json_option
def create_keyring(as_json: bool, **options: Any) -> None:
    """Make the key ring. Without it nothing that is sealed opens again: back it up."""
    settings = read_settings(**options)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    KeyRing.create(settings.keyring, token=token_of(settings))
    say(as_json, {"keyring": str(settings.keyring)})


@keyring.command("rotate")
@click.argument("purpose", type=click.Choice([purpose.value for purpose in Purpose]))
@click.option("--in-file", is_flag=True, help="Make the key in the ring's file, although a token is named.")
@with_settings
@as_json_option
def rotate_keyring(purpose: str, in_file: bool, as_json: bool, **options: Any) -> None:
    """Add a key version, while the service runs; `sealing` wraps every user's key again, `hmac` binds rows again."""
    with opened_store(**options) as store:
        # Written down before, so that no ring turns where nothing can be written down.
        _record_rotation(store, "", "begun", purpose)
        version = store.ring.rotate(Purpose(purpose), in_file=in_file)
        rewrapped = _rewrap(store) if purpose == Purpose.SEALING else 0
        bound = sum(store.adopting.renew().values()) if purpose == Purpose.HMAC else 0
        _record_rotation(store, version, "rotated", purpose)
    say(as_json, {"purpose": purpose, "version": version, "rewrapped": rewrapped, "bound": bound})


@click.group()
def db() -> None:
    """The durable database."""


@db.command("upgrade")
@with_settings
@as_json_option
def upgrade_database(as_json: bool, **options: Any) -> None:
    """Bring the schema to this version."""
    settings = read_settings(**options)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    say(as_json, {"revision": upgrade(database_url(settings))})


@click.group()
def audit() -> None:
    """Check what was recorded; `verify-export` and `evidence` need neither the service nor its database."""


audit.add_command(verify_export_command)
audit.add_command(evidence_command)


@audit.command("verify")
@click.option(
    "--kept",
    "kept_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Checkpoints that were kept outside, one a line: an auditor's, or AUTHSVC_AUDIT_WITNESS.",
)
@with_settings
@as_json_option
def verify_audit(kept_file: Path | None, as_json: bool, **options: Any) -> None:
    """Verify the whole log in the database; exits with 1 when anything was touched."""
    kept = () if kept_file is None else read_checkpoints(kept_file)
    with opened_store(**options) as store, progress_bar(store.audit.length(), as_json) as bar:
        report = store.audit.verify(kept, bar.update)
    print_report(report, as_json)


@audit.command("accept-restore")
@click.option("--reason", required=True, help="Why, for the log: which backup, of when, who decided.")
@with_settings
@as_json_option
def accept_restore(reason: str, as_json: bool, **options: Any) -> None:
    """After a restore from a backup, with the service stopped: go on from what the database holds, and say so in the log."""
    settings = read_settings(**options)
    with alone_in(settings.data_dir):
        store = open_store(settings, restored=True)
        try:
            refuse_misfit(open_database(settings))
            done = store.audit.accept_restore(command_line.actor(), reason)
        finally:
            store.close()
    say(as_json, done)


@audit.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@with_settings
@as_json_option
def export_audit(folder: Path, as_json: bool, **options: Any) -> None:
    """Write the whole log into a new folder, for a verifier elsewhere."""
    with opened_store(**options) as store:
        store.audit.export(folder)
    say(as_json, {"exported": str(folder)})


@audit.command("archive")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--keep-days", type=click.IntRange(90), help="Instead of AUTHSVC_KEEP_AUDIT_DAYS.")
@with_settings
@as_json_option
def archive_audit(folder: Path, keep_days: int | None, as_json: bool, **options: Any) -> None:
    """Write the oldest part of the log into a signed archive, and drop it from the database; the service may run."""
    settings = read_settings(keep_audit_days=keep_days, **options)
    if settings.keep_audit_days < settings.keep_decisions_days:
        raise click.ClickException(
            "the audit must be kept as long as decisions, which are shown with their lines"
        )
    with opened_store(keep_audit_days=keep_days, **options) as store:
        before = store.clock.now() - timedelta(days=settings.keep_audit_days)
        ring = store.ring
        archiving = Archiving(
            store.ledger, store.audit, ring.audit_public_keys, ring.audit_signing_key, store.clock
        )
        with progress_bar(store.audit.length(), as_json) as bar:
            done = archiving.archive(folder, before, command_line.actor(), bar.update)
    say(as_json, done)


def _record_rotation(store: Store, version: str, result: str, purpose: str) -> None:
    now = store.clock.now()
    line = entry(command_line.actor(), "keyring.rotate", None, version, result, now, purpose=purpose)
    store.ledger.transact(lambda tx: tx.record(line))


def _unknown_key(store: Store, key_id: str) -> NotFound:
    known = [key.id for key in store.ledger.read(lambda tx: tx.keys.all())]
    return NotFound(f"there is no key `{key_id}`{did_you_mean(key_id, known)}")


def _rewrap(store: Store) -> int:
    """Wrap every subject's key under the current sealing key; each by one conditional write."""
    wrapped = store.ledger.read(lambda tx: tx.accounts.wrapped_keys())
    count = 0
    for subject, old in wrapped:
        new = store.sealer.rewrap(old, subject)
        if new is not None:
            count += store.ledger.transact(partial(_rewrap_one, subject, old, new))
    return count


def _rewrap_one(subject: Subject, old: bytes, new: bytes, tx: StoreTransaction) -> bool:
    return tx.accounts.rewrap(subject, old, new)


def _change_keys(
    store: Store, action: str, key_id: str, client: str, change: Callable[[StoreTransaction], object]
) -> None:
    now = store.clock.now()

    def unit(tx: StoreTransaction) -> None:
        change(tx)
        tx.record(entry(command_line.actor(), action, None, key_id, "done", now, client=client))

    store.ledger.transact(unit)


def _key_view(key: ApiKey) -> Mapping[str, object]:
    return {
        "id": key.id,
        "client": key.client,
        "scopes": sorted(key.scopes),
        "created_at": rfc3339(key.created_at),
        "expires_at": None if key.expires_at is None else rfc3339(key.expires_at),
        "revoked_at": None if key.revoked_at is None else rfc3339(key.revoked_at),
        "certificates": sorted(key.certificates),
        "signing_keys": sorted(map(name_of, key.signing_keys)),
    }


def say(as_json: bool, facts: Mapping[str, object]) -> None:
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        click.echo(f"{name:>12}  {shown}")
