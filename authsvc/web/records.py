"""What happened: the event feed for the backend, the audit log and the evidence for auditors."""

from __future__ import annotations

from authsvc.keys.access import Scope
from authsvc.web import record_answers, requests
from authsvc.web.operations import Call, Plane, Room
from authsvc.web.replies import Reply, json_reply

events = Room("events", Plane.BACKEND, Scope.EVENTS)
audit = Room("audit", Plane.BACKEND, Scope.AUDIT)


@events.get("/v1/events", record_answers.Events, query=requests.EventsAfter)
def list_events(call: Call) -> Reply:
    """What happened to this client's users after a cursor, oldest first.

    Ask again with `next`; it stands still while nothing happens.
    """
    return json_reply(call.services.records.events(call.key, call.query.after, call.query.limit))


@audit.get("/v1/audit/events", record_answers.AuditLines, query=requests.AuditAfter)
def list_audit_events(call: Call) -> Reply:
    """Lines of the audit chains after a cursor.

    Each line carries the hash of the one before it.
    """
    return json_reply(call.services.records.audit_events(call.key, call.query.after, call.query.limit))


@audit.get("/v1/audit/checkpoints", record_answers.Checkpoints, query=requests.CheckpointsAfter)
def list_checkpoints(call: Call) -> Reply:
    """Signed statements of where every chain ended at a moment, oldest first.

    Ask again with `next`; it stands still while none is added.
    """
    return json_reply(call.services.records.audit_checkpoints(call.key, call.query.after, call.query.limit))


@audit.get("/v1/decisions/{decision_id}/evidence", record_answers.Evidence)
def get_evidence(call: Call) -> Reply:
    """Everything that one decision rests on, for a third party to check without this service."""
    return json_reply(call.services.records.evidence(call.key, call.path["decision_id"]))
