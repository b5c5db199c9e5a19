"""A walk: what the model's owner, thief, worker and clock can do is done at the service, and every answer must be the model's.

What is tried is everything that could be done if no guard stood, so that each guard is asked for its no as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import product
from random import Random

from tests.model.account import (
    ALL,
    COOLING,
    FACE,
    GUARDS,
    KEY,
    NAMES,
    NONE,
    OTP,
    Factor,
    Rules,
    State,
    Thief,
    watched,
)
from tests.model.playing import LARGE, NAMED, SMALL, TWO, Decision, Play
from tests.model.search import counted, moves
from tests.model.served import Caller

ENROLL_KEY = "enrollments"
LEVELS = {1: "otp", 2: "face", 3: "face_fingerprint"}
OPEN = Rules(GUARDS)
RECEIPT_LIFE = timedelta(seconds=110)

DULL = ("time passes", "the worker", "the owner freezes", "the owner removes", "removes", "unfreezes without")

ENDING = ("the owner freezes", "the owner removes the phone")
"""What voids what a thief has got so far."""

Steps = Mapping[str, State]
Act = Callable[["Walk", re.Match[str]], "bool | None"]


class Differs(AssertionError):
    """The service and the model do not say the same."""


class Walk:
    """One account of a service, and the model of it; `told` is the story so far."""

    def __init__(
        self, caller: Caller, user: str, thief: Thief, enrolled: frozenset[int], probation: timedelta
    ) -> None:
        self.caller, self.rules, self.who = caller, Rules(), thief
        self.play = Play(caller, user, thief)
        self.probation = probation
        # Failures since they were last lifted: five in a row would block everything, which the model does not know.
        self.fails = 0
        # An erasure forgets devices, too: of the phone nothing is known then, not even that it was removed.
        self.phone_is_gone = False
        self.got_at = caller.clock.now()
        self.also: Callable[[State], State] = _nothing_more
        self.old_look: tuple[str, str] | None = None
        self.dead_ticket: Mapping[str, str] | None = None
        self.ticket: Mapping[str, str] | None = None
        self.told = [f"{thief.name}; the owner has {', '.join(NAMES[f] for f in sorted(enrolled))}"]
        self.caller.worker(works=True)
        opened = self.play.ticket()
        assert opened.status == 201
        assert self.play.enrolls(opened.json, self.play.owner, enrolled, device=True)
        factors = tuple(Factor("owner") if each in enrolled else NONE for each in ALL)
        self.state = State(factors, (0, 0, 0), (0, 0, 0), Factor("owner"))  # type: ignore[arg-type]  # Three of them.

    # -- One step -----------------------------------------------------------------------------------------------------

    def step(self, chance: Random) -> None:
        """Something that can be tried; what comes of it, and what is asked afterwards, must be as in the model."""
        self.caller.clock.advance(timedelta(seconds=1))
        self._lapse()
        allowed = self.allowed()
        tried = sorted(
            {told for told, _, _ in moves(OPEN, self.who, self.state)} | set(allowed) | self._extra()
        )
        (told,) = chance.choices(tried, [self._weight(told, told in allowed) for told in tried])
        self.takes(told, chance)

    def takes(self, told: str, chance: Random) -> bool:
        """One act, if it can be tried here; Differs where the service lets happen what the model refuses, or the reverse."""
        allowed = self.allowed()
        happened = self._does(told)
        if happened is None:
            return False
        self.told.append(f"{told}{'' if happened else ' (refused)'}")
        if happened != (told in allowed):
            raise Differs(self.story(f"the model {'allows' if told in allowed else 'refuses'} it"))
        if happened:
            self.state = watched(self.also(allowed[told]))
            self.also = _nothing_more
            self.phone_is_gone |= self.state.exists == "erased"
        self.agree(chance)
        return True

    def _weight(self, told: str, allowed: bool) -> int:
        """What changes little is done less often than what leads on; a no is as telling as an act."""
        leads_on = (
            "ticket" in told
            or ("face" in told and told.startswith("pays") and self.state.captures)
            or (told in ENDING and (self.ticket is not None or self.state.receipt is not None))
            or (told == "two operators unfreeze" and self.dead_ticket is not None)
            or told in ("consumes the receipt", "enrolls on a ticket that has ended")
        )
        if leads_on:
            return 10
        if told.startswith(DULL):
            return 1
        return 4 if allowed else 3

    def allowed(self) -> Steps:
        return {told: new for told, new, _ in moves(self.rules, self.who, self.state)}

    def story(self, why: str) -> str:
        return "\n  ".join((f"{why}:", *self.told, f"{self.state}"))

    def ends_ticket(self) -> None:
        self.dead_ticket, self.ticket = self.ticket or self.dead_ticket, None

    def ends_proved(self, done: bool) -> bool:
        """With a phone ends an enrollment that stands on a receipt; of a first one it knows nothing."""
        if done and self.state.ticket == "receipt":
            self.ends_ticket()
        return done

    def _lapse(self) -> None:
        """A receipt is good for two minutes, of which the model knows no more than that time passes."""
        if self.state.receipt is not None and self.caller.clock.now() - self.got_at > RECEIPT_LIFE:
            self.state = self.state._replace(receipt=None)
            self.told.append("the receipt lapses")

    def _extra(self) -> set[str]:
        """What no rule of the model knows, since it is never to be."""
        found = set()
        if self.dead_ticket is not None:
            found.add("enrolls on a ticket that has ended")
        if "recovery code" in self.who.holds and self.state.codes.by == "owner":
            found.add("recovers with a recovery code and a wrong one beside it")
        if self.state.new_codes.by == "thief":
            found.add("recovers with a code of their own that waits")
        return found

    def _does(self, told: str) -> bool | None:
        """Whether it happened; None where it cannot be tried here."""
        for pattern, act in ACTS.items():
            match = re.fullmatch(pattern, told)
            if match is not None:
                return act(self, match)
        raise LookupError(told)

    # -- What must be so ------------------------------------------------------------------------------------------------

    def agree(self, chance: Random) -> None:
        """What the service asks for each act and for a few payments is what the model asks."""
        for kind in ("enrollment", "unfreeze", "erasure", "restore"):
            self._agree_about(kind)
        payments = list(product(LEVELS, (False, True), (False, True)))
        for level, phone, small in chance.sample(payments, 4):
            self._agree_to_pay(level, phone=phone, small=small)

    def _agree_about(self, kind: str) -> None:
        decision = self.play.asks(kind)
        if self.state.exists != "yes":
            self._same(
                decision["challenge"] is None and decision["receipt"] is None, True, f"`{kind}` of nobody"
            )
        elif self.state.frozen and kind != "unfreeze":
            self._same(decision["status"], "denied", f"`{kind}` while frozen")
        else:
            self._same(decision["level"], LEVELS[self.rules.act_level(self.state)], f"the level of `{kind}`")
            self._same(
                _sets(decision), _named(self.rules.act_ways(self.state, kind)), f"the ways of `{kind}`"
            )

    def _agree_to_pay(self, level: int, *, phone: bool, small: bool) -> None:
        device = self.play.owner.device if phone else None
        decision = self.play.asks(level=level, amount=SMALL if small else LARGE, device=device)
        what = f"a payment at level {level} from {'the phone' if phone else 'elsewhere'}"
        if self.state.exists != "yes":
            self._same(decision["receipt"], None, what)
        elif self.state.frozen or (phone and not self.phone_is_gone and self.state.device != "active"):
            self._same(decision["status"], "denied", what)
        else:
            known = phone and not self.phone_is_gone
            ways = self.rules.pay_ways(self.state, level, phone=known, small=small)
            self._same(_sets(decision), _named(ways), what)
            self._same(decision["status"], "challenge_required" if ways else "not_possible", what)

    def _same(self, here: object, there: object, what: str) -> None:
        if here != there:
            raise Differs(self.story(f"{what}: the service says {here}, the model {there}"))


def _nothing_more(state: State) -> State:
    return state


def _sets(decision: Mapping[str, object]) -> set[frozenset[str]]:
    opened = decision["challenge"]
    return {frozenset(each) for each in opened["sets"]} if isinstance(opened, dict) else set()


def _named(ways: tuple[frozenset[int], ...]) -> set[frozenset[str]]:
    return {frozenset(NAMED[f] for f in way) for way in ways}


def _way(names: str) -> tuple[int, ...]:
    """A face is shown first, and a key last: so nothing that is short-lived waits."""
    return tuple(sorted((NAMES.index(name) for name in names.split(" and ")), key=(FACE, KEY, OTP).index))


# -- What is done -----------------------------------------------------------------------------------------------------


def _time_passes(walk: Walk, _: re.Match[str]) -> bool:
    walk.caller.clock.advance(walk.probation / COOLING)
    walk.ticket, walk.dead_ticket, walk.old_look = None, None, None
    return True


def _worker(walk: Walk, match: re.Match[str]) -> bool:
    walk.caller.worker(works="is back" in match[0])
    return True


def _freeze(walk: Walk, _: re.Match[str]) -> bool:
    walk.ends_ticket()
    return walk.play.shop("POST", "/freeze", {"reason": "stolen"}).done


def _two_unfreeze(walk: Walk, _: re.Match[str]) -> bool:
    walk.fails = 0
    return walk.play.shop("POST", "/unfreeze", TWO).done


def _remove_phone(walk: Walk, _: re.Match[str]) -> bool:
    return walk.ends_proved(walk.play.overviewed("DELETE", f"devices/{walk.play.phone()['id']}"))


def _two_restore(walk: Walk, _: re.Match[str]) -> bool | None:
    if walk.state.frozen:
        return None
    return walk.play.shop("POST", f"/devices/{walk.play.phone()['id']}/restore", TWO).done


def _replace_face(walk: Walk, _: re.Match[str]) -> bool | None:
    """Proved in the first way that the owner can show."""
    play, state = walk.play, walk.state
    mine = [
        way
        for way in walk.rules.act_ways(state, "enrollment")
        if all(state.factors[f].by == "owner" for f in way)
    ]
    if not mine or not state.worker or (play.owner.key is None and any(KEY in way for way in mine)):
        return None
    decision = play.asks("enrollment")
    way = tuple(sorted(mine[0], key=(FACE, KEY, OTP).index))
    assert play.proves(decision, way, state, owner=True)
    opened = play.ticket(proof=play.again(decision)["receipt"])
    return opened.done and play.enrolls(opened.json, play.owner, (FACE,))


def _veto(walk: Walk, _: re.Match[str]) -> bool:
    play, state = walk.play, walk.state
    waits = [f for f in ALL if state.factors[f].by == "thief" and state.factors[f].wait]
    how = {OTP: "factors/otp", FACE: "biometrics/face"}
    for each in waits:
        path = how.get(each) or f"devices/{(play.thief.device or {})['id']}"
        if not play.overviewed("DELETE", path):
            return False
        walk.ends_proved(each == KEY)
    return not state.new_codes.by or play.overviewed("DELETE", "factors/recovery_codes")


def _unfreeze_unproved(walk: Walk, _: re.Match[str]) -> bool:
    return (
        walk.play.shop("POST", "/unfreeze", {}).done
        or walk.play.shop("POST", "/unfreeze", {"operators": ["al", "al"]}).done
    )


def _wrong_faces(walk: Walk, _: re.Match[str]) -> bool | None:
    """From the phone where it is there, else beside a code."""
    play = walk.play
    if walk.state.frozen or walk.fails > 1:
        return None
    while not play.locked() and walk.fails < 4:
        device = play.owner.device if walk.state.device == "active" else None
        decision = play.asks(level=2, device=device)
        way = next(
            (
                each
                for each in ({"face"}, {"face", "otp"})
                if each in map(set, (decision["challenge"] or {"sets": ()})["sets"])
            ),
            None,
        )
        if way is None:
            return None
        opened = decision["challenge"]
        token, path = f"Challenge {opened['token']}", f"/v1/challenges/{opened['id']}"
        walk.caller.call("POST", f"{path}/switch", token, {"factors": sorted(way)})
        assert play.shows(
            decision,
            path,
            token,
            FACE,
            walk.state,
            owner=True,
            frame=f"mallory {play.next('frame')}".encode(),
        )
        if "otp" in way:
            walk.caller.call("POST", f"{path}/steps/otp/begin", token)
            walk.caller.call("PUT", f"{path}/steps/otp", token, {"code": "000000"})
        assert walk.caller.call("POST", f"{path}/complete", token).status == 401
        walk.fails += 1
    return play.locked()


def _withdraw_face(walk: Walk, _: re.Match[str]) -> bool:
    return walk.play.overviewed("DELETE", "biometrics/face")


def _not_me(walk: Walk, _: re.Match[str]) -> bool | None:
    """With the phone's secret, with a factor, or with neither."""
    play, state, has_phone = walk.play, walk.state, "phone and PIN" in walk.who.holds
    device = play.phone() if has_phone else {"id": play.phone()["id"]}
    can = () if has_phone else tuple(sorted(counted(walk.rules, walk.who, state)))
    for level in LEVELS:
        decision = play.asks(level=level, device=device)
        opened = decision["challenge"]
        if opened is None:
            continue
        token, path = f"Challenge {opened['token']}", f"/v1/challenges/{opened['id']}"
        chosen = next(((f, each) for f in can for each in opened["sets"] if NAMED[f] in each), None)
        if can and chosen is None:
            continue
        if chosen is not None:
            walk.caller.call("POST", f"{path}/switch", token, {"factors": chosen[1]})
            assert play.shows(decision, path, token, chosen[0], state, owner=False)
        said = walk.caller.call("POST", f"{path}/decline", token, {"choice": "not_me"})
        assert said.done, said
        return walk.ends_proved(bool(said.json["device_suspended"]))
    return None


