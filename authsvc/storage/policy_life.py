"""Versions of the policy, the one row that says which decides, and the log of publications."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from authsvc.canonical import compact
from authsvc.clock import from_millis, rfc3339, to_millis
from authsvc.errors import Tampered
from authsvc.policy.life import (
    Approval,
    Current,
    Examined,
    Publication,
    Publishing,
    ShadowRun,
    Source,
    State,
    Version,
)
from authsvc.storage.bound import (
    POLICY_CURRENT,
    POLICY_NUMBERS,
    POLICY_PUBLICATIONS,
    POLICY_VERSIONS,
    Values,
)
from authsvc.storage.database import Conflict, Connection, Row
from authsvc.storage.rows import Rows

_NEWEST = "ORDER BY created_at DESC, id DESC LIMIT :limit"
_AFTER = "(created_at, id) < (SELECT created_at, id FROM policy_versions WHERE id = :after)"
_BELOW = "number < :before ORDER BY number DESC LIMIT :limit"
HIGHEST = "SELECT COALESCE(MAX(number), 0) FROM policy_numbers WHERE policy_id = :policy_id"

_RUN = "id, version_id, digest, against, by, started_at, stopped_at"
ADD_RUN = f"""INSERT INTO policy_shadow_runs ({_RUN})
    VALUES (:id, :version_id, :digest, :against, :by, :started_at, NULL)"""
RUN = f"SELECT {_RUN} FROM policy_shadow_runs WHERE id = :id"
STOP_RUN = "UPDATE policy_shadow_runs SET stopped_at = :now WHERE id = :id AND stopped_at IS NULL"

SLOT = 1
"""Of the one row that every process watches."""

_BEFORE_ALL = 2**62


class PolicyLifeStore:
    def __init__(self, connection: Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def add(self, version: Version) -> None:
        self._rows.add(POLICY_VERSIONS, _values(version))

    def find(self, version_id: str) -> Version | None:
        row = self._rows.one(POLICY_VERSIONS, id=version_id)
        return None if row is None else _version(row)

    def save(self, version: Version) -> Version:
        """Write the next value; raises Conflict when it is not the next to what is stored."""
        after = replace(version, revision=version.revision + 1)
        if not self._rows.save(POLICY_VERSIONS, _values(after), "revision", version.revision):
            raise Conflict("the version was changed in between")
        return after

    def page(self, after: str | None, limit: int) -> tuple[Version, ...]:
        """The newest first; `after` is the id of the last one that was returned before."""
        if after is None:
            rows = self._rows.read(POLICY_VERSIONS, f"1 = 1 {_NEWEST}", {"limit": limit})
        else:
            rows = self._rows.read(POLICY_VERSIONS, f"{_AFTER} {_NEWEST}", {"after": after, "limit": limit})
        return tuple(_version(row) for row in rows)

    def claim_number(self, policy_id: str, number: int, digest: str) -> str:
        """The digest of the one document that bears this number; this one where nobody had it."""
        claim = {"policy_id": policy_id, "number": number, "digest": digest}
        if self._rows.add(POLICY_NUMBERS, claim, "ON CONFLICT (policy_id, number) DO NOTHING"):
            return digest
        row = self._rows.one(POLICY_NUMBERS, policy_id=policy_id, number=number)
        return digest if row is None else str(row["digest"])

    def highest_number(self, policy_id: str) -> int:
        return int(self._connection.all(HIGHEST, {"policy_id": policy_id})[0][0])

    def mark(self) -> tuple[int, str | None] | None:
        """The number of the active publication and the id of the shadow run: the cheapest way to see a change."""
        row = self._current()
        return None if row is None else (row["publication"], row["shadow"])

    def current(self) -> Current | None:
        mark = self.mark()
        if mark is None:
            return None
        number, shadow = mark
        publication = self.publication(number)
        if publication is None:
            raise Tampered(f"publication {number} is not in the log")
        return Current(publication, None if shadow is None else self._run(shadow))

    def seed(self, publication: Publication) -> bool:
        """Make the first publication; True once."""
        first = {"slot": SLOT, "publication": publication.number, "shadow": None}
        if not self._rows.add(POLICY_CURRENT, first, "ON CONFLICT (slot) DO NOTHING"):
            return False
        self._rows.add(POLICY_PUBLICATIONS, _publication_values(publication))
        return True

    def publish(self, publication: Publication, expected: int) -> bool:
        """Make a publication the active one if `expected` still is: of two concurrent ones, one wins."""
        row = self._current()
        if row is None or row["publication"] != expected:
            return False
        self._rows.change(POLICY_CURRENT, row, {"publication": publication.number})
        self._rows.add(POLICY_PUBLICATIONS, _publication_values(publication))
        return True

    def publication(self, number: int) -> Publication | None:
        row = self._rows.one(POLICY_PUBLICATIONS, number=number)
        return None if row is None else _publication(row)

    def history(self, before: int | None, limit: int) -> tuple[Publication, ...]:
        """The newest publications first, below a number."""
        params = {"before": _BEFORE_ALL if before is None else before, "limit": limit}
        return tuple(_publication(row) for row in self._rows.read(POLICY_PUBLICATIONS, _BELOW, params))

    def begin_shadow(self, run: ShadowRun) -> None:
        self._connection.run(ADD_RUN, _run_params(run))
        self._watch(run.id)

    def end_shadow(self, run: ShadowRun, now: datetime) -> None:
        self._connection.run(STOP_RUN, {"id": run.id, "now": to_millis(now)})
        row = self._current()
        if row is not None and row["shadow"] == run.id:
            self._watch(None)

    def _watch(self, run_id: str | None) -> None:
        row = self._current()
        if row is not None:
            self._rows.change(POLICY_CURRENT, row, {"shadow": run_id})

    def _current(self) -> Values | None:
        return self._rows.one(POLICY_CURRENT, slot=SLOT)

    def _run(self, run_id: str) -> ShadowRun | None:
        rows = self._connection.all(RUN, {"id": run_id})
        return shadow_run(rows[0]) if rows else None


def _values(version: Version) -> dict[str, object]:
    return {
        "id": version.id,
        "text": version.source.text,
        "form": version.source.form,
        "digest": version.source.digest,
        "author": version.author,
        "note": version.note,
        "created_at": to_millis(version.created_at),
        "state": version.state.value,
        "policy_id": version.policy_id,
        "number": version.number,
        "examined": None if version.examined is None else _examined_json(version.examined),
        "approval": None if version.approval is None else _approval_json(version.approval),
        "revision": version.revision,
    }


def _version(row: Values) -> Version:
    examined, approval = row["examined"], row["approval"]
    return Version(
        id=row["id"],
        source=Source(row["text"], row["form"], row["digest"]),
        author=row["author"],
        note=row["note"],
        created_at=from_millis(row["created_at"]),
        state=State(row["state"]),
        policy_id=row["policy_id"],
        number=row["number"],
        examined=None if examined is None else _examined(examined),
        approval=None if approval is None else _approval(approval),
        revision=row["revision"],
    )


def _examined_json(examined: Examined) -> str:
    return compact(
        {
            "against": examined.against,
            "at": rfc3339(examined.at),
            "by": examined.by,
            "report": examined.report,
            "difference": examined.difference,
            "errors": examined.errors,
        }
    )


def _examined(text: str) -> Examined:
    stored = json.loads(text)
    return Examined(
        against=stored["against"],
        at=datetime.fromisoformat(stored["at"]),
        by=stored["by"],
        report=stored["report"],
        difference=stored["difference"],
        errors=tuple(stored["errors"]),
    )


def _approval_json(approval: Approval) -> str:
    return compact(
        {"by": approval.by, "at": rfc3339(approval.at), "accepted": approval.accepted, "note": approval.note}
    )


def _approval(text: str) -> Approval:
    stored = json.loads(text)
    return Approval(
        stored["by"], datetime.fromisoformat(stored["at"]), tuple(stored["accepted"]), stored["note"]
    )


def _publication_values(publication: Publication) -> dict[str, object]:
    return {
        "number": publication.number,
        "version_id": publication.version_id,
        "digest": publication.digest,
        "how": publication.how.value,
        "by": publication.by,
        "at": to_millis(publication.at),
        "back_to": publication.back_to,
        "note": publication.note,
    }


def _publication(row: Values) -> Publication:
    return Publication(
        row["number"],
        row["version_id"],
        row["digest"],
        Publishing(row["how"]),
        row["by"],
        from_millis(row["at"]),
        row["back_to"],
        row["note"],
    )


def _run_params(run: ShadowRun) -> dict[str, object]:
    return {
        "id": run.id,
        "version_id": run.version_id,
        "digest": run.digest,
        "against": run.against,
        "by": run.by,
        "started_at": to_millis(run.started_at),
    }


def shadow_run(row: Row) -> ShadowRun:
    """A run from its columns, in the order in which they are always asked."""
    run_id, version_id, digest, against, by, started_at, stopped_at = row
    return ShadowRun(
        id=run_id,
        version_id=version_id,
        digest=digest,
        against=against,
        by=by,
        started_at=from_millis(started_at),
        stopped_at=None if stopped_at is None else from_millis(stopped_at),
    )
