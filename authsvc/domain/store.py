"""What the one flow needs of a durable store: changes happen in units of work, all of it or nothing.

`storage` implements it; `wiring` alone knows that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from authsvc.biometric.words import Consent, Modality, Renewal, StoredTemplate, Template
from authsvc.device.credential import Device, DeviceState
from authsvc.device.record import CredentialRecord
from authsvc.domain.account import Account
from authsvc.domain.decision import Decision
from authsvc.events import Event
from authsvc.habit.habits import Habits
from authsvc.payment import Payment
from authsvc.subject import Subject

if TYPE_CHECKING:
    from authsvc.audit.chain import Entry
    from authsvc.domain.overview import Overview
    from authsvc.domain.payer import Payer
    from authsvc.domain.sieve import Mark, Sieve
    from authsvc.domain.ticket import Grounds, Recovery, Ticket, TicketState
    from authsvc.policy.jobs import Backtesting
    from authsvc.policy.life import Current, Publication, ShadowRun, Version
    from authsvc.policy.recorded import Excluded, Recorded, Unreadable
    from authsvc.policy.shadow import Comparison, Differences
    from authsvc.webhook.store import Deliveries, Endpoints, Leases

Result = TypeVar("Result")


class Accounts(Protocol):
    """Users and their devices. `add`, `save` and `save_device` make the unit run again when somebody else was faster."""

    def find(self, subject: Subject) -> Account | None: ...

    def find_with_device(
        self, subject: Subject, device_id: str | None
    ) -> tuple[Account | None, Device | None]: ...

    def find_payer(self, payment: Payment, device_id: str | None, since: datetime) -> Payer:
        """The user, the stated device and what is usual, with the payments asked for since then, but for this one."""

    def hold(self, subject: Subject) -> None:
        """Let nobody else change this user before the transaction ends; what is read from now on stays true until then."""

    def add(self, account: Account) -> Account: ...

    def save(self, account: Account) -> Account: ...

    def devices(self, subject: Subject) -> tuple[Device, ...]: ...

    def add_device(self, device: Device) -> None: ...

    def save_device(self, device: Device) -> Device: ...

    def forget_devices(self, subject: Subject) -> None: ...


class Decisions(Protocol):
    def open(self, decision: Decision) -> Decision | None:
        """Add a decision; None when its transaction id has an open one."""

    def save(self, decision: Decision) -> Decision: ...

    def find(self, decision_id: str) -> Decision | None: ...

    def find_open(self, client: str, transaction_id: str) -> Decision | None: ...

    def consume(
        self, decision: Decision, jti: str, now: datetime, *, frozen: bool = False, suspended: bool = False
    ) -> bool:
        """Use a receipt up, if its account stands as it stood; True once.

        Void by now are the receipts of an account that was frozen or erased since, or whose device is not active any more.
        `frozen` is for who proves that the account shall be unfrozen, `suspended` for who wants a device back.
        """

    def stands(self, decision: Decision, jti: str) -> bool:
        """Whether `consume` would be True."""

    def lapsed(self, now: datetime) -> tuple[Decision, ...]: ...

    def record_outcome(self, decision: Decision, outcome: str, now: datetime) -> bool: ...

    def outcomes(self, decision_id: str) -> tuple[tuple[str, datetime], ...]: ...

    def of_user(self, subject: Subject, limit: int) -> tuple[Decision, ...]: ...

    def open_of_user(self, subject: Subject, now: datetime) -> tuple[Decision, ...]:
        """Those that wait for the payer, or were let go with a receipt that was not consumed and is still good."""

    def forget(self, before: datetime, most: int) -> int:
        """Forget up to `most` decisions and what belongs to them, the oldest first; returns how many there were."""

    def listed(self, sieve: Sieve, before: Mark | None, limit: int) -> tuple[Decision, ...]:
        """Decisions of a time, in the order of the sieve, roughly those that the sieve takes: the database knows no amounts."""

    def of_transaction(self, client: str, transaction_id: str) -> tuple[Decision, ...]:
        """Every decision about one transaction of a client's, the latest first."""

    def asked_of_user(self, subject: Subject, limit: int, before: Mark | None = None) -> tuple[Decision, ...]:
        """The latest of those that asked the payer for something, behind a mark where one is given."""


