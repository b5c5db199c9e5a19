"""What is tried with the account itself: emptied, erased, locked or frozen, so that the next proof is a weaker one."""

from __future__ import annotations

from authsvc.lab.drill.captures import shows_face
from authsvc.lab.drill.drill import drill
from authsvc.lab.drill.people import MEDIUM, Asked, Opened, Person
from authsvc.lab.drill.receipts import TWO
from authsvc.lab.drill.scene import Scene, expect

MOST_FAILURES = 50
"""Of thirty days; after them an account stands still."""

STRONG = frozenset({"face", "voice", "device_uv"})


def _phone(owner: Person) -> str:
    return f"/devices/{(owner.device or {})['id']}"


@drill(
    "session-strips-account",
    "a stolen session removes face and phone, and a code is to be enough for a new one",
    control="what was removed is owed",
)
def session_strips_account(scene: Scene) -> None:
    owner = scene.person(face=True)
    scene.begins()
    seen = owner.overview()
    seen.send("DELETE", "/biometrics/face")
    seen.send("DELETE", _phone(owner))
    for kind in ("enrollment", "unfreeze"):
        scene.asks_weakly(owner.asks(payment=owner.payment(0, kind), device=None), STRONG)


@drill(
    "emptied-account",
    "a stolen session removes everything, and the account is to be a new one",
    control="an account that was emptied is no new one",
)
def emptied_account(scene: Scene) -> None:
    owner = scene.person("key")
    scene.begins()
    owner.overview().send("DELETE", _phone(owner))
    answer = owner.ticket()
    scene.attack(answer, through=answer.is_good)


@drill(
    "lock-lowers-act",
    "wrong faces and codes lock what is strong, and the act asks for what is left",
    control="a lock does not lower an act",
)
def lock_lowers_act(scene: Scene) -> None:
    owner = scene.person("otp", "device", face=True)
    stranger = list(scene.pictures.stranger or (b"eve",))
    asked = owner.until_asked(lambda: owner.acts("enrollment"), "face")
    before = set(asked.sets)
    scene.begins()
    for _ in range(3):
        _fails(owner, asked, stranger)
        answer = owner.acts("enrollment")
        if answer.json.get("challenge") is None:
            scene.pays(answer)
            return
        asked = owner.challenged(answer)
        scene.decisions.append(str(answer.json["id"]))
        scene.attack(answer, through=bool(set(asked.sets) - before))


def _fails(owner: Person, asked: Asked, stranger: list[bytes]) -> None:
    """Show a stranger's face, and whatever else that way asks for wrongly."""
    way = next((each for each in asked.sets if "face" in each), None)
    if way is None:
        return
    asked.send("POST", "/switch", {"factors": sorted(way)})
    shows_face(asked, stranger)
    if "otp" in way:
        asked.begin("otp")
        asked.put("otp", {"code": owner.wrong_code()})
    if "device_uv" in way and owner.key is not None:
        asked.assertion(owner.key)
    asked.complete()


@drill(
    "outage-lowers-act",
    "the biometric worker hangs, and the act asks for what still works",
    control="an outage does not lower an act",
    alone=True,
)
def outage_lowers_act(scene: Scene) -> None:
    owner = scene.person("otp", face=True)
    with scene.on_premises.without_worker():
        scene.begins()
        scene.asks_weakly(owner.acts("enrollment"), frozenset({"face", "voice", "device_uv"}))


@drill(
    "freeze-undone-by-erasure",
    "a frozen account is erased and enrolled anew",
    control="a frozen account is not erased",
)
def freeze_undone_by_erasure(scene: Scene) -> None:
    owner = scene.person()
    expect(owner.does("POST", "/freeze", {"reason": "drill"}), 200)
    scene.begins()
    answer = owner.does("DELETE", "")
    scene.attack(answer, through=answer.is_good)


