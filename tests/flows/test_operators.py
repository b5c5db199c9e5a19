"""Operators over both stores: they join, sign in, look, and unfreeze by two; an attempt counts before it is judged."""

import json
import threading
from datetime import timedelta
from typing import Any

import pyotp
import pytest

from authsvc.device.response import unbase64url
from authsvc.domain.account_acts import two_operators
from authsvc.domain.operator import Act, Operator, Role
from authsvc.errors import ChallengeClosed, InvalidRequest, NotPermitted, RateLimited, Unauthenticated
from authsvc.keys.keyring import Purpose
from authsvc.operators.account import OperatorAccount
from authsvc.operators.figures import WINDOWS
from authsvc.operators.roster import Roster
from authsvc.operators.search import Wanted
from authsvc.operators.session import IDLE, LONGEST, LONGEST_BEARER, SessionKind
from authsvc.operators.slowing import FIRST_PAUSE, FREE_TRIES, LONGEST_PAUSE
from authsvc.operators.waiting import SIGN_INS_PER_MINUTE
from authsvc.subject import Subject
from tests.support.service import CLIENT, Bench


class Colleague:
    """An operator with an app, who has joined."""

    def __init__(self, bench: Bench, name: str, *roles: Role) -> None:
        self.bench = bench
        self.name = name
        self.roster = Roster(bench.wired.store.ledger, bench.wired.store.ring, bench.clock, "operator:test")
        self.account, invitation = self.roster.invite(name, roles)
        joining = bench.wired.console.joining
        self.app = pyotp.TOTP(joining.begin_app(invitation).text)
        self.invitation = invitation
        self.sign_in_key = joining.finish_app(invitation, self.app.at(bench.clock.now()))
        bench.clock.advance(timedelta(seconds=30))

    def sign_in(self, *, name: str = "", sign_in_key: str = "", code: str = "", source: str = "") -> str:
        """The session's secret; every try is a visit of its own."""
        sign_in = self.bench.wired.console.sign_in
        visit = f"visit-{self.bench.once().key}"
        sign_in.name(visit, name or self.name, source or visit)
        code = code or self.app.at(self.bench.clock.now())
        self.bench.clock.advance(timedelta(seconds=30))
        return sign_in.by_app(visit, sign_in_key or self.sign_in_key, code)

    def wrong_code(self) -> str:
        return self.app.at(self.bench.clock.now() + timedelta(minutes=20))

    @property
    def operator(self) -> Operator:
        return self.account.as_operator()


def admitted(bench: Bench, secret: str, kind: SessionKind = SessionKind.BROWSER) -> Operator:
    return bench.wired.console.sessions.admit(secret, kind).operator


def actions(bench: Bench) -> list[tuple[str, str]]:
    links = bench.wired.store.ledger.read(lambda tx: list(tx.audit.links()))
    return [(body["action"], body["result"]) for body in (json.loads(link.body) for link in links)]


