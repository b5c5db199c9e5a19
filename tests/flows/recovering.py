"""Somebody who has lost the phone, as their browser would go through a recovery."""

from dataclasses import dataclass

import pyotp

from authsvc.device.novelty import StatedDevice
from authsvc.factor import Submission
from authsvc.services.enrollments import TicketWanted
from tests.support.authenticator import Authenticator
from tests.support.service import Bench, Said, said


@dataclass
class Visit:
    """One recovery, opened by the shop."""

    bench: Bench
    id: str
    token: str

    @classmethod
    def opened(cls, bench: Bench, user: str = "u_1", operators: tuple[str, ...] = ()) -> "Visit":
        wanted = TicketWanted(user, "en", recovery=True, operators=operators)
        ticket = said(bench.services.enrollments.create(bench.key, bench.once(), wanted))
        return cls(bench, str(ticket["id"]), str(ticket["token"]))

    def look(self) -> Said:
        return self.bench.services.enrollments.find(self.id, self.token)

    def begin(self, step: str) -> Said:
        return self.bench.services.enrollments.begin_step(self.id, self.token, step, {})

    def answer(self, step: str, submission: Submission) -> Said:
        return self.bench.services.enrollments.take_step(self.id, self.token, step, submission)

    def type_recovery_code(self, code: str) -> Said:
        return self.answer("recovery", Submission({"code": code}))

    def show_face(self, picture: str) -> Said:
        nonce = self.begin("proof_face")["nonce"]
        return self.answer("proof_face", Submission({"nonce": nonce}, {"frame": (picture.encode(),)}))

    def type_code(self, code: str) -> Said:
        self.begin("proof_otp")
        return self.answer("proof_otp", Submission({"code": code}))

    def issued_code(self) -> Said:
        return said(
            self.bench.services.enrollments.issue_code(self.bench.key, self.bench.once(), self.id, None)
        )

    def add_device(self, key: Authenticator | None = None) -> StatedDevice:
        begun = self.begin("device")
        credential = {} if key is None else {"credential": key.create(begun["publicKey"]).to_json()}
        made = self.answer("device", Submission({"name": "new phone", **credential}))["device"]
        return StatedDevice(made["id"], made["secret"])

    def add_app(self) -> pyotp.TOTP:
        app = pyotp.TOTP(str(self.begin("otp")["secret"]))
        self.answer("otp", Submission({"code": app.at(self.bench.clock.now())}))
        return app

    def consent(self, *agreed: str, refused: tuple[str, ...] = ()) -> Said:
        """What was asked; this person says yes to some of it, and no to some."""
        asked = self.begin("consent")
        self.answer("consent", Submission({"modalities": list(agreed), "refused": list(refused)}))
        return asked

    def record_face(self, person: str) -> None:
        shown = self.begin("face")
        while shown.get("state") != "received":
            shown = self.answer("face", self.bench.part(shown, *(f"{person} {each}" for each in range(3))))

    def complete(self) -> Said:
        return said(self.bench.services.enrollments.complete(self.id, self.token))