@drill(
    "erased-and-new",
    "an account is erased and enrolled anew, and pays at once",
    control="whoever was erased waits",
)
def erased_and_new(scene: Scene) -> None:
    owner = scene.person()
    expect(owner.does("DELETE", ""), 200)
    scene.begins()
    thief = owner.as_thief()
    thief.enroll("otp", "key")
    scene.people.append(thief)
    answer = thief.asks(MEDIUM * 4)
    if answer.json.get("challenge") is None:
        scene.pays(answer)
        return
    asked = thief.challenged(answer)
    if thief.key is not None:
        asked.assertion(thief.key)
    scene.proves(asked, asked.complete())


@drill(
    "paying-while-frozen",
    "the smallest payment from the known phone while the account is frozen",
    control="a freeze denies everything",
)
def paying_while_frozen(scene: Scene) -> None:
    owner = scene.person()
    asked = owner.challenged(owner.asks())
    expect(owner.does("POST", "/freeze", {"reason": "drill"}), 200)
    scene.begins()
    scene.pays(owner.asks(1))
    if owner.key is not None:
        asked.assertion(owner.key)
    scene.proves(asked, asked.complete())


@drill(
    "unfreeze-unproved",
    "a freeze is lifted without a proof, or by one operator under two spellings",
    control="an unfreeze is proved",
)
def unfreeze_unproved(scene: Scene) -> None:
    owner = scene.person()
    expect(owner.does("POST", "/freeze", {"reason": "drill"}), 200)
    scene.begins()
    for body in ({}, {"operators": ["ann"]}, {"operators": ["ann", "ann"]}, {"proof": "a.b.c"}):
        answer = owner.does("POST", "/unfreeze", body)
        scene.attack(answer, through=answer.is_good)


@drill(
    "ticket-outlives-freeze",
    "an enrollment that was begun before a freeze is completed after it",
    control="a freeze ends enrollments",
)
def ticket_outlives_freeze(scene: Scene) -> None:
    owner = scene.person()
    receipt = owner.released(owner.acts("enrollment"))["receipt"]
    ticket = expect(owner.ticket(proof=receipt), 201)
    opened = Opened(owner.service, f"/v1/enrollments/{ticket['id']}", f"Enrollment {ticket['token']}")
    expect(opened.begin("device"), 200)
    expect(opened.put("device", {"name": "thief"}), 200)
    expect(owner.does("POST", "/freeze", {"reason": "drill"}), 200)
    expect(owner.does("POST", "/unfreeze", TWO), 200)
    scene.begins()
    answer = opened.complete()
    scene.attack(answer, through=answer.is_good)


@drill("ticket-twice", "a ticket that was used enrolls a second phone", control="a ticket enrolls once")
def ticket_twice(scene: Scene) -> None:
    owner = Person(scene.service)
    scene.people.append(owner)
    ticket = expect(owner.ticket(), 201)
    owner.enroll("otp", "key", ticket=ticket)
    opened = Opened(owner.service, f"/v1/enrollments/{ticket['id']}", f"Enrollment {ticket['token']}")
    scene.begins()
    begun = opened.begin("device")
    scene.attack(begun, through=begun.is_good)
    answer = opened.put("device", {"name": "thief"})
    scene.attack(answer, through=answer.is_good)


@drill(
    "enrollment-unproved",
    "a stolen session asks for a ticket for an account that has factors",
    control="an enrollment is proved",
)
def enrollment_unproved(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    for grounds in ({}, {"proof": "a.b.c"}, {"operators": ["ann", "bob"]}):
        answer = owner.ticket(**grounds)
        scene.attack(answer, through=answer.is_good)


@drill("owner-locked-out", "fifty good payments and one typing mistake", control="a success is handed back")
def owner_locked_out(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    for _ in range(MOST_FAILURES):
        answer = owner.asks()
        if answer.json.get("status") != "challenge_required":
            scene.attack(answer, through=True)
            return
        owner.proves(owner.challenged(answer))
    asked = owner.challenged(owner.asks())
    asked.code(owner.wrong_code())
    answer = owner.asks()
    scene.attack(answer, through=answer.json.get("status") != "challenge_required")
