"""What is held before a camera: photographs, recorded clips, other people, and captures that were sent before.

And how a capture is sent, of a face or of a voice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from authsvc.lab.drill.drill import NotPlayed, drill
from authsvc.lab.drill.people import LARGE, MEDIUM, QUIET, Asked, Opened, Person, milliseconds
from authsvc.lab.drill.scene import Scene, expect
from authsvc.lab.drill.service import Answer, Json

HIGH = 80
MOST_PARTS = 8
FRAMES = 4
GESTURE_S = 1.5
GRINDS = 8

FramesOf = Callable[[int], tuple[Sequence[bytes], Sequence[int]]]
"""For a part's number the frames of it, and their times."""


@drill(
    "face-from-new-phone",
    "a picture is put in the camera's place, from a phone that nobody knows",
    control="a face alone counts from known phones",
)
def face_from_new_phone(scene: Scene) -> None:
    owner = scene.person(face=True)
    scene.begins()
    for amount in (MEDIUM, LARGE):
        scene.asks_weakly(owner.asks(amount, device=None), frozenset({"otp", "device_uv"}))


@drill("photograph-as-face", "the owner's photograph is held before the camera", control="liveness")
def photograph_as_face(scene: Scene) -> None:
    _presents(scene, scene.pictures.owner, "photographs of the person who is enrolled (--faces)")


@drill(
    "clip-as-face", "a recorded clip of the owner is played to the camera", control="liveness and gestures"
)
def clip_as_face(scene: Scene) -> None:
    _presents(scene, scene.pictures.clip, "the stills of a clip (--clip)")


@drill("strangers-face", "somebody else's face, with the owner's code", control="the face is compared")
def strangers_face(scene: Scene) -> None:
    _presents(scene, scene.pictures.stranger, "photographs of somebody else (--faces)")


@drill("capture-again", "one capture is sent for two payments", control="a capture counts once")
def capture_again(scene: Scene) -> None:
    _sends_both(scene, scene.pictures.owner, scene.pictures.owner)


@drill(
    "capture-nearly-again",
    "one capture is sent for two payments, the second time brighter and smaller",
    control="a capture that looks the same is the same",
)
def capture_nearly_again(scene: Scene) -> None:
    _sends_both(scene, scene.pictures.owner, scene.pictures.changed)


def _sends_both(scene: Scene, *captures: Sequence[bytes]) -> None:
    if not all(captures):
        raise NotPlayed("needs photographs of the person who is enrolled (--faces)")
    owner = scene.person(face=True)
    asked = [asked_for(owner) for _ in captures]
    for each, pictures in zip(asked, captures, strict=True):
        shows_face(each, pictures)
        gives_code(owner, each)
    answers = [(each, each.complete()) for each in asked]
    scene.begins()
    good = 0
    for each, answer in answers:
        good += answer.is_good
        scene.decisions.append(str(each.decision["id"]))
        scene.attack(answer, through=answer.is_good and good > 1)


@drill(
    "nonce-of-another",
    "a capture for one challenge is sent to another",
    control="a nonce is of one challenge",
)
def nonce_of_another(scene: Scene) -> None:
    owner = scene.person(face=True)
    first, second = (asked_for(owner) for _ in range(2))
    nonce = expect(first.begin("face"), 200)["nonce"]
    expect(second.begin("face"), 200)
    scene.begins()
    answer = second.capture("face", nonce, list(scene.pictures.owner or (b"ann",)))
    scene.attack(answer, through=answer.is_good)


@drill(
    "gesture-grinding",
    "the capture is begun again until the gesture fits a recording",
    control="gestures are drawn once an attempt",
)
def gesture_grinding(scene: Scene) -> None:
    owner = Person(scene.service)
    scene.people.append(owner)
    ticket = expect(owner.ticket(), 201)
    opened = Opened(owner.service, f"/v1/enrollments/{ticket['id']}", f"Enrollment {ticket['token']}")
    agreed = expect(opened.begin("consent"), 200)
    expect(opened.put("consent", {"modalities": ["face"], "text_version": agreed["text_version"]}), 200)
    scene.begins()
    first = expect(opened.begin("face"), 200)["gestures"]
    if not first:
        raise NotPlayed("this service asks for no gestures")
    for _ in range(GRINDS):
        answer = opened.begin("face")
        scene.attack(
            f"{answer.status} {' '.join(answer.json.get('gestures', ()))}",
            through=answer.is_good and answer.json["gestures"] != first,
        )


