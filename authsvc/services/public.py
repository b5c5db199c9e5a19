"""What anybody may read: public keys, and whether the service is alive and ready."""

from __future__ import annotations

from authsvc.factor import Json
from authsvc.services.base import Service


class PublicService(Service):
    def jwks(self) -> Json:
        return self._parts.jwks()

    def healthz(self) -> Json:
        return {"status": "alive"}

    def readyz(self) -> tuple[bool, Json]:
        return self._parts.health.check()
