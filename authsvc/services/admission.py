"""Who calls: the API key of a payment backend, or the session of an operator."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from authsvc.domain.operator import Act, Operator
from authsvc.ephemeral import Key
from authsvc.keys.access import ApiKey, must_open
from authsvc.operators.session import SessionKind
from authsvc.services.base import Service

TOKENS: Mapping[str, str] = {"Challenge": "ct", "Enrollment": "et", "Overview": "vt"}
"""The prefix of the tokens of an `Authorization` scheme."""


class AdmissionService(Service):
    def admit_key(self, presented: str) -> ApiKey:
        """The API key that was presented; raises Unauthenticated."""
        return self._parts.keys.admit(presented, self._clock.now())

    def spend_nonce(self, key: ApiKey, nonce: str, life: timedelta) -> bool:
        """Use up the nonce of a signed request; says whether nobody had. Raises Unavailable."""
        name = hashlib.sha256(nonce.encode()).hexdigest()
        return self._parts.ephemeral.add(Key(f"key-{key.id}", f"nonce-{name}"), b"1", life)

    def admit_token(self, scheme: str, object_id: str, presented: str) -> None:
        """Raises Unauthenticated for a token that cannot open this object, without looking whether there is one."""
        must_open(self._parts.macs, TOKENS[scheme], object_id, presented)

    def admit_operator(self, presented: str, act: Act, about: str) -> Operator:
        """Whose session `os_…` was presented, if they may do this; raises Unauthenticated or NotPermitted."""
        operator = self._parts.sessions.admit(presented, SessionKind.BEARER).operator
        self._parts.sessions.permit(operator, act, about)
        return operator
