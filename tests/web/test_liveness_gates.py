"""Each kind of liveness gate, installed: a whole challenge over HTTP, for a living person and for attacks.

Nobody's answer may be an outage, whatever a gate wrote into the evidence. The weights are the test data's.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.weights import is_installed
from authsvc.biometric.words import Template
from authsvc.clock import SystemClock
from authsvc.domain.ids import new_id
from authsvc.face.build import face_service
from authsvc.face.capture import CaptureContext
from authsvc.face.image import decode
from authsvc.face.service import FaceService
from authsvc.factor import Factor
from authsvc.policy import loading
from authsvc.subject import Subject
from tests.face.clips import frames_of
from tests.web.conftest import Shop, opened_shop
from tests.web.people import Person, asked, decide, step
from tests.web.support import slug

# Dozens of frames are judged by real networks: patience on a busy machine.
pytestmark = pytest.mark.timeout(300)

Open = Callable[[str, int], "Judged"]

_ASKED = {"passive": 1, "two passive": 2, "active": 0, "both": 1}


class Judged:
    """A shop whose faces are judged by real detectors, and a person whose face is enrolled there."""

    def __init__(self, shop: Shop, faces: FaceService, template: Template, user: str) -> None:
        self.shop = shop
        self.faces = faces
        shop.wired.services.public.readyz()
        self.person = Person(shop, user)
        subject = Subject("shop", user)

        def enrolled(tx: Any) -> None:  # Any: the unit of work, as the store hands it out.
            account, now = tx.accounts.find(subject), SystemClock().now()
            tx.templates.put(subject, account.key(), new_id("tpl"), template, now)
            tx.accounts.save(account.enrolled(Factor.FACE, now, now))

        shop.wired.store.ledger.transact(enrolled)

    def pay(self, frames: Sequence[bytes]) -> list[TestResponse]:
        """The answers to the capture, and to `complete` where it was received."""
        body = asked(self.person.user, device=self.person.device, risk={"score": 80})
        body["transaction"]["amount_minor"] = 125_000
        challenge = decide(self.shop, body).get_json()["challenge"]
        path = f"/v1/challenges/{challenge['id']}"
        payer = {"Authorization": f"Challenge {challenge['token']}"}
        handed = step(self.shop, path, payer, "face")
        while (shown := handed.get_json()).get("state") != "received":
            # Whoever shows the same thing again sends it a little otherwise each time.
            frames = [*frames[1:], frames[0]]
            handed = self.shop.api.put(f"{path}/steps/face", headers=payer, **_form(shown["nonce"], frames))
            if handed.status_code != 200:
                return [handed]
        return [handed, self.shop.api.post(f"{path}/complete", headers=payer)]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, model_dir: Path, test_data: Path) -> Iterator[Open]:
    """A shop with the gates installed that are asked for, opened once for each combination."""
    weights = _linked(tmp_path_factory.mktemp("models"), model_dir, test_data / "models")
    manifest = read_manifest(manifest_folder() / "minifasnet.toml")
    if not is_installed(weights, manifest):
        pytest.skip("the test data do not hold the passive detector")
    made: dict[str, Judged] = {}
    with ExitStack() as stack:

        def open_shop(kind: str, number: int) -> Judged:
            if kind not in made:
                folder = tmp_path_factory.mktemp("shop")
                faces = face_service(weights, unsafe_no_pad=False, manifests=_manifests(folder, number))
                faces.load()
                shop = stack.enter_context(
                    opened_shop(folder, faces, unsafe_no_pad=False, policy_file=_policy(folder, kind))
                )
                made[kind] = Judged(shop, faces, _template(weights, test_data), "ann")
            return made[kind]

        yield open_shop


def _linked(folder: Path, *sources: Path) -> Path:
    for file in (file for source in sources for file in source.iterdir() if file.is_file()):
        if not (folder / file.name).exists():
            (folder / file.name).symlink_to(file)
    return folder


def _manifests(folder: Path, passive: int) -> Path:
    """The shipped matcher, and so many passive detectors: the second is one network of the first, with a name of its own."""
    manifests = folder / "manifests"
    manifests.mkdir()
    _linked(manifests, manifest_folder())
    first = manifests / "minifasnet.toml"
    text = first.read_text()
    if passive == 0:
        first.unlink()
    if passive == 2:
        second = text.replace('id = "minifasnet"', 'id = "second-gate"').replace(", v1se = [4.0]", "")
        (manifests / "second-gate.toml").write_text(second)
    return manifests


def _policy(folder: Path, kind: str) -> Path:
    """The shipped policy, asking for the gates of that kind and for nothing beside the face."""
    word = "passive" if kind == "two passive" else kind
    file = folder / "policy.toml"
    head = "[biometrics.face]\n"
    file.write_text(loading.shipped_source().text.replace(head, f'{head}liveness = {{ face = "{word}" }}\n'))
    return file


def _template(weights: Path, test_data: Path) -> Template:
    """Of the living still, and of no capture that could be seen again."""
    bare = face_service(weights, unsafe_no_pad=True)
    bare.load()
    made = bare.enroll(_still(test_data, "live"), CaptureContext())
    assert isinstance(made, Template)
    return replace(made, fingerprints=())


def _still(test_data: Path, name: str) -> list[bytes]:
    """Six frames of one still, as a hand would shake it."""
    picture = decode((test_data / "pad" / f"{name}.jpg").read_bytes())
    height, width = picture.shape[:2]
    return [
        _jpeg(Image.fromarray(picture[shift : height - 12 + shift, shift : width - 12 + shift]))
        for shift in range(0, 12, 2)
    ]


def _clip(test_data: Path, name: str) -> list[bytes]:
    clip = frames_of(test_data / "pad" / f"{name}.mp4", every=12, end=3.5)
    return [_jpeg(Image.fromarray(picture)) for _, picture in clip]


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _form(nonce: str, frames: Sequence[bytes]) -> dict[str, Any]:
    data = {
        "nonce": nonce,
        "meta": json.dumps(
            {
                "taken_at_ms": [200 * number for number in range(len(frames))],
                "prompted_at_ms": (now := round(1000 * time.monotonic())),
                "sent_at_ms": now,
            }
        ),
        "frame": [FileStorage(io.BytesIO(one), "1.jpg", content_type="image/jpeg") for one in frames],
    }
    boundary, body = encode_multipart(data, "boundary")
    return {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}


@pytest.mark.parametrize("kind", ["passive", "two passive"])
def test_a_living_face_pays_where_passive_gates_stand(opened: Open, test_data: Path, kind: str) -> None:
    judged = opened(kind, _ASKED[kind])
    handed, completed = judged.pay(_still(test_data, "live"))
    assert (handed.status_code, completed.get_json()) == (200, {"status": "authenticated"})


@pytest.mark.parametrize("kind", _ASKED)
@pytest.mark.parametrize("species", ["attack_print", "attack_screen", "replay_clip", "live_clip"])
def test_no_gate_answers_with_an_outage_and_no_attack_pays(
    opened: Open, test_data: Path, kind: str, species: str
) -> None:
    """The living clip is filmed too near for passive gates, and its turns are not those that active ones ask."""
    judged = opened(kind, _ASKED[kind])
    frames = _clip(test_data, species) if species.endswith("clip") else _still(test_data, species)
    answers = judged.pay(frames)
    assert [one.status_code for one in answers] in ([200, 401], [422])
    assert slug(answers[-1]) in ("challenge-failed", "capture-unusable")