def test_an_operator_joins_and_signs_in(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    operator = admitted(bench, ann.sign_in(name="ANN"))
    assert (operator.id, operator.roles) == (ann.account.id, frozenset({Role.AUDITOR}))
    assert [each for each in actions(bench) if each[0].startswith("operator.")] == [
        ("operator.invite", "invited"),
        ("operator.join", "active"),
        ("operator.sign-in", "signed-in"),
    ]


def test_two_operators_cannot_have_one_name_unless_one_was_revoked(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    for look_alike in ("ＡＮＮ", "аnn", "Ånn", "A n n"):
        with pytest.raises(InvalidRequest, match="an operator `Ann` already"):
            ann.roster.invite(look_alike, [Role.SUPPORT])
    ann.roster.revoke("ann")
    assert Colleague(bench, "ann", Role.SUPPORT).account.id != ann.account.id


@pytest.mark.parametrize("name", ["a\u200bnn", "ann\u202e", "an\u00adn", "", " ", "x" * 65, "\u0301ann"])
def test_an_operators_name_holds_nothing_unseen(bench: Bench, name: str):
    with pytest.raises(InvalidRequest):
        Colleague(bench, name, Role.SUPPORT)


@pytest.mark.parametrize("other", ["ann", "ANN", "аnn", "ａｎｎ", "a\u200bnn", " ann", "Ånn"])
def test_one_person_under_two_spellings_does_not_vouch_twice(other: str):
    assert two_operators(["ann", other]) == ()
    assert two_operators(["ann", other, "bob"]) != ()


def test_an_invitation_is_taken_up_once(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    with pytest.raises(Unauthenticated):
        bench.wired.console.joining.invited(ann.invitation)


def test_an_invitation_ends_after_two_days(bench: Bench):
    roster = Roster(bench.wired.store.ledger, bench.wired.store.ring, bench.clock, "operator:test")
    _, invitation = roster.invite("Late", [Role.SUPPORT])
    bench.clock.advance(timedelta(hours=48))
    with pytest.raises(Unauthenticated):
        bench.wired.console.joining.invited(invitation)


def test_failures_with_the_right_key_slow_down_and_everything_looks_the_same(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    for _ in range(FREE_TRIES + 1):
        with pytest.raises(Unauthenticated):
            ann.sign_in(code=ann.wrong_code())
    # The last of them was charged a pause of a minute, of which every try here takes half.
    with pytest.raises(Unauthenticated):
        ann.sign_in()
    bench.clock.advance(FIRST_PAUSE)
    assert admitted(bench, ann.sign_in()).id == ann.account.id


def test_whoever_has_the_sign_in_key_guesses_four_times_an_hour_and_the_owner_waits_no_longer(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    for _ in range(300):
        with pytest.raises(Unauthenticated):
            ann.sign_in(code=ann.wrong_code())
    judged = [each for each in reasons(bench) if each == "wrong"]
    assert len(judged) <= FREE_TRIES + 6 + 300 * 30 / LONGEST_PAUSE.total_seconds()
    bench.clock.advance(LONGEST_PAUSE)
    assert admitted(bench, ann.sign_in()).id == ann.account.id


@pytest.mark.parametrize("rounds", [1, 11])
def test_whoever_knows_no_more_than_a_name_keeps_nobody_out(bench: Bench, rounds: int):
    """Five tries of each kind, every half hour, from many sources: the owner signs in at once, with a code and a key."""
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    sign_in = bench.wired.console.sign_in
    for number in range(rounds):
        for each in range(5):
            with pytest.raises(Unauthenticated):
                ann.sign_in(sign_in_key="AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", code="000000")
            visit = f"evil {number} {each}"
            sign_in.name(visit, "Ann", visit)
            sign_in.begin_key(visit)
            with pytest.raises(Unauthenticated):
                sign_in.finish_key(visit, {"id": "x"})
        assert admitted(bench, ann.sign_in()).id == ann.account.id
        bench.clock.advance(timedelta(minutes=30))


def test_a_source_that_asks_too_often_waits_and_no_other_does(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    sign_in = bench.wired.console.sign_in
    sign_in.name("evil", "Ann", "network:203.0.113.0/24")
    for _ in range(SIGN_INS_PER_MINUTE):
        sign_in.begin_key("evil")
    with pytest.raises(RateLimited):
        sign_in.begin_key("evil")
    assert admitted(bench, ann.sign_in(source="network:198.51.100.0/24")).id == ann.account.id
    known = sign_in.source(sign_in.mark(), "203.0.113.7")
    assert admitted(bench, ann.sign_in(source=known)).id == ann.account.id


@pytest.mark.parametrize(
    ("mark", "address", "source"),
    [
        ("", "203.0.113.7", "network:203.0.113.7/32"),
        ("", "2001:db8:1:2:3:4:5:6", "network:2001:db8:1:2::/64"),
        ("", "", "network:unknown"),
        ("forged." + "0" * 64, "203.0.113.7", "network:203.0.113.7/32"),
        (".", "203.0.113.7", "network:203.0.113.7/32"),
    ],
)
def test_a_source_is_a_browser_that_signed_in_or_a_network(
    bench: Bench, mark: str, address: str, source: str
):
    sign_in = bench.wired.console.sign_in
    assert sign_in.source(mark, address) == source
    assert sign_in.source(sign_in.mark(), address).startswith("known:")


def test_a_reset_clears_everything_that_was_counted(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    for _ in range(50):
        with pytest.raises(Unauthenticated):
            ann.sign_in(code=ann.wrong_code())
    _, invitation = ann.roster.reset("Ann")
    joining = bench.wired.console.joining
    ann.app = pyotp.TOTP(joining.begin_app(invitation).text)
    ann.sign_in_key = joining.finish_app(invitation, ann.app.at(bench.clock.now()))
    bench.clock.advance(timedelta(seconds=30))
    assert admitted(bench, ann.sign_in()).id == ann.account.id


def test_what_is_offered_to_a_name_that_nobody_has_looks_like_a_real_key(bench: Bench):
    """Nothing about one offer says that it is a decoy: lengths and transports are those of real authenticators, and stay."""
    sign_in = bench.wired.console.sign_in

    def offered(name: str) -> tuple[int, tuple[str, ...], str]:
        visit = f"visit of {name} {bench.once().key}"
        sign_in.name(visit, name, visit)
        options: Any = sign_in.begin_key(visit)["publicKey"]
        [key] = options["allowCredentials"]
        return len(unbase64url(key["id"], 1024)), tuple(key["transports"]), key["id"]

    names = [f"name {number}" for number in range(200)]
    first = [offered(name) for name in names]
    assert [offered(name) for name in names] == first
    assert len({key for _, _, key in first}) == len(names)
    assert {length for length, _, _ in first} == {16, 20, 32, 48, 64}
    assert {transports for _, transports, _ in first} >= {
        ("internal",),
        ("hybrid", "internal"),
        ("nfc", "usb"),
    }
    bench.wired.store.ring.rotate(Purpose.HMAC)
    assert [offered(name) for name in names] == first


def reasons(bench: Bench) -> list[str | None]:
    links = bench.wired.store.ledger.read(lambda tx: list(tx.audit.links()))
    return [json.loads(link.body)["details"].get("reason") for link in links]


def test_parallel_guesses_are_judged_five_times_at_most(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    sign_in, wrong = bench.wired.console.sign_in, ann.wrong_code()
    barrier = threading.Barrier(20)

    def guess(number: int) -> None:
        sign_in.name(f"v{number}", "Ann", f"source {number}")
        barrier.wait()
        with pytest.raises(Unauthenticated):
            sign_in.by_app(f"v{number}", ann.sign_in_key, wrong)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = reasons(bench)
    assert found.count("wrong") == FREE_TRIES
    assert found.count("waiting") == 20 - FREE_TRIES


def test_a_name_that_nobody_has_is_charged_and_refused_alike(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    with pytest.raises(Unauthenticated, match="not accepted"):
        ann.sign_in(name="Nobody")
    assert actions(bench)[-1] == ("operator.sign-in", "refused")


def test_a_session_ends_with_silence_and_with_the_day(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    secret = ann.sign_in()
    bench.clock.advance(IDLE - timedelta(seconds=1))
    admitted(bench, secret)
    bench.clock.advance(IDLE)
    with pytest.raises(Unauthenticated):
        admitted(bench, secret)
    secret = ann.sign_in()
    began = bench.clock.now()
    while bench.clock.now() - began < LONGEST - timedelta(minutes=10):
        admitted(bench, secret)
        bench.clock.advance(timedelta(minutes=10))
    bench.clock.advance(timedelta(minutes=10))
    with pytest.raises(Unauthenticated):
        admitted(bench, secret)


def test_a_bearer_lives_an_hour_and_ends_with_the_sign_out(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    sessions = bench.wired.console.sessions
    session = sessions.admit(ann.sign_in(), SessionKind.BROWSER)
    bearer = sessions.open_bearer(session)
    assert bench.services.admission.admit_operator(bearer, Act.READ_AUDIT, "test").id == ann.account.id
    with pytest.raises(Unauthenticated):
        admitted(bench, bearer)
    bench.clock.advance(LONGEST_BEARER)
    with pytest.raises(Unauthenticated):
        bench.services.admission.admit_operator(bearer, Act.READ_AUDIT, "test")
    session = sessions.admit(ann.sign_in(), SessionKind.BROWSER)
    bearer = sessions.open_bearer(session)
    sessions.end(session)
    with pytest.raises(Unauthenticated):
        bench.services.admission.admit_operator(bearer, Act.READ_AUDIT, "test")


def test_who_may_not_is_refused_and_the_refusal_is_on_record(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    with pytest.raises(NotPermitted):
        bench.wired.console.sessions.permit(ann.operator, Act.FREEZE_USER, "u_1")
    assert actions(bench)[-1] == ("operator.act", "refused")


def test_an_unfreeze_takes_two_operators(bench: Bench):
    phone, subject = bench.enroll(), Subject(CLIENT, "u_1")
    ann, bob = Colleague(bench, "Ann", Role.SUPPORT), Colleague(bench, "Bob", Role.APPROVER)
    cases = bench.wired.console.cases
    cases.freeze(ann.operator, subject, "stolen phone")
    cases.ask_unfreeze(ann.operator, subject, "the phone is back")
    with pytest.raises(ChallengeClosed, match="already"):
        cases.ask_unfreeze(bob.operator, subject, "me too")
    (request,) = cases.waiting()
    with pytest.raises(NotPermitted):
        cases.confirm_unfreeze(ann.operator, request.id)
    assert bench.decide(bench.payment(100), phone.device, risk=0)["status"] == "denied"
    cases.confirm_unfreeze(bob.operator, request.id)
    assert bench.decide(bench.payment(100), phone.device, risk=0)["status"] == "approved"
    with pytest.raises(ChallengeClosed):
        cases.confirm_unfreeze(bob.operator, request.id)
    assert cases.waiting() == ()


@pytest.mark.parametrize("erased", [False, True], ids=["unfrozen meanwhile", "erased meanwhile"])
def test_a_request_is_about_the_freeze_for_which_it_was_asked(bench: Bench, erased: bool):
    bench.enroll()
    subject = Subject(CLIENT, "u_1")
    ann, bob = Colleague(bench, "Ann", Role.SUPPORT), Colleague(bench, "Bob", Role.APPROVER)
    cases, users = bench.wired.console.cases, bench.services.users
    cases.freeze(ann.operator, subject, "stolen phone")
    cases.ask_unfreeze(ann.operator, subject, "the phone is back")
    (asked,) = cases.waiting()
    bench.clock.advance(timedelta(minutes=1))
    users.unfreeze(bench.key, "u_1", None, ["carl", "dora"])
    if erased:
        users.erase(bench.key, "u_1")
        bench.enroll()
    users.freeze(bench.key, "u_1", "stolen again")
    with pytest.raises(ChallengeClosed, match="again"):
        cases.confirm_unfreeze(bob.operator, asked.id)
    assert users.status(bench.key, "u_1")["status"] == "frozen"
    cases.ask_unfreeze(ann.operator, subject, "back again")
    (anew,) = cases.waiting()
    cases.confirm_unfreeze(bob.operator, anew.id)
    assert users.status(bench.key, "u_1")["status"] == "active"


def test_a_request_that_nobody_answered_makes_room_after_a_day(bench: Bench):
    bench.enroll()
    ann, subject = Colleague(bench, "Ann", Role.SUPPORT), Subject(CLIENT, "u_1")
    cases = bench.wired.console.cases
    cases.freeze(ann.operator, subject, "stolen phone")
    cases.ask_unfreeze(ann.operator, subject, "the phone is back")
    bench.clock.advance(timedelta(hours=24))
    assert cases.waiting() == ()
    cases.ask_unfreeze(ann.operator, subject, "still back")
    assert len(cases.waiting()) == 1


def test_every_line_is_counted_once_and_shown_by_time(bench: Bench):
    phone = bench.enroll()
    figures = bench.wired.console.figures
    for amount in (100, 2_500, 125_000):
        bench.decide(bench.payment(amount), phone.device)
    assert figures.gather() > 0
    assert figures.gather() == 0
    counted = figures.within(WINDOWS["hour"])
    assert sum(counted.of("decision")) == 3
    assert sum(counted.of("decision", "approved")) == 2
    bench.clock.advance(timedelta(hours=3))
    assert sum(figures.within(WINDOWS["hour"]).of("decision")) == 0
    assert sum(figures.within(WINDOWS["day"]).of("decision")) == 3


def test_a_decision_is_explained_by_the_policy_that_decided_it(bench: Bench):
    phone, ann = bench.enroll(), Colleague(bench, "Ann", Role.AUDITOR)
    decision = bench.decide(bench.payment(125_000), phone.device)
    case = bench.wired.console.cases.decision(ann.operator, str(decision["id"]))
    assert case.explanation is not None
    assert case.explanation.outcome.level.value == decision["level"]
    assert [each.body["action"] for each in case.timeline] == ["decision.decide"]
    bundle = bench.wired.console.records.evidence(ann.operator, str(decision["id"]))
    assert bundle["format"] == "authsvc-evidence-v1"


def test_the_audit_is_searched_by_subject_object_actor_action_and_time(bench: Bench):
    phone, ann = bench.enroll(), Colleague(bench, "Ann_%!", Role.AUDITOR)
    decision = bench.decide(bench.payment(125_000), phone.device)
    records, now = bench.wired.console.records, bench.clock.now()

    def found(**wanted: object) -> list[str]:
        lines = records.search(ann.operator, Wanted(**wanted), "").lines  # type: ignore[arg-type]  # Tests name the fields.
        return [each.body["action"] for each in lines]

    assert found(object=decision["id"]) == ["decision.decide"]
    assert found(user="u_1", action="decision.") == ["decision.decide"]
    assert found(actor=f"operator:{ann.account.id}") == ["operator.join"]
    assert found(client=CLIENT, action="enrollment.") != []
    assert found(since=now + timedelta(minutes=1)) == []
    assert found(until=now - timedelta(days=1)) == []
    assert "decision.decide" in found(since=now - timedelta(hours=1), until=now + timedelta(hours=1))
    with pytest.raises(InvalidRequest):
        found(actor='"')


def test_the_audit_is_verified_from_the_console(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    verified = bench.wired.console.records.verify(ann.operator)
    assert verified.report.is_sound
    assert actions(bench)[-1] == ("audit.verify", "sound")


def test_what_is_over_is_forgotten(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    secret = ann.sign_in()
    bench.clock.advance(LONGEST + timedelta(days=40))
    bench.wired.console.forget()
    with pytest.raises(Unauthenticated):
        admitted(bench, secret)


def test_the_roster_names_everybody(bench: Bench):
    ann = Colleague(bench, "Ann", Role.AUDITOR)
    ann.roster.revoke("Ann")
    found: tuple[OperatorAccount, ...] = bench.wired.console.roster()
    assert [(each.name, each.state) for each in found] == [("Ann", "revoked")]
