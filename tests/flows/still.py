"""One photograph against a service in production mode, over HTTP: a still that makes the gestures asked, from a new phone.

`python -m tests.flows.still generic|adaptive|careful [CHALLENGES] [--anywhere]` plays it against people with four photographs,
one of which the attacker has; with `--anywhere` a face alone counts from every phone. While a challenge is open the clock of the
service moves only where the attacker waits: computing costs nothing, so that nobody is refused because this machine was busy.
"""

from __future__ import annotations

import itertools
import logging
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from authsvc.biometric.words import Comparison, Liveness, Template
from authsvc.bootstrap.app import create_app
from authsvc.bootstrap.wiring import wire
from authsvc.clock import SystemClock, to_millis
from authsvc.face.build import face_service
from authsvc.face.capture import CaptureContext
from authsvc.face.part import Part
from authsvc.factor import Factor, Unusable
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.lab.drill.people import MEDIUM, Asked, Person
from authsvc.lab.drill.scene import expect
from authsvc.lab.drill.service import Service
from authsvc.policy import loading
from authsvc.subject import Subject
from authsvc.web.settings import WebSettings
from tests.face.animating import Animator, Kind, Pace, makes_gestures
from tests.support.ports import free_port
from tests.support.prepared import prepare
from tests.support.service import CLIENT, embedded

DELAY = timedelta(milliseconds=150)
"""Of the network and of the service, for each part."""

GUESS = "000000"
"""For a code that is asked beside the face."""

FACE_ALONE = '{ factors = ["face"], device_at_most = "probation" }'


class Paced:
    """The machine's clock, and while it is held one that moves only where somebody waits; never back."""

    def __init__(self) -> None:
        self._machine = SystemClock()
        self._held: datetime | None = None
        self._least = self._machine.now()

    def now(self) -> datetime:
        if self._held is not None:
            return self._held
        self._least = max(self._least, self._machine.now())
        return self._least

    def wait(self, by: timedelta) -> None:
        assert self._held is not None
        self._held += by

    def catch_up(self) -> None:
        """Wait until the machine's clock, by which an owner's app counts, has come as far."""
        time.sleep(max(0.0, (self.now() - self._machine.now()).total_seconds()))

    @contextmanager
    def held(self) -> Iterator[Pace]:
        self._held = self.now()
        try:
            yield Pace(lambda: to_millis(self.now()), lambda by: self.wait(by + DELAY))
        finally:
            self._least, self._held = self._held, None


class Engines:
    """The default engines, with liveness and without, loaded once; `judged` is what they said of each capture."""

    def __init__(self, models: Path) -> None:
        self.faces = face_service(models, unsafe_no_pad=False)
        self.unjudged = face_service(models, unsafe_no_pad=True)
        for room in (self.faces, self.unjudged):
            room.load()
        self.judged: list[Comparison | Unusable] = []
        self._note()

    def _note(self) -> None:
        """Keep what the judges say; over HTTP nobody learns it."""
        verify = self.faces.verify_parts

        def noted(
            parts: Sequence[Part], reference: Template, context: CaptureContext
        ) -> Comparison | Unusable:
            self.judged.append(verify(parts, reference, context))
            return self.judged[-1]

        self.faces.verify_parts = noted  # type: ignore[method-assign]  # Nothing else of it changes.

    @property
    def took_it_for_alive(self) -> bool:
        """What was shown last."""
        last = self.judged[-1] if self.judged else None
        return isinstance(last, Comparison) and last.liveness.verdict is Liveness.BONA_FIDE


class Attacked:
    """A service in this process with the default engines and policy; `anywhere` takes the bound on phones out of it."""

    def __init__(self, folder: Path, engines: Engines, *, anywhere: bool = False, **changes: Any) -> None:
        text = loading.shipped_source().text
        assert FACE_ALONE in text
        policy = folder / "policy.toml"
        policy.write_text(text.replace(FACE_ALONE, '["face"]') if anywhere else text, encoding="utf-8")
        url = f"http://localhost:{(port := free_port())}"
        settings = prepare(
            embedded(folder / "data", base_url=url, unsafe_no_pad=False, policy_file=policy, **changes)
        )
        self._unjudged = engines.unjudged
        self.clock = Paced()
        self.wired = wire(settings, self.clock, face=engines.faces)
        self.wired.services.public.readyz()
        key, secret = new_api_key(self.wired.store.ring, CLIENT, ALL_SCOPES, self.clock.now())
        self.wired.store.ledger.transact(lambda tx: tx.keys.add(key))
        self._server = make_server(
            "127.0.0.1", port, create_app(self.wired.services, WebSettings(url)), threaded=True
        )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.service = Service(url, secret)

    def template(self, photographs: list[bytes]) -> Template:
        """Raises ValueError for what enrolls nobody."""
        made = self._unjudged.enroll(photographs, CaptureContext())
        if not isinstance(made, Template):
            raise ValueError(f"the photographs are no enrollment: {made}")
        return made

    def enroll(self, photographs: list[bytes]) -> Person:
        """Somebody with an app and a phone, whose face is enrolled as if they had been there."""
        person, template = Person(self.service), self.template(photographs)
        self.clock.catch_up()
        person.enroll("otp", "device")
        now, subject = self.clock.now(), Subject(CLIENT, person.user)

        def unit(tx: Any) -> None:  # Any: the store's transaction.
            account = tx.accounts.find(subject)
            tx.templates.put(subject, account.key(), f"tpl_{person.user[-16:]}", template, now)
            tx.accounts.save(account.enrolled(Factor.FACE, now, now))

        self.wired.store.ledger.transact(unit)
        return person

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.wired.close()


