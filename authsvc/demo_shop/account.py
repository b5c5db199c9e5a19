"""What the shop shows a signed-in user of their own account, and the changes that only tighten it: made with the API key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from authsvc.caller.wire import Body, Json, Wire
from authsvc.errors import InvalidRequest, NotFound


class Account:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._acts: Mapping[str, Callable[[str, str], None]] = {
            "revoke": self._revoke,
            "withdraw": self._withdraw,
            "verify_always": self._verify_always,
            "freeze": self._freeze,
        }

    def of(self, user: str) -> Json:
        """Devices, consents and status; empty for somebody who has never enrolled."""
        try:
            return self._wire.get(f"{_path(user)}/export").value
        except NotFound:
            return {"user": None, "devices": [], "consents": []}

    def change(self, user: str, act: str, what: str) -> None:
        if act not in self._acts:
            raise InvalidRequest("there is no such change")
        self._acts[act](user, what)

    def _revoke(self, user: str, device: str) -> None:
        self._wire.send("DELETE", f"{_path(user)}/devices/{quote(device, safe='')}")

    def _withdraw(self, user: str, modality: str) -> None:
        self._wire.send("DELETE", f"{_path(user)}/biometrics/{quote(modality, safe='')}")

    def _verify_always(self, user: str, what: str) -> None:
        self._wire.send("PATCH", f"{_path(user)}/status", Body.of({"verify_always": what == "on"}))

    def _freeze(self, user: str, _: str) -> None:
        self._wire.send("POST", f"{_path(user)}/freeze", Body.of({"reason": "the user asked for it"}))


def _path(user: str) -> str:
    return f"/v1/users/{quote(user, safe='')}"
