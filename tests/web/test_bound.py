"""Keys that are bound: to a certificate that the connection showed, or to signatures of the requests (RFC 9421)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from werkzeug.test import TestResponse

from authsvc.bootstrap.app import create_app
from authsvc.cli.main import main
from authsvc.keys.access import ApiKey, name_of
from authsvc.web.settings import WebSettings
from tests.support.certificates import Authority
from tests.web.conftest import Shop, opened_shop
from tests.web.support import BASE_URL, DECISION

signatures = pytest.importorskip("http_message_signatures", reason="http-message-signatures is not installed")


@dataclass
class Request:
    """A request that is signed as a payment backend would, and may be spoiled afterwards."""

    path: str = "/v1/decisions"
    method: str = "POST"
    body: bytes = field(default_factory=lambda: json.dumps(DECISION).encode())
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""

    @property
    def url(self) -> str:
        return f"{BASE_URL}{self.path}" + (f"?{self.query}" if self.query else "")


class Backend:
    """A shop with a key of its own for signing."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.client = shop.app.test_client()
        self.secret = Ed25519PrivateKey.generate()
        self.public = self.secret.public_key().public_bytes_raw().hex()
        self.count = 0

    def bind(self, **bindings: frozenset[str]) -> None:
        store = self.shop.wired.store
        key_id = self.shop.bearer["Authorization"].split("_")[1]
        key = store.ledger.read(lambda tx: tx.keys.find(key_id))
        assert key is not None
        bound: ApiKey = replace(key, certificates=frozenset(), signing_keys=frozenset())
        bound = replace(bound, **bindings)  # type: ignore[arg-type]  # By name.
        assert store.ledger.transact(lambda tx: tx.keys.bind(bound))
        self.shop.wired.services.admission._parts.keys._seen.clear()

    def request(self, **changes: Any) -> Request:
        self.count += 1
        made = Request(**changes)
        made.headers = {
            **self.shop.bearer,
            "Host": "auth.example",
            "Content-Type": "application/json",
            "Idempotency-Key": f"bound-{self.count}",
        }
        return made

    def signed(self, request: Request, *, covered: tuple[str, ...] = (), **options: Any) -> Request:
        backend = self

        class Keys(signatures.HTTPSignatureKeyResolver):  # type: ignore[misc,name-defined]  # Imported where it is installed.
            def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
                return backend.secret

        signer = signatures.HTTPMessageSigner(
            signature_algorithm=signatures.algorithms.ED25519, key_resolver=Keys()
        )
        always = ("@method", "@path", "authorization", "idempotency-key")
        content = ("content-digest",) if request.body else ()
        query = ("@query",) if request.query else ()
        if request.body and (not covered or "content-digest" in covered):
            options["body"] = request.body
        stated: dict[str, Any] = {
            "created": datetime.now(UTC),
            "nonce": f"nonce-{self.count}",
            "include_alg": True,
            **options,
        }
        if stated["nonce"] is None:
            del stated["nonce"]
        signer.sign(
            request,
            key_id=name_of(self.public),
            covered_component_ids=covered or (*always, *content, *query),
            **stated,
        )
        return request

    def send(self, request: Request, **environ: object) -> TestResponse:
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        return self.client.open(
            request.path,
            method=request.method,
            data=request.body,
            headers=headers,
            query_string=request.query or None,
            base_url=BASE_URL,
            environ_overrides=dict(environ),
        )


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with opened_shop(tmp_path_factory.mktemp("bound")) as shop:
        yield Backend(shop)


def refused(answer: TestResponse) -> bool:
    """With the one answer for every bad credential."""
    told: Mapping[str, Any] = json.loads(answer.text)
    return answer.status_code == 401 and "no good credential" in told["detail"]


def test_a_key_that_is_bound_to_certificates(backend: Backend, tmp_path: Path):
    authority = Authority(tmp_path)
    old, new, other = (authority.issue(name).fingerprint for name in ("old", "new", "other"))
    backend.bind(certificates=frozenset({old, new}))
    for shown in (old, new):
        answer = backend.send(backend.request(), **{"authsvc.client_certificate": shown})
        assert answer.status_code in (200, 201), answer.text
    for unknown in (other, "", None):
        assert refused(backend.send(backend.request(), **{"authsvc.client_certificate": unknown}))
    assert refused(backend.send(backend.request()))
    # What a client writes into a header is no certificate.
    spoof = backend.request()
    spoof.headers |= {"Client-Cert": f":{old}:", "Authsvc-Client-Certificate": old}
    assert refused(backend.send(spoof))


def test_a_signed_request_is_answered_once(backend: Backend, caplog: pytest.LogCaptureFixture):
    backend.bind(signing_keys=frozenset({backend.public}))
    request = backend.signed(backend.request())
    assert backend.send(request).status_code in (200, 201)
    assert refused(backend.send(request))
    assert "`nonce` was used before" in caplog.text
    asked = backend.signed(Request("/v1/events", "GET", b"", backend.request().headers, "after=0"))
    assert backend.send(asked).status_code == 200