class HabitBook(Protocol):
    """What is usual for users, and the settled payments that it is learned from; `take` is a conditional write."""

    def find(self, account: Account) -> Habits | None: ...

    def learn(self, account: Account, habits: Habits | None, now: datetime) -> None: ...

    def expect(self, decision_id: str, subject: Subject, due: datetime, now: datetime) -> bool:
        """Remember to learn from a payment; True once."""

    def due(self, now: datetime, most: int) -> tuple[tuple[str, Subject], ...]: ...

    def take(self, decision_id: str) -> bool:
        """Take a payment for learned; True once."""

    def drop(self, decision_id: str) -> bool:
        """Forget to learn from a payment; True where it was learned, and is to be taken back."""

    def forget(self, subject: Subject) -> None: ...

    def forget_expired(self, now: datetime, most: int) -> int:
        """Forget up to `most` rows whose time is over; returns how many there were."""


class Credentials(Protocol):
    """Device keys. `use` and `suspend` are conditional writes; a removed id is never free again."""

    def add(self, record: CredentialRecord) -> bool: ...

    def live(
        self, subject: Subject, *, counted_at: datetime | None = None, suspended: bool = False
    ) -> tuple[CredentialRecord, ...]: ...

    def standing(self, subject: Subject) -> tuple[tuple[DeviceState, datetime], ...]:
        """Of every key that was not removed, how its device stands and from when on it counts; raises RecordBroken."""

    def sound(self, subject: Subject) -> tuple[CredentialRecord, ...]:
        """Active keys whose record is not broken, for whoever registers another one."""

    def user_handle(self, subject: Subject) -> bytes | None: ...

    def use(
        self,
        subject: Subject,
        credential_id: str,
        sign_count: int,
        backed_up: bool,
        now: datetime,
        *,
        counted_at: datetime | None = None,
        suspended: bool = False,
    ) -> bool: ...

    def become_synced(self, subject: Subject, credential_id: str) -> bool: ...

    def suspend(self, subject: Subject, credential_id: str) -> bool: ...

    def remove_of_device(self, subject: Subject, device_id: str) -> int: ...

    def forget(self, subject: Subject) -> None: ...


class OneTimeCodes(Protocol):
    """Secrets, time steps and codes; each `use_…` returns True once."""

    def secret(self, subject: Subject, purpose: str) -> bytes | None: ...

    def put_secret(
        self, subject: Subject, key: bytes, purpose: str, secret: bytes, last_step: int, now: datetime
    ) -> None: ...

    def use_step(self, subject: Subject, purpose: str, step: int) -> bool: ...

    def issue(
        self, decision_id: str, subject: Subject, step: int, tries: int, most: int, expires_at: datetime
    ) -> bool: ...

    def issued_step(self, decision_id: str, now: datetime) -> int | None: ...

    def try_issued(self, decision_id: str, step: int, now: datetime) -> bool: ...

    def use_issued(self, decision_id: str, step: int, now: datetime) -> bool: ...

    def replace_recovery_codes(
        self, subject: Subject, macs: Sequence[bytes], now: datetime, counts_from: datetime, *, keeps: bool
    ) -> None:
        """Store fresh codes; with `keeps` those of before stay good until these begin to count."""

    def recovery_codes_wait_until(self, subject: Subject, now: datetime) -> datetime | None:
        """When fresh codes begin to count, None where none wait."""

    def recovery_codes_left(self, subject: Subject, now: datetime) -> int: ...

    def veto_recovery_codes(self, subject: Subject, now: datetime) -> bool:
        """Forget the codes that wait; False where none do."""

    def forget_secret(self, subject: Subject, purpose: str) -> None: ...

    def find_recovery_code(self, subject: Subject, macs: Sequence[bytes], now: datetime) -> bytes | None:
        """The one of these MACs that is on record, counts and is not used up."""

    def use_recovery_code(self, subject: Subject, mac: bytes, now: datetime) -> bool: ...

    def forget(self, subject: Subject) -> None: ...


