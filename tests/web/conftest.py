"""The application over services that a test directs (`fake`, `api`), and over the real ones (`shop`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from authsvc.bootstrap.app import App, create_app
from authsvc.bootstrap.health import Faces
from authsvc.bootstrap.running import Wired
from authsvc.bootstrap.wiring import wire
from authsvc.clock import Clock
from authsvc.config import Settings
from authsvc.keys.access import ALL_SCOPES, Scope, new_api_key
from authsvc.web.settings import WebSettings
from tests.support.prepared import prepare
from tests.web.support import BASE_URL, Api, FakeServices


class Shop:
    """A payment backend with a key of its own, and the API it talks to."""

    def __init__(self, app: App, wired: Wired, api_key: str) -> None:
        self.app = app
        self.wired = wired
        self.api = Api(app)
        self.bearer = {"Authorization": f"Bearer {api_key}"}

    def key_with(self, *scopes: Scope) -> dict[str, str]:
        """The header of another key, which may do no more than this."""
        store = self.wired.store
        key, shown = new_api_key(store.ring, "shop", frozenset(scopes), store.clock.now())
        store.ledger.transact(lambda tx: tx.keys.add(key))
        return {"Authorization": f"Bearer {shown}"}


@pytest.fixture(scope="module")
def directed() -> tuple[FakeServices, App]:
    """Made once: an application has a hundred routes, and keeps nothing of one test for another but what it counts."""
    fake = FakeServices()
    return fake, create_app(fake, WebSettings(BASE_URL))  # type: ignore[arg-type]  # It answers to every name.


@pytest.fixture
def fake(directed: tuple[FakeServices, App]) -> FakeServices:
    directed[0].forget()
    return directed[0]


@pytest.fixture
def app(fake: FakeServices, directed: tuple[FakeServices, App]) -> App:
    return directed[1]


@pytest.fixture
def api(app: App) -> Api:
    return Api(app)


_users = count()


@pytest.fixture
def user() -> str:
    """A name that no other test uses."""
    return f"u_{next(_users)}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The real services over an embedded database; no biometric worker runs beside them."""
    with opened_shop(tmp_path_factory.mktemp("authsvc")) as shop:
        yield shop


@contextmanager
def opened_shop(
    folder: Path, face: Faces | None = None, clock: Clock | None = None, **changes: Any
) -> Iterator[Shop]:
    """A shop with services of its own, some of whose settings are changed; `face` judges faces in this process."""
    settings = Settings(**{"data_dir": folder, "base_url": BASE_URL, "unsafe_no_pad": True, **changes})
    prepare(settings)
    wired = wire(settings, clock, face=face)
    key, shown = new_api_key(wired.store.ring, "shop", ALL_SCOPES, wired.store.clock.now())
    wired.store.ledger.transact(lambda tx: tx.keys.add(key))
    yield Shop(create_app(wired.services, WebSettings(BASE_URL)), wired, shown)
    wired.close()
