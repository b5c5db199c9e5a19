"""What an owner, somebody who holds a part of it, and their shop do over HTTP about one account.

Each act returns whether the service let it be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyotp

from authsvc.clock import to_millis
from tests.model.account import FACE, KEY, OTP, State, Thief
from tests.model.served import EVERY_SCOPE, ORIGIN, Caller, Said
from tests.support.authenticator import Authenticator

NAMED = {OTP: "otp", FACE: "face", KEY: "device_uv"}
RISKS = {1: 10, 2: 20, 3: 30}
SMALL, LARGE = 100, 6_000_000
TWO = {"operators": ["alice", "bob"]}

Decision = Mapping[str, Any]  # Any: as the service says it.


@dataclass
class Things:
    """What somebody has of an account of their own making."""

    face: str
    app: pyotp.TOTP | None = None
    key: Authenticator | None = None
    device: Mapping[str, str] | None = None
    codes: list[str] = field(default_factory=list)


class Play:
    """One account at the service, with everybody who has to do with it."""

    def __init__(self, caller: Caller, user: str, thief: Thief) -> None:
        self.caller, self.user, self.holds = caller, user, thief.holds
        self.owner, self.thief = Things("ann"), Things("eve")
        self.receipt: tuple[str, Mapping[str, Any]] | None = None
        self.overview: tuple[str, str] | None = None
        self.last_frame = b""
        self._count = 0
        self._last_step = 0

    def next(self, what: str) -> str:
        self._count += 1
        return f"{self.user}_{what}_{self._count}"

    # -- Asking -------------------------------------------------------------------------------------------------------

    def asks(
        self,
        kind: str = "transfer",
        *,
        level: int = 0,
        amount: int = SMALL,
        device: Mapping[str, str] | None = None,
        proven: Sequence[str] = (),
    ) -> Decision:
        transaction = {
            "id": self.next("pay"),
            "type": kind,
            "amount_minor": amount if kind == "transfer" else 0,
            "currency": "CNY",
            "payee": {"id": "a", "name": "account"},
        }
        body: dict[str, Any] = {
            "transaction": transaction,
            "user_id": self.user,
            "risk": {"score": RISKS.get(level, 0)},
        }
        if device is not None:
            body["device"] = device
        if proven:
            body["proven"] = list(proven)
        said = self.caller.backend("POST", "/v1/decisions", body)
        assert said.status == 201, said
        return {**said.json, "asked": transaction}

    def again(self, decision: Decision) -> Decision:
        found: Decision = self.caller.backend("GET", f"/v1/decisions/{decision['id']}").json
        return found

    def phone(self) -> Mapping[str, str]:
        assert self.owner.device is not None
        return self.owner.device

    # -- Proving ------------------------------------------------------------------------------------------------------

    def proves(
        self, decision: Decision, way: Sequence[int], state: State, *, owner: bool, **how: bytes
    ) -> bool:
        """Answer a whole set, if it is asked for at all; keeps the receipt."""
        wanted = [NAMED[each] for each in way]
        opened = decision["challenge"]
        if opened is None or set(wanted) not in [set(each) for each in opened["sets"]]:
            return False
        token = f"Challenge {opened['token']}"
        path = f"/v1/challenges/{opened['id']}"
        assert self.caller.call("POST", f"{path}/switch", token, {"factors": wanted}).done
        for factor in way:
            if not self.shows(decision, path, token, factor, state, owner=owner, **how):
                return False
        return self.caller.call("POST", f"{path}/complete", token).done

    def shows(
        self,
        decision: Decision,
        path: str,
        token: str,
        factor: int,
        state: State,
        *,
        owner: bool,
        frame: bytes = b"",
    ) -> bool:
        """Whether the evidence was received."""
        begun = self.caller.call("POST", f"{path}/steps/{NAMED[factor]}/begin", token)
        if not begun.done:
            return False
        mine = not owner and state.factors[factor].by == "thief"
        things = self.thief if mine else self.owner
        step = f"{path}/steps/{NAMED[factor]}"
        if factor == FACE:
            self.last_frame = frame or f"{things.face} {self.next('frame')}".encode()
            return self.caller.frames(step, token, begun.json["nonce"], {}, self.last_frame).done
        if factor == OTP:
            return self.caller.call(
                "PUT", step, token, {"code": self.code(decision, things, owner, mine)}
            ).done
        assert things.key is not None
        return self.caller.call("PUT", step, token, things.key.get(begun.json["publicKey"]).to_json()).done

    def code(self, decision: Decision, things: Things, owner: bool, mine: bool) -> str:
        """From the app, or from the message that the shop sends for whoever gets it."""
        if "transaction_id" in decision and (owner or (not mine and "codes" in self.holds)):
            issued = self.caller.backend("POST", f"/v1/decisions/{decision['id']}/code")
            assert issued.status == 201, issued
            return str(issued.json["code"])
        return self.fresh(things.app)

    def fresh(self, app: pyotp.TOTP | None) -> str:
        """A code of the app that was not used."""
        assert app is not None
        period = timedelta(seconds=30)
        while int(self.caller.clock.now().timestamp()) // 30 <= self._last_step:
            self.caller.clock.advance(period)
        self._last_step = int(self.caller.clock.now().timestamp()) // 30
        return app.at(self.caller.clock.now())

    def keeps(self, decision: Decision) -> None:
        self.receipt = (str(self.again(decision)["receipt"]), decision["asked"])

    # -- Enrolling ----------------------------------------------------------------------------------------------------

    def ticket(self, *, key: str = EVERY_SCOPE, **grounds: object) -> Said:
        body = {"user_id": self.user, "locale": "en", **grounds}
        return self.caller.backend("POST", "/v1/enrollments", body, key=key)

    def enrolls(
        self, ticket: Mapping[str, str], things: Things, factors: Iterable[int], *, device: bool = False
    ) -> bool:
        path, token = f"/v1/enrollments/{ticket['id']}", f"Enrollment {ticket['token']}"
        steps = {FACE: self._face, OTP: self._app, KEY: self._key}
        for factor in sorted(factors):
            if not steps[factor](path, token, things):
                return False
        if device and KEY not in factors:
            self.caller.call("POST", f"{path}/steps/device/begin", token)
            made = self.caller.call("PUT", f"{path}/steps/device", token, {"name": "phone"})
            things.device = _shown(made)
        done = self.caller.call("POST", f"{path}/complete", token)
        if done.done and done.json["recovery_codes"]:
            things.codes = list(done.json["recovery_codes"])
        return done.done

    def _face(self, path: str, token: str, things: Things) -> bool:
        self.caller.call("POST", f"{path}/steps/consent/begin", token)
        self.caller.call("PUT", f"{path}/steps/consent", token, {"modalities": ["face"]})
        said = self.caller.call("POST", f"{path}/steps/face/begin", token)
        while said.done and said.json.get("state") != "received":
            now = to_millis(self.caller.clock.now())
            self.caller.clock.advance(timedelta(seconds=1))
            meta = {"taken_at_ms": [0, 1, 2], "prompted_at_ms": now, "sent_at_ms": now + 1000}
            name = self.next("frame")
            frames = [f"{things.face} {name} {number}".encode() for number in range(3)]
            said = self.caller.frames(f"{path}/steps/face", token, said.json["nonce"], meta, *frames)
        return said.done

    def _app(self, path: str, token: str, things: Things) -> bool:
        begun = self.caller.call("POST", f"{path}/steps/otp/begin", token)
        if not begun.done:
            return False
        app = pyotp.TOTP(str(begun.json["secret"]))
        given = self.caller.call("PUT", f"{path}/steps/otp", token, {"code": self.fresh(app)})
        if given.done:
            things.app = app
        return given.done

    def _key(self, path: str, token: str, things: Things) -> bool:
        begun = self.caller.call("POST", f"{path}/steps/device/begin", token)
        if not begun.done:
            return False
        key = Authenticator(ORIGIN)
        credential = key.create(begun.json["publicKey"]).to_json()
        made = self.caller.call(
            "PUT", f"{path}/steps/device", token, {"name": "phone", "credential": credential}
        )
        if made.done:
            things.key, things.device = key, _shown(made)
        return made.done

    def recovers(
        self, code: str, second: int | None, state: State, *, right: bool = True
    ) -> Mapping[str, str] | None:
        """A ticket that is proven: by a recovery code, and by the face or a code that the shop sends."""
        opened = self.ticket(recovery=True)
        if not opened.done:
            return None
        path, token = f"/v1/enrollments/{opened.json['id']}", f"Enrollment {opened.json['token']}"
        assert self.caller.call("PUT", f"{path}/steps/recovery", token, {"code": code}).done
        if second is None:
            return opened.json  # type: ignore[no-any-return]  # As above.
        step = f"{path}/steps/proof_{NAMED[second]}"
        begun = self.caller.call("POST", f"{step}/begin", token)
        if not begun.done:
            return None
        if second == FACE:
            face = self.thief.face if state.factors[FACE].by == "thief" else self.owner.face
            frame = f"{face} {self.next('frame')}".encode()
            given = self.caller.frames(step, token, begun.json["nonce"], {}, frame)
        else:
            issued = self.caller.backend("POST", f"{path}/code").json["code"] if right else "00000000"
            given = self.caller.call("PUT", step, token, {"code": issued})
        return opened.json if given.done else None

    def recovers_as_backend(self, code: str, key: str) -> Said:
        """A recovery with a recovery code, and with whatever a key of the shop can say beside it: the last answer."""
        opened = self.ticket(key=key, recovery=True, **TWO)
        if opened.done:
            path, token = f"/v1/enrollments/{opened.json['id']}", f"Enrollment {opened.json['token']}"
            return self.caller.call("PUT", f"{path}/steps/recovery", token, {"code": code})
        opened = self.ticket(key=key, recovery=True)
        if not opened.done:
            return opened
        path, token = f"/v1/enrollments/{opened.json['id']}", f"Enrollment {opened.json['token']}"
        assert self.caller.call("PUT", f"{path}/steps/recovery", token, {"code": code}).done
        assert self.caller.call("POST", f"{path}/steps/proof_otp/begin", token).done
        issued = self.caller.backend("POST", f"{path}/code", key=key)
        if not issued.done:
            return issued
        return self.caller.call("PUT", f"{path}/steps/proof_otp", token, {"code": issued.json["code"]})

    # -- The overview, and what the shop does ----------------------------------------------------------------------------

    def looks(self) -> tuple[str, str]:
        made = self.caller.backend("POST", "/v1/overviews", {"user_id": self.user})
        assert made.done, made
        return str(made.json["id"]), f"Overview {made.json['token']}"

    def overviewed(self, method: str, path: str) -> bool:
        overview, token = self.looks()
        return self.caller.call(method, f"/v1/overviews/{overview}/{path}", token).done

    def shop(self, method: str, path: str, body: object = None, *, key: str = EVERY_SCOPE) -> Said:
        return self.caller.backend(method, f"/v1/users/{self.user}{path}", body, key=key)

    def locked(self) -> bool:
        return "face" in self.shop("GET", "/status").json["locked_until"]


def _shown(made: Said) -> Mapping[str, str]:
    device = made.json["device"]
    return {"id": str(device["id"]), "secret": str(device["secret"])}
