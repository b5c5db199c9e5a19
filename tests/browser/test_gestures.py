"""A living head in front of the camera, with liveness on: what the server asks must be what the head does.

Camera, page and judges are the real ones; only the choice of gestures, which is left to chance elsewhere, is the test's,
because a clip can make no others, and the time that a busy machine is given.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, Response
from werkzeug.serving import make_server

from authsvc.biometric.words import LivenessResult
from authsvc.bootstrap.app import create_app
from authsvc.bootstrap.running import Wired
from authsvc.bootstrap.wiring import wire
from authsvc.domain.once import Once
from authsvc.face import active, chain, continuity
from authsvc.face.active import ActiveChallenge
from authsvc.face.build import face_service
from authsvc.face.capture import Gesture
from authsvc.face.part import Part
from authsvc.keys.access import ALL_SCOPES, ApiKey, new_api_key
from authsvc.services.enrollments import TicketWanted
from authsvc.web.settings import WebSettings
from enrollment.beside import with_pages
from tests.browser.actor import act
from tests.support.ports import free_port
from tests.support.prepared import prepare
from tests.support.service import embedded, said

# Dozens of frames of a head are judged in the process that also serves the page: patience on a busy machine.
pytestmark = pytest.mark.timeout(300)

_log = logging.getLogger(__name__)

SHOWN = (Gesture.LEFT, Gesture.RIGHT)
OTHERS = ((Gesture.UP, Gesture.LEFT), (Gesture.LEFT, Gesture.SMILE))


class Watched:
    """A service in this process whose faces are judged for liveness, with its pages."""

    def __init__(self, folder: Path, models: Path) -> None:
        self.url = f"http://localhost:{(port := free_port())}"
        settings = embedded(folder, base_url=self.url, unsafe_no_pad=False)
        prepare(settings)
        faces = face_service(models, unsafe_no_pad=False)
        faces.load()
        self.wired: Wired = wire(settings, face=faces)
        self.key: ApiKey = new_api_key(
            self.wired.store.ring, "shop", ALL_SCOPES, self.wired.store.clock.now()
        )[0]
        self.wired.store.ledger.transact(lambda tx: tx.keys.add(self.key))
        pages = with_pages(create_app(self.wired.services, WebSettings(self.url)), self.url)
        self._server = make_server("127.0.0.1", port, pages, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def enroll(self, page: Page, user: str) -> None:
        """As far as the camera."""
        once = Once(f"enroll-{user}", b"f" * 32)
        ticket = said(self.wired.services.enrollments.create(self.key, once, TicketWanted(user, "en")))
        page.context.request.post(f"{self.url}/e/{ticket['id']}", form={"token": ticket["token"]})
        page.goto(f"{self.url}/e/{ticket['id']}/consent")
        page.check("input[name=face][value=yes]")
        page.click("main button.button")
        page.wait_for_url(
            "**/device", wait_until="networkidle"
        )  # A file cut off would stay open in the server.
        page.goto(f"{self.url}/e/{ticket['id']}/face")

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.wired.close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[Watched]:
    running = Watched(tmp_path_factory.mktemp("watched"), model_dir)
    yield running
    running.close()


@pytest.fixture(scope="module")
def head(playwright: Playwright, chromium_program: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_program)
    yield browser
    browser.close()


@pytest.fixture
def page(head: Browser, test_data: Path) -> Iterator[Page]:
    context = head.new_context(locale="en-GB", viewport={"width": 390, "height": 844}, permissions=["camera"])
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    act(opened, test_data / "pad" / "live_clip.mp4")
    yield opened
    context.close()


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[Gesture, ...]], None]:
    """Have the server ask for these gestures, and give a busy machine the time that a phone does not need."""
    monkeypatch.setattr(chain, "PART_TIME", timedelta(seconds=20))
    for limit in ("LONGEST_GAP_MS", "USUAL_GAP_MS", "LONGEST_ONSET_MS"):
        monkeypatch.setattr(active, limit, 10_000)
    # Where pictures come half a second apart every movement is one step that stands alone, of the head and behind it.
    for limit in ("_LEAST_CUT", "LARGEST_LEAP", "LARGEST_CHANGE_WITHIN"):
        monkeypatch.setattr(continuity, limit, 1e6)
    judge = ActiveChallenge.judge_parts

    def judged(self: ActiveChallenge, parts: Sequence[Part], dimension: int) -> LivenessResult:
        result = judge(self, parts, dimension)
        _log.warning("judged %s %s", result.verdict, result.evidence)
        return result

    monkeypatch.setattr(ActiveChallenge, "judge_parts", judged)
    return lambda gestures: monkeypatch.setattr(chain, "drawn", lambda seed, *more: gestures)


def show_oneself(page: Page, parts: int) -> list[int]:
    """Turn the camera on, begin, and do what is said; what the server answered to each part."""
    answers: list[int] = []

    def note(answer: Response) -> None:
        if answer.request.method == "PUT":
            answers.append(answer.status)

    page.on("response", note)
    page.click("#start")
    page.click("#record")
    page.wait_for_function(
        "() => !document.getElementById('arrow') || document.querySelector('#hints li')", timeout=120_000
    )
    while len(answers) < parts:
        page.wait_for_timeout(50)
    return answers


def test_a_head_that_makes_the_gestures_asked_is_enrolled(
    watched: Watched, page: Page, asks: Callable[[tuple[Gesture, ...]], None]
) -> None:
    asks(SHOWN)
    watched.enroll(page, "u_living")
    assert show_oneself(page, len(SHOWN)) == [200, 200], page.locator("#hints").all_inner_texts()
    page.wait_for_url(lambda address: not address.endswith("/face"), wait_until="networkidle")


@pytest.mark.parametrize("gestures", OTHERS, ids=["another first", "another then"])
def test_the_same_head_is_refused_where_something_else_is_asked(
    watched: Watched, page: Page, asks: Callable[[tuple[Gesture, ...]], None], gestures: tuple[Gesture, ...]
) -> None:
    asks(gestures)
    watched.enroll(page, f"u_asked_{gestures[0]}")
    assert show_oneself(page, len(gestures)) == [200, 422]
    assert page.url.endswith("/face")
