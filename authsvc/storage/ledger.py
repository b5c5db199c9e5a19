"""Group commit: many requests, one transaction, one wait for the disk.

Request threads put a *unit of work* (a function of an open transaction) on a queue; one writer thread per process takes
what is there, runs every unit in one database transaction, and lets the requests go after COMMIT. There is no timer: a
batch forms while the batch before it commits. A unit must be repeatable, since a unit that fails, or meets somebody
else's change, makes the batch roll back and its units run again one by one; only the one that failed gets the exception.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from authsvc.domain.store import Ahead
from authsvc.errors import Unavailable
from authsvc.http import TRACE
from authsvc.storage.database import Conflict, Connection, Database, Query, Readers
from authsvc.storage.doubt import Doubt
from authsvc.storage.transaction import queries

logger = logging.getLogger(__name__)

Tx = TypeVar("Tx")
Result = TypeVar("Result")

LARGEST_BATCH = 64
LONGEST_QUEUE = 1024
TRIES_ON_CONFLICT = 20


class _Job(Generic[Tx]):
    """A unit on its way. Plain locks, because a future's condition costs a decision more than its policy does."""

    __slots__ = ("_claimed", "_done", "ahead", "error", "result", "trace", "unit")

    # Any: every unit has a result type of its own.
    def __init__(self, unit: Callable[[Tx], Any], ahead: Sequence[Query]) -> None:
        self.unit = unit
        self.ahead = ahead
        self.trace = TRACE.get()
        self.result: Any = None
        self.error: BaseException | None = None
        self._claimed = threading.Lock()
        self._done = threading.Lock()
        self._done.acquire()

    def run(self, tx: Tx) -> Any:
        """The unit's result; whatever it logs and publishes belongs to the request that waits."""
        before = TRACE.set(self.trace)
        try:
            return self.unit(tx)
        finally:
            TRACE.reset(before)

    def claim(self) -> bool:
        """True once: either the writer runs the unit, or whoever waited has given it up."""
        return self._claimed.acquire(blocking=False)

    def finish(self, result: Any) -> None:
        self.result = result
        self._done.release()

    def fail(self, error: BaseException) -> None:
        self.error = error
        self._done.release()

    def wait(self, patience: float) -> bool:
        return self._done.acquire(timeout=patience)


