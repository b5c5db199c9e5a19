"""`authsvc ids`: names that were stored before the edge refused what is not canonical, which no call reaches any more.

They are listed with what is wrong with them. An account among them can be erased; its owner enrolls under the canonical name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click

from authsvc.bootstrap import command_line
from authsvc.bootstrap.opening import Store
from authsvc.cli.operate import as_json_option, opened_store, with_settings
from authsvc.domain.account_acts import erase, existing
from authsvc.errors import NotFound
from authsvc.storage.transaction import StoreTransaction
from authsvc.subject import Subject
from authsvc.text import fault_of_identifier


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A stored name; `ref` stands for it where nobody could type it, `shown` is it with escapes for what cannot be seen."""

    kind: str
    ref: str
    shown: str
    fault: str
    subject: Subject | None = None

    def to_json(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if name != "subject"}


@click.command("ids")
@click.option(
    "--erase", "ref", metavar="REF", help="Destroy the account that is listed under this reference."
)
@with_settings
@as_json_option
def ids(ref: str | None, as_json: bool, **options: Any) -> None:
    """Names in the database that are not canonical, so that no call reaches them."""
    with opened_store(**options) as store:
        found = store.ledger.read(lambda tx: tuple(unreachable(tx)))
        if ref is not None:
            found = (_erased(store, found, ref),)
    if as_json:
        click.echo(json.dumps([each.to_json() for each in found]))
        return
    for each in found:
        click.echo(f"{each.ref}  {each.kind:9}  {each.shown}: {each.fault}")


def unreachable(tx: StoreTransaction) -> Iterator[Unreachable]:
    """Users, clients of API keys and operators whose names are not canonical."""
    for subject in tx.accounts.subjects():
        fault = _fault(subject.client) or _fault(subject.user)
        if fault is not None:
            yield _unreachable("user", f"{subject.client}/{subject.user}", fault, subject)
    named = [("client", key.client) for key in tx.keys.all()]
    named += [("operator", operator.name) for operator in tx.operators.all()]
    for kind, name in dict.fromkeys(named):
        fault = _fault(name)
        if fault is not None:
            yield _unreachable(kind, name, fault)


def _fault(name: str) -> str | None:
    return fault_of_identifier(name) if name else "is empty"


def _unreachable(kind: str, name: str, fault: str, subject: Subject | None = None) -> Unreachable:
    ref = hashlib.sha256(f"{kind}\0{name}".encode()).hexdigest()[:12]
    return Unreachable(kind, ref, ascii(name)[1:-1], fault, subject)


def _erased(store: Store, found: tuple[Unreachable, ...], ref: str) -> Unreachable:
    """Erase an account that nobody can reach, frozen or not: nobody can enroll under its name again either."""
    wanted = next((each for each in found if each.ref == ref and each.subject is not None), None)
    if wanted is None or wanted.subject is None:
        raise NotFound(f"no account is listed under `{ref}`")
    subject, now = wanted.subject, store.clock.now()
    store.ledger.transact(lambda tx: erase(tx, existing(tx, subject), command_line.actor(), now))
    return wanted
