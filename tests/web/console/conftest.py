"""The console over the real services on an embedded database."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from authsvc.app import App, create_app
from authsvc.config import Settings
from authsvc.keyring import KeyRing
from authsvc.operator import Role
from authsvc.running import Wired
from authsvc.storage.upgrade import database_url, upgrade
from authsvc.web.settings import WebSettings
from authsvc.wiring import wire
from tests.web.console.people import Person
from tests.web.support import BASE_URL

_names = count(1)


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("console"), base_url=BASE_URL, unsafe_no_pad=True)
    KeyRing.create(settings.keyring)
    upgrade(database_url(settings))
    made = wire(settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(wired: Wired) -> App:
    return create_app(wired.services, WebSettings(BASE_URL), console=wired.console)


@pytest.fixture
def new_operator(app: App, wired: Wired) -> Callable[..., Person]:
    """`new_operator(Role.AUDITOR)`: joined, and not signed in yet."""

    def new(*roles: Role, key: bool = False) -> Person:
        return Person(app, wired, f"operator {next(_names)}", *roles, key=key)

    return new


@pytest.fixture
def auditor(new_operator: Callable[..., Person]) -> Person:
    """Signed in with a device key."""
    person = new_operator(Role.AUDITOR, key=True)
    assert person.sign_in().status_code == 200
    return person
