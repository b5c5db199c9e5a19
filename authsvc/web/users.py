"""A user's devices, biometric data and account, for the payment backend that the user belongs to."""

from __future__ import annotations

from authsvc.biometric.words import Modality
from authsvc.keys.access import Scope
from authsvc.web import requests, user_answers
from authsvc.web.body import JsonBody
from authsvc.web.operations import Call, Plane, Room
from authsvc.web.replies import Reply, json_reply

users = Room("users", Plane.BACKEND, Scope.ENROLL)
accounts = Room("accounts", Plane.BACKEND, Scope.ACCOUNTS)

USER = "/v1/users/{user_id}"
DEVICE = f"{USER}/devices/{{device_id}}"


@users.get(f"{USER}/devices", user_answers.Devices)
def list_devices(call: Call) -> Reply:
    """A user's devices, the removed ones included."""
    return json_reply(call.services.users.devices(call.key, call.path["user_id"]))


@users.get(DEVICE, user_answers.Device)
def get_device(call: Call) -> Reply:
    """One device: what it is called, and whether it is still on probation."""
    return json_reply(call.services.users.device(call.key, call.path["user_id"], call.path["device_id"]))


@users.sending("PATCH", DEVICE, JsonBody(requests.DeviceRenamed), user_answers.Device)
def rename_device(call: Call, wanted: requests.DeviceRenamed) -> Reply:
    """Call a device something else."""
    path = call.path
    return json_reply(
        call.services.users.rename_device(call.key, path["user_id"], path["device_id"], wanted.name)
    )


@users.delete(DEVICE, user_answers.Device)
def revoke_device(call: Call) -> Reply:
    """Remove a device for good; its id is never used again."""
    return json_reply(
        call.services.users.revoke_device(call.key, call.path["user_id"], call.path["device_id"])
    )


@accounts.sending(
    "POST",
    f"{DEVICE}/restore",
    JsonBody(requests.Restore),
    user_answers.Device,
    problems=("proof-required", "receipt-mismatch", "user-frozen"),
)
def restore_device(call: Call, wanted: requests.Restore) -> Reply:
    """Take a suspended device back.

    Needs `proof`, the receipt of a decision of type `restore`, or the names of two different operators. That decision may be
    proved with the keys of suspended devices too.
    """
    user, device = call.path["user_id"], call.path["device_id"]
    return json_reply(
        call.services.users.restore_device(call.key, user, device, wanted.proof, wanted.operators or ())
    )


def _declare_withdrawal(modality: Modality) -> None:
    answer = user_answers.WalkWithdrawn if modality is Modality.GAIT else user_answers.Withdrawn

    @users.delete(f"{USER}/biometrics/{modality}", answer, name=f"withdraw_{modality}")
    def withdraw(call: Call) -> Reply:
        """Withdraw the consent to a modality and destroy its template, effective on the next request."""
        return json_reply(call.services.users.withdraw_biometric(call.key, call.path["user_id"], modality))


for _modality in Modality:
    _declare_withdrawal(_modality)


@users.delete(USER, user_answers.Erased, problems=("user-frozen",))
def erase_user(call: Call) -> Reply:
    """Destroy a user's key, and with it everything that was sealed under it."""
    return json_reply(call.services.users.erase(call.key, call.path["user_id"]))


@users.get(f"{USER}/export", user_answers.Export)
def export_user(call: Call) -> Reply:
    """Everything that is stored about a user, for that user; no template and no secret."""
    return json_reply(call.services.users.export(call.key, call.path["user_id"]))


@accounts.get(f"{USER}/activity", user_answers.Activity, query=requests.ActivityBefore)
def list_activity(call: Call) -> Reply:
    """What the user was asked about and how it ended, the latest first: for an app that shows people their own history.

    Ask again with `next` as `before`. Payments that were let go without a question are not in it, and after an erasure nothing
    of before is. The amount is shown as far as the decision's `amount_afterwards` said.
    """
    wanted = call.query
    return json_reply(
        call.services.users.activity(call.key, call.path["user_id"], wanted.before, wanted.limit)
    )


@accounts.sending("POST", f"{USER}/freeze", JsonBody(requests.Freeze), user_answers.UserStatus)
def freeze_user(call: Call, wanted: requests.Freeze) -> Reply:
    """Deny every decision for a user from the next request on, whichever worker gets it."""
    return json_reply(call.services.users.freeze(call.key, call.path["user_id"], wanted.reason))


@accounts.sending(
    "POST",
    f"{USER}/unfreeze",
    JsonBody(requests.Unfreeze),
    user_answers.UserStatus,
    problems=("proof-required", "receipt-mismatch"),
)
def unfreeze_user(call: Call, wanted: requests.Unfreeze) -> Reply:
    """Take decisions for a user again.

    Needs `proof`, the receipt of a decision of type `unfreeze`, or the names of two different operators.
    """
    user = call.path["user_id"]
    return json_reply(call.services.users.unfreeze(call.key, user, wanted.proof, wanted.operators or ()))


@accounts.get(f"{USER}/status", user_answers.UserStatus)
def get_user_status(call: Call) -> Reply:
    """Frozen or not, what is enrolled, and what is locked until when."""
    return json_reply(call.services.users.status(call.key, call.path["user_id"]))


@accounts.sending("PATCH", f"{USER}/status", JsonBody(requests.StatusWanted), user_answers.UserStatus)
def set_user_status(call: Call, wanted: requests.StatusWanted) -> Reply:
    """The user's own switch: with `verify_always` no payment is exempted for its low value."""
    return json_reply(call.services.users.set_status(call.key, call.path["user_id"], wanted.verify_always))
