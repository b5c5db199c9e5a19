"""What a key with one scope can state is never a proof that takes another: over HTTP, on both stores."""

from __future__ import annotations

from itertools import count

import pytest

from authsvc.keys.access import Scope
from authsvc.web.body import JsonBody
from authsvc.web.operations import Operation
from authsvc.web.registry import OPERATIONS
from tests.model.account import FACE, OTP, THIEVES
from tests.model.playing import TWO, Play
from tests.model.served import EVERY_SCOPE, Here, Said

PEOPLE = count()

BESIDES_ACCOUNTS = sorted(set(Scope) - {Scope.ACCOUNTS})


@pytest.fixture
def play(here: Here) -> Play:
    """An owner with a code, a face and ten recovery codes."""
    play = Play(here, f"scope_{next(PEOPLE)}", THIEVES[0])
    assert play.enrolls(play.ticket().json, play.owner, (OTP, FACE), device=True)
    return play


def slug(said: Said) -> str:
    return str(said.json["type"]).rpartition("/")[2]


@pytest.mark.parametrize("scope", BESIDES_ACCOUNTS)
def test_no_other_scope_states_what_proves(play: Play, scope: str) -> None:
    """Each way in which a backend says that somebody is who they are: every one takes `accounts`."""
    recovery = play.ticket(recovery=True).json
    device = play.phone()["id"]
    refused = {
        "operators of a recovery": play.ticket(key=scope, recovery=True, **TWO),
        "a recovery's code": play.caller.backend("POST", f"/v1/enrollments/{recovery['id']}/code", key=scope),
        "operators of an unfreeze": play.shop("POST", "/unfreeze", TWO, key=scope),
        "operators of a restore": play.shop("POST", f"/devices/{device}/restore", TWO, key=scope),
        "the switch that asks every time": play.shop("PATCH", "/status", {"verify_always": False}, key=scope),
        "a freeze": play.shop("POST", "/freeze", {"reason": "mine"}, key=scope),
    }
    assert {what: slug(said) for what, said in refused.items()} == dict.fromkeys(
        refused, "insufficient-scope"
    )


def test_a_stored_answer_is_no_way_around(play: Play) -> None:
    """Whoever knows the Idempotency-Key of a call that was allowed to another key gets no answer of it."""
    here, body = play.caller, {"user_id": play.user, "recovery": True, **TWO}
    first = here.backend("POST", "/v1/enrollments", body, once="the-shops-own")
    again = here.backend("POST", "/v1/enrollments", body, once="the-shops-own")
    assert first.done
    assert again.json == first.json
    assert slug(here.backend("POST", "/v1/enrollments", body, key=Scope.ENROLL, once="the-shops-own")) == (
        "insufficient-scope"
    )


@pytest.mark.parametrize("key", [EVERY_SCOPE, Scope.ENROLL])
def test_a_recovery_code_alone_recovers_for_the_account_scope_only(play: Play, key: str) -> None:
    assert play.recovers_as_backend(play.owner.codes[0], key).done is (key == EVERY_SCOPE)


def test_whoever_enrolls_may_still_open_a_recovery_that_the_person_proves(play: Play) -> None:
    opened = play.ticket(key=Scope.ENROLL, recovery=True)
    path, token = f"/v1/enrollments/{opened.json['id']}", f"Enrollment {opened.json['token']}"
    here = play.caller
    assert here.call("PUT", f"{path}/steps/recovery", token, {"code": play.owner.codes[0]}).done
    begun = here.call("POST", f"{path}/steps/proof_face/begin", token).json
    shown = here.frames(f"{path}/steps/proof_face", token, begun["nonce"], {}, b"ann at last")
    assert shown.json == {"state": "received"}
    assert play.enrolls(opened.json, play.owner, (OTP,))


def test_every_call_that_takes_operators_is_tried_above() -> None:
    """A new one is written into the list of what is refused."""
    named = {each.name for each in OPERATIONS if "operators" in _fields(each)}
    assert named == {"create_enrollment", "restore_device", "unfreeze_user"}


def _fields(operation: Operation) -> set[str]:
    return set(operation.body.model.model_fields) if isinstance(operation.body, JsonBody) else set()
