"""What the operators' side needs of the durable store, besides what the payers' side has: `storage` implements it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from authsvc.audit.chain import Head, Link
from authsvc.device.credential import Device
from authsvc.device.record import CredentialRecord
from authsvc.domain.account import Account
from authsvc.domain.attempts import Counter
from authsvc.domain.roll import Mark, Roll, Wanted
from authsvc.domain.store import Transaction
from authsvc.events import Event
from authsvc.operators.account import OperatorAccount
from authsvc.operators.counting import Figure
from authsvc.operators.invitation import Invitation
from authsvc.operators.session import Session
from authsvc.operators.unfreezing import RequestState, UnfreezeRequest
from authsvc.subject import Subject

Result = TypeVar("Result")


class Operators(Protocol):
    """Operators and what they sign in with. `save` makes the unit run again when somebody else was faster."""

    def add(self, account: OperatorAccount) -> bool:
        """Add an operator; False when the name is taken."""

    def save(self, account: OperatorAccount) -> OperatorAccount: ...

    def find(self, operator_id: str) -> OperatorAccount | None: ...

    def named(self, name_key: str) -> OperatorAccount | None:
        """The operator of this name who is not revoked."""

    def all(self) -> tuple[OperatorAccount, ...]: ...

    def put_app(self, operator_id: str, secret: bytes, step: int) -> None: ...

    def app_secret(self, operator_id: str) -> bytes | None: ...

    def use_app_step(self, operator_id: str, step: int) -> bool:
        """Use a time step up, and all before it; True once."""

    def forget_means(self, operator_id: str) -> None:
        """Remove every key and the app for good."""

    def add_key(self, record: CredentialRecord) -> bool:
        """Store a new device key; False when its id was ever seen."""

    def keys(self, operator_id: str) -> tuple[CredentialRecord, ...]:
        """The keys that may be used, oldest first."""

    def use_key(
        self, operator_id: str, credential_id: str, sign_count: int, backed_up: bool, now: datetime
    ) -> bool:
        """Count one use, if the key is synced or the count has risen or is 0 for ever: one conditional write."""

    def key_synced(self, operator_id: str, credential_id: str) -> bool:
        """Remember that a key may leave its device from now on; True once."""

    def invite(self, invitation: Invitation) -> None:
        """Add an invitation; earlier ones of the same operator are void."""

    def withdraw_invitations(self, operator_id: str) -> None: ...

    def invitation(self, invitation_id: str) -> Invitation | None: ...

    def use_invitation(self, invitation_id: str, now: datetime) -> bool:
        """True once, while it is good."""


class Sessions(Protocol):
    """Sessions and failed sign-ins. `charge` makes the unit run again when another attempt came in between."""

    def add(self, session: Session) -> None: ...

    def find(self, session_id: str) -> Session | None:
        """The session with its operator as of now; None for a revoked operator's."""

    def touch(self, session_id: str, now: datetime) -> None: ...

    def end(self, session_id: str, now: datetime) -> bool: ...

    def end_all(self, operator_id: str, now: datetime) -> int: ...

    def forget_over(self, now: datetime) -> int: ...

    def counter(self, scope: str) -> Counter: ...

    def save_counter(self, scope: str, before: Counter, after: Counter) -> None: ...

    def forget_counters(self, operator_id: str) -> None: ...


class FigureCounts(Protocol):
    """Counts of what the chains say. `advance` makes the unit run again when another process has counted."""

    def position(self, chain: str) -> int: ...

    def advance(self, chain: str, before: int, seq: int) -> None: ...

    def add(self, chain: str, at: datetime, counts: Mapping[str, int]) -> None: ...

    def within(self, since: datetime, until: datetime) -> tuple[Figure, ...]: ...

    def forget(self, before: datetime) -> int: ...


class Unfreezes(Protocol):
    """Requests to unfreeze. `open` and `answer` are conditional writes."""

    def open(self, request: UnfreezeRequest) -> bool: ...

    def find(self, request_id: str) -> UnfreezeRequest | None: ...

    def of_user(self, subject: Subject, now: datetime) -> UnfreezeRequest | None: ...

    def waiting(self, now: datetime) -> tuple[UnfreezeRequest, ...]: ...

    def answer(self, request_id: str, state: RequestState, by: str, now: datetime) -> bool: ...


class Rolls(Protocol):
    """Users, devices and events as lists, a bounded number of rows at a time."""

    def users(self, wanted: Wanted, after: Mark | None, limit: int) -> Roll[Account]: ...

    def devices(self, wanted: Wanted, after: Mark | None, limit: int) -> Roll[Device]: ...

    def events(self, wanted: Wanted, after: Mark | None, limit: int) -> Roll[Event]: ...


class Clients(Protocol):
    def clients(self) -> tuple[str, ...]:
        """Every payment backend that ever had a key."""


class AuditLines(Protocol):
    """The audit's own tables, to be read."""

    def last_heads(self) -> tuple[Head, ...]: ...

    def links_between(self, chain: str, first: int, last: int) -> tuple[Link, ...]: ...

    def links_of(self, object_id: str) -> tuple[Link, ...]: ...

    def sift(
        self,
        chain: str,
        floor: int,
        below: int,
        fragments: Sequence[str],
        limit: int,
        without: Sequence[str] = (),
    ) -> tuple[Link, ...]:
        """Lines of a chain, the latest first, in whose text all of these stand, and none of those `without`."""

    def first_since(self, chain: str, at: datetime, last: int) -> int:
        """The number of a chain's first line that was signed at this instant or later; `last` + 1 where none was."""


class OperatorTransaction(Transaction, Protocol):
    """An open transaction, seen from the operators' side."""

    @property
    def operators(self) -> Operators: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def figures(self) -> FigureCounts: ...
    @property
    def unfreezes(self) -> Unfreezes: ...
    @property
    def rolls(self) -> Rolls: ...
    @property
    def keys(self) -> Clients: ...
    @property
    def audit(self) -> AuditLines: ...


class OperatorLedger(Protocol):
    """The store as `authsvc.domain.store.Ledger`, over transactions that also know operators."""

    def transact(self, unit: Callable[[OperatorTransaction], Result]) -> Result: ...

    def read(self, query: Callable[[OperatorTransaction], Result]) -> Result: ...
