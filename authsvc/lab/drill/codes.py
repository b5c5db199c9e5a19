"""What a thief does with one-time codes: uses them again, elsewhere, early, in parallel, or guesses."""

from __future__ import annotations

from authsvc.lab.drill.drill import Unprepared, drill
from authsvc.lab.drill.people import MEDIUM, Opened, Person
from authsvc.lab.drill.scene import Scene, expect

GUESSES = 20


@drill(
    "replayed-code", "a code that was seen is used for a second payment", control="a time step counts once"
)
def replayed_code(scene: Scene) -> None:
    owner = scene.person()
    code = owner.app_code()
    expect(owner.challenged(owner.asks()).code(code), 200)
    scene.begins()
    asked = owner.challenged(owner.asks())
    scene.proves(asked, asked.code(code))


@drill(
    "earlier-code",
    "a code of the time step before one that was used",
    control="a used step ends all before it",
)
def earlier_code(scene: Scene) -> None:
    owner = scene.person()
    expect(owner.challenged(owner.asks()).code(owner.app_code()), 200)
    scene.begins()
    asked = owner.challenged(owner.asks())
    scene.proves(asked, asked.code(owner.app_code(-1)))


@drill(
    "future-code",
    "a code of the next time step, from a phone whose clock was put forward",
    control="no step ahead counts",
)
def future_code(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    asked = owner.challenged(owner.asks())
    scene.proves(asked, asked.code(owner.app_code(2)))


@drill(
    "relayed-code",
    "a code that was issued for one payment is relayed to another",
    control="an issued code is for one payment",
)
def relayed_code(scene: Scene) -> None:
    owner = scene.person()
    shown, paid = owner.challenged(owner.asks(MEDIUM)), owner.challenged(owner.asks(MEDIUM + 1))
    scene.begins()
    scene.proves(paid, paid.code(owner.issued_code(shown)))


@drill("issued-code-again", "an issued code is used a second time", control="a challenge closes once")
def issued_code_again(scene: Scene) -> None:
    owner = scene.person()
    asked = owner.challenged(owner.asks())
    code = owner.issued_code(asked)
    expect(asked.code(code), 200)
    scene.begins()
    scene.proves(asked, asked.code(code))


@drill(
    "guessed-code",
    "three guesses at one challenge, then the right code",
    control="three attempts a challenge",
)
def guessed_code(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    asked = owner.challenged(owner.asks())
    for code in [owner.wrong_code()] * 3:
        scene.proves(asked, asked.code(code))
    scene.proves(asked, asked.code(owner.app_code()))


@drill(
    "parallel-guesses",
    "twenty guesses at once, each at a challenge of its own, then the right code",
    control="an attempt is charged before it is judged",
)
def parallel_guesses(scene: Scene) -> None:
    owner = scene.person()
    asked = [owner.challenged(owner.asks()) for _ in range(GUESSES)]
    for each in asked:
        expect(each.begin("otp"), 200)
        expect(each.put("otp", {"code": owner.wrong_code()}), 200)
    last = owner.challenged(owner.asks())
    scene.begins()
    for each, answer in zip(asked, scene.at_once([each.complete for each in asked]), strict=True):
        scene.proves(each, answer)
    scene.proves(last, last.code(owner.app_code()))


@drill(
    "parallel-code", "one right code for eight payments in the same moment", control="a time step counts once"
)
def parallel_code(scene: Scene) -> None:
    owner = scene.person()
    asked = [owner.challenged(owner.asks()) for _ in range(8)]
    code = owner.app_code()
    for each in asked:
        expect(each.begin("otp"), 200)
        expect(each.put("otp", {"code": code}), 200)
    scene.begins()
    answers = scene.at_once([each.complete for each in asked])
    good = [answer for answer in answers if answer.is_good]
    for number, answer in enumerate(sorted(answers, key=lambda each: each.status)):
        scene.attack(answer, through=0 < number < len(good))


@drill(
    "sim-swap",
    "whoever gets the messages enrolls a phone of their own",
    control="an act asks the strongest that is enrolled",
)
def sim_swap(scene: Scene) -> None:
    owner = scene.person(face=True)
    scene.begins()
    thief = owner.as_thief()
    for kind in ("enrollment", "unfreeze", "erasure", "restore"):
        scene.asks_weakly(thief.acts(kind), frozenset({"face", "voice", "device_uv"}))


@drill(
    "sim-swap-recovery",
    "whoever gets the messages recovers the account with a guessed recovery code",
    control="a recovery takes two proofs",
)
def sim_swap_recovery(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    _recovers(scene, owner, "AAAA-BBBB-CCCC-DDDD", with_message=True)


@drill(
    "found-recovery-code",
    "a recovery code that was found is used alone",
    control="a recovery takes two proofs",
)
def found_recovery_code(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    _recovers(scene, owner, owner.recovery_codes[0], with_message=False)


@drill("used-recovery-code", "a recovery code is used a second time", control="a recovery code counts once")
def used_recovery_code(scene: Scene) -> None:
    owner = scene.person()
    code = owner.recovery_codes[0]
    recovering = _recovers(scene, owner, code, with_message=True)
    if recovering is None or not scene.tries.pop().got_through:
        raise Unprepared("an honest recovery did not get through")
    expect(recovering.put("device", {"name": "phone"}), 200)
    expect(recovering.complete(), 200)
    scene.begins()
    _recovers(scene, owner, code, with_message=True)


def _recovers(scene: Scene, owner: Person, code: str, *, with_message: bool) -> Opened | None:
    """Through when a device can be enrolled in the end."""
    ticket = owner.ticket(recovery=True)
    if not ticket.is_good:
        scene.attack(ticket, through=False)
        return None
    path = f"/v1/enrollments/{ticket.json['id']}"
    opened = Opened(owner.service, path, f"Enrollment {ticket.json['token']}")
    answer = opened.put("recovery", {"code": code})
    if with_message:
        issued = owner.service.backend("POST", f"{path}/code")
        opened.begin("proof_otp")
        answer = opened.put("proof_otp", {"code": issued.json.get("code", "00000000")})
    begun = opened.begin("device")
    scene.attack(begun if answer.is_good else answer, through=begun.is_good)
    return opened
