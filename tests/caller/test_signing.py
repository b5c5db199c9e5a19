"""The client signs as the service verifies, each try anew; a key that cannot sign is refused before anything is sent."""

import sys
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from authsvc.client import AuthsvcClient, Payee, Payment, Subject
from authsvc.errors import ConfigurationError, Unavailable
from tests.caller.playing import Asked, Played, Service
from tests.web.conftest import opened_shop
from tests.web.test_bound import Backend, Request, refused

PAYMENT = Payment("pay_1", "transfer", 2_000, "CNY", Payee("cn:622848", "友谊商店"), Subject("shop", "u_42"))

CALLS: dict[str, Callable[[AuthsvcClient], object]] = {
    "body and key of a repeat": lambda auth: auth.decide(PAYMENT, risk_score=5),
    "body alone": lambda auth: auth.users.verify_always("u_42", True),
    "path that is quoted": lambda auth: auth.status("李 雷"),
    "query": lambda auth: auth.events(after=3, limit=7),
    "no body": lambda auth: auth.webhooks.list(),
    "body of nothing": lambda auth: auth.users.withdraw_face("u_42"),
}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with opened_shop(tmp_path_factory.mktemp("signing")) as shop:
        backend = Backend(shop)
        backend.bind(signing_keys=frozenset({backend.public}))
        yield backend


def asked_by(backend: Backend, call: Callable[[AuthsvcClient], object], *answers: Played) -> list[Asked]:
    """What goes over the wire; the answers played are not the service's and may be refused."""
    with Service() as service:
        service.plays(*answers, Played(418))
        key = backend.shop.bearer["Authorization"].split(" ")[1]
        signing_key = backend.secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with (
            AuthsvcClient(
                service.url, key, client="shop", signing_key=signing_key, sleep=lambda _: None
            ) as auth,
            pytest.raises(Unavailable),
        ):
            call(auth)
        return service.asked


def received(backend: Backend, asked: Asked) -> Request:
    path, _, query = asked.path.partition("?")
    return Request(path, asked.method, asked.body, asked.headers, query)


@pytest.mark.parametrize("name", CALLS)
def test_the_service_knows_the_clients_signature_once(backend: Backend, name: str):
    (asked,) = asked_by(backend, CALLS[name])
    answer = backend.send(received(backend, asked), **{"authsvc.raw_path": asked.path.partition("?")[0]})
    assert answer.status_code != 401, answer.text
    assert refused(backend.send(received(backend, asked)))


@pytest.mark.parametrize("spoiled", ["body", "path", "Idempotency-Key", "Signature", "Content-Digest"])
def test_what_was_changed_on_the_way_is_refused(backend: Backend, spoiled: str):
    (asked,) = asked_by(backend, CALLS["body and key of a repeat"])
    request = received(backend, asked)
    if spoiled == "body":
        request.body = request.body.replace(b"2000", b"9000")
    elif spoiled == "path":
        request.path = "/v1/enrollments"
    else:
        request.headers = {**request.headers, spoiled: spoiled_text(request.headers[spoiled])}
    assert backend.send(request).status_code == 401


def spoiled_text(value: str) -> str:
    """With its sixth letter from the end changed, which is inside whatever quotes and marks surround it."""
    return value[:-6] + ("B" if value[-6] == "A" else "A") + value[-5:]


def test_each_try_is_signed_anew(backend: Backend):
    first, second = asked_by(backend, CALLS["body and key of a repeat"], Played(503))
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.headers["Signature-Input"] != second.headers["Signature-Input"]
    assert backend.send(received(backend, second)).status_code == 201
    again = backend.send(received(backend, first))
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"no PEM",
        "a text",
        7,
        generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
        ),
    ],
)
def test_a_key_that_cannot_sign_is_a_mistake_of_configuration(key: object):
    with pytest.raises(ConfigurationError, match="signing_key"):
        AuthsvcClient("https://auth.example", "ak_1_x", client="shop", signing_key=key)  # type: ignore[arg-type]


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "http_message_signatures", None)
    with pytest.raises(ConfigurationError, match=r"authsvc\[signed\]"):
        AuthsvcClient(
            "https://auth.example", "ak_1_x", client="shop", signing_key=Ed25519PrivateKey.generate()
        )
