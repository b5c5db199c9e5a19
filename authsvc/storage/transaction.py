"""One open transaction as the flow sees it: a store for every subject, and what is written just before COMMIT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from authsvc.audit.chain import Entry, Head, Link, SigningKey, extend, sign_head
from authsvc.audit.remembered import RememberedHeads, refuse_unless_held
from authsvc.audit.taken_away import TakenAway
from authsvc.clock import Clock
from authsvc.domain.store import Ahead
from authsvc.events import Event
from authsvc.habit.signals import RECENT
from authsvc.http import TRACE
from authsvc.keys.macs import Macs
from authsvc.storage.accounts import AccountStore, find_payer
from authsvc.storage.auditing import AuditStore
from authsvc.storage.bound import Binder
from authsvc.storage.credentials import CredentialStore
from authsvc.storage.database import Connection, Query
from authsvc.storage.decisions import DecisionStore
from authsvc.storage.deliveries import DeliveryStore
from authsvc.storage.factors import OtpStore, TemplateStore
from authsvc.storage.figures import FigureStore
from authsvc.storage.following import line_of
from authsvc.storage.habits import HabitStore
from authsvc.storage.operator_sessions import OperatorSessionStore
from authsvc.storage.operators import OperatorStore
from authsvc.storage.policy_life import PolicyLifeStore
from authsvc.storage.policy_trials import BacktestStore, ShadowStore
from authsvc.storage.rolls import RollStore
from authsvc.storage.rows import Rows
from authsvc.storage.sealing import Sealer
from authsvc.storage.service_tables import (
    ApiKeyStore,
    EventStore,
    IdempotencyStore,
    PolicyStore,
    ReadinessStore,
    find_answer,
)
from authsvc.storage.spent import SpentStore
from authsvc.storage.tickets import EnrollmentStore, OverviewStore
from authsvc.storage.unfreezes import UnfreezeStore
from authsvc.storage.webhooks import EndpointStore, LeaseStore

# Events are numbered when they are written; on PostgreSQL a reader of the feed would miss a lower number that commits
# after a higher one. Batches with events therefore take turns. SQLite has one writer at a time anyway.
EVENTS_IN_TURN = "SELECT pg_advisory_xact_lock(7106423)"


class StoreTransaction:
    """The stores over one connection, each made when it is first asked for. Links and events wait until the batch is sealed."""

    def __init__(
        self, connection: Connection, sealer: Sealer, binder: Binder, macs: Macs, head: Head
    ) -> None:
        self._connection = connection
        self._sealer = sealer
        self._macs = macs
        self.rows = Rows(connection, binder)
        self.head = head
        self.links: list[tuple[Link, Entry]] = []
        self.published: list[Event] = []

    @cached_property
    def accounts(self) -> AccountStore:
        return AccountStore(self._connection, self.rows, self._sealer)

    @cached_property
    def decisions(self) -> DecisionStore:
        return DecisionStore(self._connection, self.rows)

    @cached_property
    def rolls(self) -> RollStore:
        return RollStore(self._connection, self.rows)

    @cached_property
    def habits(self) -> HabitStore:
        return HabitStore(self._connection, self.rows, self._sealer)

    @cached_property
    def credentials(self) -> CredentialStore:
        return CredentialStore(self._connection, self.rows)

    @cached_property
    def codes(self) -> OtpStore:
        return OtpStore(self._connection, self.rows, self._sealer)

    @cached_property
    def templates(self) -> TemplateStore:
        return TemplateStore(self._connection, self._sealer)

    @cached_property
    def spent(self) -> SpentStore:
        return SpentStore(self._connection, self._macs)

    @cached_property
    def answers(self) -> IdempotencyStore:
        return IdempotencyStore(self._connection)

    @cached_property
    def events(self) -> EventStore:
        return EventStore(self._connection)

    @cached_property
    def policies(self) -> PolicyStore:
        return PolicyStore(self._connection)

    @cached_property
    def life(self) -> PolicyLifeStore:
        return PolicyLifeStore(self._connection, self.rows)

    @cached_property
    def shadows(self) -> ShadowStore:
        return ShadowStore(self._connection)

    @cached_property
    def backtests(self) -> BacktestStore:
        return BacktestStore(self._connection)

    @cached_property
    def tickets(self) -> EnrollmentStore:
        return EnrollmentStore(self._connection, self.rows)

    @cached_property
    def overviews(self) -> OverviewStore:
        return OverviewStore(self._connection, self.rows)

    @cached_property
    def endpoints(self) -> EndpointStore:
        return EndpointStore(self._connection, self._sealer)

    @cached_property
    def deliveries(self) -> DeliveryStore:
        return DeliveryStore(self._connection)

    @cached_property
    def leases(self) -> LeaseStore:
        return LeaseStore(self._connection)

    @cached_property
    def readiness(self) -> ReadinessStore:
        return ReadinessStore(self._connection)

    @cached_property
    def keys(self) -> ApiKeyStore:
        return ApiKeyStore(self._connection, self.rows)

    @cached_property
    def operators(self) -> OperatorStore:
        return OperatorStore(self._connection, self.rows, self._sealer)

    @cached_property
    def sessions(self) -> OperatorSessionStore:
        return OperatorSessionStore(self._connection, self.rows)

    @cached_property
    def figures(self) -> FigureStore:
        return FigureStore(self._connection)

    @cached_property
    def unfreezes(self) -> UnfreezeStore:
        return UnfreezeStore(self.rows)

    @cached_property
    def audit(self) -> AuditStore:
        return AuditStore(self._connection)

    def position(self) -> tuple[str, int]:
        return self.head.chain, self.head.seq + 1

    def record(self, entry: Entry) -> None:
        link = extend(self.head, entry)
        self.links.append((link, entry))
        self.head = link.head()

    def publish(self, event: Event) -> None:
        self.published.append(replace(event, trace=TRACE.get()))


def queries(ahead: Ahead) -> tuple[Query, ...]:
    """The look-ups that a hint names, just as the stores will ask them."""
    return (
        find_answer(ahead.payment.subject.client, ahead.key, ahead.now),
        find_payer(ahead.payment, ahead.device_id, ahead.now - RECENT),
    )


class Writing:
    """Opens, seals and remembers the transactions of one process, which writes one audit chain."""

    def __init__(
        self,
        chain: str,
        sealer: Sealer,
        binder: Binder,
        macs: Macs,
        signing_key: Callable[[], SigningKey],
        clock: Clock,
        dialect: str,
        happened: Callable[[str], None],
        remembered: RememberedHeads | None,
        taken_away: TakenAway,
    ) -> None:
        """`remembered` says what the chain must hold; None takes the chain as it is found."""
        self._remembered = remembered
        self._taken_away = taken_away
        self._sealer = sealer
        self._binder = binder
        self._macs = macs
        self._signing_key = signing_key
        self._clock = clock
        self._dialect = dialect
        self._happened = happened
        self._head = Head(chain)

    def resume(self, connection: Connection) -> None:
        """Continue the chain where its last committed batch ended; raises Unavailable for one that got shorter."""
        store = AuditStore(connection)
        if self._remembered is not None:
            refuse_unless_held(self._head, store.hash_at)
            self._remembered.refuse_shortened(store.hash_at, self._head.chain)
        self._head = store.last_head(self._head.chain)

    def open(self, connection: Connection) -> StoreTransaction:
        return StoreTransaction(connection, self._sealer, self._binder, self._macs, self._head)

    def seal(self, transaction: StoreTransaction, connection: Connection) -> None:
        """Write the batch's audit links under a signed head, and its events."""
        if transaction.rows.moved:
            transaction.record(line_of(transaction.rows.moved, self._clock.now()))
        if transaction.links:
            head = sign_head(transaction.head, self._clock.now(), self._signing_key())
            transaction.audit.append(transaction.links, head)
        if transaction.published:
            self._taken_away.note(transaction.published)
            if self._dialect == "postgresql":
                connection.all(EVENTS_IN_TURN, {})
            transaction.events.add_all(transaction.published)

    def remember(self) -> None:
        """Where this process's chain ends, for whoever continues it."""
        if self._remembered is not None and self._head.seq:
            self._remembered.remember([self._head])

    def committed(self, transaction: StoreTransaction) -> None:
        """The batch is durable: the next one continues from its head."""
        self._head = transaction.head
        for event in transaction.published:
            self._happened(event.tag)
