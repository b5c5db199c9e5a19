"""A person's own overview: which devices there are, what was agreed to, and taking any of it back.

Everything here only removes or tightens, so that somebody who holds a stolen session can gain nothing by it; what could be
gained by, erasing the account, is proved first. An owner who sees a strange new device stops it here while its probation lasts.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from authsvc.text import typed
from enrollment.api import Api
from enrollment.rendering import page
from enrollment.session import Doorkeeper, Opened, must_be_ours


class OverviewPages:
    """`challenge_door` keeps the token of the challenge that proves an erasure, as if a shop had handed it over."""

    def __init__(self, api: Api, door: Doorkeeper, challenge_door: Doorkeeper) -> None:
        self._api = api
        self._door = door
        self._challenge_door = challenge_door

    def arrive(self, overview_id: str) -> Answer:
        """The shop posts the token of somebody who is signed in there."""
        opened = Opened(request.form.get("token", ""))
        self._api.get(overview_id, opened.token)
        response = _to(overview_id)
        self._door.keep(response, overview_id, opened)
        return response

    def show(self, overview_id: str) -> Response:
        opened = self._door.opened(request, overview_id)
        overview = self._api.get(overview_id, opened.token)
        base = url_for("overviews.show", overview_id=overview_id)
        if overview["gait"] is not None:
            walk = {**overview["gait"], "modality": "gait", "withdrawn_at": None}
            overview = {**overview, "consents": [*overview["consents"], walk]}
        return page("overview/show.html", overview=overview, opened=opened, base=base)

    def rename(self, overview_id: str, device_id: str) -> Answer:
        name = typed(request.form.get("name", ""))
        return self._do(overview_id, "PATCH", f"devices/{device_id}", {"name": name})

    def remove(self, overview_id: str, device_id: str) -> Answer:
        """Revoke a device; for one on probation this is the owner's veto."""
        return self._do(overview_id, "DELETE", f"devices/{device_id}")

    def withdraw(self, overview_id: str, modality: str) -> Answer:
        return self._do(overview_id, "DELETE", f"biometrics/{modality}")

    def veto(self, overview_id: str, factor: str) -> Answer:
        """What was enrolled lately is not the owner's."""
        return self._do(overview_id, "DELETE", f"factors/{factor}")

    def disown(self, overview_id: str, decision_id: str) -> Answer:
        """A line of the list is not the owner's own."""
        return self._do(overview_id, "POST", f"verifications/{decision_id}/not-me")

    def verify_always(self, overview_id: str) -> Answer:
        return self._do(overview_id, "PATCH", "", {"verify_always": True})

    def freeze(self, overview_id: str) -> Answer:
        return self._do(overview_id, "POST", "freeze")

    def erasure(self, overview_id: str) -> Response:
        """What an erasure means; once it is proved, the button that does it."""
        opened = self._door.opened(request, overview_id)
        overview = self._api.get(overview_id, opened.token)
        proof = self._api.get(f"{overview_id}/erasure", opened.token)
        base = url_for("overviews.show", overview_id=overview_id)
        return page("overview/erasure.html", overview=overview, proof=proof, opened=opened, base=base)

    def prove_erasure(self, overview_id: str) -> Answer:
        """To the challenge, like to any other."""
        opened = self._door.opened(request, overview_id)
        must_be_ours(request, opened)
        challenge = self._api.send("POST", f"{overview_id}/erasure/begin", opened.token)["challenge"]
        if challenge is None:
            return redirect(url_for("overviews.erasure", overview_id=overview_id, impossible=1), 303)
        response = redirect(url_for("challenges.show", challenge_id=challenge["id"]), 303)
        self._challenge_door.keep(response, challenge["id"], Opened(challenge["token"]))
        return response

    def erase(self, overview_id: str) -> Response:
        """Do it. What this answers is shown once, so it is the answer itself and no redirect.

        A browser that lost it sends its form again, and gets the same: the cookie stays for that, as long as it lives.
        """
        opened = self._door.opened(request, overview_id)
        must_be_ours(request, opened)
        erased = self._api.send("POST", f"{overview_id}/erasure/complete", opened.token, key=opened.form_key)
        return page("overview/erased.html", erased=erased, can_switch_language=False)

    def _do(self, overview_id: str, method: str, path: str, body: dict[str, object] | None = None) -> Answer:
        opened = self._door.opened(request, overview_id)
        must_be_ours(request, opened)
        self._api.send(method, f"{overview_id}/{path}".rstrip("/"), opened.token, body)
        return _to(overview_id)


def overview_pages(api: Api, door: Doorkeeper, challenge_door: Doorkeeper) -> Blueprint:
    """The routes below `/o/{overview id}`."""
    pages = OverviewPages(api, door, challenge_door)
    blueprint = Blueprint("overviews", "enrollment", url_prefix="/o/<overview_id>")
    blueprint.get("")(pages.show)
    blueprint.post("")(pages.arrive)
    blueprint.post("/devices/<device_id>")(pages.rename)
    blueprint.post("/devices/<device_id>/remove")(pages.remove)
    blueprint.post("/consents/<modality>/withdraw")(pages.withdraw)
    blueprint.post("/factors/<factor>/veto")(pages.veto)
    blueprint.post("/verifications/<decision_id>/not-me")(pages.disown)
    blueprint.post("/verify-always")(pages.verify_always)
    blueprint.post("/freeze")(pages.freeze)
    blueprint.get("/erasure")(pages.erasure)
    blueprint.post("/erasure")(pages.prove_erasure)
    blueprint.post("/erasure/now")(pages.erase)
    return blueprint


def _to(overview_id: str) -> Answer:
    return redirect(url_for("overviews.show", overview_id=overview_id), 303)
