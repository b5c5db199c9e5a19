"""`auth.audit`: what happened, as the service's own records say it, to keep or to check offline. Needs the scope `audit`."""

from __future__ import annotations

from authsvc.caller.given import in_path, whole
from authsvc.caller.results import Json
from authsvc.caller.wire import Wire


class Records:
    """Answers come as they were sent, since `authsvc audit verify-export` and third parties read them byte by byte."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def events(self, after: str | None = None, limit: int = 100) -> Json:
        """Lines of the audit chains after a cursor; ask again with its `next`."""
        since = "" if after is None else f"&after={in_path(after)}"
        return self._wire.get(f"/v1/audit/events?limit={whole('limit', limit)}{since}").value

    def checkpoints(self, after: int = 0, limit: int = 500) -> Json:
        """Signed statements of where every chain ended at a moment; ask again with its `next`."""
        page = f"after={whole('after', after)}&limit={whole('limit', limit)}"
        return self._wire.get(f"/v1/audit/checkpoints?{page}").value

    def evidence(self, decision_id: str) -> Json:
        """Everything that one decision rests on, for somebody who has no access to the service."""
        return self._wire.get(f"/v1/decisions/{in_path(decision_id)}/evidence").value