class Templates(Protocol):
    def find(self, subject: Subject, modality: Modality) -> StoredTemplate | None: ...

    def put(
        self, subject: Subject, key: bytes, template_id: str, template: Template, now: datetime
    ) -> None: ...

    def renew(self, subject: Subject, key: bytes, template_id: str, renewal: Renewal, now: datetime) -> bool:
        """Replace this very template, while it is of the earlier model; True once. Its id stays: nobody was enrolled anew."""

    def stands(self, subject: Subject, modality: Modality, template_id: str) -> bool: ...

    def agreed(
        self, subject: Subject, modality: Modality, model: str, wording: str, most: int
    ) -> tuple[tuple[str, Template], ...]: ...

    def forget(self, subject: Subject, modality: Modality) -> None: ...

    def remember_capture(
        self, subject: Subject, key: bytes, modality: Modality, fingerprints: Sequence[str], now: datetime
    ) -> None: ...

    def fingerprints(self, subject: Subject, modality: Modality) -> tuple[str, ...]: ...

    def captures(self, subject: Subject, modality: Modality) -> Mapping[str, tuple[str, ...]]: ...

    def give_consent(
        self, consent_id: str, subject: Subject, modality: Modality, text_version: str, now: datetime
    ) -> None: ...

    def withdraw_consent(self, subject: Subject, modality: Modality, now: datetime) -> None: ...

    def consents(self, subject: Subject) -> tuple[Consent, ...]: ...


class Spent(Protocol):
    """What counts once and never again."""

    def use(self, subject: Subject, kind: str, digest: bytes, now: datetime) -> bool:
        """Use something up; True once."""

    def use_everywhere(self, kind: str, digest: bytes, now: datetime) -> bool:
        """The same for all accounts together; whose it was is not kept."""

    def forget(self, subject: Subject) -> None: ...

    def forget_expired(self, now: datetime, most: int) -> int: ...


class Answers(Protocol):
    """Stored answers by Idempotency-Key; `must_be_free` and `put` make the unit run again when another was faster."""

    def find(self, client: str, key: str, now: datetime) -> tuple[bytes, bytes] | None: ...

    def must_be_free(self, client: str, key: str, now: datetime) -> None: ...

    def put(
        self, client: str, key: str, fingerprint: bytes, answer: bytes, now: datetime, expires_at: datetime
    ) -> None: ...

    def forget_expired(self, now: datetime, most: int) -> int:
        """Forget up to `most` rows whose time is over; returns how many there were."""


class EventLog(Protocol):
    def forget(self, before: datetime, most: int) -> int:
        """Forget some of the first `most`, but never the last; returns how many were that old."""

    def after(self, client: str, cursor: int, limit: int) -> tuple[tuple[int, Event], ...]: ...

    def find(self, seq: int) -> Event | None: ...

    def newest(self) -> int:
        """The number of the last event of all, 0 before the first."""


class Policies(Protocol):
    def remember(self, digest: str, policy_id: str, version: int, document: str, now: datetime) -> None: ...

    def document(self, digest: str) -> str | None: ...


class PolicyLife(Protocol):
    """Versions of the policy, which of them decides, and the log of publications.

    `save` makes the unit run again when somebody else was faster; `seed` and `publish` are conditional writes.
    """

    def add(self, version: Version) -> None: ...

    def find(self, version_id: str) -> Version | None: ...

    def save(self, version: Version) -> Version: ...

    def page(self, after: str | None, limit: int) -> tuple[Version, ...]:
        """The newest versions first; `after` is the id of the last one of the page before."""

    def claim_number(self, policy_id: str, number: int, digest: str) -> str:
        """The digest of the one document that bears this number; this one where nobody had it."""

    def highest_number(self, policy_id: str) -> int: ...

    def current(self) -> Current | None: ...

    def mark(self) -> tuple[int, str | None] | None:
        """The number of the active publication and the id of the shadow run: the cheapest way to see a change."""

    def seed(self, publication: Publication) -> bool: ...

    def publish(self, publication: Publication, expected: int) -> bool: ...

    def publication(self, number: int) -> Publication | None: ...

    def history(self, before: int | None, limit: int) -> tuple[Publication, ...]: ...

    def begin_shadow(self, run: ShadowRun) -> None: ...

    def end_shadow(self, run: ShadowRun, now: datetime) -> None: ...


class Shadows(Protocol):
    """What shadow runs have counted, over all processes."""

    def count(self, run_id: str, differences: Differences) -> None: ...

    def last_run(self, version_id: str) -> ShadowRun | None: ...

    def comparison(self, run_id: str) -> Comparison: ...


