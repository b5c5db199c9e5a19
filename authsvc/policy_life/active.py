"""Which policy decides at this moment? What the store says, never more than half a second ago.

Every process holds the compiled policy and looks at one row of the store to see whether it still stands: a thread does so
four times a second, and whoever asks for the policy does so themselves where that has not happened. So an activation
reaches every worker within a second, an idle one included, and a store that does not answer stops decisions instead of
leaving them to a policy that may have been taken back.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from authsvc.clock import Clock
from authsvc.domain.store import Ledger, Transaction
from authsvc.errors import AuthsvcError, PolicyInvalid, Unavailable
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.life import Publication, ShadowRun, Source, Version
from authsvc.policy_life.publishing import must_find, seed

logger = logging.getLogger(__name__)

FRESH_FOR = 0.5
"""Seconds for which what the store said is believed."""

KEPT_COMPILED = 4
"""How many policies stay compiled, so that a rollback finds its own at once."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The shadow run, and its candidate compiled; None where it cannot be, which is a finding."""

    run: ShadowRun
    candidate: Policy | None


@dataclass(frozen=True, slots=True)
class Held:
    """What one process knows: the policy that decides, the publication that made it so, and since when that was so."""

    policy: Policy
    publication: Publication
    shadow: Beside | None
    seen_at: float

    @property
    def mark(self) -> tuple[int, str | None]:
        return self.publication.number, None if self.shadow is None else self.shadow.run.id


class ActivePolicy:
    """`installed` is what an empty store is seeded with, `origin` who says so, for the audit."""

    def __init__(
        self,
        ledger: Ledger,
        installed: tuple[Policy, Source],
        origin: str,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._installed = installed
        self._origin = origin
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: Held | None = None
        self._silent_at: float | None = None
        self._compiled: dict[str, Policy] = {}

    def __call__(self) -> Policy:
        """The policy that decides now; raises Unavailable where the store does not say so."""
        return self.held().policy

    def held(self) -> Held:
        """Everything that is known, no older than FRESH_FOR; raises Unavailable."""
        asked_at = self._monotonic()
        held = self._held
        if held is not None and asked_at - held.seen_at <= FRESH_FOR:
            return held
        with self._lock:
            held = self._held
            if held is not None and self._monotonic() - held.seen_at <= FRESH_FOR:
                return held
            # Whoever waited while another one asked in vain has waited long enough.
            if self._silent_at is not None and self._silent_at > asked_at:
                raise Unavailable("the database does not say which policy is active", retry_after=1)
            return self._look()

    @property
    def last_seen(self) -> Held | None:
        """What is known without asking anybody, however old."""
        return self._held

    def refresh(self) -> None:
        """Look at the store now; raises Unavailable."""
        with self._lock:
            self._look()

    def seed(self) -> None:
        """Give an empty store the installed policy. Not from within a unit of work; raises Unavailable."""
        policy, source = self._installed
        now = self._clock.now()
        if self._ledger.read(lambda tx: tx.life.mark()) is None:
            self._ledger.transact(lambda tx: seed(tx, policy, source, self._origin, now))
        self.refresh()
        active = self.held().policy
        if active.digest != policy.digest:
            logger.info(
                "version %s of `%s` is active, as published; the installed document (%s) only seeds an empty store",
                active.version,
                active.id,
                self._origin,
            )

    def _look(self) -> Held:
        asked_at = self._monotonic()
        try:
            mark = self._ledger.read(lambda tx: tx.life.mark())
        except Unavailable:
            self._silent_at = self._monotonic()
            raise
        if mark is None:
            raise Unavailable("no policy is active yet", retry_after=1)
        held = self._held
        if held is not None and held.mark == mark:
            self._held = replace(held, seen_at=asked_at)
        else:
            self._held = self._ledger.read(lambda tx: self._read(tx, asked_at))
        return self._held

    def _read(self, tx: Transaction, asked_at: float) -> Held:
        current = tx.life.current()
        if current is None:
            raise Unavailable("no policy is active yet", retry_after=1)
        publication, run = current.publication, current.shadow
        policy = self._compile(must_find(tx, publication.version_id))
        if policy is None:
            raise Unavailable("the active policy cannot be used by this version of the service")
        shadow = None if run is None else Beside(run, self._compile(must_find(tx, run.version_id)))
        return Held(policy, publication, shadow, asked_at)

    def _compile(self, version: Version) -> Policy | None:
        source = version.source
        known = self._compiled.get(source.digest)
        if known is not None:
            return known
        try:
            policy = loading.from_text(source.text, source.form, version.id)
        except PolicyInvalid as error:
            logger.error("version `%s` of the policy cannot be used: %s", version.id, error.detail)
            return None
        while len(self._compiled) >= KEPT_COMPILED:
            del self._compiled[next(iter(self._compiled))]
        self._compiled[source.digest] = policy
        return policy


class PolicyWatch:
    """The thread that keeps a process up to date, and does what else is to be done beside the decisions."""

    def __init__(self, active: ActivePolicy, beside: Callable[[], None], every: float = 0.25) -> None:
        self.active = active
        self._beside = beside
        self._every = every
        self._is_seeded = False
        self._fails = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="policy-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look(self) -> None:
        """What is done each time. What fails is tried again the next time; who decides asks for themselves meanwhile."""
        try:
            self._refresh()
            self._beside()
        except AuthsvcError as error:
            # Once for each outage, and not four times a second.
            if not self._fails:
                logger.warning("the policy cannot be watched: %s", error.detail)
            self._fails = True
        else:
            self._fails = False

    def close(self) -> None:
        """Stop, and put into the store what was counted."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        with contextlib.suppress(Unavailable):
            self._beside()

    def _refresh(self) -> None:
        if self._is_seeded:
            self.active.refresh()
        else:
            self.active.seed()
            self._is_seeded = True

    def _watch(self) -> None:
        while not self._stop.wait(self._every):
            self.look()