def _disown_named(walk: Walk, _: re.Match[str]) -> bool:
    """What the phone is called stands in the overview; what was asked stands there too, if anything was."""
    play = walk.play
    decision = play.asks(level=1, device={"id": play.phone()["id"]})
    overview, token = play.looks()
    path = f"/v1/overviews/{overview}/verifications/{decision['id']}/not-me"
    said = walk.caller.call("POST", path, token)
    assert said.done, said
    return bool(said.json["device_suspended"])


def _prove(walk: Walk, match: re.Match[str]) -> bool | None:
    kind, way = match["kind"], _way(match["way"])
    play = walk.play
    if kind == "erasure":
        overview, token = play.looks()
        begun = walk.caller.call("POST", f"/v1/overviews/{overview}/erasure/begin", token)
        if not begun.done or begun.json["challenge"] is None:
            return False
        found = walk.caller.call(
            "GET",
            f"/v1/challenges/{begun.json['challenge']['id']}",
            f"Challenge {begun.json['challenge']['token']}",
        )
        decision: Decision = {
            "challenge": {**begun.json["challenge"], "sets": found.json["sets"]},
            "id": f"dec_{begun.json['challenge']['id'][4:]}",
            "transaction_id": "",
        }
        proven = play.proves(decision, way, walk.state, owner=False)
        play.overview = (overview, token) if proven else play.overview
    else:
        decision = play.asks(kind)
        proven = play.proves(decision, way, walk.state, owner=False)
        if proven:
            play.keeps(decision)
    if proven:
        walk.got_at = walk.caller.clock.now()
    return proven


