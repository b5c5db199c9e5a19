"""The face room from afar says what it says at home."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from authsvc.biometric.words import Comparison, Liveness, LivenessResult, Modality, Template
from authsvc.errors import AuthsvcError, ModelUnusable, Unavailable, UnsupportedMedia
from authsvc.face.capture import CaptureContext, Gesture
from authsvc.face.part import Part
from authsvc.factor import Json, Unusable
from authsvc.workers.client import WorkerClient
from authsvc.workers.face import RemoteFace, face_handlers
from authsvc.workers.messages import Answer, Handler, answered, failed, outcome
from authsvc.workers.protocol import Message, decoding, encode

CONTEXT = CaptureContext((Gesture.LEFT, Gesture.CLOSER), (0, 420), ("fp_1",))
TEMPLATE = Template(Modality.FACE, "sha256:ab", b"\x00\x00\x80\x3f" * 128, 3)
COMPARISON = Comparison(
    score=0.1 + 0.2,
    model="sha256:ab",
    frames=3,
    liveness=LivenessResult(Liveness.ATTACK, ("minifasnet", "planarity"), {"spoof": 0.97}),
    quality={"width": 210.5, "sharpness": 12.0},
)
PART = Part(
    model="sha256:ab",
    gesture=Gesture.LEFT,
    taken_at_ms=(0, 100),
    prompted_at_ms=300,
    trace="AAAA",
    scene=("AAAA", "AQID"),
    room="AA==",
    scene_changes=(0.4,),
    rest="AACAPw==",
    apex="",
    flatness=0.61,
    fingerprints=("fp_1",),
    quality={"width": 210.5},
    replayed=True,
    passive=LivenessResult(Liveness.UNDECIDED, ("minifasnet",), {"live": 0.4}),
)
FRAMES = (b"\xff\xd8 one", b"\xff\xd8 two")


class Room:
    """A face room that answers what it was told to, and remembers what it was asked."""

    def __init__(self, answer: Template | Comparison | Part | Unusable | AuthsvcError) -> None:
        self.answer = answer
        self.asked: list[tuple[object, ...]] = []

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable:
        self.asked.append((tuple(frames), context))
        return self._answer(Template)

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        self.asked.append((tuple(frames), reference, context))
        return self._answer(Comparison)

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable:
        self.asked.append((tuple(frames), context, model))
        return self._answer(Part)

    def enroll_parts(self, parts: Sequence[Part], context: CaptureContext) -> Template | Unusable:
        self.asked.append((tuple(parts), context))
        return self._answer(Template)

    def verify_parts(
        self, parts: Sequence[Part], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        self.asked.append((tuple(parts), reference, context))
        return self._answer(Comparison)

    def look_alikes(self, template: Template, others: Sequence[Template]) -> tuple[int, ...]:
        self.asked.append((template, tuple(others)))
        return tuple(number for number, other in enumerate(others) if other.vector == template.vector)

    def _answer(self, kind):
        if isinstance(self.answer, AuthsvcError):
            raise self.answer
        assert isinstance(self.answer, kind | Unusable)
        return self.answer


class NearbyClient(WorkerClient):
    """Takes the way over frames and messages, without a socket."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers

    def call(self, op: str, header: Json, blobs: Sequence[bytes] = ()) -> tuple[Json, tuple[bytes, ...]]:
        there = over_the_wire(Message(header, tuple(blobs)))
        try:
            answer = answered(self._handlers[op](there.header, there.blobs))
        except AuthsvcError as error:
            answer = failed(error)
        return outcome(over_the_wire(answer))


def over_the_wire(message: Message) -> Message:
    raw, decoder = b"".join(encode(message)), decoding()
    wanted = next(decoder)
    while True:
        try:
            piece, raw = raw[:wanted], raw[wanted:]
            wanted = decoder.send(piece)
        except StopIteration as end:
            return end.value


def remote(room: Room) -> RemoteFace:
    return RemoteFace(NearbyClient(dict(face_handlers(room))))


