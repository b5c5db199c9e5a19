"""Debian's Chromium in front of a running service and shop; skipped, saying so, where there is no browser or no model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.clips import write_clip
from tests.browser.phone import Phone
from tests.browser.town import DemoShop
from tests.support.live import LiveService

APP = f"android:apk-key-hash:{'A' * 43}"
"""The origin of an app of the shop's own."""

_numbers = count(1)


@pytest.fixture(scope="package")
def chromium_program() -> str:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed; `make test` installs it")
    return program


@pytest.fixture(scope="package")
def service(
    tmp_path_factory: pytest.TempPathFactory, model_dir: Path, chromium_program: str
) -> Iterator[LiveService]:
    folder = tmp_path_factory.mktemp("town")
    with LiveService(folder, model_dir, workers=1, environment={"AUTHSVC_ORIGINS": APP}) as running:
        running.await_face()
        yield running


@pytest.fixture(scope="package")
def shop_url(service: LiveService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with DemoShop(service, tmp_path_factory.mktemp("shop")) as shop:
        yield shop.url


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Ended with the last browser test: while it runs, this thread has an event loop, and no test may start another."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser_seeing(
    playwright: Playwright, chromium_program: str, faces_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Browser]]:
    """A browser whose camera shows a photograph, by its name in the folder of faces."""
    browsers: dict[str, Browser] = {}

    def seeing(photograph: str) -> Browser:
        if photograph not in browsers:
            clip = write_clip(faces_dir / photograph, tmp_path_factory.mktemp("camera") / "clip.y4m")
            browsers[photograph] = playwright.chromium.launch(
                executable_path=chromium_program,
                args=[
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-video-capture={clip}",
                ],
            )
        return browsers[photograph]

    yield seeing
    for browser in browsers.values():
        browser.close()


@pytest.fixture
def new_phone(browser_seeing: Callable[[str], Browser], shop_url: str) -> Iterator[Callable[..., Phone]]:
    """A phone in a person's hand: `new_phone()` for somebody unknown, `new_phone(user)` for somebody's further phone."""
    phones: list[Phone] = []

    def new(user: str = "", *, sees: str = "obama/1.jpg", **options: object) -> Phone:
        name = user or f"u_browser_{next(_numbers)}"
        phone = Phone(browser_seeing(sees), shop_url, name, **options)  # type: ignore[arg-type]  # As Phone has them.
        phones.append(phone)
        return phone

    yield new
    for phone in phones:
        phone.close()


@pytest.fixture
def phone(new_phone: Callable[..., Phone]) -> Phone:
    return new_phone()