def _pay(walk: Walk, match: re.Match[str]) -> bool | None:
    play, way = walk.play, _way(match["way"])
    device = play.phone() if match["where"] == "the phone" else None
    again = FACE in way and bool(walk.state.captures)
    if again and (walk.fails or not play.last_frame):
        return None
    decision = play.asks(level=int(match["level"]), device=device)
    offered = {NAMED[f] for f in way} in [
        set(each) for each in (decision["challenge"] or {"sets": ()})["sets"]
    ]
    paid = play.proves(
        decision, way, walk.state, owner=False, **({"frame": play.last_frame} if again else {})
    )
    walk.fails += again and offered and not paid
    if paid:
        play.keeps(decision)
        walk.got_at = walk.caller.clock.now()
    return paid


def _consume(walk: Walk, _: re.Match[str]) -> bool:
    receipt, transaction = walk.play.receipt or ("", {})
    body = {"receipt": receipt, "transaction": transaction, "user_id": walk.play.user}
    return walk.caller.backend("POST", "/v1/receipts/consume", body).done


def _receipt(walk: Walk) -> str:
    return (walk.play.receipt or ("", {}))[0]


def _ticket_for_proof(walk: Walk, _: re.Match[str]) -> bool:
    opened = walk.play.ticket(proof=_receipt(walk))
    walk.ticket = opened.json if opened.done else walk.ticket
    return opened.done