def test_look_alikes_are_found_in_batches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("authsvc.workers.face._AT_ONCE", 2)
    room = Room(TEMPLATE)
    template = replace(TEMPLATE, fingerprints=())
    stranger = replace(template, vector=bytes(len(template.vector)))
    assert remote(room).look_alikes(template, [stranger, template, template, stranger, template]) == (1, 2, 4)
    assert room.asked[0] == (template, (stranger, template))
    assert len(room.asked) == 3


def test_a_template_arrives_whole():
    room = Room(TEMPLATE)
    assert remote(room).enroll(FRAMES, CONTEXT) == TEMPLATE
    assert room.asked == [(FRAMES, CONTEXT)]


@pytest.mark.parametrize("part", [PART, replace(PART, flatness=None, passive=None, replayed=False)])
def test_a_part_arrives_whole_and_goes_back_whole(part: Part):
    room = Room(part)
    assert remote(room).observe(FRAMES, CONTEXT, "sha256:ab") == part
    assert room.asked == [(FRAMES, CONTEXT, "sha256:ab")]
    judging = Room(COMPARISON)
    assert remote(judging).verify_parts((part, part), TEMPLATE, CONTEXT) == COMPARISON
    assert judging.asked == [((part, part), TEMPLATE, CONTEXT)]
    making = Room(TEMPLATE)
    assert remote(making).enroll_parts((part,), CONTEXT) == TEMPLATE
    assert making.asked == [((part,), CONTEXT)]


def test_a_comparison_arrives_to_the_last_digit():
    room = Room(COMPARISON)
    assert remote(room).verify(FRAMES, TEMPLATE, CONTEXT) == COMPARISON
    assert room.asked == [(FRAMES, TEMPLATE, CONTEXT)]


@pytest.mark.parametrize("hints", [("too_dark", "turned"), ()])
def test_what_cannot_be_judged_arrives_with_its_hints(hints: tuple[str, ...]):
    far = remote(Room(Unusable(hints)))
    assert far.enroll(FRAMES, CONTEXT) == Unusable(hints)
    assert far.verify(FRAMES, TEMPLATE, CONTEXT) == Unusable(hints)


@pytest.mark.parametrize("error", [ModelUnusable("another model"), UnsupportedMedia("not a JPEG")])
def test_what_the_room_raises_is_raised_here(error: AuthsvcError):
    with pytest.raises(type(error), match=error.detail):
        remote(Room(error)).verify(FRAMES, TEMPLATE, CONTEXT)


GARBAGE: tuple[Json, ...] = (
    {},
    {"template": {}, "comparison": {}},
    {"template": [], "comparison": []},
    {"template": None, "comparison": {"score": "high"}},
    {"unusable": 3},
)


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize(
    "ask",
    [
        lambda far: far.enroll(FRAMES, CONTEXT),
        lambda far: far.verify(FRAMES, TEMPLATE, CONTEXT),
        lambda far: far.describe(),
    ],
)
def test_garbage_is_no_answer(garbage: Json, ask: Callable[[RemoteFace], object]):
    def answer(header: Json, blobs: Sequence[bytes]) -> Answer:
        return garbage, ()

    far = RemoteFace(NearbyClient(dict.fromkeys(("face.enroll", "face.verify", "about"), answer)))
    with pytest.raises(Unavailable):
        ask(far)


def test_health_is_told_who_is_at_work():
    def about(header: Json, blobs: Sequence[bytes]) -> Answer:
        return {"face": {"engine": "dlib_onnx", "liveness": "none"}}, ()

    assert RemoteFace(NearbyClient({"about": about})).describe() == {
        "engine": "dlib_onnx",
        "liveness": "none",
    }


def test_the_web_loads_no_array_library_for_it():
    heavy = ("numpy", "PIL", "dlib", "onnxruntime", "scipy", "cv2")
    program = f"import sys, authsvc.workers.face; print([name for name in {heavy!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