def test_the_server_s_second_look_is_the_same_request(backend: Backend):
    backend.bind(signing_keys=frozenset({backend.public}))
    request = backend.signed(backend.request())
    assert backend.send(request).status_code in (200, 201)
    again = backend.send(request, **{"authsvc.waited": 1.0})
    assert again.status_code in (200, 201), again.text


def test_what_is_not_signed_as_it_must_be_is_refused(backend: Backend):
    backend.bind(signing_keys=frozenset({backend.public}))

    def spoiled(**changes: Any) -> Request:
        return replace(backend.signed(backend.request()), **changes)

    now = datetime.now(UTC)
    changed = spoiled()
    changed.headers["Idempotency-Key"] = "another"
    unsigned = backend.request()
    spoiled_in = {
        "no signature": unsigned,
        "a changed body": spoiled(body=json.dumps({**DECISION, "user_id": "mallory"}).encode()),
        "another address": spoiled(path="/v1/receipts/verify"),
        "another Idempotency-Key": changed,
        "an old date": backend.signed(backend.request(), created=now - timedelta(minutes=5)),
        "a date to come": backend.signed(backend.request(), created=now + timedelta(minutes=5)),
        "no nonce": backend.signed(backend.request(), nonce=None),
        "the body left out": backend.signed(backend.request(), covered=("@method", "@path", "authorization")),
        "the address left out": backend.signed(
            backend.request(), covered=("@method", "authorization", "content-digest", "idempotency-key")
        ),
    }
    for name, request in spoiled_in.items():
        assert refused(backend.send(request)), name
    query = backend.signed(Request("/v1/events", "GET", b"", backend.request().headers, "after=0"))
    query.query = "after=7"
    assert refused(backend.send(query))
    stranger = Backend(backend.shop)
    stranger.count = 900
    assert refused(backend.send(stranger.signed(stranger.request())))
    # And the one beside them all is answered.
    assert backend.send(backend.signed(backend.request())).status_code in (200, 201)


def test_a_rotation_of_signing_keys_overlaps(backend: Backend):
    successor = Backend(backend.shop)
    successor.count = 500
    backend.bind(signing_keys=frozenset({backend.public, successor.public}))
    for each in (backend, successor):
        assert each.send(each.signed(each.request())).status_code in (200, 201)
    backend.bind(signing_keys=frozenset({successor.public}))
    assert refused(backend.send(backend.signed(backend.request())))
    assert successor.send(successor.signed(successor.request())).status_code in (200, 201)


def test_a_short_lived_store_that_is_gone_refuses(backend: Backend, tmp_path: Path):
    with opened_shop(tmp_path, redis_url="redis://127.0.0.1:1", store_timeout=timedelta(seconds=0.2)) as shop:
        alone = Backend(shop)
        alone.bind(signing_keys=frozenset({alone.public}))
        answer = alone.send(alone.signed(alone.request()))
        assert answer.status_code == 503


def test_the_commands(tmp_path: Path):
    authority = Authority(tmp_path / "authority")
    first, second = authority.issue("first"), authority.issue("second")
    public = tmp_path / "signing.pem"
    public.write_bytes(
        Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "data").mkdir()
    with opened_shop(tmp_path / "data") as shop:
        key_id = shop.bearer["Authorization"].split("_")[1]

        def run(*words: str) -> Any:
            done = CliRunner().invoke(main, ["keys", *words, "--data-dir", str(tmp_path / "data"), "--json"])
            return json.loads(done.stdout) if done.exit_code == 0 else done.stderr

        assert run("bind", key_id, "--certificate", str(first.certificate))["certificates"] == [
            first.fingerprint
        ]
        both = run("bind", key_id, "--certificate", str(second.certificate), "--signing-key", str(public))
        assert both["certificates"] == sorted([first.fingerprint, second.fingerprint])
        assert len(both["signing_keys"][0]) == 16
        assert run("unbind", key_id, "--certificate", str(first.certificate))["certificates"] == [
            second.fingerprint
        ]
        assert "bound to nothing" in run("unbind", key_id, "--certificate", str(second.certificate))
        assert "no Ed25519 key" in run("bind", key_id, "--signing-key", str(_other_public_key(tmp_path)))
        assert "no certificate" in run("bind", key_id, "--certificate", str(public))
        assert "no public key" in run("bind", key_id, "--signing-key", str(first.certificate))
        successor = run("rotate", key_id)
        assert successor["certificates"] == [second.fingerprint]
        assert not shop.wired.store.adopting.look().findings
        app = create_app(shop.wired.services, WebSettings(BASE_URL))
        answer = app.test_client().get(
            "/v1/events?after=0", headers={"Authorization": f"Bearer {successor['api_key']}"}
        )
        assert refused(answer)


def _other_public_key(folder: Path) -> Path:
    key = Authority(folder / "other")._key.public_key()
    path = folder / "p256.pem"
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path
