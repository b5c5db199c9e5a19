"""What is played to a microphone: recordings of before, as they are, cut up and changed a little, and other people.

Whoever attacks has everything that the service remembers of the owner's voice, and the right code beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from authsvc.lab.drill.captures import asked_for, gives_code, speaks
from authsvc.lab.drill.drill import NotPlayed, drill
from authsvc.lab.drill.people import Person
from authsvc.lab.drill.scene import Say, Scene, Voices

TRIES = 2
"""With each account: a third failure would lock its voice."""


@drill(
    "recorded-voice",
    "a recording of an earlier payment is played for another one",
    control="the digits are drawn for each payment",
)
def recorded_voice(scene: Scene) -> None:
    voices, owner = _voices(scene), _owner(scene)
    recorded: list[bytes] = []

    def say(digits: str) -> bytes:
        recorded.append(voices.owner(digits))
        return recorded[-1]

    earlier = asked_for(owner, "voice")
    speaks(earlier, say)
    gives_code(owner, earlier, "voice")
    earlier.complete()
    scene.begins()
    _plays(scene, owner, lambda digits: recorded[0])


@drill(
    "cut-up-voice",
    "digits are cut out of the recordings that the service heard, and joined for a new row",
    control="what was heard is known again in pieces",
)
def cut_up_voice(scene: Scene) -> None:
    _plays_as_often_as_it_may(scene, _voices(scene).heard)


@drill(
    "changed-voice",
    "the same, played faster, quieter and upside down, behind a silence or in another channel",
    control="a little change makes no new recording",
)
def changed_voice(scene: Scene) -> None:
    voices = _voices(scene)
    owners = [_owner(scene) for _ in voices.changes]
    scene.begins()
    for owner, change in zip(owners, voices.changes, strict=True):
        _plays(scene, owner, partial(_changed, change, voices.heard))


def _changed(change: Callable[[bytes], bytes], say: Say, digits: str) -> bytes:
    return change(say(digits))


@drill(
    "strangers-voice",
    "somebody else reads the digits, with the owner's code",
    control="the voice is compared",
)
def strangers_voice(scene: Scene) -> None:
    _plays_as_often_as_it_may(scene, _voices(scene).stranger)


def _voices(scene: Scene) -> Voices:
    if scene.voices is None:
        raise NotPlayed("needs recordings of two people's digits (--voices)")
    return scene.voices


def _owner(scene: Scene) -> Person:
    made = scene.person("otp", "device")
    scene.on_premises.give_voice(made.user)
    return made


def _plays_as_often_as_it_may(scene: Scene, say: Say) -> None:
    owner = _owner(scene)
    scene.begins()
    for _ in range(TRIES):
        _plays(scene, owner, say)


def _plays(scene: Scene, owner: Person, say: Say) -> None:
    asked = asked_for(owner, "voice")
    said = speaks(asked, say)
    gives_code(owner, asked, "voice")
    answer = asked.complete()
    scene.decisions.append(str(asked.decision["id"]))
    scene.attack(f"{said}, {answer}" if said else answer, through=answer.is_good)
