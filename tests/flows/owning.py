"""An owner with everything, and somebody who holds a part of it: what both do about an account."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyotp

from authsvc.device.novelty import StatedDevice
from authsvc.factor import Factor, Submission
from authsvc.services.enrollments import TicketWanted
from tests.flows.recovering import Visit
from tests.support.authenticator import Authenticator
from tests.support.service import Bench, Said, challenge_of, said

USER = "u_1"


@dataclass
class Holder:
    """What somebody has of an account: a face by name, an app, a key, a device with its secret, recovery codes on paper."""

    bench: Bench
    face: str | None = None
    app: pyotp.TOTP | None = None
    key: Authenticator | None = None
    device: StatedDevice = field(default_factory=StatedDevice)
    codes: Collection[str] = ()
    pictures: int = 0

    def enroll(self, *steps: str, proof: str | None = None) -> Said:
        """Enroll the named steps on a ticket of the backend, upon `proof` where one is needed."""
        wanted = TicketWanted(USER, "en", proof)
        ticket = said(self.bench.services.enrollments.create(self.bench.key, self.bench.once(), wanted))
        return self.fill(Visit(self.bench, str(ticket["id"]), str(ticket["token"])), *steps)

    def fill(self, visit: Visit, *steps: str) -> Said:
        if "face" in steps:
            visit.begin("consent")
            visit.answer("consent", Submission({"modalities": ["face"]}))
            frames = tuple(f"{self.face} {number}".encode() for number in range(3))
            visit.answer("face", Submission({"nonce": visit.begin("face")["nonce"]}, {"frame": frames}))
        if "otp" in steps:
            self.app = visit.add_app()
        if "key" in steps:
            self.key = Authenticator(self.bench.settings.public_url)
        if "key" in steps or "device" in steps:
            self.device = visit.add_device(self.key if "key" in steps else None)
        done = visit.complete()
        self.codes = tuple(done["recovery_codes"]) or self.codes
        return done

    def asks(self, kind: str, device: StatedDevice | None = None) -> Said:
        """A decision about an account act."""
        return self.bench.decide(self.bench.payment(0, type=kind), device, risk=0)

    def proves(self, decision: Said, *factors: str) -> bool:
        """Answer a whole set with what one has; a code is the one that the backend sends where there is no app."""
        if decision["challenge"] is None:
            return False
        challenge = challenge_of(decision)
        self.bench.services.challenges.switch(*challenge, [Factor(each) for each in factors])
        for factor in factors:
            self.answers(decision, Factor(factor))
        return self.bench.complete(decision).authenticated

    def proof(self, kind: str, *factors: str) -> str:
        decision = self.asks(kind)
        assert self.proves(decision, *factors), decision
        return str(self.bench.again(decision)["receipt"])

    def answers(self, decision: Said, factor: Factor) -> None:
        if factor is Factor.FACE:
            self.pictures += 1
            self.bench.answer_face(decision, f"{self.face} {100 + self.pictures}")
        elif factor is Factor.OTP:
            self.bench.answer_otp(decision, self.code(decision))
        else:
            challenge = challenge_of(decision)
            asked: Any = self.bench.services.challenges.begin_step(*challenge, factor)["publicKey"]
            assert self.key is not None
            evidence = Submission(self.key.get(asked).to_json())
            self.bench.services.challenges.take_step(*challenge, factor, evidence)

    def code(self, decision: Said) -> str:
        if self.app is not None:
            # The last code may be used up.
            self.bench.clock.advance(timedelta(seconds=30))
            return self.app.at(self.bench.clock.now())
        issued = said(
            self.bench.services.decisions.issue_code(
                self.bench.key, self.bench.once(), str(decision["id"]), "en"
            )
        )
        return str(issued["code"])
