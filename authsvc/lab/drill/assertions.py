"""What a phishing proxy, a clone and a stranger do with device keys."""

from __future__ import annotations

from copy import copy

from authsvc.lab.drill.authenticator import PRESENT, Authenticator
from authsvc.lab.drill.drill import NotPlayed, drill
from authsvc.lab.drill.people import Person
from authsvc.lab.drill.scene import Scene, expect

EVIL = "https://pay.example.evil"


def _key(person: Person) -> Authenticator:
    if person.key is None:
        raise NotPlayed("the drill's person has no device key")
    return person.key


def _shows(scene: Scene, owner: Person, key: Authenticator) -> None:
    """One payment that is answered with this key alone."""
    asked = owner.challenged(owner.asks())
    asked.assertion(key)
    scene.proves(asked, asked.complete())


@drill(
    "phishing-proxy",
    "an assertion made on a look-alike site is passed on",
    control="the origin is the service's own",
)
def phishing_proxy(scene: Scene) -> None:
    owner = scene.person()
    key = copy(_key(owner))
    key.origin = EVIL
    scene.begins()
    _shows(scene, owner, key)


@drill(
    "other-relying-party",
    "an assertion for another relying party",
    control="the relying party is the service's own",
)
def other_relying_party(scene: Scene) -> None:
    owner = scene.person()
    key = copy(_key(owner))
    key.party = "pay.example.evil"
    scene.begins()
    _shows(scene, owner, key)


@drill(
    "cloned-key",
    "a copy of the key, which does not know how far the first has counted",
    control="the sign count rises",
)
def cloned_key(scene: Scene) -> None:
    owner = scene.person()
    clone = copy(_key(owner))
    for _ in range(2):
        owner.released(owner.asks())
    scene.begins()
    _shows(scene, owner, clone)


@drill(
    "clone-suspends", "after a clone was seen the key goes on proving", control="a cloned key is suspended"
)
def clone_suspends(scene: Scene) -> None:
    owner = scene.person()
    clone, key = copy(_key(owner)), _key(owner)
    owner.released(owner.asks())
    asked = owner.challenged(owner.asks())
    asked.assertion(clone)
    asked.complete()
    scene.begins()
    key.count += 10
    _shows(scene, owner, key)


@drill(
    "replayed-assertion",
    "an assertion that was recorded is shown for another payment",
    control="the challenge is of this payment",
)
def replayed_assertion(scene: Scene) -> None:
    owner = scene.person()
    first = owner.challenged(owner.asks())
    begun = expect(first.begin("device_uv"), 200)
    recorded = _key(owner).get(begun["publicKey"])
    scene.begins()
    asked = owner.challenged(owner.asks())
    asked.begin("device_uv")
    asked.put("device_uv", recorded)
    scene.proves(asked, asked.complete())


@drill(
    "no-user-verification",
    "an unlocked phone's key without finger, face or PIN",
    control="user verification is required",
)
def no_user_verification(scene: Scene) -> None:
    owner = scene.person()
    key = copy(_key(owner))
    key.flags = PRESENT
    scene.begins()
    _shows(scene, owner, key)


@drill("strangers-key", "another customer's own key", control="a key belongs to one account")
def strangers_key(scene: Scene) -> None:
    owner, stranger = scene.person(), scene.person()
    scene.begins()
    _shows(scene, owner, _key(stranger))


@drill("forged-signature", "the owner's key by name, signed by another", control="the signature is the key's")
def forged_signature(scene: Scene) -> None:
    owner = scene.person()
    forger = Authenticator(
        _key(owner).origin, id=_key(owner).id, handle=_key(owner).handle, party=_key(owner).party
    )
    forger.count = 1_000
    scene.begins()
    _shows(scene, owner, forger)


@drill(
    "other-site-frame",
    "an assertion that a page of another site asked for in a frame",
    control="no cross-origin frame",
)
def other_site_frame(scene: Scene) -> None:
    owner = scene.person()
    key = copy(_key(owner))
    key.cross_origin = True
    scene.begins()
    _shows(scene, owner, key)