def asked_for_a_face(owner: Person) -> Asked:
    """A payment from a phone that nobody knows, in the way that asks for a face and least beside it."""
    thief = owner.as_thief()
    asked = thief.until_asked(lambda: thief.asks(MEDIUM), "face")
    way = min((way for way in asked.sets if "face" in way), key=len)
    expect(asked.send("POST", "/switch", {"factors": sorted(way)}), 200)
    return asked


def attack(attacked: Attacked, owner: Person, face: Any, seed: int) -> tuple[bool, str]:
    """Whether a payment is released to whoever shows this face and has nothing else, and what was answered."""
    asked = asked_for_a_face(owner)
    if frozenset({"face"}) not in asked.sets:
        asked.begin("otp")
        expect(asked.put("otp", {"code": GUESS}), 200)
    with attacked.clock.held() as pace:
        seen = makes_gestures(asked, face, seed, pace)
        done = asked.complete()
    receipt = owner.decision(str(asked.decision["id"]))["receipt"]
    return receipt is not None, f"{seen}, {done}"


@dataclass(frozen=True)
class Victim:
    """Somebody of whom the attacker has one photograph, of which gestures were made; others are enrolled."""

    name: str
    enrolled: list[bytes]
    face: Any


def people(faces: Path, animator: Animator) -> Iterator[tuple[str, list[bytes], bytes]]:
    """Name, three photographs that are enrolled, and the one the attacker has: that in which the head is most upright."""
    for folder in sorted(each for each in faces.iterdir() if each.name not in ("groups", "partial")):
        photographs = [file.read_bytes() for file in sorted(folder.glob("*.jpg"))] if folder.is_dir() else []
        if len(photographs) >= 4:
            upright = sorted(photographs, key=animator.askew)
            yield folder.name, upright[1:4], upright[0]


def victims(faces: Path, animator: Animator, attacked: Attacked) -> Iterator[Victim]:
    """Whoever can be enrolled, one after another and for ever, each challenged in an account of their own."""
    usable: list[Victim] = []
    for name, enrolled, photograph in people(faces, animator):
        try:
            attacked.template(enrolled)
            usable.append(Victim(name, enrolled, animator.prepare(photograph)))
        except ValueError as error:
            print(name, error, flush=True)  # noqa: T201  # A command.
            continue
        yield usable[-1]
    yield from itertools.cycle(usable)


def main(kind: str, most: int, *, anywhere: bool, models: Path, faces: Path) -> None:
    """Prints each challenge, and at last how many were released, and how many the engines took for alive."""
    animator, engines = Animator.of(Kind(kind), models), Engines(models)
    done = released = alive = 0
    with tempfile.TemporaryDirectory(prefix="authsvc-still-") as folder:
        attacked = Attacked(Path(folder), engines, anywhere=anywhere)
        try:
            for victim in islice(victims(faces, animator, attacked), most):
                engines.judged.clear()
                is_released, answer = attack(attacked, attacked.enroll(victim.enrolled), victim.face, done)
                done, released, alive = done + 1, released + is_released, alive + engines.took_it_for_alive
                said = f"{victim.name} {answer} {_said(engines.judged)}"
                print(f"{released}, {alive} of {done}: {said}", flush=True)  # noqa: T201
        finally:
            attacked.close()
    print(f"{kind}{' anywhere' * anywhere}: {released} of {done} released, {alive} taken for alive")  # noqa: T201


def _said(judged: Sequence[Comparison | Unusable]) -> str:
    """The last verdict; where a part was refused nobody judged."""
    if not judged or isinstance(judged[-1], Unusable):
        return str(judged[-1:])
    return f"{judged[-1].liveness.verdict} {judged[-1].score:.3f} {dict(judged[-1].liveness.evidence)}"


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    chosen = [word for word in sys.argv[1:] if not word.startswith("--")]
    main(
        chosen[0],
        int(chosen[1]) if len(chosen) > 1 else 30,
        anywhere="--anywhere" in sys.argv,
        models=Path("var/models"),
        faces=Path("../shared/data/faces"),
    )