def _unfreeze_proved(walk: Walk, _: re.Match[str]) -> bool:
    return walk.play.shop("POST", "/unfreeze", {"proof": _receipt(walk)}).done


def _erase_proved(walk: Walk, _: re.Match[str]) -> bool:
    overview, token = walk.play.overview or ("", "")
    path = f"/v1/overviews/{overview}/erasure/complete"
    return _erased(walk, lambda: walk.caller.call("POST", path, token).done)


def _restore_proved(walk: Walk, _: re.Match[str]) -> bool:
    return walk.play.shop(
        "POST", f"/devices/{walk.play.phone()['id']}/restore", {"proof": _receipt(walk)}
    ).done


def _erase_as_backend(walk: Walk, _: re.Match[str]) -> bool:
    return _erased(walk, lambda: walk.play.shop("DELETE", "", key=ENROLL_KEY).done)


def _erased(walk: Walk, erase: Callable[[], bool]) -> bool:
    """Whether it was done; then what was looked at before is an overview of before."""
    look = walk.play.looks()
    if done := erase():
        walk.old_look = look
    return done


def _first_ticket(walk: Walk, _: re.Match[str]) -> bool:
    opened = walk.play.ticket(key=ENROLL_KEY)
    walk.ticket = opened.json if opened.done else walk.ticket
    return opened.done