def asked_for(owner: Person, factor: str = "face") -> Asked:
    """A challenge that a face or a voice answers, with a code where that is asked for as well."""
    # A known phone is asked for a face where the risk is high, an unknown one always.
    risk = QUIET if owner.device is None else HIGH
    asked = owner.until_asked(lambda: owner.asks(MEDIUM, risk=risk), factor)
    expect(asked.send("POST", "/switch", {"factors": sorted(_way(asked, factor))}), 200)
    return asked


def _way(asked: Asked, factor: str) -> frozenset[str]:
    """The factor, alone or with a code."""
    ways = [each for each in asked.sets if factor in each and each <= {factor, "otp"}]
    if not ways:
        raise NotPlayed(f"no {factor} is a way here")
    return ways[0]


def gives_code(owner: Person, asked: Asked, factor: str = "face") -> None:
    if "otp" in _way(asked, factor):
        asked.begin("otp")
        asked.put("otp", {"code": owner.issued_code(asked)})


def _presents(scene: Scene, pictures: Sequence[bytes], needed: str) -> None:
    if not pictures:
        raise NotPlayed(f"needs {needed}")
    owner = scene.person(face=True)
    asked = asked_for(owner)
    scene.begins()
    said = shows_face(asked, pictures)
    gives_code(owner, asked)
    answer = asked.complete()
    scene.decisions.append(str(asked.decision["id"]))
    scene.attack(f"{said}, {answer}" if said else answer, through=answer.is_good)


def shows_face(
    asked: Opened, pictures: Sequence[bytes], frames_of: FramesOf | None = None, nonce: str | None = None
) -> str:
    """Answer every part with the next of these pictures; what refused one, empty where all were received.

    `frames_of` says what is on in each part, with its times, where the pictures are no photographs but a clip. With a `nonce`
    the first part is sent as if made for that one.
    """
    begun = asked.begin("face")
    for number in range(MOST_PARTS):
        if not begun.is_good or begun.json.get("state") == "received":
            break
        began = milliseconds()
        hold(begun.json)
        frames, taken = (frames_of or _in_turn(pictures))(number)
        begun = asked.capture("face", nonce or begun.json["nonce"], frames, began, taken)
    return refusal(begun)


def _in_turn(pictures: Sequence[bytes]) -> FramesOf:
    """Photographs, a few in each part and without times of their own."""

    def frames(number: int) -> tuple[Sequence[bytes], Sequence[int]]:
        few = range(min(FRAMES, len(pictures)))
        return [pictures[(number * FRAMES + each) % len(pictures)] for each in few], ()

    return frames


def speaks(asked: Opened, recording_for: Callable[[str], bytes], nonce: str | None = None) -> str:
    """Read the digits that are asked, and another row where one is asked for; as `shows_face` otherwise."""
    said = _reads(asked, recording_for, nonce)
    return refusal(_reads(asked, recording_for, nonce) if "say_another" in hints_of(said) else said)


def _reads(asked: Opened, recording_for: Callable[[str], bytes], nonce: str | None) -> Answer:
    begun = asked.begin("voice")
    if not begun.is_good:
        return begun
    return asked.says("voice", nonce or begun.json["nonce"], recording_for(str(begun.json["digits"])))


def refusal(answer: Answer) -> str:
    return "" if answer.is_good else f"{answer} {hints_of(answer)}".strip()


def hints_of(refused: Answer) -> str:
    """What a person was told to do better."""
    return " ".join(str(each["code"]) for each in refused.json.get("hints", ()))


def hold(shown: Json) -> None:
    """Take the time that a person takes for what is shown, or the service would see that nobody did."""
    if shown.get("gestures"):
        time.sleep(shown["pause_ms"] / 1000 + GESTURE_S)
