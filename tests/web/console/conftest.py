"""The console over the real services on an embedded database."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pyotp
import pytest

from authsvc.bootstrap.app import App, create_app
from authsvc.bootstrap.running import Wired
from authsvc.bootstrap.wiring import wire
from authsvc.device.novelty import StatedDevice
from authsvc.domain.once import Once
from authsvc.domain.operator import Role
from authsvc.errors import NotFound
from authsvc.factor import Submission
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.payment import Payee, Payment
from authsvc.services.enrollments import TicketWanted
from authsvc.stepup.deciding import DecisionRequest
from authsvc.subject import Subject
from authsvc.web.settings import WebSettings
from tests.support.prepared import prepare
from tests.support.service import Here, embedded
from tests.web.console.people import Person
from tests.web.support import BASE_URL

_names = count(1)


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    settings = embedded(tmp_path_factory.mktemp("console"), base_url=BASE_URL)
    made = wire(prepare(settings), analyst=Here())
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(wired: Wired) -> App:
    return create_app(wired.services, WebSettings(BASE_URL), console=wired.console)


class Shop:
    """A payment backend that decides and enrolls through the services themselves."""

    def __init__(self, wired: Wired) -> None:
        self._services = wired.services
        self._clock = wired.store.clock
        self._key, _ = new_api_key(wired.store.ring, "shop", ALL_SCOPES, self._clock.now())
        wired.store.ledger.transact(lambda tx: tx.keys.add(self._key))

    def decide(self, user: str, amount: int, currency: str = "CNY") -> dict[str, Any]:
        payment = Payment.stated(
            transaction_id=f"pay_{next(_names)}",
            type="transfer",
            amount_minor=amount,
            currency=currency,
            payee=Payee("shop_1", "友谊商店"),
            subject=Subject("shop", user),
        )
        request = DecisionRequest(payment, StatedDevice(), risk_score=5)
        answer = self._services.decisions.decide(self._key, self._once(), request)
        decided: dict[str, Any] = json.loads(answer.body)
        return decided

    def enroll(self, user: str) -> None:
        """Somebody with a device, once."""
        if self._is_known(user):
            return
        ticket = json.loads(
            self._services.enrollments.create(self._key, self._once(), TicketWanted(user, "zh-CN", None)).body
        )
        opened = (ticket["id"], ticket["token"])
        self._services.enrollments.begin_step(*opened, "device", {})
        self._services.enrollments.take_step(*opened, "device", Submission({"name": "手机"}))
        begun = self._services.enrollments.begin_step(*opened, "otp", {})
        code = pyotp.TOTP(str(begun["secret"])).now()
        self._services.enrollments.take_step(*opened, "otp", Submission({"code": code}))
        self._services.enrollments.complete(*opened)

    def _is_known(self, user: str) -> bool:
        try:
            self._services.users.status(self._key, user)
        except NotFound:
            return False
        return True

    def _once(self) -> Once:
        return Once(f"key-{next(_names)}", bytes(32))


@pytest.fixture(scope="module")
def shop(wired: Wired) -> Shop:
    return Shop(wired)


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
