"""What a thief does with a password, a session or a phone: pays from a new one, plants one, keeps a removed one."""

from __future__ import annotations

from authsvc.lab.drill.drill import drill
from authsvc.lab.drill.people import LARGE, MEDIUM, SMALL, Person
from authsvc.lab.drill.scene import Scene, expect
from authsvc.lab.drill.service import Answer

STRONG = frozenset({"face", "voice", "device_uv"})
"""What is not stolen along with a password and a SIM card."""


@drill(
    "stolen-password", "a stolen password pays from a phone that nobody knows", control="rule `new-device`"
)
def stolen_password(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    scene.asks_weakly(owner.asks(MEDIUM, device=None), STRONG)
    scene.asks_weakly(owner.asks(MEDIUM, device={"id": "dev_thief"}), STRONG)


@drill(
    "stolen-session",
    "a stolen session names the owner's phone without its secret",
    control="a phone is known by its secret",
)
def stolen_session(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    for secret in ({}, {"secret": "ds_" + "A" * 43}):
        answer = owner.asks(MEDIUM, device={"id": (owner.device or {})["id"], **secret})
        scene.asks_weakly(answer, STRONG)


@drill("removed-phone", "a phone that was removed goes on paying", control="a removed device is revoked")
def removed_phone(scene: Scene) -> None:
    owner = scene.person()
    expect(owner.does("DELETE", f"/devices/{(owner.device or {})['id']}"), 200)
    scene.begins()
    scene.asks_weakly(owner.asks(SMALL), STRONG)
    scene.asks_weakly(owner.asks(MEDIUM), STRONG)


@drill(
    "removed-key", "the key of a removed phone proves a payment", control="a key is live while its device is"
)
def removed_key(scene: Scene) -> None:
    owner = scene.person()
    asked = owner.challenged(owner.asks(MEDIUM))
    key = owner.key
    begun = expect(asked.begin("device_uv"), 200)
    expect(owner.does("DELETE", f"/devices/{(owner.device or {})['id']}"), 200)
    scene.begins()
    if key is not None:
        asked.put("device_uv", key.get(begun["publicKey"]))
    scene.proves(asked, asked.complete())


@drill(
    "planted-phone",
    "a thief who enrolled a phone of their own pays with its key and a code",
    control="what is new waits",
)
def planted_phone(scene: Scene) -> None:
    owner = scene.person()
    thief = _planted(owner)
    scene.people.append(thief)
    scene.begins()
    for answer in (thief.asks(LARGE), thief.asks(MEDIUM), thief.acts("enrollment")):
        _answers_by_key(scene, thief, answer)


@drill("vetoed-phone", "a thief's new phone pays after its owner's veto", control="a veto removes the phone")
def vetoed_phone(scene: Scene) -> None:
    owner = scene.person()
    thief = _planted(owner)
    scene.people.append(thief)
    path = f"/devices/{(thief.device or {})['id']}"
    expect(owner.overview().send("DELETE", path), 200)
    scene.begins()
    scene.asks_weakly(thief.asks(SMALL), STRONG)
    scene.asks_weakly(thief.asks(MEDIUM), STRONG)


@drill(
    "stranger-suspends",
    "`not me` by somebody who holds a challenge and nothing else",
    control="who has no secret suspends nobody",
)
def stranger_suspends(scene: Scene) -> None:
    owner = scene.person(face=True)
    scene.begins()
    asked = owner.until_asked(lambda: owner.asks(MEDIUM, device={"id": (owner.device or {})["id"]}))
    answer = asked.send("POST", "/decline", {"choice": "not_me"})
    state = expect(owner.does("GET", f"/devices/{(owner.device or {})['id']}"), 200)["state"]
    scene.decisions.append(str(asked.decision["id"]))
    scene.attack(answer, through=state != "active")


def _planted(owner: Person) -> Person:
    """A thief who got hold of one proof of the owner and enrolled a phone with it."""
    receipt = owner.released(owner.acts("enrollment"))["receipt"]
    thief = owner.as_thief()
    thief.enroll("key", ticket=expect(owner.ticket(proof=receipt), 201))
    return thief


def _answers_by_key(scene: Scene, thief: Person, answer: Answer) -> None:
    """The thief's own key, and the stolen code where one is asked for beside it."""
    challenge = answer.json.get("challenge")
    ways = [] if challenge is None else [way for way in challenge["sets"] if set(way) <= {"device_uv", "otp"}]
    by_key = [way for way in ways if "device_uv" in way]
    if not by_key:
        scene.pays(answer)
        return
    asked = thief.challenged(answer)
    scene.proves(asked, thief.proves(asked))
