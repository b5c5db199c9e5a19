"""A living head in front of the camera, with liveness on: what the server asks must be what the head does.

Camera, page and judges are the real ones; only the choice of gestures, which is left to chance elsewhere, is the test's,
because a clip can make no others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright
from werkzeug.serving import make_server

from authsvc.bootstrap.app import create_app
from authsvc.bootstrap.running import Wired
from authsvc.bootstrap.wiring import wire
from authsvc.config import Settings
from authsvc.face import verifier
from authsvc.face.build import face_service
from authsvc.face.capture import Gesture
from authsvc.keys.access import ALL_SCOPES, ApiKey, new_api_key
from authsvc.keys.keyring import KeyRing
from authsvc.services.enrollments import TicketWanted
from authsvc.stepup.once import Once
from authsvc.storage.upgrade import database_url, upgrade
from authsvc.web.settings import WebSettings
from enrollment.beside import with_pages
from tests.browser.clips import AHEAD_S, write_head
from tests.support.ports import free_port
from tests.support.service import said

# Dozens of frames of a head are judged in the process that also serves the page: patience on a busy machine.
pytestmark = pytest.mark.timeout(300)

SHOWN = (Gesture.LEFT, Gesture.RIGHT)
OTHERS = ((Gesture.RIGHT, Gesture.LEFT), (Gesture.UP, Gesture.LEFT, Gesture.RIGHT))


class Watched:
    """A service in this process whose faces are judged for liveness, with its pages."""

    def __init__(self, folder: Path, models: Path) -> None:
        self.url = f"http://localhost:{(port := free_port())}"
        settings = Settings(data_dir=folder, base_url=self.url)
        KeyRing.create(settings.keyring)
        upgrade(database_url(settings))
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
def head(
    playwright: Playwright, chromium_program: str, test_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    clip = write_head(test_data / "pad" / "live_clip.mp4", tmp_path_factory.mktemp("head") / "head.y4m")
    browser = playwright.chromium.launch(
        executable_path=chromium_program,
        args=[
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={clip}",
        ],
    )
    yield browser
    browser.close()


@pytest.fixture
def page(head: Browser) -> Iterator[Page]:
    context = head.new_context(locale="en-GB", viewport={"width": 390, "height": 844})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[Gesture, ...]], None]:
    """Have the server ask for these gestures."""
    return lambda gestures: monkeypatch.setattr(verifier, "choose_gestures", lambda: gestures)


def show_oneself(page: Page) -> dict[str, object]:
    """Turn the camera on, wait until the head is about to move, and record; what the server answered."""
    page.click("#start")
    page.wait_for_selector("#record:visible")
    page.wait_for_function(
        "(from) => document.getElementById('video').currentTime >= from", arg=AHEAD_S - 0.6
    )
    with page.expect_response(lambda answer: answer.request.method == "PUT", timeout=120_000) as answered:
        page.click("#record")
    body: dict[str, object] = {"status": answered.value.status}
    return body | (answered.value.json() if answered.value.status != 200 else {})


def test_a_head_that_makes_the_gestures_asked_is_enrolled(
    watched: Watched, page: Page, asks: Callable[[tuple[Gesture, ...]], None]
) -> None:
    asks(SHOWN)
    watched.enroll(page, "u_living")
    assert show_oneself(page) == {"status": 200}
    page.wait_for_url(lambda address: not address.endswith("/face"))


@pytest.mark.parametrize("gestures", OTHERS, ids=["the other way round", "one more"])
def test_the_same_head_is_refused_where_something_else_is_asked(
    watched: Watched, page: Page, asks: Callable[[tuple[Gesture, ...]], None], gestures: tuple[Gesture, ...]
) -> None:
    asks(gestures)
    watched.enroll(page, f"u_asked_{len(gestures)}")
    answer = show_oneself(page)
    assert answer["status"] == 422
    page.wait_for_selector("#hints li")
    assert page.url.endswith("/face")
