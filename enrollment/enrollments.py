"""Enrolling, step by step: consent for each modality, this device, an authenticator app, a face, a voice, and what is kept.

Each step has an address of its own and may be left out; what has come in is asked of the API, and nothing counts before
the last page.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as Answer

from authsvc.errors import AuthsvcError, ChallengeFailed, InvalidRequest, NotFound, Unavailable
from authsvc.text import typed
from enrollment import relay, wording
from enrollment.api import Api, Json
from enrollment.language import gettext
from enrollment.rendering import page
from enrollment.session import Doorkeeper, Opened, must_be_ours
from enrollment.steps import PROVING, SENSORS, following, needs_consent, steps_of, with_walk
from enrollment.wording import N_

CONSENTS = {"2026-12"}
"""The versions of the consent that these pages have the wording of; see `templates/enrollment/consent.html`."""

_CODE_WRONG = N_("That is not the app's current code. Wait for the next one and type it here.")
_CODE_FORM = N_("Please type the six digits that the app shows.")
TYPED = {
    "recovery": N_("Please type a recovery code, sixteen letters and digits."),
    "proof_otp": N_("Please type the six or eight digits of the code."),
}
_GUARDIAN = N_("For a person under 14, please give the name of the parent or guardian who agrees.")


class EnrollmentPages:
    def __init__(self, api: Api, door: Doorkeeper) -> None:
        self._api = api
        self._door = door

    def arrive(self, enrollment_id: str) -> Answer:
        """The shop posts the token; from here on the cookie has it."""
        opened = Opened(request.form.get("token", ""))
        self._api.get(enrollment_id, opened.token)
        response = redirect(url_for("enrollments.show", enrollment_id=enrollment_id), 303)
        self._door.keep(response, enrollment_id, opened)
        return response

    def show(self, enrollment_id: str) -> Response:
        """What there is to do, and what is done."""
        opened, enrollment = self._opened(enrollment_id)
        template = "proving" if steps_of(enrollment)[0] in PROVING else "start"
        return self._page(f"enrollment/{template}.html", opened, enrollment)

    def step(self, enrollment_id: str, step: str) -> Answer:
        opened, enrollment = self._opened(enrollment_id)
        if step not in steps_of(enrollment):
            raise NotFound("this step is not offered")
        if needs_consent(step, enrollment):
            return self._to(enrollment_id, "consent")
        begun = self._begun(opened, enrollment_id, step)
        return self._page(f"enrollment/{step}.html", opened, enrollment, step=step, begun=begun)

    def prove(self, enrollment_id: str, step: str) -> Answer:
        """Take a typed proof. With the second one both are judged, and no answer says which was wrong."""
        opened, enrollment = self._opened(enrollment_id)
        must_be_ours(request, opened)
        if step not in steps_of(enrollment) or step not in TYPED:
            raise NotFound("no proof that is typed")
        path = f"{enrollment_id}/steps/{step}"
        try:
            self._api.send("POST", f"{path}/begin", opened.token)
            self._api.send("PUT", path, opened.token, {"code": request.form.get("code", "").strip()})
        except ChallengeFailed as error:
            message = wording.failure(error)
            return self._page(
                "enrollment/proving.html",
                opened,
                self._again(opened, enrollment),
                message=message,
                status=422,
            )
        except InvalidRequest:
            shown = {"step": step, "message": gettext(TYPED[step]), "status": 422}
            return self._page(f"enrollment/{step}.html", opened, enrollment, **shown)
        return self._to(enrollment_id, "")

    def consent(self, enrollment_id: str) -> Answer:
        opened, enrollment = self._opened(enrollment_id)
        must_be_ours(request, opened)
        begun = self._begun(opened, enrollment_id, "consent")
        agreed = [name for name in begun["modalities"] if request.form.get(name) == "yes"]
        guardian = typed(request.form.get("guardian", ""))
        refused = [name for name in begun["modalities"] if request.form.get(name) == "no"]
        said: dict[str, object] = {
            "modalities": agreed,
            "refused": refused,
            "text_version": begun["text_version"],
        }
        if "under_14" in request.form and not guardian:
            shown = {"step": "consent", "begun": begun, "message": gettext(_GUARDIAN), "status": 422}
            return self._page("enrollment/consent.html", opened, enrollment, **shown)
        if "under_14" in request.form:
            said |= {"under_14": True, "guardian": guardian[:256]}
        self._api.send("PUT", f"{enrollment_id}/steps/consent", opened.token, said)
        return self._after(opened, enrollment_id, "consent")

    def name_device(self, enrollment_id: str) -> Answer:
        """A device without a key of its own: for browsers that can make none."""
        opened, _ = self._opened(enrollment_id)
        must_be_ours(request, opened)
        path = f"{enrollment_id}/steps/device"
        self._api.send("POST", f"{path}/begin", opened.token)
        given = self._api.send("PUT", path, opened.token, {"name": typed(request.form.get("name", ""))})
        return self._keeping_device(
            self._after(opened, enrollment_id, "device"), opened, given, enrollment_id
        )

    def confirm_app(self, enrollment_id: str) -> Answer:
        """The app's first code shows that the person read the secret."""
        opened, enrollment = self._opened(enrollment_id)
        must_be_ours(request, opened)
        code = {"code": request.form.get("code", "").strip()}
        try:
            self._api.send("PUT", f"{enrollment_id}/steps/otp", opened.token, code)
        except AuthsvcError as error:
            known = {"challenge-failed": _CODE_WRONG, "invalid-request": _CODE_FORM}
            message = gettext(known[error.slug]) if error.slug in known else wording.failure(error)
            shown = {"begun": self._begun(opened, enrollment_id, "otp"), "message": message, "status": 422}
            return self._page("enrollment/otp.html", opened, enrollment, step="otp", **shown)
        return self._after(opened, enrollment_id, "otp")

    def go_on(self, enrollment_id: str, step: str) -> Answer:
        """A script has handed something in."""
        opened, _ = self._opened(enrollment_id)
        must_be_ours(request, opened)
        return self._after(opened, enrollment_id, step)

    def finish(self, enrollment_id: str) -> Response:
        """Make it count. What this answers is shown once, so it is the answer itself and no redirect.

        A browser that lost it sends its form again, and gets the same: the cookie stays for that, as long as it lives.
        """
        opened = self._door.opened(request, enrollment_id)
        must_be_ours(request, opened)
        done = self._api.send("POST", f"{enrollment_id}/complete", opened.token, key=opened.form_key)
        return page(
            "enrollment/done.html",
            return_url=done["return_url"] or "",
            opened=opened,
            done=done,
            can_switch_language=False,
        )

    def begin(self, enrollment_id: str, step: str) -> Response:
        opened = self._door.opened(request, enrollment_id)
        return relay.begin(self._api, opened, f"{enrollment_id}/steps/{step}", step)

    def answer(self, enrollment_id: str, step: str) -> Answer:
        """Hand in a step's evidence; a new device's secret stays in the cookie and never reaches the script."""
        opened = self._door.opened(request, enrollment_id)
        try:
            given = relay.taken(self._api, opened, f"{enrollment_id}/steps/{step}", request)
        except AuthsvcError as error:
            return relay.refused(error, step)
        response = relay.as_json({name: value for name, value in given.items() if name != "device"})
        return self._keeping_device(response, opened, given, enrollment_id)

    # -- What these share -------------------------------------------------------------------------------------------

    def _opened(self, enrollment_id: str) -> tuple[Opened, Json]:
        opened = self._door.opened(request, enrollment_id)
        return opened, with_walk(self._api.get(enrollment_id, opened.token))

    def _again(self, opened: Opened, enrollment: Json) -> Json:
        return with_walk(self._api.get(str(enrollment["id"]), opened.token))

    def _begun(self, opened: Opened, enrollment_id: str, step: str) -> Json:
        """What a step without a script is shown; the others begin when their script is ready."""
        if step not in ("consent", "otp"):
            return {}
        begun = self._api.send("POST", f"{enrollment_id}/steps/{step}/begin", opened.token)
        if step == "consent" and begun["text_version"] not in CONSENTS:
            raise Unavailable("the pages do not have the wording of this consent")
        if step == "consent":
            earlier = {each["modality"]: each["given_at"] for each in begun.get("agreed", ())}
            walk = begun.get("gait")
            if walk is None:
                return {**begun, "earlier": earlier}
            earlier |= {"gait": walk["agreed_at"]} if walk["agreed_at"] else {}
            return {**begun, "modalities": [*begun["modalities"], "gait"], "earlier": earlier}
        # The code is drawn by authsvc itself and is made of a path alone.
        return {**begun, "qr_svg": Markup(begun["qr_svg"])} if "qr_svg" in begun else begun  # noqa: S704

    def _page(self, template: str, opened: Opened, enrollment: Json, **shown: Any) -> Response:
        step = shown.get("step", "")
        return page(
            template,
            sensors=SENSORS.get(step, ()),
            return_url=enrollment["return_url"] or "",
            opened=opened,
            enrollment=enrollment,
            steps=steps_of(enrollment),
            following=following(step, enrollment),
            base=url_for("enrollments.show", enrollment_id=enrollment["id"]),
            **{"message": "", **shown},
        )

    def _keeping_device(self, response: Answer, opened: Opened, given: Json, enrollment_id: str) -> Answer:
        device = given.get("device")
        if isinstance(device, dict):
            kept = replace(opened, device_id=str(device["id"]), device_secret=str(device["secret"]))
            self._door.keep(response, enrollment_id, kept)
        return response

    def _after(self, opened: Opened, enrollment_id: str, step: str) -> Answer:
        return self._to(enrollment_id, following(step, with_walk(self._api.get(enrollment_id, opened.token))))

    def _to(self, enrollment_id: str, step: str) -> Answer:
        if step:
            return redirect(url_for("enrollments.step", enrollment_id=enrollment_id, step=step), 303)
        return redirect(url_for("enrollments.show", enrollment_id=enrollment_id), 303)


def enrollment_pages(api: Api, door: Doorkeeper) -> Blueprint:
    """The routes below `/e/{enrollment id}`."""
    pages = EnrollmentPages(api, door)
    blueprint = Blueprint("enrollments", "enrollment", url_prefix="/e/<enrollment_id>")
    blueprint.get("")(pages.show)
    blueprint.post("")(pages.arrive)
    blueprint.get("/<step>")(pages.step)
    blueprint.post("/proofs/<step>")(pages.prove)
    blueprint.post("/consent")(pages.consent)
    blueprint.post("/device")(pages.name_device)
    blueprint.post("/otp")(pages.confirm_app)
    blueprint.post("/finish")(pages.finish)
    blueprint.post("/<step>/go-on")(pages.go_on)
    blueprint.post("/steps/<step>/begin")(pages.begin)
    blueprint.put("/steps/<step>")(pages.answer)
    return blueprint
