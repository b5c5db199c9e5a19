"""`auth.users`: the devices, consents and data of one backend's payers. The key needs the scope `enrollments` or `accounts`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from authsvc.caller.given import in_path, text, texts, whole, yes_or_no
from authsvc.caller.results import Json, UserStatus, status_from, understood
from authsvc.caller.wire import Body, Wire


@dataclass(frozen=True, slots=True)
class RegisteredDevice:
    """A device as the service knows it. On `probation` it counts for small payments only, until `trusted_from`."""

    id: str
    name: str
    state: str
    probation: bool
    trusted_from: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Verification:
    """A payment or act that the user was asked about. `amount` says how far it may be shown; what may not be is None.

    `declined` is `not_me` or `cancel` where the user said so.
    """

    id: str
    at: datetime
    type: str
    payee_name: str
    status: str
    factors: tuple[str, ...]
    amount: str
    amount_minor: int | None
    currency: str | None
    device_name: str | None
    declined: str | None


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """The latest first. `next` is the cursor of the page behind it, None at the end."""

    verifications: tuple[Verification, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Erased:
    """The user is gone. `receipt` is signed (`erasure-receipt+jwt`) and all that is left: keep it."""

    user_id: str
    erased_at: datetime
    receipt: str


class Users:
    """What a backend may do for, and about, one of its payers."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def devices(self, user_id: str) -> tuple[RegisteredDevice, ...]:
        reply = self._wire.get(f"{_user(user_id)}/devices")
        return understood(lambda said: tuple(map(_device, said["devices"])), reply.value)

    def device(self, user_id: str, device_id: str) -> RegisteredDevice:
        return understood(_device, self._wire.get(_one(user_id, device_id)).value)

    def rename_device(self, user_id: str, device_id: str, name: str) -> RegisteredDevice:
        body = Body.of({"name": text("name", name)})
        reply = self._wire.send("PATCH", _one(user_id, device_id), body, safe_to_repeat=True)
        return understood(_device, reply.value)

    def revoke_device(self, user_id: str, device_id: str) -> RegisteredDevice:
        """The device counts no more, from the next request on."""
        return understood(_device, self._wire.send("DELETE", _one(user_id, device_id)).value)

    def restore_device(
        self, user_id: str, device_id: str, *, proof: str | None = None, operators: Collection[str] = ()
    ) -> RegisteredDevice:
        """A suspended device is active again, on a receipt of type `restore` or on the word of two operators."""
        said: dict[str, object] = {"operators": texts("operators", operators)}
        if proof is not None:
            said["proof"] = text("proof", proof)
        reply = self._wire.send("POST", f"{_one(user_id, device_id)}/restore", Body.of(said))
        return understood(_device, reply.value)

    def withdraw_face(self, user_id: str) -> None:
        """The consent is withdrawn and the template destroyed, from the next request on."""
        self._wire.send("DELETE", f"{_user(user_id)}/biometrics/face")

    def withdraw_voice(self, user_id: str) -> None:
        """The consent is withdrawn and the template destroyed, from the next request on."""
        self._wire.send("DELETE", f"{_user(user_id)}/biometrics/voice")

    def withdraw_gait(self, user_id: str) -> None:
        """The consent to the pilot is withdrawn and the template destroyed, from the next request on."""
        self._wire.send("DELETE", f"{_user(user_id)}/biometrics/gait")

    def verify_always(self, user_id: str, wanted: bool) -> UserStatus:
        """The user's own switch: while it is on, no payment is exempted for its low value."""
        body = Body.of({"verify_always": yes_or_no("wanted", wanted)})
        reply = self._wire.send("PATCH", f"{_user(user_id)}/status", body, safe_to_repeat=True)
        return understood(status_from, reply.value)

    def activity(self, user_id: str, *, before: str | None = None, limit: int = 100) -> ActivityPage:
        """What the user was asked about, for an app that shows people their own history; `before` is a page's `next`."""
        behind = "" if before is None else f"&before={in_path(before)}"
        reply = self._wire.get(f"{_user(user_id)}/activity?limit={whole('limit', limit)}{behind}")
        return understood(_activity, reply.value)

    def export(self, user_id: str) -> Json:
        """Everything that is stored about a user, to hand on to that user as it is."""
        return self._wire.get(f"{_user(user_id)}/export").value

    def erase(self, user_id: str) -> Erased:
        """Destroy the user's key, and with it everything that was sealed under it. There is no way back."""
        return understood(_erased, self._wire.send("DELETE", _user(user_id)).value)


def _user(user_id: str) -> str:
    return f"/v1/users/{in_path(user_id)}"


def _one(user_id: str, device_id: str) -> str:
    return f"{_user(user_id)}/devices/{in_path(device_id)}"


def _device(said: Json) -> RegisteredDevice:
    seen = said["seen_at"]
    return RegisteredDevice(
        said["id"],
        said["name"],
        said["state"],
        said["probation"],
        datetime.fromisoformat(said["trusted_from"]),
        None if seen is None else datetime.fromisoformat(seen),
    )


def _activity(said: Json) -> ActivityPage:
    return ActivityPage(tuple(map(_verification, said["verifications"])), said["next"])


def _verification(said: Json) -> Verification:
    return Verification(
        said["id"],
        datetime.fromisoformat(said["at"]),
        said["type"],
        said["payee"]["name"],
        said["status"],
        tuple(said["factors"]),
        said["amount"],
        said["amount_minor"],
        said["currency"],
        said["device_name"],
        said["declined"],
    )


def _erased(said: Json) -> Erased:
    return Erased(said["user_id"], datetime.fromisoformat(said["erased_at"]), said["receipt"])
