"""The payer's page: what is paid to whom, one proof at a time, another way, "this is not me", and the result.

Where the person stands is asked of the API at every request, so going back, reloading and a second tab do no harm.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from authsvc.errors import AuthsvcError, ChallengeFailed
from enrollment import relay, wording
from enrollment.api import Api, Json
from enrollment.language import gettext
from enrollment.rendering import page
from enrollment.session import Doorkeeper, Opened, must_be_ours
from enrollment.wording import N_

OPEN = "challenge_required"
STOPPING = ("asked", "unsure")

SENSORS = {
    "face": ("camera",),
    "voice": ("microphone",),
    "device_uv": ("publickey-credentials-get", "payment"),
    "device_key": ("publickey-credentials-get",),
    "statement": ("publickey-credentials-get",),
}
CAPTURES = ("face", "voice")
_DIGITS = N_("Please type the six or eight digits of the code.")


_CHOOSE = N_("Please choose one of the answers.")


class ChallengePages:
    def __init__(self, api: Api, door: Doorkeeper) -> None:
        self._api = api
        self._door = door

    def arrive(self, challenge_id: str) -> Answer:
        """The shop posts the token; from here on the cookie has it."""
        opened = Opened(request.form.get("token", ""))
        self._api.get(challenge_id, opened.token)
        response = _to(challenge_id)
        self._door.keep(response, challenge_id, opened)
        return response

    def show(self, challenge_id: str) -> Response:
        """The next proof, or how it ended."""
        opened, challenge = self._opened(challenge_id)
        if challenge["status"] != OPEN:
            return self._page("challenge/result.html", challenge_id, challenge)
        if _is_unanswered(challenge):
            return self._warning(opened, challenge)
        return self._step(opened, challenge, failed_before="again" in request.args)

    def answer_warning(self, challenge_id: str) -> Answer:
        """What the person says to a warning; the one who was asked to pay has stopped it by saying so."""
        opened, challenge = self._opened(challenge_id)
        must_be_ours(request, opened)
        said = {"answer": request.form.get("answer", "")}
        if challenge["status"] != OPEN or not _takes(challenge, said["answer"]):
            return _to(challenge_id)
        try:
            self._api.send("PUT", f"{challenge_id}/warning", opened.token, said)
        except AuthsvcError as error:
            message = gettext(_CHOOSE) if error.slug == "invalid-request" else wording.failure(error)
            return self._warning(opened, challenge, message=message, status=422)
        return _to(challenge_id)

    def freeze(self, challenge_id: str) -> Answer:
        """Somebody whom a warning has stopped has the account frozen."""
        opened, _ = self._opened(challenge_id)
        must_be_ours(request, opened)
        self._api.send("POST", f"{challenge_id}/freeze", opened.token)
        return _to(challenge_id)

    def type_code(self, challenge_id: str) -> Answer:
        """Take a typed code; with the last proof, have everything judged."""
        opened, challenge = self._opened(challenge_id)
        must_be_ours(request, opened)
        step = f"{challenge_id}/steps/otp"
        try:
            self._api.send("POST", f"{step}/begin", opened.token)
            self._api.send("PUT", step, opened.token, {"code": request.form.get("code", "").strip()})
        except AuthsvcError as error:
            message = gettext(_DIGITS) if error.slug == "invalid-request" else wording.failure(error)
            return self._step(opened, challenge, message=message, status=422)
        return self._go_on(opened, challenge_id)

    def go_on(self, challenge_id: str) -> Answer:
        """A script has handed something in."""
        opened, _ = self._opened(challenge_id)
        must_be_ours(request, opened)
        return self._go_on(opened, challenge_id)

    def switch(self, challenge_id: str) -> Answer:
        opened, _ = self._opened(challenge_id)
        must_be_ours(request, opened)
        factors = request.form.get("way", "").split()
        self._api.send("POST", f"{challenge_id}/switch", opened.token, {"factors": factors})
        return _to(challenge_id)

    def not_me(self, challenge_id: str) -> Answer:
        """Asked once more, because it suspends the device that the payment came from."""
        _, challenge = self._opened(challenge_id)
        if challenge["status"] != OPEN:
            return _to(challenge_id)
        return self._page("challenge/not_me.html", challenge_id, challenge)

    def decline(self, challenge_id: str) -> Answer:
        opened, _ = self._opened(challenge_id)
        must_be_ours(request, opened)
        choice = request.form.get("choice", "")
        self._api.send("POST", f"{challenge_id}/decline", opened.token, {"choice": choice})
        return _to(challenge_id)

    def begin(self, challenge_id: str, factor: str) -> Response:
        opened = self._door.opened(request, challenge_id)
        return relay.begin(self._api, opened, f"{challenge_id}/steps/{factor}", factor)

    def answer(self, challenge_id: str, factor: str) -> Response:
        opened = self._door.opened(request, challenge_id)
        return relay.hand_in(self._api, opened, f"{challenge_id}/steps/{factor}", factor)

    def begin_statement(self, challenge_id: str, factor: str) -> Response:
        opened = self._door.opened(request, challenge_id)
        return relay.begin(self._api, opened, f"{challenge_id}/steps/{factor}/statement", "statement")

    def state(self, challenge_id: str, factor: str) -> Response:
        opened = self._door.opened(request, challenge_id)
        return relay.hand_in(self._api, opened, f"{challenge_id}/steps/{factor}/statement", "statement")

    def _warning(self, opened: Opened, challenge: Json, *, message: str = "", status: int = 200) -> Response:
        """The warning that comes before every proof, with the reason that goes with it."""
        begun = self._api.send("POST", f"{challenge['id']}/warning/begin", opened.token)
        return page(
            "challenge/warning.html",
            status=status,
            challenge={**challenge, "why": begun["why"]},
            warning=begun,
            opened=opened,
            message=message,
            base=url_for("challenges.show", challenge_id=challenge["id"]),
        )

    # -- What these share -------------------------------------------------------------------------------------------

    def _opened(self, challenge_id: str) -> tuple[Opened, Json]:
        opened = self._door.opened(request, challenge_id)
        return opened, self._api.get(challenge_id, opened.token)

    def _step(
        self,
        opened: Opened,
        challenge: Json,
        *,
        failed_before: bool = False,
        message: str = "",
        status: int = 200,
    ) -> Response:
        missing = [factor for factor in challenge["chosen"] if factor not in challenge["received"]]
        unsigned = _unsigned(challenge)
        factor = missing[0] if missing else "statement" if unsigned else "all"
        return page(
            f"challenge/{factor}.html",
            captured=unsigned[:1],
            signed=request.form.getlist("signed"),
            status=status,
            sensors=SENSORS.get(factor, ()),
            challenge=challenge,
            factor=factor,
            number=len(challenge["chosen"]) - len(missing) + 1,
            opened=opened,
            failed_before=failed_before,
            message=message,
            base=url_for("challenges.show", challenge_id=challenge["id"]),
        )

    def _page(self, template: str, challenge_id: str, challenge: Json) -> Response:
        opened = self._door.opened(request, challenge_id)
        base = url_for("challenges.show", challenge_id=challenge_id)
        return page(template, challenge=challenge, opened=opened, base=base)

    def _go_on(self, opened: Opened, challenge_id: str) -> Answer:
        """To the next proof; after the last one to whoever stands for its captures, and to the verdict."""
        challenge = self._api.get(challenge_id, opened.token)
        if challenge["status"] == OPEN and _unsigned(challenge):
            return self._step(opened, challenge) if "signed" in request.form else _to(challenge_id)
        if challenge["status"] == OPEN and set(challenge["chosen"]) <= set(challenge["received"]):
            try:
                self._api.send("POST", f"{challenge_id}/complete", opened.token)
            except ChallengeFailed:
                return _to(challenge_id, again=1)
        return _to(challenge_id)


def challenge_pages(api: Api, door: Doorkeeper) -> Blueprint:
    """The routes below `/c/{challenge id}`."""
    pages = ChallengePages(api, door)
    blueprint = Blueprint("challenges", "enrollment", url_prefix="/c/<challenge_id>")
    blueprint.get("")(pages.show)
    blueprint.post("")(pages.arrive)
    blueprint.post("/warning")(pages.answer_warning)
    blueprint.post("/freeze")(pages.freeze)
    blueprint.post("/code")(pages.type_code)
    blueprint.post("/go-on")(pages.go_on)
    blueprint.post("/ways")(pages.switch)
    blueprint.get("/not-me")(pages.not_me)
    blueprint.post("/decline")(pages.decline)
    blueprint.post("/steps/<factor>/begin")(pages.begin)
    blueprint.put("/steps/<factor>")(pages.answer)
    blueprint.post("/steps/<factor>/statement/begin")(pages.begin_statement)
    blueprint.put("/steps/<factor>/statement")(pages.state)
    return blueprint


def _is_unanswered(challenge: Json) -> bool:
    warning = challenge["warning"]
    return warning is not None and warning["state"] == "unanswered"


def _takes(challenge: Json, answer: str) -> bool:
    """Whether a warning still takes the answer: of a second tab, where somebody had gone on before, only one that stops."""
    return challenge["warning"] is not None and (_is_unanswered(challenge) or answer in STOPPING)


def _unsigned(challenge: Json) -> list[str]:
    """The captures that a key of this phone is to stand for, once all has come in and before it is judged."""
    chosen = challenge["chosen"]
    needed = dict(zip(map(tuple, challenge["sets"]), challenge["capture_at_least"], strict=False))
    if needed.get(tuple(chosen), "browser") == "browser" or not set(chosen) <= set(challenge["received"]):
        return []
    return [each for each in CAPTURES if each in chosen and each not in request.form.getlist("signed")]


def _to(challenge_id: str, again: int | None = None) -> Answer:
    return redirect(url_for("challenges.show", challenge_id=challenge_id, again=again), 303)
