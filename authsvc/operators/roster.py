"""Who may operate the service: invited, reset and revoked on the command line alone, by whoever runs the machine.

The console shows the roster and cannot change it, so a stolen session makes no operators.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from authsvc.audit.chain import entry
from authsvc.clock import Clock
from authsvc.domain.ids import new_id
from authsvc.domain.operator import Role
from authsvc.errors import InvalidRequest, NotFound
from authsvc.keys.macs import Macs
from authsvc.operators.account import OperatorAccount, OperatorState, name_key, stated_name
from authsvc.operators.invitation import INVITATION_LIFE, Invitation
from authsvc.operators.store import OperatorLedger, OperatorTransaction
from authsvc.operators.token import INVITATION
from authsvc.text import did_you_mean, skeleton


class Roster:
    """`actor` is who changes it, as the audit says it."""

    def __init__(self, ledger: OperatorLedger, macs: Macs, clock: Clock, actor: str) -> None:
        self._ledger = ledger
        self._macs = macs
        self._clock = clock
        self._actor = actor

    def all(self) -> tuple[OperatorAccount, ...]:
        return self._ledger.read(lambda tx: tx.operators.all())

    def invite(self, name: str, roles: Iterable[Role]) -> tuple[OperatorAccount, str]:
        """A new operator and their invitation, shown this once; raises InvalidRequest for a name that is taken."""
        now = self._clock.now()
        account = OperatorAccount(new_id("opr"), stated_name(name), frozenset(roles), now)
        if not account.roles:
            raise InvalidRequest("an operator has at least one role")
        invitation, shown = self._invitation(account.id)

        def unit(tx: OperatorTransaction) -> None:
            taken = _look_alike(tx, account.name)
            if taken is not None or not tx.operators.add(account):
                named = account.name if taken is None else taken.name
                raise InvalidRequest(f"there is an operator `{named}` already; reset or revoke them")
            tx.operators.invite(invitation)
            known = {"name": account.name, "roles": sorted(account.roles)}
            tx.record(entry(self._actor, "operator.invite", None, account.id, "invited", now, **known))

        self._ledger.transact(unit)
        return account, shown

    def reset(self, name: str) -> tuple[OperatorAccount, str]:
        """Take everything away that an operator signs in with, and invite them anew: for a lost phone or key."""
        now = self._clock.now()

        def unit(tx: OperatorTransaction) -> tuple[OperatorAccount, str]:
            account = _named(tx, name)
            invitation, shown = self._invitation(account.id)
            account = replace(account.become(OperatorState.INVITED), sign_in_mac=None)
            account = tx.operators.save(account)
            tx.operators.forget_means(account.id)
            tx.operators.invite(invitation)
            tx.sessions.forget_counters(account.id)
            ended = tx.sessions.end_all(account.id, now)
            tx.record(
                entry(self._actor, "operator.reset", None, account.id, "invited", now, sessions_ended=ended)
            )
            return account, shown

        return self._ledger.transact(unit)

    def revoke(self, name: str) -> OperatorAccount:
        """End an operator for good; every worker refuses their sessions from the next request on."""
        now = self._clock.now()

        def unit(tx: OperatorTransaction) -> OperatorAccount:
            account = _named(tx, name)
            account = tx.operators.save(account.become(OperatorState.REVOKED))
            tx.operators.forget_means(account.id)
            tx.operators.withdraw_invitations(account.id)
            ended = tx.sessions.end_all(account.id, now)
            tx.record(
                entry(self._actor, "operator.revoke", None, account.id, "revoked", now, sessions_ended=ended)
            )
            return account

        return self._ledger.transact(unit)

    def _invitation(self, operator_id: str) -> tuple[Invitation, str]:
        invitation_id, shown, mac = INVITATION.new(self._macs)
        return Invitation(invitation_id, operator_id, mac, self._clock.now() + INVITATION_LIFE), shown


def invitation_url(base_url: str, shown: str) -> str:
    """The link to hand over. The secret stands behind `#`, which browsers keep to themselves: no server and no log sees it."""
    return f"{base_url}/console/join#{shown}"


def _look_alike(tx: OperatorTransaction, name: str) -> OperatorAccount | None:
    """Somebody whose name people would take for this one: two operators must be two people, also to the eye."""
    wanted = skeleton(name)
    there = (each for each in tx.operators.all() if each.state is not OperatorState.REVOKED)
    return next((each for each in there if skeleton(each.name) == wanted), None)


def _named(tx: OperatorTransaction, name: str) -> OperatorAccount:
    account = tx.operators.named(name_key(stated_name(name)))
    if account is None:
        known = [each.name for each in tx.operators.all()]
        raise NotFound(f"there is no operator `{name}`{did_you_mean(name, known)}")
    return account
