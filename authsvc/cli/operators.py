"""`authsvc operators`: who may operate the service, decided by whoever runs the machine, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from authsvc.bootstrap import command_line
from authsvc.bootstrap.address import address_of
from authsvc.bootstrap.opening import Store
from authsvc.cli.operate import as_json_option, opened_store, say, with_settings
from authsvc.clock import rfc3339
from authsvc.config import read_settings
from authsvc.domain.operator import Role
from authsvc.operators.account import OperatorAccount
from authsvc.operators.invitation import INVITATION_LIFE
from authsvc.operators.roster import Roster, invitation_url


@click.group()
def operators() -> None:
    """People who operate the service through its console."""


@operators.command("invite")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="What for; repeat for several.",
)
@with_settings
@as_json_option
def invite(name: str, roles: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Invite somebody, and show the link, this once: whoever opens it first is that operator."""
    with opened_store(**options) as store:
        account, shown = _roster(store).invite(name, [Role(role) for role in roles])
    say(as_json, {**_view(account), **_link(shown, options)})


@operators.command("reset")
@click.argument("name")
@with_settings
@as_json_option
def reset(name: str, as_json: bool, **options: Any) -> None:
    """For a lost phone or key: take everything away that an operator signs in with, and invite them anew."""
    with opened_store(**options) as store:
        account, shown = _roster(store).reset(name)
    say(as_json, {**_view(account), **_link(shown, options)})


@operators.command("revoke")
@click.argument("name")
@with_settings
@as_json_option
def revoke(name: str, as_json: bool, **options: Any) -> None:
    """End an operator for good; every worker refuses them from the next request on."""
    with opened_store(**options) as store:
        account = _roster(store).revoke(name)
    say(as_json, _view(account))


@operators.command("list")
@with_settings
@as_json_option
def list_operators(as_json: bool, **options: Any) -> None:
    """Everybody, the revoked ones included."""
    with opened_store(**options) as store:
        found = _roster(store).all()
    if as_json:
        click.echo(json.dumps([_view(account) for account in found]))
        return
    for account in found:
        click.echo(f"{account.id}  {account.state:8}  {account.name:20}  {' '.join(sorted(account.roles))}")


def _roster(store: Store) -> Roster:
    return Roster(store.ledger, store.ring, store.clock, command_line.actor())


def _link(shown: str, options: Mapping[str, Any]) -> Mapping[str, object]:
    hours = round(INVITATION_LIFE.total_seconds() / 3600)
    return {
        "link": invitation_url(address_of(read_settings(**options)), shown),
        "good for": f"{hours} hours, once",
    }


def _view(account: OperatorAccount) -> Mapping[str, object]:
    return {
        "id": account.id,
        "name": account.name,
        "roles": sorted(role.value for role in account.roles),
        "state": account.state.value,
        "created_at": rfc3339(account.created_at),
    }
