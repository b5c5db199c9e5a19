"""The payer's phone: an authenticator app, a camera, and the calls of the payer's plane. It knows tokens and no API key."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Sequence

import pyotp

from authsvc.caller.wire import Body, Json, Wire
from authsvc.cli.demo.faces import Photograph
from authsvc.client import Challenge, Device, Ticket
from authsvc.errors import ChallengeFailed

PERIOD = 30


class Authenticator:
    """The app that shows six digits (RFC 6238)."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._codes = pyotp.TOTP(secret)

    def code(self, periods_ago: int = 0) -> str:
        return str(self._codes.at(int(time.time()) - periods_ago * PERIOD))

    def wrong_code(self) -> str:
        """Six digits that no accepted time step has, nor will have within the minute."""
        near = {self._codes.at(int(time.time()) + offset * PERIOD) for offset in range(-2, 4)}
        while (guess := f"{secrets.randbelow(1_000_000):06d}") in near:
            pass
        return guess


class Phone:
    """One person's phone. It talks to the service as the payer's app does."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._app: Authenticator | None = None

    @property
    def app(self) -> Authenticator:
        if self._app is None:
            raise LookupError("no authenticator app was enrolled on this phone")
        return self._app

    # -- Enrollment --------------------------------------------------------------------------------------------------

    def consent(self, ticket: Ticket, *modalities: str) -> None:
        shown = self._begin(ticket, "consent")
        self._put(ticket, "consent", {"modalities": modalities, "text_version": shown["text_version"]})

    def add_app(self, ticket: Ticket) -> None:
        """Read the secret, and confirm it with the code before the present one, as a slow typist would.

        A code counts once, and none before it counts afterwards: so the present one stays good for a payment.
        """
        self._app = Authenticator(self._begin(ticket, "otp")["secret"])
        left = PERIOD - time.time() % PERIOD
        if left < 4:
            time.sleep(left)
        self._put(ticket, "otp", {"code": self.app.code(periods_ago=1)})

    def add_face(self, ticket: Ticket, photographs: Sequence[Photograph]) -> None:
        """Raises CaptureUnusable with hints for pictures that make no template."""
        self._capture(ticket, photographs)

    def add_device(self, ticket: Ticket, name: str) -> Device:
        self._begin(ticket, "device")
        given = self._put(ticket, "device", {"name": name})["device"]
        return Device(given["id"], given["secret"])

    def finish(self, ticket: Ticket) -> tuple[str, ...]:
        """Make it count; returns the factors."""
        done = self._wire(ticket).send("POST", f"{_path(ticket)}/complete").value
        return tuple(done["factors"])

    # -- A challenge ------------------------------------------------------------------------------------------------

    def type_code(self, challenge: Challenge, code: str) -> int | None:
        """Answer with a code and complete: None for yes, otherwise the attempts that are left."""
        self._begin(challenge, "otp")
        self._put(challenge, "otp", {"code": code})
        return self._complete(challenge)

    def show_face(self, challenge: Challenge, photograph: Photograph, code: str) -> int | None:
        """Answer with a photograph and a code and complete: None for yes, otherwise the attempts that are left.

        Raises CaptureUnusable, which costs no attempt.
        """
        self._capture(challenge, [photograph])
        self._begin(challenge, "otp")
        self._put(challenge, "otp", {"code": code})
        return self._complete(challenge)

    def decline(self, challenge: Challenge, choice: str = "cancel") -> None:
        """Say no: `cancel`, or `not_me`, which also suspends the device that the payment came from."""
        self._wire(challenge).send("POST", f"{_path(challenge)}/decline", Body.of({"choice": choice}))

    def _complete(self, challenge: Challenge) -> int | None:
        try:
            self._wire(challenge).send("POST", f"{_path(challenge)}/complete")
        except ChallengeFailed as failed:
            return int(str(failed.extra["attempts_remaining"]))
        return None

    # -- Shared by both ---------------------------------------------------------------------------------------------

    def _begin(self, opened: Ticket | Challenge, step: str) -> Json:
        return self._wire(opened).send("POST", f"{_path(opened)}/steps/{step}/begin").value

    def _put(self, opened: Ticket | Challenge, step: str, fields: Json) -> Json:
        return self._wire(opened).send("PUT", f"{_path(opened)}/steps/{step}", Body.of(fields)).value

    def _capture(self, opened: Ticket | Challenge, photographs: Sequence[Photograph]) -> None:
        nonce = self._begin(opened, "face")["nonce"]
        form = Body.of_form(_form(nonce, photographs))
        self._wire(opened).send("PUT", f"{_path(opened)}/steps/face", form)

    def _wire(self, opened: Ticket | Challenge) -> Wire:
        scheme = "Enrollment" if isinstance(opened, Ticket) else "Challenge"
        return Wire(self._base_url, f"{scheme} {opened.token}", timeout=30.0)


def _path(opened: Ticket | Challenge) -> str:
    return f"/v1/{'enrollments' if isinstance(opened, Ticket) else 'challenges'}/{opened.id}"


def _form(
    nonce: str, photographs: Sequence[Photograph]
) -> Iterator[tuple[str, str | tuple[str, bytes, str]]]:
    yield "nonce", nonce
    yield "meta", json.dumps({"taken_at_ms": [500 * number for number, _ in enumerate(photographs)]})
    for photograph in photographs:
        yield "frame", ("frame", photograph.content, photograph.media)
