"""A key that is bound to signatures, attacked over HTTP at four processes: whoever saw one can send it no second time.

The signature is made here by RFC 9421's own words, so that it may also leave out what an honest signer never would.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authsvc.cli.main import main
from tests.guarantees.people import race
from tests.support.live import PATIENCE_S, Answer, LiveService

pytest.importorskip("http_message_signatures", reason="http-message-signatures is not installed")

DECISIONS = "/v1/decisions"
COVERED = ("@method", "@path", "authorization", "idempotency-key", "content-digest")


def payment() -> dict[str, Any]:
    transaction = {
        "id": f"pay_{secrets.token_hex(6)}",
        "type": "transfer",
        "amount_minor": 2_500,
        "currency": "CNY",
        "payee": {"id": "shop_1", "name": "友谊商店"},
    }
    return {"transaction": transaction, "user_id": "u_signed", "risk": {"score": 5}}


@dataclass
class Backend:
    """A client with an API key of its own and the private half of what the key is bound to."""

    service: LiveService
    api_key: str
    secret: Ed25519PrivateKey
    key_id: str


@dataclass(frozen=True)
class Signed:
    """A request; `headers` may hold a name twice."""

    backend: Backend
    method: str = "POST"
    path: str = DECISIONS
    body: bytes = field(default_factory=lambda: json.dumps(payment()).encode())
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        return next(value for each, value in self.headers if each.lower() == name.lower())

    def without(self, name: str) -> Signed:
        kept = tuple(each for each in self.headers if each[0].lower() != name.lower())
        return replace(self, headers=kept)

    def with_header(self, name: str, value: str) -> Signed:
        return replace(self.without(name), headers=(*self.without(name).headers, (name, value)))

    def beside(self, name: str, value: str, *, first: bool = False) -> Signed:
        """With a second header of this name."""
        added = ((name, value),)
        return replace(self, headers=added + self.headers if first else self.headers + added)

    def send(self) -> Answer:
        """Header by header as they stand, so that a name may come twice."""
        began = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", self.backend.service.port, timeout=PATIENCE_S)
        with closing(connection):
            connection.putrequest(self.method, self.path)
            for name, value in (*self.headers, ("Content-Length", str(len(self.body)))):
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(self.body)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read(), time.perf_counter() - began)


def digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def request(backend: Backend) -> Signed:
    made = Signed(backend)
    return replace(
        made,
        headers=(
            ("Authorization", f"Bearer {backend.api_key}"),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", f'"{secrets.token_hex(8)}"'),
            ("Content-Digest", digest(made.body)),
        ),
    )


def signed(
    made: Signed,
    covered: Sequence[str] = COVERED,
    *,
    by: Callable[[bytes], bytes] | None = None,
    without: str = "",
    **stated: object,
) -> Signed:
    """With a signature; `stated` are parameters other than the usual ones, `without` names one that is left out."""
    usual: dict[str, object] = {
        "created": int(time.time()),
        "keyid": made.backend.key_id,
        "alg": "ed25519",
        "nonce": secrets.token_urlsafe(12),
    }
    params = {name: value for name, value in {**usual, **stated}.items() if name != without}
    listed = " ".join(f'"{name}"' for name in covered)
    said = f"({listed})" + "".join(f";{name}={_item(value)}" for name, value in params.items())
    base = "\n".join(
        [*(f'"{name}": {_component(made, name)}' for name in covered), f'"@signature-params": {said}']
    )
    signature = base64.b64encode((by or made.backend.secret.sign)(base.encode())).decode()
    return made.with_header("Signature-Input", f"sig={said}").with_header("Signature", f"sig=:{signature}:")


def _item(value: object) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'


def _component(made: Signed, name: str) -> str:
    derived = {
        "@method": made.method,
        "@path": made.path,
        "@authority": f"127.0.0.1:{made.backend.service.port}",
    }
    return derived[name] if name in derived else made.header(name)


@pytest.fixture(scope="module")
def backends() -> dict[LiveService, Backend]:
    """One for each service."""
    return {}


@pytest.fixture
def backend(service: LiveService, backends: dict[LiveService, Backend], tmp_path: Path) -> Backend:
    if service not in backends:
        backends[service] = bound(service, tmp_path)
    return backends[service]


def bound(service: LiveService, folder: Path, name: str = "signing") -> Backend:
    secret = Ed25519PrivateKey.generate()
    public = folder / f"{name}.pem"
    public.write_bytes(secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    key = run(service, "create", "--client", f"signed-{secrets.token_hex(4)}", "--scope", "decisions")
    [key_id] = run(service, "bind", key["id"], "--signing-key", str(public))["signing_keys"]
    return Backend(service, key["api_key"], secret, key_id)


def run(service: LiveService, *words: str) -> Any:
    done = CliRunner().invoke(main, ["keys", *words, "--json", *service.store_options])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def is_refused(answer: Answer) -> bool:
    return (answer.status, answer.slug) == (401, "unauthenticated")


# -- Once ----------------------------------------------------------------------------------------------------------------


def test_a_signed_request_that_is_sent_at_once_to_every_process_counts_once(backend: Backend) -> None:
    made = signed(request(backend))
    answers = race(12, lambda _: made.send())
    assert sorted(answer.status for answer in answers) == [201] + 11 * [401]
    assert is_refused(made.send())


def test_a_repeat_is_signed_anew_and_an_unsigned_one_gets_no_stored_answer(backend: Backend) -> None:
    made = request(backend)
    first = signed(made).send()
    assert first.status == 201
    assert is_refused(made.send())
    again = signed(made).send()
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json == first.json


# -- Changed on the way --------------------------------------------------------------------------------------------------

Change = Callable[[Signed], Signed]


def _twice(name: str, value: Callable[[Signed], str], *, first: bool) -> Change:
    return lambda made: made.beside(name, value(made), first=first)


def _other_body(made: Signed) -> Signed:
    return replace(made, body=json.dumps({**json.loads(made.body), "user_id": "mallory"}).encode())


def _other_digest(made: Signed) -> str:
    return digest(_other_body(made).body)


CHANGED: dict[str, Change] = {
    "another body under the same digest": _other_body,
    "another body under its own digest": lambda made: _other_body(made).with_header(
        "Content-Digest", _other_digest(made)
    ),
    "a second digest behind": lambda made: _other_body(made).beside("Content-Digest", _other_digest(made)),
    "a second digest before": lambda made: _other_body(made).beside(
        "Content-Digest", _other_digest(made), first=True
    ),
    "no digest": lambda made: made.without("Content-Digest"),
    "another Idempotency-Key": lambda made: made.with_header("Idempotency-Key", '"mallory"'),
    "a second Idempotency-Key": _twice("Idempotency-Key", lambda made: '"mallory"', first=False),
    "a second Idempotency-Key before": _twice("Idempotency-Key", lambda made: '"mallory"', first=True),
    "another address": lambda made: replace(made, path="/v1/receipts/verify"),
    "the address with another spelling": lambda made: replace(made, path="/v1/%64ecisions"),
    "a query": lambda made: replace(made, path=f"{DECISIONS}?x=1"),
    "another method": lambda made: replace(made, method="PUT"),
    "a second authorization": _twice("Authorization", lambda made: "Bearer ak_x_y", first=False),
    "a second signature of nothing": lambda made: made.beside(
        "Signature-Input", f'other=("@method");created={int(time.time())};keyid="x";nonce="n"'
    ).beside("Signature", "other=:AAAA:"),
    "the same signature twice": lambda made: made.beside("Signature", made.header("Signature")).beside(
        "Signature-Input", made.header("Signature-Input")
    ),
    "no Signature-Input": lambda made: made.without("Signature-Input"),
    "no Signature": lambda made: made.without("Signature"),
    "another time stated": lambda made: made.with_header(
        "Signature-Input", made.header("Signature-Input").replace("created=1", "created=2")
    ),
    "another label": lambda made: made.with_header("Signature", made.header("Signature").replace("sig=", "gis=")),
    "a signature that is a text": lambda made: made.with_header("Signature", 'sig="x"'),
    "a list instead of a signature": lambda made: made.with_header("Signature", "sig=(:AAAA:)"),
    "a signature that is no field": lambda made: made.with_header("Signature", "\x22=:;,(("),
    "components that are no texts": lambda made: made.with_header("Signature-Input", "sig=(1 :AA==:);created=1"),
    "more depth than there is": lambda made: made.with_header("Signature-Input", "sig=" + 500 * "("),
    "a time that is a text": lambda made: made.with_header("Signature-Input", 'sig=("@method");created="1";keyid="x"'),
    "a time beyond all": lambda made: made.with_header(
        "Signature-Input", 'sig=("@method");created=999999999999999;keyid="x";nonce="n"'
    ),
    "letters beyond ASCII": lambda made: made.with_header("Signature-Input", "sig=(\xe9)"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGED)
def test_what_is_changed_on_the_way_is_refused(backend: Backend, change: str) -> None:
    made = signed(request(backend))
    answer = CHANGED[change](made).send()
    assert answer.status in (400, 401, 404, 405), answer


# -- Signed, and not as it must be ---------------------------------------------------------------------------------------


def _hmac_with_the_public_key(backend: Backend) -> Callable[[bytes], bytes]:
    """What a verifier takes for right that lets the request choose the algorithm."""
    public = backend.secret.public_key().public_bytes_raw()
    return lambda base: hmac.digest(public, base, "sha256")


Made = Callable[[Backend], Signed]


def _leaving_out(name: str) -> Made:
    return lambda backend: signed(request(backend), [each for each in COVERED if each != name])


def _stating(**stated: object) -> Made:
    return lambda backend: signed(request(backend), **stated)  # type: ignore[arg-type]  # Parameters of the signature.


def _seconds(away: int) -> int:
    return int(time.time()) + away


NO_GOOD: dict[str, Made] = {
    **{f"without {name}": _leaving_out(name) for name in COVERED},
    "over nothing": lambda backend: signed(request(backend), ()),
    "by nobody's key": lambda backend: signed(request(backend), by=Ed25519PrivateKey.generate().sign),
    "by a key of another name": _stating(keyid="0" * 16),
    "by HMAC with the public key": lambda backend: signed(
        request(backend), by=_hmac_with_the_public_key(backend), alg="hmac-sha256"
    ),
    "by HMAC that is called Ed25519": lambda backend: signed(
        request(backend), by=_hmac_with_the_public_key(backend)
    ),
    "said to be ECDSA": _stating(alg="ecdsa-p256-sha256"),
    "said to be RSA": _stating(alg="rsa-pss-sha512"),
    "said to be nothing": _stating(alg="none"),
    "with nothing": lambda backend: signed(request(backend), by=lambda base: b""),
    "with zeros": lambda backend: signed(request(backend), by=lambda base: bytes(64)),
    "two minutes ago": lambda backend: signed(request(backend), created=_seconds(-120)),
    "in two minutes": lambda backend: signed(request(backend), created=_seconds(120)),
    "and expired": lambda backend: signed(request(backend), expires=_seconds(-30)),
    "at no time": lambda backend: signed(request(backend), without="created"),
    "with no nonce": lambda backend: signed(request(backend), without="nonce"),
    "with an empty nonce": _stating(nonce=""),
    "with no key": lambda backend: signed(request(backend), without="keyid"),
    "with a parameter of nobody": _stating(purpose="x"),
}


@pytest.mark.parametrize("how", NO_GOOD)
def test_what_is_not_signed_as_it_must_be_is_refused(backend: Backend, how: str) -> None:
    assert is_refused(NO_GOOD[how](backend).send())


def test_a_signature_by_another_client_opens_nothing(
    service: LiveService, backend: Backend, tmp_path: Path
) -> None:
    mallory = bound(service, tmp_path, "mallory")
    theirs = request(backend)
    assert is_refused(signed(replace(theirs, backend=mallory)).send())
    assert is_refused(signed(replace(theirs, backend=replace(mallory, key_id=backend.key_id))).send())
    # Each with their own, in the same moment and with the same nonce, is let in.
    for each in (backend, mallory):
        assert signed(request(each), nonce="the same").send().status == 201


def test_a_host_that_was_signed_is_the_one_that_is_asked(backend: Backend) -> None:
    made = signed(request(backend), (*COVERED, "@authority"))
    elsewhere = replace(made, headers=(*made.headers, ("Host", "elsewhere.example")))
    assert elsewhere.send().status in (400, 401)
    assert made.send().status in (201, 401)
