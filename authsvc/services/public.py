"""What anybody may read: public keys, the sites that belong together, and whether the service is alive and ready."""

from __future__ import annotations

from authsvc.factor import Json
from authsvc.services.base import Service


class PublicService(Service):
    def jwks(self) -> Json:
        return self._parts.jwks()

    def related_origins(self) -> Json:
        return {"origins": list(self._parts.web_origins)}

    def healthz(self) -> Json:
        return {"status": "alive"}

    def readyz(self) -> tuple[bool, Json]:
        return self._parts.health.check()