def _enroll(walk: Walk, match: re.Match[str]) -> bool | None:
    """An owner's key and a thief's are two keys at the service and one place in the model, so the second waits for the first."""
    factors = tuple(NAMES.index(name) for name in match["way"].split(" and "))
    key = walk.state.factors[KEY]
    clash = KEY in factors and (bool(key.by) or walk.state.device == "suspended")
    if clash or walk.ticket is None or (FACE in factors and not walk.state.worker):
        return None
    enrolled = walk.play.enrolls(walk.ticket, walk.play.thief, factors)
    walk.ticket = None if enrolled else walk.ticket
    return enrolled


def _recover(walk: Walk, match: re.Match[str]) -> bool | None:
    play, state = walk.play, walk.state
    codes = play.owner.codes if "the owner's" in match["code"] else play.thief.codes
    if not codes:
        return None
    second = FACE if match["second"] == "the face" else OTP if match["second"] else None
    if second is None:
        return None
    ticket = play.recovers(codes[0], second, state)
    if ticket is None:
        walk.fails += 1
        return False
    codes.pop(0)
    walk.fails = 0
    # What a recovery changes is changed once something is enrolled upon it.
    factors = (OTP, FACE, KEY) if second == FACE else (OTP,)
    walk.also = lambda recovered: walk.rules.enrolled(recovered, "thief", factors)
    return play.enrolls(ticket, play.thief, factors)


