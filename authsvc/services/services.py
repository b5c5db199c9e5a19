"""Everything the web may ask of the service, desk by desk: one object, wired once."""

from __future__ import annotations

from authsvc.audit.wire import checkpoint_to_json
from authsvc.clock import rfc3339
from authsvc.domain.operator import Act, Operator
from authsvc.domain.store import Transaction
from authsvc.errors import InvalidRequest
from authsvc.factor import Json
from authsvc.keys.access import ApiKey
from authsvc.operators.session import SessionKind
from authsvc.policy_life.service import PolicyDesk
from authsvc.services.accounts import AccountDesk
from authsvc.services.backend import BackendDesk
from authsvc.services.erasures import ErasureDesk
from authsvc.services.payer import PayerDesk
from authsvc.services.webhooks import EndpointDesk

LARGEST_PAGE = 500


class RecordDesk(BackendDesk):
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

    def audit_checkpoints(self, key: ApiKey, after: int = 0, limit: int = LARGEST_PAGE) -> Json:
        checkpoints = self._parts.audit.checkpoints(after, min(limit, LARGEST_PAGE))
        return {"checkpoints": [checkpoint_to_json(checkpoint) for checkpoint in checkpoints]}

    def evidence(self, key: ApiKey, decision_id: str) -> Json:
        return self._parts.audit.evidence(self._own(key, decision_id))


class Services(RecordDesk, PayerDesk, AccountDesk, ErasureDesk, EndpointDesk):
    """All desks over the same parts."""

    @property
    def policies(self) -> PolicyDesk:
        """The desk of those who operate the policy."""
        return self._parts.policies

    def admit_key(self, presented: str) -> ApiKey:
        """The API key that was presented; raises Unauthenticated."""
        return self._parts.keys.admit(presented, self._clock.now())

    def admit_operator(self, presented: str, act: Act, about: str) -> Operator:
        """Whose session `os_…` was presented, if they may do this; raises Unauthenticated or NotPermitted."""
        operator = self._parts.sessions.admit(presented, SessionKind.BEARER).operator
        self._parts.sessions.permit(operator, act, about)
        return operator

    def jwks(self) -> Json:
        return self._parts.jwks()

    def healthz(self) -> Json:
        return {"status": "alive"}

    def readyz(self) -> tuple[bool, Json]:
        return self._parts.health.check()

    def sweep(self) -> None:
        """Close what has expired and forget what need not be kept; called now and then by one thread of each process."""
        now = self._clock.now()

        def unit(tx: Transaction) -> None:
            self._stepup.expire(tx, now)
            tx.answers.forget_expired(now)
            tx.overviews.forget_expired(now)
            tx.tickets.forget_expired(now)

        self._ledger.transact(unit)


def _cursor(after: str | None) -> tuple[str, int]:
    if not after:
        return "", 0
    chain, _, seq = after.rpartition(":")
    if not chain or not seq.isdecimal() or len(seq) > 15:
        raise InvalidRequest("`after` must be a cursor that was answered as `next`")
    return chain, int(seq)
