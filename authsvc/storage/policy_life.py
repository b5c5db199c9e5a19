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
from authsvc.storage.database import Conflict, Connection, Row

_COLUMNS = """id, text, form, digest, author, note, created_at, state, policy_id, number, examined, approval, revision"""
ADD = f"""INSERT INTO policy_versions ({_COLUMNS}) VALUES (:id, :text, :form, :digest, :author, :note, :created_at, :state,
    :policy_id, :number, :examined, :approval, :revision)"""
FIND = f"SELECT {_COLUMNS} FROM policy_versions WHERE id = :id"
SAVE = """UPDATE policy_versions SET state = :state, policy_id = :policy_id, number = :number, examined = :examined,
    approval = :approval, revision = revision + 1 WHERE id = :id AND revision = :revision"""
NEWEST = f"SELECT {_COLUMNS} FROM policy_versions ORDER BY created_at DESC, id DESC LIMIT :limit"
NEWEST_AFTER = f"""SELECT {_COLUMNS} FROM policy_versions
    WHERE (created_at, id) < (SELECT created_at, id FROM policy_versions WHERE id = :after)
    ORDER BY created_at DESC, id DESC LIMIT :limit"""

CLAIM_NUMBER = """INSERT INTO policy_numbers (policy_id, number, digest) VALUES (:policy_id, :number, :digest)
    ON CONFLICT (policy_id, number) DO NOTHING"""
OWNER = "SELECT digest FROM policy_numbers WHERE policy_id = :policy_id AND number = :number"
HIGHEST = "SELECT COALESCE(MAX(number), 0) FROM policy_numbers WHERE policy_id = :policy_id"

_PUBLICATION = "number, version_id, digest, how, by, at, back_to, note"
MARK = "SELECT publication, shadow FROM policy_current WHERE slot = 1"
SEED = """INSERT INTO policy_current (slot, publication, shadow) VALUES (1, :number, NULL)
    ON CONFLICT (slot) DO NOTHING"""
# Naming the publication that it follows is what makes one of two concurrent activations win.
PUBLISH = """UPDATE policy_current SET publication = :number WHERE slot = 1 AND publication = :expected"""
LOG = f"""INSERT INTO policy_publications ({_PUBLICATION})
    VALUES (:number, :version_id, :digest, :how, :by, :at, :back_to, :note)"""
PUBLICATION = f"SELECT {_PUBLICATION} FROM policy_publications WHERE number = :number"
HISTORY = f"""SELECT {_PUBLICATION} FROM policy_publications WHERE number < :before ORDER BY number DESC LIMIT :limit"""

_RUN = "id, version_id, digest, against, by, started_at, stopped_at"
ADD_RUN = f"""INSERT INTO policy_shadow_runs ({_RUN})
    VALUES (:id, :version_id, :digest, :against, :by, :started_at, NULL)"""
RUN = f"SELECT {_RUN} FROM policy_shadow_runs WHERE id = :id"
SHADOW = "UPDATE policy_current SET shadow = :id WHERE slot = 1"
STOP_RUN = "UPDATE policy_shadow_runs SET stopped_at = :now WHERE id = :id AND stopped_at IS NULL"
NO_SHADOW = "UPDATE policy_current SET shadow = NULL WHERE slot = 1 AND shadow = :id"

_BEFORE_ALL = 2**62


class PolicyLifeStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, version: Version) -> None:
        self._connection.run(ADD, _params(version))

    def find(self, version_id: str) -> Version | None:
        rows = self._connection.all(FIND, {"id": version_id})
        return _version(rows[0]) if rows else None

    def save(self, version: Version) -> Version:
        """Write the next value; raises Conflict when it is not the next to what is stored."""
        if self._connection.run(SAVE, _params(version)) != 1:
            raise Conflict("the version was changed in between")
        return replace(version, revision=version.revision + 1)

    def page(self, after: str | None, limit: int) -> tuple[Version, ...]:
        """The newest first; `after` is the id of the last one that was told before."""
        if after is None:
            rows = self._connection.all(NEWEST, {"limit": limit})
        else:
            rows = self._connection.all(NEWEST_AFTER, {"after": after, "limit": limit})
        return tuple(_version(row) for row in rows)

    def claim_number(self, policy_id: str, number: int, digest: str) -> str:
        """The digest of the one document that bears this number; this one where nobody had it."""
        self._connection.run(CLAIM_NUMBER, {"policy_id": policy_id, "number": number, "digest": digest})
        rows = self._connection.all(OWNER, {"policy_id": policy_id, "number": number})
        return str(rows[0][0])

    def highest_number(self, policy_id: str) -> int:
        return int(self._connection.all(HIGHEST, {"policy_id": policy_id})[0][0])

    def mark(self) -> tuple[int, str | None] | None:
        """The number of the active publication and the id of the shadow run: the cheapest way to see a change."""
        rows = self._connection.all(MARK, {})
        return (rows[0][0], rows[0][1]) if rows else None

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
        if self._connection.run(SEED, {"number": publication.number}) != 1:
            return False
        self._connection.run(LOG, _publication_params(publication))
        return True

    def publish(self, publication: Publication, expected: int) -> bool:
        """Make a publication the active one if `expected` still is: the row count is the permission."""
        if self._connection.run(PUBLISH, {"number": publication.number, "expected": expected}) != 1:
            return False
        self._connection.run(LOG, _publication_params(publication))
        return True

    def publication(self, number: int) -> Publication | None:
        rows = self._connection.all(PUBLICATION, {"number": number})
        return _publication(rows[0]) if rows else None

    def history(self, before: int | None, limit: int) -> tuple[Publication, ...]:
        """The newest publications first, below a number."""
        params = {"before": _BEFORE_ALL if before is None else before, "limit": limit}
        return tuple(_publication(row) for row in self._connection.all(HISTORY, params))

    def begin_shadow(self, run: ShadowRun) -> None:
        self._connection.run(ADD_RUN, _run_params(run))
        self._connection.run(SHADOW, {"id": run.id})

    def end_shadow(self, run: ShadowRun, now: datetime) -> None:
        self._connection.run(STOP_RUN, {"id": run.id, "now": to_millis(now)})
        self._connection.run(NO_SHADOW, {"id": run.id})

    def _run(self, run_id: str) -> ShadowRun | None:
        rows = self._connection.all(RUN, {"id": run_id})
        return shadow_run(rows[0]) if rows else None


def _params(version: Version) -> dict[str, object]:
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


def _version(row: Row) -> Version:
    (
        version_id,
        text,
        form,
        digest,
        author,
        note,
        created_at,
        state,
        policy_id,
        number,
        examined,
        approval,
        revision,
    ) = row
    return Version(
        id=version_id,
        source=Source(text, form, digest),
        author=author,
        note=note,
        created_at=from_millis(created_at),
        state=State(state),
        policy_id=policy_id,
        number=number,
        examined=None if examined is None else _examined(examined),
        approval=None if approval is None else _approval(approval),
        revision=revision,
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


def _publication_params(publication: Publication) -> dict[str, object]:
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


def _publication(row: Row) -> Publication:
    number, version_id, digest, how, by, at, back_to, note = row
    return Publication(number, version_id, digest, Publishing(how), by, from_millis(at), back_to, note)


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
