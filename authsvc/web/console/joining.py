"""An invited operator arrives, and registers a device key, or an authenticator app and the sign-in key that goes with it.

The invitation stands behind the `#` of its link, which no server sees; a script of the page posts it, or the person pastes it.
"""

from __future__ import annotations

from flask import Response, request

from authsvc.errors import ChallengeFailed, InvalidRequest
from authsvc.web.console.doors import (
    INVITATION,
    VISIT,
    Answer,
    Pages,
    begin_visit,
    console,
    cookies,
    opened_by,
    see,
    typed,
)
from authsvc.web.console.rendering import as_json, page, refused
from authsvc.web.console.wording import N_, gettext

pages = Pages("joining")

KEPT_FOR = 15 * 60
"""Seconds that a browser has for registering."""

NOT_CURRENT = N_("That is not the app's current code. Wait for the next one and type it here.")
NO_CODE = N_("Please type the six digits that your app shows.")
UNUSABLE = N_("This device key cannot be used here. Try again, or take another one.")
SENSORS = ("publickey-credentials-create",)


@pages.get("/join")
def arrive() -> Answer:
    """The page that the link opens. It knows nothing of the invitation until that is posted."""
    visit = begin_visit()
    response = page("console/joining/arrive.html")
    cookies().set(response, VISIT, visit)
    return response


@pages.post("/join")
def hand_in() -> Answer:
    """The invitation itself; from here on a cookie has it."""
    opened_by(VISIT)
    invitation = typed("invitation").rpartition("#")[2]
    console().joining.invited(invitation)
    response = see("/console/join/ways")
    cookies().set(response, INVITATION, invitation, KEPT_FOR)
    cookies().forget(response, VISIT)
    return response


@pages.get("/join/ways")
def ways() -> Response:
    """A device key, or an app."""
    invited = console().joining.invited(opened_by(INVITATION))
    return page("console/joining/ways.html", sensors=SENSORS, invited=invited)


@pages.post("/join/key/begin")
def begin_key() -> Response:
    return as_json(console().joining.begin_key(opened_by(INVITATION)))


@pages.put("/join/key")
def finish_key() -> Response:
    """The browser's new key."""
    invitation, said = opened_by(INVITATION), request.get_json(silent=True)
    credential = said.get("credential") if isinstance(said, dict) else None
    try:
        console().joining.finish_key(invitation, credential if isinstance(credential, dict) else {})
    except InvalidRequest as error:
        return refused(error, 422, gettext(UNUSABLE))
    return as_json({"state": "received"})


@pages.post("/join/go-on")
def go_on() -> Answer:
    """The script has registered the key."""
    response = page("console/joining/done.html", sign_in_key="")
    cookies().forget(response, INVITATION)
    return response


@pages.get("/join/app")
def app() -> Response:
    return _app(opened_by(INVITATION))


@pages.post("/join/app")
def finish_app() -> Response:
    """The first code proves that the app has the secret; the sign-in key is shown this once."""
    invitation = opened_by(INVITATION)
    try:
        sign_in_key = console().joining.finish_app(invitation, typed("code"))
    except ChallengeFailed:
        return _app(invitation, gettext(NOT_CURRENT))
    except InvalidRequest:
        return _app(invitation, gettext(NO_CODE))
    response = page("console/joining/done.html", sign_in_key=sign_in_key)
    cookies().forget(response, INVITATION)
    return response


def _app(invitation: str, message: str = "") -> Response:
    secret = console().joining.begin_app(invitation)
    return page("console/joining/app.html", status=422 if message else 200, secret=secret, message=message)