class Ledger(Generic[Tx]):
    """The durable store as the flow sees it: `transact` to change, `read` to look.

    `open_transaction` makes the stores' view of a connection; `connected` is called with every new connection for writing,
    `seal` once before every COMMIT to write what units have put off, `committed` once after it.
    """

    def __init__(
        self,
        database: Database,
        open_transaction: Callable[[Connection], Tx],
        *,
        connected: Callable[[Connection], None],
        seal: Callable[[Tx, Connection], None],
        committed: Callable[[Tx], None],
        patience: float,
        readers: int = 4,
        timed: Callable[[float, int], None] = lambda seconds, units: None,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        """`timed` is called with each COMMIT with its units, `failed` of each that the database did not answer."""
        self._database = database
        self._open_transaction = open_transaction
        self._connected_to = connected
        self._seal = seal
        self._committed = committed
        self._patience = patience
        self._timed = timed
        self._failed = failed
        self._readers = Readers(database, readers, patience, failed)
        self._doubt = Doubt("the database does not answer")
        self._jobs: queue.SimpleQueue[_Job[Tx] | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._writer = threading.Thread(target=self._write, name="ledger-writer", daemon=True)
        self._writer.start()

    def transact(self, unit: Callable[[Tx], Result], ahead: Ahead | None = None) -> Result:
        """Run a unit and return its result once it is durable.

        Raises what the unit raised, or Unavailable when the database does not commit in time. In the latter case a unit
        that had not begun is never run; one that had may still commit, and asking again tells.
        """
        if self._jobs.qsize() >= LONGEST_QUEUE:
            raise Unavailable("too many requests wait for the database", retry_after=1)
        job: _Job[Tx] = _Job(unit, () if ahead is None else queries(ahead))
        with self._doubt.asking():
            self._jobs.put(job)
            if not job.wait(self._patience):
                job.claim()
                self._doubt.raise_()
                self._failed()
                raise Unavailable("the database did not commit in time", retry_after=1)
        if job.error is not None:
            raise job.error
        result: Result = job.result
        return result

    def read(self, query: Callable[[Tx], Result]) -> Result:
        """Run a query from the committed state, without queueing behind writers."""
        with self._readers.lend() as connection:
            return query(self._open_transaction(connection))

    def snapshot(self, query: Callable[[Tx], Result]) -> Result:
        """As `read`, where a query asks several times and must see the same moment each time."""
        with self._readers.lend() as connection:
            connection.begin_reading()
            try:
                return query(self._open_transaction(connection))
            finally:
                connection.rollback()

    def close(self) -> None:
        """Finish what is queued, then let go of every connection."""
        self._jobs.put(None)
        self._writer.join(timeout=10)
        self._readers.close()

    def _write(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch, last = self._drain(job)
            self._commit([job for job in batch if job.claim()])
            if last:
                break
        self._disconnect()

    def _drain(self, first: _Job[Tx]) -> tuple[list[_Job[Tx]], bool]:
        batch = [first]
        while len(batch) < LARGEST_BATCH:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _commit(self, batch: list[_Job[Tx]]) -> None:
        if not batch:
            return
        try:
            results = self._attempt(batch)
        except Exception as error:  # noqa: BLE001  # Whatever a unit raises goes back to whoever waits for it.
            self._commit_singly(batch, error)
        else:
            for job, result in zip(batch, results, strict=True):
                job.finish(result)

    def _commit_singly(self, batch: list[_Job[Tx]], error: Exception) -> None:
        """A batch failed: find the unit it failed for, and let the others through."""
        if isinstance(error, Unavailable) or (len(batch) == 1 and not isinstance(error, Conflict)):
            if isinstance(error, Unavailable):
                self._doubt.raise_()
                self._failed()
            for job in batch:
                job.fail(error)
            return
        for job in batch:
            self._commit_alone(job)

    def _commit_alone(self, job: _Job[Tx]) -> None:
        for _ in range(TRIES_ON_CONFLICT):
            try:
                (result,) = self._attempt([job], believing=False)
            except Conflict:
                continue
            except Exception as error:  # noqa: BLE001  # As above.
                job.fail(error)
                return
            job.finish(result)
            return
        # Perhaps our predecessor's last COMMIT came through after we read where its audit chain ends; the next connection
        # reads it again.
        self._disconnect()
        job.fail(Unavailable("too many concurrent changes", retry_after=1))

    def _attempt(self, batch: list[_Job[Tx]], *, believing: bool = True) -> list[Any]:
        began = time.perf_counter()
        with self._database.turn():
            connection = self._connected()
            try:
                connection.begin([query for job in batch for query in job.ahead], believing=believing)
                transaction = self._open_transaction(connection)
                results = [job.run(transaction) for job in batch]
                self._seal(transaction, connection)
                connection.settle()
                connection.commit()
            except Unavailable:
                # What a connection that did not answer has done is not known; the next batch gets another one.
                self._disconnect()
                raise
            except Exception:
                self._roll_back(connection)
                raise
        self._committed(transaction)
        self._doubt.settle()
        self._timed(time.perf_counter() - began, len(batch))
        return results

    def _connected(self) -> Connection:
        if self._connection is not None and self._connection.is_stale():
            self._disconnect()
        if self._connection is None:
            connection = self._database.connect()
            # After an outage the last COMMIT may have been heard or not; what is stored tells.
            try:
                self._connected_to(connection)
            except Exception:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _roll_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except (Unavailable, Conflict):
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
