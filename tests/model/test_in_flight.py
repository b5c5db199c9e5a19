"""What was begun before an account was erased or recovered does nothing to what has its name now: over HTTP, on both stores."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest

from authsvc.domain import account_acts
from tests.model.account import ALL, FACE, OTP, THIEVES, Factor, State
from tests.model.playing import Play
from tests.model.served import Here, Said

PEOPLE = count()
MINUTE = timedelta(minutes=1)
HAS_ALL = State((Factor("owner"),) * 3, (0, 0, 0), (0, 0, 0), Factor("owner"))


@pytest.fixture
def play(here: Here) -> Play:
    play = Play(here, f"flight_{next(PEOPLE)}", THIEVES[0])
    assert play.enrolls(play.ticket().json, play.owner, ALL)
    here.clock.advance(MINUTE)
    return play


def slug(said: Said) -> str:
    return str(said.json["type"]).rpartition("/")[2]


def erased_and_back(play: Play) -> None:
    """The account is erased, and somebody enrolls under its name, in the same millisecond as far as the clock says."""
    assert play.shop("DELETE", "").done
    assert play.enrolls(play.ticket().json, play.owner, (OTP, FACE), device=True)


def proved(play: Play, kind: str) -> str:
    decision = play.asks(kind)
    assert play.proves(decision, (FACE, 2), HAS_ALL, owner=True)
    return str(play.again(decision)["receipt"])


def test_an_overview_of_before_is_over(play: Play) -> None:
    here, (overview, token) = play.caller, play.looks()
    paid = play.asks(level=1)
    erased_and_back(play)
    at = f"/v1/overviews/{overview}"
    calls = [
        ("GET", at),
        ("PATCH", at),
        ("POST", f"{at}/freeze"),
        ("DELETE", f"{at}/devices/{play.phone()['id']}"),
        ("DELETE", f"{at}/biometrics/face"),
        ("DELETE", f"{at}/factors/otp"),
        ("DELETE", f"{at}/factors/recovery_codes"),
        ("POST", f"{at}/erasure/begin"),
        ("POST", f"{at}/erasure/complete"),
        ("POST", f"{at}/verifications/{paid['id']}/not-me"),
    ]
    body = {"PATCH": {"verify_always": True}}
    said = {f"{method} {path}": here.call(method, path, token, body.get(method)) for method, path in calls}
    assert {call: slug(each) for call, each in said.items()} == dict.fromkeys(said, "challenge-closed")
    assert play.shop("GET", "/status").json["status"] == "active"


def test_a_new_overview_knows_nothing_of_before(play: Play) -> None:
    paid = play.asks(level=1)
    erased_and_back(play)
    overview, token = play.looks()
    assert play.caller.call("GET", f"/v1/overviews/{overview}", token).json["verifications"] == []
    path = f"/v1/overviews/{overview}/verifications/{paid['id']}/not-me"
    assert slug(play.caller.call("POST", path, token)) == "not-found"


@pytest.mark.parametrize("raced", [False, True], ids=["ended with it", "opened in that moment"])
def test_a_challenge_of_before_proves_nothing(
    play: Play, raced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if raced:
        # As if it had been opened after the erasure looked for it.
        monkeypatch.setattr(account_acts, "_stop_payments", lambda *args: None)
    here, asked = play.caller, play.asks(level=1)
    challenge, token = asked["challenge"]["id"], f"Challenge {asked['challenge']['token']}"
    at = f"/v1/challenges/{challenge}"
    here.call("POST", f"{at}/steps/otp/begin", token)
    here.call("PUT", f"{at}/steps/otp", token, {"code": play.fresh(play.owner.app)})
    erased_and_back(play)
    calls = [
        here.call("POST", f"{at}/steps/otp/begin", token),
        here.call("PUT", f"{at}/steps/otp", token, {"code": "000000"}),
        here.call("POST", f"{at}/switch", token, {"factors": ["otp"]}),
        here.call("POST", f"{at}/complete", token),
        here.call("POST", f"{at}/decline", token, {"choice": "not_me"}),
        here.backend("POST", f"/v1/decisions/{asked['id']}/code"),
    ]
    assert [slug(each) for each in calls] == ["challenge-closed"] * len(calls)
    assert play.shop("GET", "/status").json["locked_until"] == {}
    if not raced:
        assert play.again(asked)["status"] == "cancelled"


@pytest.mark.parametrize("grounds", ["enrollment", "recovery"])
def test_a_ticket_of_before_enrolls_nobody(play: Play, grounds: str) -> None:
    opened = (
        play.ticket(recovery=True) if grounds == "recovery" else play.ticket(proof=proved(play, "enrollment"))
    )
    assert opened.done
    erased_and_back(play)
    assert not play.enrolls(opened.json, play.thief, (OTP,))


def test_a_payment_of_before_is_nobodys_habit(here: Here, play: Play) -> None:
    asked = play.asks(level=1)
    assert play.proves(asked, (OTP,), HAS_ALL, owner=True)
    erased_and_back(play)
    assert here.backend("POST", f"/v1/decisions/{asked['id']}/outcome", {"outcome": "settled"}).done
    later = here.clock.now() + timedelta(days=365)
    due = here.bench.wired.store.ledger.read(lambda tx: tx.habits.due(later, 100))
    assert asked["id"] not in [decision for decision, _ in due]


def test_a_recovery_ends_what_the_lost_phone_began(play: Play) -> None:
    """An enrollment that it proved, and a payment that it released."""
    here = play.caller
    ticket = play.ticket(proof=proved(play, "enrollment")).json
    paid = play.asks(level=1)
    assert play.proves(paid, (OTP,), HAS_ALL, owner=True)
    play.keeps(paid)
    back = play.recovers(play.owner.codes[0], FACE, HAS_ALL)
    assert back is not None
    assert play.enrolls(back, play.owner, (OTP,))
    receipt, transaction = play.receipt or ("", {})
    body = {"receipt": receipt, "transaction": transaction, "user_id": play.user}
    assert slug(here.backend("POST", "/v1/receipts/consume", body)) == "receipt-mismatch"
    assert slug(
        here.call("POST", f"/v1/enrollments/{ticket['id']}/steps/otp/begin", f"Enrollment {ticket['token']}")
    ) == ("challenge-closed")