class Backtests(Protocol):
    """Backtests as jobs. `claim`, `keep` and `finish` are conditional writes of whoever holds the lease."""

    def add(self, job: Backtesting) -> None: ...

    def find(self, backtest_id: str) -> Backtesting | None: ...

    def of_version(self, version_id: str) -> tuple[Backtesting, ...]: ...

    def waiting(self, now: datetime) -> Backtesting | None:
        """A job that nobody works on: the oldest one that waits, or whose worker has not been heard of."""

    def claim(self, job: Backtesting, owner: str, now: datetime, lease_until: datetime) -> bool: ...

    def keep(self, job: Backtesting, lease_until: datetime) -> bool:
        """Keep what was counted so far; False where the job is no longer this worker's."""

    def finish(self, job: Backtesting) -> bool: ...

    def cancel(self, job: Backtesting, now: datetime) -> Backtesting: ...

    def total(self, since: datetime, until: datetime) -> int: ...

    def recorded(
        self, since: datetime, until: datetime, after: str, limit: int
    ) -> tuple[tuple[str, Recorded | Unreadable | Excluded], ...]:
        """Recorded decisions behind an id, in the order of their ids, each with its id."""

    def sampled(self, since: datetime, until: datetime, limit: int) -> tuple[str, ...]:
        """The first of a time in the order of their ids, each as a line that a backtest reads, without those that none can."""

    def documents(self) -> tuple[str, ...]:
        """Every policy document that ever decided, as canonical JSON."""


class Tickets(Protocol):
    def add(self, ticket: Ticket, now: datetime) -> None: ...

    def find(self, enrollment_id: str) -> Ticket | None: ...

    def save_recovery(self, ticket: Ticket, recovery: Recovery) -> None:
        """The next value of an open ticket's recovery; makes the unit run again when another was faster."""

    def close(self, enrollment_id: str, state: TicketState, now: datetime) -> bool:
        """End an open enrollment; True once."""

    def cancel_of(self, subject: Subject, grounds: Grounds | None = None) -> None:
        """End whatever enrollment of a user is under way; with `grounds`, on these grounds."""

    def forget_expired(self, now: datetime, most: int) -> int:
        """Forget up to `most` rows whose time is over; returns how many there were."""


class Overviews(Protocol):
    def add(self, overview: Overview, now: datetime) -> None: ...

    def find(self, overview_id: str) -> Overview | None: ...

    def forget_expired(self, now: datetime, most: int) -> int:
        """Forget up to `most` rows whose time is over; returns how many there were."""


class Transaction(Protocol):
    """An open transaction. Attributes are read-only."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def decisions(self) -> Decisions: ...
    @property
    def habits(self) -> HabitBook: ...
    @property
    def credentials(self) -> Credentials: ...
    @property
    def codes(self) -> OneTimeCodes: ...
    @property
    def templates(self) -> Templates: ...
    @property
    def spent(self) -> Spent: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def events(self) -> EventLog: ...
    @property
    def policies(self) -> Policies: ...
    @property
    def life(self) -> PolicyLife: ...
    @property
    def shadows(self) -> Shadows: ...
    @property
    def backtests(self) -> Backtests: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def overviews(self) -> Overviews: ...
    @property
    def endpoints(self) -> Endpoints: ...
    @property
    def deliveries(self) -> Deliveries: ...
    @property
    def leases(self) -> Leases: ...

    def position(self) -> tuple[str, int]:
        """Chain and number of the audit line that `record` will write next."""

    def record(self, entry: Entry) -> None:
        """Append to this writer's audit chain; the line becomes real with the commit."""

    def publish(self, event: Event) -> None:
        """Tell the backend, when and only when the transaction commits."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a unit is going to look up first, so that a batch of them may be looked up together: a hint, never needed."""

    payment: Payment
    device_id: str | None
    key: str
    now: datetime


class Ledger(Protocol):
    def transact(self, unit: Callable[[Transaction], Result], ahead: Ahead | None = None) -> Result:
        """Run a repeatable unit and answer once it is durable; raises Unavailable when that takes too long."""

    def read(self, query: Callable[[Transaction], Result]) -> Result:
        """Run a query from what is committed."""
