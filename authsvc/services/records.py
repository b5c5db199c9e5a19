"""What has happened: the event feed, the audit log, and evidence for one decision."""

from __future__ import annotations

from authsvc.audit.wire import checkpoint_to_json
from authsvc.clock import rfc3339
from authsvc.errors import InvalidRequest
from authsvc.factor import Json
from authsvc.keys.access import ApiKey
from authsvc.services.base import Service
from authsvc.webhook.alerts import alert_of

LARGEST_PAGE = 500


class RecordService(Service):
    """What has happened: the event feed, the audit log, and evidence for one decision."""

    def events(self, key: ApiKey, after: int, limit: int) -> Json:
        """Events with a number above `after`; ask again with `next` for more."""
        found = self._ledger.read(lambda tx: tx.events.after(key.client, after, min(limit, LARGEST_PAGE)))
        return {
            "events": [
                {
                    "seq": seq,
                    "type": event.tag,
                    "user_id": event.subject.user or None,
                    "at": rfc3339(event.at),
                    "data": event.data,
                    "alert": alert_of(event),
                }
                for seq, event in found
            ],
            "next": found[-1][0] if found else after,
        }

    def audit_events(self, key: ApiKey, after: str | None, limit: int) -> Json:
        """Audit lines behind the cursor `chain:seq`."""
        chain, seq = _cursor(after)
        lines = self._parts.audit.page(key.client, chain, seq, min(limit, LARGEST_PAGE))
        last = f"{lines[-1]['chain']}:{lines[-1]['seq']}" if lines else after
        return {"events": list(lines), "next": last}

    def audit_checkpoints(self, key: ApiKey, after: int, limit: int) -> Json:
        checkpoints = self._parts.audit.checkpoints(after, min(limit, LARGEST_PAGE))
        return {
            "checkpoints": [checkpoint_to_json(checkpoint) for checkpoint in checkpoints],
            "next": checkpoints[-1].seq if checkpoints else after,
        }

    def evidence(self, key: ApiKey, decision_id: str) -> Json:
        return self._parts.audit.evidence(self._own(key, decision_id))


def _cursor(after: str | None) -> tuple[str, int]:
    if not after:
        return "", 0
    chain, _, seq = after.rpartition(":")
    if not chain or not seq.isdecimal() or len(seq) > 15:
        raise InvalidRequest("`after` must be a cursor that was answered as `next`")
    return chain, int(seq)