def _owner_recovers(walk: Walk, _: re.Match[str]) -> bool | None:
    play = walk.play
    if not play.owner.codes:
        return None
    ticket = play.recovers(play.owner.codes.pop(0), OTP, walk.state)
    if ticket is None:
        return False
    walk.fails = 0
    walk.ends_ticket()
    return play.enrolls(ticket, play.owner, (OTP,))


def _old_overview(walk: Walk, _: re.Match[str]) -> bool | None:
    if walk.old_look is None:
        return None
    overview, token = walk.old_look
    return walk.caller.call("POST", f"/v1/overviews/{overview}/freeze", token).done


def _recover_as_backend(walk: Walk, _: re.Match[str]) -> bool | None:
    if not walk.play.owner.codes:
        return None
    return walk.play.recovers_as_backend(walk.play.owner.codes[0], ENROLL_KEY).done


def _recover_unproved(walk: Walk, _: re.Match[str]) -> bool | None:
    if walk.fails or walk.state.frozen or not walk.play.owner.codes:
        return None
    walk.fails += 1
    ticket = walk.play.recovers(walk.play.owner.codes[0], OTP, walk.state, right=False)
    return ticket is not None


def _recover_waiting(walk: Walk, _: re.Match[str]) -> bool | None:
    if walk.fails or walk.state.frozen or walk.state.codes.by == "thief" or not walk.play.thief.codes:
        return None
    walk.fails += 1
    return walk.play.recovers(walk.play.thief.codes[0], OTP, walk.state) is not None


def _dead_ticket(walk: Walk, _: re.Match[str]) -> bool:
    assert walk.dead_ticket is not None
    return walk.play.enrolls(walk.dead_ticket, walk.play.thief, (OTP,))


ACTS: Mapping[str, Act] = {
    r"time passes": _time_passes,
    r"the worker (goes down|is back)": _worker,
    r"the owner freezes": _freeze,
    r"two operators unfreeze": _two_unfreeze,
    r"the owner removes the phone|removes the phone": _remove_phone,
    r"two operators restore the phone": _two_restore,
    r"the owner replaces the face": _replace_face,
    r"the owner vetoes what waits": _veto,
    r"unfreezes without a proof": _unfreeze_unproved,
    r"shows three wrong faces": _wrong_faces,
    r"withdraws the face": _withdraw_face,
    r"says `not me`, and the phone is suspended": _not_me,
    r"disowns a payment that only named the phone": _disown_named,
    r"proves `(?P<kind>\w+)` with (?P<way>.+)": _prove,
    r"pays at level (?P<level>\d) from (?P<where>the phone|elsewhere) with (?P<way>.+)": _pay,
    r"consumes the receipt": _consume,
    r"gets a ticket for the proof": _ticket_for_proof,
    r"unfreezes with the proof": _unfreeze_proved,
    r"erases with the proof": _erase_proved,
    r"restores the phone with the proof": _restore_proved,
    r"erases the account as its backend": _erase_as_backend,
    r"opens a first ticket as its backend": _first_ticket,
    r"enrolls their own (?P<way>.+)": _enroll,
    r"recovers with (?P<code>the owner's recovery code|a recovery code of their own)"
    r"( and (?P<second>an issued code|the face))?": _recover,
    r"recovers with the owner's recovery code and what the backend's key says": _recover_as_backend,
    r"recovers with a recovery code and a wrong one beside it": _recover_unproved,
    r"recovers with a code of their own that waits": _recover_waiting,
    r"the owner recovers": _owner_recovers,
    r"acts through an overview of before the erasure": _old_overview,
    r"enrolls on a ticket that has ended": _dead_ticket,
}
