"""Random walks: the same rules drive the real service, and every answer must be the model's.

What is asked and done is asked and done over HTTP; proofs and enrollments go through the services in this process, with a clock
that stands still between steps. `AUTHSVC_MODEL_STEPS` lengthens the walk (10 000 in the long run).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from authsvc.bootstrap.app import create_app
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.policy import loading
from authsvc.services.enrollments import TicketWanted
from authsvc.web.settings import WebSettings
from tests.flows.owning import USER, Holder
from tests.flows.recovering import Visit
from tests.model.account import ALL, COOLING, FACE, KEY, NONE, OTP, Factor, Rules, State, watched
from tests.model.search import _suspended
from tests.support.service import Bench, embedded, said
from tests.web.support import Api

STEPS = int(os.environ.get("AUTHSVC_MODEL_STEPS", "300"))
STEPS_A_WALK = 25
NAMED = {OTP: "otp", FACE: "face", KEY: "device_uv"}
LEVELS = {1: "otp", 2: "face", 3: "face_fingerprint"}
MODELLED = """[levels.face]
sets = [{ factors = ["face"], device_at_most = "trusted" }, ["face", "otp"], ["device_uv", "otp"], ["voice", "otp"]]"""


class Walk(RuleBasedStateMachine):
    """One account at the service and in the model, step by step."""

    database: dict[str, Any] = {}  # noqa: RUF012  # Set for each store before a run.

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="authsvc-walk-")
        policy = Path(self._folder.name) / "policy.toml"
        policy.write_text(_modelled_policy(), encoding="utf-8")
        fresh = {name: make() for name, make in self.database.items()}
        self.bench = Bench(embedded(Path(self._folder.name) / "data", policy_file=policy, **fresh))
        store = self.bench.wired.store
        key, shown = new_api_key(store.ring, "shop", ALL_SCOPES, self.bench.clock.now())
        store.ledger.transact(lambda tx: tx.keys.add(key))
        self.api = Api(create_app(self.bench.services, WebSettings(self.bench.settings.public_url)))
        self.bearer = {"Authorization": f"Bearer {shown}"}
        self.owner = Holder(self.bench, face="ann")
        self.model, self.step_of_clock = Rules(), self.bench.settings.probation / COOLING

    def teardown(self) -> None:
        self.bench.close()
        self._folder.cleanup()

    @initialize(enrolled=st.sets(st.sampled_from(ALL), min_size=1))
    def first_enrollment(self, enrolled: set[int]) -> None:
        steps = [NAMED[each] for each in sorted(enrolled) if each != KEY]
        self.owner.enroll(*steps, "key" if KEY in enrolled else "device")
        factors = tuple(Factor("owner") if each in enrolled else NONE for each in ALL)
        self.state = State(factors, (0, 0, 0), (0, 0, 0), Factor("owner"))  # type: ignore[arg-type]  # Three of them.
        self.agree()

    # -- What is done -----------------------------------------------------------------------------------------------

    @rule()
    def time_passes(self) -> None:
        self.bench.clock.advance(self.step_of_clock)
        self.went(self.model.ticked(self.state))

    @precondition(
        lambda self: self.state.factors[FACE].by and not self.state.locked and not self.state.frozen
    )
    @rule()
    def three_wrong_faces(self) -> None:
        for _ in range(3):
            decision = self.bench.decide(self.bench.payment(100), self.owner.device, risk=80)
            if decision["challenge"] is None or ["face"] not in decision["challenge"]["sets"]:
                return
            self.bench.answer_face(decision, "eve 1")
            assert not self.bench.complete(decision).authenticated
        self.went(self.state._replace(locked=True))

    @precondition(lambda self: self.state.factors[FACE].by)
    @rule()
    def withdraw_the_face(self) -> None:
        self.does("DELETE", "biometrics/face")
        self.went(self.model.without_factor(self.state, FACE))

    @precondition(lambda self: self.state.device == "active")
    @rule()
    def remove_the_phone(self) -> None:
        self.does("DELETE", f"devices/{self.owner.device.id}")
        self.went(self.model.removed_device(self.state))

    @precondition(lambda self: not self.state.frozen)
    @rule()
    def freeze(self) -> None:
        self.does("POST", "freeze")
        self.went(self.model.froze(self.state))

    @precondition(lambda self: self.state.frozen)
    @rule()
    def two_operators_unfreeze(self) -> None:
        answer = self.api.post(
            f"/v1/users/{USER}/unfreeze", json={"operators": ["alice", "bob"]}, headers=self.bearer
        )
        assert answer.status_code == 200
        self.went(self.state._replace(frozen=False, locked=False))

    @precondition(lambda self: self.state.device == "suspended" and not self.state.frozen)
    @rule()
    def two_operators_restore_the_phone(self) -> None:
        path = f"/v1/users/{USER}/devices/{self.owner.device.id}/restore"
        answer = self.api.post(path, json={"operators": ["alice", "bob"]}, headers=self.bearer)
        assert answer.status_code == 200
        owed = (self.state.owed[OTP], self.state.owed[FACE], 0)
        self.went(self.state._replace(device="active", owed=owed))

    @precondition(lambda self: self.state.device == "active" and not self.state.frozen)
    @rule()
    def not_me(self) -> None:
        decision = self.bench.decide(self.bench.payment(125_000), self.owner.device)
        if decision["challenge"] is None:
            return
        opened = decision["challenge"]
        headers = {"Authorization": f"Challenge {opened['token']}"}
        answer = self.api.post(
            f"/v1/challenges/{opened['id']}/decline", json={"choice": "not_me"}, headers=headers
        )
        assert answer.get_json()["device_suspended"] is True
        self.went(_suspended(self.state))

    @precondition(lambda self: not self.state.frozen)
    @rule(what=st.sampled_from(["otp", "face"]))
    def the_owner_enrolls(self, what: str) -> None:
        """Proved in the first way that is offered, with what the owner has."""
        ways = self.model.act_ways(self.state, "enrollment")
        if not ways or (KEY in ways[0] and self.owner.key is None):
            return
        proof = self.owner.proof(
            "enrollment", *(NAMED[each] for each in sorted(ways[0], key=(FACE, KEY, OTP).index))
        )
        ticket = said(
            self.bench.services.enrollments.create(
                self.bench.key, self.bench.once(), TicketWanted(USER, "en", proof)
            )
        )
        self.owner.fill(Visit(self.bench, str(ticket["id"]), str(ticket["token"])), what)
        at = OTP if what == "otp" else FACE
        self.went(self.model.with_factor(self.state, at, "owner", COOLING))

    # -- What must be so ----------------------------------------------------------------------------------------------

    def went(self, state: State) -> None:
        self.state = watched(state)
        self.agree()

    def agree(self) -> None:
        """The service answers as the model does, to each act and to a payment from the phone."""
        for kind in ("enrollment", "unfreeze", "erasure"):
            decision = self.asks(kind)
            if self.state.frozen and kind != "unfreeze":
                assert decision["status"] == "denied", kind
                continue
            assert decision["level"] == LEVELS[self.model.act_level(self.state)], (kind, self.state)
            ways = {frozenset(NAMED[f] for f in way) for way in self.model.act_ways(self.state, kind)}
            shown = {frozenset(way) for way in (decision["challenge"] or {"sets": []})["sets"]}
            assert shown == ways, (kind, self.state)
            assert decision["status"] == ("challenge_required" if ways else "not_possible")
        novelty = self.asks("transfer", self.phone())["device"]["novelty"]
        assert novelty == ("trusted" if self.state.device == "active" else "revoked")

    def asks(self, kind: str, device: dict[str, str] | None = None) -> Any:
        self.bench._count += 1
        transaction = {
            "id": f"walk_{self.bench._count}",
            "type": kind,
            "amount_minor": 0,
            "currency": "CNY",
            "payee": {"id": "a", "name": "account"},
        }
        body = {"transaction": transaction, "user_id": USER, "risk": {"score": 0}}
        if device is not None:
            body["device"] = device
        headers = {**self.bearer, "Idempotency-Key": f'"walk-{self.bench._count}"'}
        answer = self.api.post("/v1/decisions", json=body, headers=headers)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return answer.get_json()

    def phone(self) -> dict[str, str]:
        return {"id": str(self.owner.device.id), "secret": str(self.owner.device.secret)}

    def does(self, method: str, path: str) -> None:
        """Something in the person's own overview."""
        self.bench._count += 1
        headers = {**self.bearer, "Idempotency-Key": f'"walk-{self.bench._count}"'}
        opened = self.api.post("/v1/overviews", json={"user_id": USER}, headers=headers).get_json()
        token = {"Authorization": f"Overview {opened['token']}"}
        assert self.api.send(method, f"/v1/overviews/{opened['id']}/{path}", headers=token).status_code == 200


def _modelled_policy() -> str:
    text = loading.shipped_source().text
    start, end = text.index("[levels.otp]"), text.index("# How often a stranger may pass.")
    levels = f"""[levels.otp]
sets = [["otp"], ["device_uv"]]

{MODELLED}

[levels.face_fingerprint]
sets = [["face", "device_uv"], {{ factors = ["device_uv", "otp"], amount_at_most = 5_000_000 }}]

"""
    return text[:start] + levels + text[end:]


@pytest.mark.parametrize("store", ["embedded", "servers"])
def test_the_service_answers_as_the_model_does(store: str, request: pytest.FixtureRequest) -> None:
    Walk.database = {}
    if store == "servers":
        server, redis = request.getfixturevalue("postgres_server"), request.getfixturevalue("redis_server")
        server.ensure_running()
        redis.ensure_running()
        Walk.database = {
            "database_url": lambda: server.url(server.create_database()),
            "redis_url": lambda: redis.url,
        }
    walks = max(1, STEPS // STEPS_A_WALK // (1 if store == "embedded" else 4))
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # Hypothesis leaves it untyped.
        Walk,
        settings=settings(
            max_examples=walks,
            stateful_step_count=STEPS_A_WALK,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
