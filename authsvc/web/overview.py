"""A person's own account: the payment backend opens an overview, and whoever holds its token may look, tighten and remove."""

from __future__ import annotations

from authsvc.biometric.words import Modality
from authsvc.domain.account import DEFAULT_LOCALE
from authsvc.keys.access import Scope
from authsvc.web import requests, user_answers
from authsvc.web.body import JsonBody
from authsvc.web.operations import Call, Plane, Room
from authsvc.web.replies import Reply, json_reply, stored_reply

overviews = Room("overviews", Plane.BACKEND, Scope.ENROLL)
looking = Room("overviews", Plane.OVERVIEW)

OVERVIEW = "/v1/overviews/{overview_id}"
DEVICE = f"{OVERVIEW}/devices/{{device_id}}"

_OVER = ("challenge-closed",)


@overviews.sending(
    "POST",
    "/v1/overviews",
    JsonBody(requests.OverviewWanted),
    user_answers.OverviewTicket,
    answers={201: user_answers.OverviewTicket},
    once=True,
    problems=("not-found",),
)
def create_overview(call: Call, wanted: requests.OverviewWanted) -> Reply:
    """An overview for one person, for a quarter of an hour.

    With this call you vouch that this very person is signed in with you. Nothing that they can do there without a
    fresh proof makes anything weaker.
    """
    locale = DEFAULT_LOCALE if wanted.locale is None else wanted.locale
    answer = call.services.overviews.create(call.key, call.once, wanted.user_id, locale, wanted.return_url)
    return stored_reply(answer, created=201)


@looking.get(OVERVIEW, user_answers.Overview, problems=_OVER)
def get_overview(call: Call) -> Reply:
    """The account, its devices and consents."""
    return json_reply(call.services.overviews.find(call.path["overview_id"], call.token))


@looking.sending("PATCH", OVERVIEW, JsonBody(requests.Tightened), user_answers.UserStatus, problems=_OVER)
def tighten_account(call: Call, _: requests.Tightened) -> Reply:
    """Exempt no payment for its low value any more; taking that back is not done here."""
    return json_reply(call.services.overviews.verify_always(call.path["overview_id"], call.token))


@looking.sending("PATCH", DEVICE, JsonBody(requests.DeviceRenamed), user_answers.Device, problems=_OVER)
def rename_own_device(call: Call, wanted: requests.DeviceRenamed) -> Reply:
    """Call a device something else."""
    path = call.path
    return json_reply(
        call.services.overviews.rename_device(path["overview_id"], call.token, path["device_id"], wanted.name)
    )


@looking.delete(DEVICE, user_answers.Device, problems=_OVER)
def revoke_own_device(call: Call) -> Reply:
    """Remove a device for good; during its probation this is the old phone's veto."""
    path = call.path
    return json_reply(
        call.services.overviews.revoke_device(path["overview_id"], call.token, path["device_id"])
    )


def _declare_withdrawal(modality: Modality) -> None:
    answer = user_answers.WalkWithdrawn if modality is Modality.GAIT else user_answers.Withdrawn

    @looking.delete(
        f"{OVERVIEW}/biometrics/{modality}",
        answer,
        name=f"withdraw_own_{modality}",
        problems=_OVER,
    )
    def withdraw(call: Call) -> Reply:
        """Withdraw the consent to a modality and destroy its template, effective on the next request."""
        return json_reply(
            call.services.overviews.withdraw_biometric(call.path["overview_id"], call.token, modality)
        )


for _modality in Modality:
    _declare_withdrawal(_modality)


@looking.sending(
    "POST",
    f"{OVERVIEW}/verifications/{{decision_id}}/not-me",
    JsonBody(requests.Nothing, optional=True),
    user_answers.Disowned,
    problems=(*_OVER, "not-found"),
)
def disown_verification(call: Call, _: requests.Nothing) -> Reply:
    """Say of an earlier payment that it was not one's own.

    What is still open or unused of it is stopped, the device that showed its secret for it is suspended, and the backend is told
    (`attack:suspected`).
    """
    path = call.path
    return json_reply(call.services.overviews.disown(path["overview_id"], call.token, path["decision_id"]))


def _declare_veto(factor: str) -> None:
    @looking.delete(
        f"{OVERVIEW}/factors/{factor}", user_answers.Vetoed, name=f"veto_own_{factor}", problems=_OVER
    )
    def veto(call: Call) -> Reply:
        """Remove what was enrolled lately and is not one's own; what counts already is not removed here."""
        return json_reply(call.services.overviews.veto(call.path["overview_id"], call.token, factor))


for _factor in ("otp", "recovery_codes"):
    _declare_veto(_factor)


@looking.sending(
    "POST",
    f"{OVERVIEW}/freeze",
    JsonBody(requests.Nothing, optional=True),
    user_answers.UserStatus,
    problems=_OVER,
)
def freeze_own_account(call: Call, _: requests.Nothing) -> Reply:
    """Deny every decision for a stolen account at once; only you, the backend, can take that back."""
    return json_reply(call.services.overviews.freeze(call.path["overview_id"], call.token))


@looking.get(f"{OVERVIEW}/erasure", user_answers.Erasure, problems=_OVER)
def get_erasure(call: Call) -> Reply:
    """How far the proof for an erasure is."""
    return json_reply(call.services.erasures.find(call.path["overview_id"], call.token))


@looking.sending(
    "POST",
    f"{OVERVIEW}/erasure/begin",
    JsonBody(requests.Nothing, optional=True),
    user_answers.Erasure,
    problems=(*_OVER, "transaction-changed"),
)
def begin_erasure(call: Call, _: requests.Nothing) -> Reply:
    """Ask for the proof that an erasure needs, at the highest level that the person can prove.

    A stolen session must not be enough: whoever erased an account with it could enroll next as somebody new.
    """
    return json_reply(call.services.erasures.begin(call.path["overview_id"], call.token))


@looking.sending(
    "POST",
    f"{OVERVIEW}/erasure/complete",
    JsonBody(requests.Nothing, optional=True),
    user_answers.ErasedByOwner,
    repeatable=True,
    problems=(*_OVER, "proof-required", "receipt-mismatch", "user-frozen"),
)
def complete_erasure(call: Call, _: requests.Nothing) -> Reply:
    """Destroy the person's key, upon a proof that is two minutes old at most, and return the receipt for it.

    Whoever lost this answer gets it again with the same Idempotency-Key, for a quarter of an hour.
    """
    done = call.services.erasures.complete(call.path["overview_id"], call.token, call.idempotency)
    return stored_reply(done, created=200)
