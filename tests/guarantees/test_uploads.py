"""Pictures that mean harm, sent over HTTP to enrollment and to a challenge: refused clearly, cheaply, and survived."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from PIL import Image

from authsvc.face.verifier import MOST_FRAMES
from tests.face.hostile import hostile_files
from tests.guarantees.people import FACE_AMOUNT, Opened, Person, Shop, expect, form, open_ticket, race
from tests.support.live import Answer, LiveService
from tests.support.slowness import slowness

REFUSALS = {
    "jpeg after 8/16": "invalid-request",
    "progressive after 8/16": "invalid-request",
    "png after 8/16": "invalid-request",
    "png of 100000 x 100000": "payload-too-large",
    "jpeg that says 65500": "payload-too-large",
    "compressed text bomb": "invalid-request",
    "png with too many rows, 0": "capture-unusable",
    "a million chunks": "payload-too-large",
    "a thousand scans": "unsupported-media",
    "animated PNG": "capture-unusable",
    "animated GIF": "capture-unusable",
    "png in mode I;16": "capture-unusable",
    "jpeg in mode CMYK": "capture-unusable",
    "png in mode P": "capture-unusable",
    "TIFF": "capture-unusable",
    "PDF": "capture-unusable",
    "only b'<svg/>'": "unsupported-media",
    "jpeg then zip": "unsupported-media",
    "zip then jpeg": "unsupported-media",
    "jpeg then html": "unsupported-media",
    "png then elf": "unsupported-media",
}
UNPACKED = ("png bomb within limits, 0", "progressive of 24 megapixels")
"""As large as is accepted: unpacked, and then not a face, or not opaque."""

WORKER_BYTES = 768 * 1024 * 1024
WEB_BYTES = 512 * 1024 * 1024
SLOWEST_S = 10.0


@pytest.fixture(scope="module")
def hostile() -> dict[str, bytes]:
    wanted = {*REFUSALS, *UNPACKED}
    return {name: data for name, data in hostile_files() if name in wanted}


@pytest.fixture(scope="module")
def photographs(faces_dir: Path) -> list[bytes]:
    return [(faces_dir / "person_a" / f"{number}.jpg").read_bytes() for number in (2, 5, 6)]


@pytest.fixture(scope="module")
def shop(embedded_service: LiveService) -> Shop:
    embedded_service.await_face()
    return Shop(embedded_service)


@pytest.fixture(scope="module")
def person(shop: Shop, photographs: list[bytes]) -> Person:
    return Person(shop, photographs)


@pytest.fixture
def face_challenge(shop: Shop, person: Person) -> Opened:
    return shop.challenge(shop.payment(person, FACE_AMOUNT))


@pytest.mark.parametrize("name", REFUSALS)
def test_a_hostile_picture_is_refused_with_its_reason(
    shop: Shop, face_challenge: Opened, hostile: dict[str, bytes], name: str
) -> None:
    for opened, count in ((face_challenge, 1), (enrollment(shop), 3)):
        answer = capture(opened, [hostile[name]] * count)
        assert answer.slug == REFUSALS[name], answer.content
        assert 400 <= answer.status < 500
        assert answer.json["detail"]
        assert answer.seconds < SLOWEST_S * slowness()


def test_a_file_or_a_body_that_is_too_large_is_refused_unread(
    face_challenge: Opened, photographs: list[bytes]
) -> None:
    file = capture(face_challenge, [photographs[0] + bytes(10_000_000)])
    body = capture(face_challenge, [bytes(9_000_000)] * 5)
    assert (file.slug, body.slug) == ("payload-too-large", "payload-too-large")


def test_too_many_frames_or_none_are_refused(face_challenge: Opened, photographs: list[bytes]) -> None:
    assert capture(face_challenge, photographs[:1] * (MOST_FRAMES + 1)).status in (400, 413)
    assert capture(face_challenge, [b""]).slug == "invalid-request"
    assert capture(face_challenge, []).slug == "invalid-request"


def test_a_form_that_is_none_is_refused(face_challenge: Opened) -> None:
    nonce = face_challenge.begin("face")["nonce"]
    live, path = face_challenge.live, f"{face_challenge.path}/steps/face"
    kind, body = form({"nonce": nonce}, [b"x"])
    headers = face_challenge.headers
    answers = {
        "cut off": live.ask("PUT", path, {**headers, "Content-Type": kind}, body[: len(body) // 2]),
        "no boundary": live.ask("PUT", path, {**headers, "Content-Type": "multipart/form-data"}, body),
        "not a form": live.ask("PUT", path, {**headers, "Content-Type": "image/jpeg"}, b"\xff\xd8\xff"),
    }
    assert {name: answer.slug for name, answer in answers.items()} == {
        "cut off": "invalid-request",
        "no boundary": "invalid-request",
        "not a form": "unsupported-media",
    }


def test_the_largest_that_is_accepted_costs_bounded_memory(
    shop: Shop, person: Person, hostile: dict[str, bytes]
) -> None:
    opened = [shop.challenge(shop.payment(person, FACE_AMOUNT)) for _ in range(8)]
    files = [hostile[UNPACKED[number % 2]] for number in range(8)]
    with largest_sizes(shop.live) as sizes:
        answers = race(8, lambda number: capture(opened[number], [files[number]]))
    assert {answer.slug for answer in answers} <= {"capture-unusable", "unsupported-media", "unavailable"}
    assert "capture-unusable" in {answer.slug for answer in answers}
    assert sizes["worker"] < WORKER_BYTES
    assert sizes["web"] < WEB_BYTES


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_photograph_stored_sideways_is_turned_and_recognised(
    face_challenge: Opened, photographs: list[bytes], orientation: int
) -> None:
    answer = capture(face_challenge, [turned(photographs[1], orientation)])
    assert (answer.status, answer.json) == (200, {"state": "received"})
    assert face_challenge.complete().status == 200


def test_afterwards_the_service_recognises_as_before(
    shop: Shop, face_challenge: Opened, photographs: list[bytes]
) -> None:
    assert "engine" in expect(shop.live.ask("GET", "/readyz"), 200)["face"]
    assert capture(face_challenge, photographs[1:2]).status == 200
    assert face_challenge.complete().status == 200
    log = shop.live.log.read_text()
    assert "Traceback" not in log
    assert "unforeseen" not in log
    assert "ended with exit code" not in log


def enrollment(shop: Shop) -> Opened:
    """Somebody's enrollment that is ready for a face."""
    ticket = open_ticket(shop, f"u_{time.monotonic_ns()}")
    ticket.begin("consent")
    expect(ticket.put("consent", {"modalities": ["face"]}), 200)
    return ticket


def capture(opened: Opened, frames: list[bytes]) -> Answer:
    return opened.capture(opened.begin("face")["nonce"], frames)


def turned(photograph: bytes, orientation: int) -> bytes:
    """The photograph as a phone held sideways stores it."""
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = io.BytesIO()
    Image.open(io.BytesIO(photograph)).transpose(turn[orientation]).save(
        stored, "JPEG", quality=95, exif=exif
    )
    return stored.getvalue()


@contextmanager
def largest_sizes(live: LiveService) -> Iterator[dict[str, int]]:
    """The largest resident sizes that were seen meanwhile, in bytes."""
    worker, web = live.biometric_process(), live.web_processes()
    sizes = {"worker": 0, "web": 0}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            # The worker computes in processes of its own.
            sizes["worker"] = max(sizes["worker"], *map(_size, [worker, *worker.children(recursive=True)]))
            sizes["web"] = max(sizes["web"], *(_size(process) for process in web))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        stop.set()
        thread.join()


def _size(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
