"""The whole service under TLS of its own, with a listener for operators, asked by the client of a backend whose key is bound."""

import gzip
import json
import ssl
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.util import find_spec
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from authsvc.client import AuthsvcClient
from authsvc.errors import Unauthenticated, Unavailable
from tests.support.certificates import Authority, Pair
from tests.support.live import PATIENCE_S, PROGRAM, LiveService
from tests.support.ports import free_port
from tests.support.receiver import Receiver


class EncryptedService(LiveService):
    """`authsvc serve` under TLS; its health is asked where operators ask."""

    def __init__(self, folder: Path, models: Path, collector: Receiver | None) -> None:
        self.authority = Authority(folder / "authority")
        ours = self.authority.issue("localhost", file="server")
        self.operators_port = free_port()
        environment = {
            "AUTHSVC_TLS_CERTIFICATE_FILE": str(ours.certificate),
            "AUTHSVC_TLS_KEY_FILE": str(ours.key),
            "AUTHSVC_TLS_CLIENT_CA_FILE": str(self.authority.ca),
            "AUTHSVC_TLS_REVOKED_FILE": str(self.authority.crl),
            "AUTHSVC_ADMIN_PORT": str(self.operators_port),
            "AUTHSVC_LOG_FORMAT": "json",
        }
        if collector is not None:
            environment["AUTHSVC_OTLP_ENDPOINT"] = f"http://127.0.0.1:{collector.port}/v1/traces"
        super().__init__(folder, models, workers=1, environment=environment)

    def answers(self) -> bool:
        try:
            return self.of_operators("/readyz")[0] == 200
        except (OSError, HTTPException):
            return False

    def of_operators(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.operators_port, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def client(self, shown: Pair | None = None) -> AuthsvcClient:
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        url = f"https://localhost:{self.port}"
        return AuthsvcClient(url, self.api_key, client="demo-shop", tries=1, ssl_context=context)


@pytest.fixture(scope="module")
def collector() -> Iterator[Receiver | None]:
    """Where spans go; None where the extra is missing."""
    if find_spec("opentelemetry") is None:
        yield None
        return
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, model_dir: Path, collector: Receiver | None
) -> Iterator[EncryptedService]:
    with EncryptedService(tmp_path_factory.mktemp("tls"), model_dir, collector) as running:
        yield running


def status(client: AuthsvcClient) -> str:
    payment = client.payment(
        "u_1", "pay_1", type="transfer", amount_minor=100, currency="CNY", payee_id="p", payee_name="payee"
    )
    with client:
        return client.decide(payment).status


def is_refused(service: EncryptedService, shown: Pair | None) -> bool:
    try:
        status(service.client(shown))
    except Unauthenticated:
        return True
    return False


def test_a_bound_key_is_good_with_its_certificate_alone(service: EncryptedService):
    shop, other = service.authority.issue("shop"), service.authority.issue("other")
    assert status(service.client())
    key_id = service.api_key.split("_")[1]
    command = [
        PROGRAM,
        "keys",
        "bind",
        key_id,
        "--certificate",
        str(shop.certificate),
        *service.store_options,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert status(service.client(shop))
    deadline = time.monotonic() + PATIENCE_S
    while not is_refused(service, None):
        # A worker believes what it read of a key for half a second.
        assert time.monotonic() < deadline
    assert is_refused(service, other)
    # Nobody is a trusted proxy here: what a client says of a certificate is no certificate.
    assert _status_where_one_says(service, None, shop) == _status_where_one_says(service, other, shop) == 401
    assert _status_where_one_says(service, shop, other) == 200
    with pytest.raises(Unavailable):
        status(service.client(Authority(service.data_dir / "foreign").issue("shop")))


def _status_where_one_says(service: EncryptedService, shown: Pair | None, said: Pair) -> int:
    context = ssl.create_default_context(cafile=str(service.authority.ca))
    if shown is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    forwarded = b64encode(said.loaded.public_bytes(Encoding.DER)).decode()
    headers = {"Authorization": f"Bearer {service.api_key}", "Client-Cert": f":{forwarded}:"}
    with closing(HTTPSConnection("localhost", service.port, timeout=PATIENCE_S, context=context)) as asked:
        asked.request("GET", "/v1/events?after=0", headers=headers)
        return asked.getresponse().status


def test_operators_ask_elsewhere(service: EncryptedService):
    code, text = service.of_operators("/metrics")
    assert code == 200
    assert b'authsvc_process_starts{process="web-1"} 1' in text
    assert b"authsvc_process_resident_bytes" in text
    context = ssl.create_default_context(cafile=str(service.authority.ca))
    for path in ("/metrics", "/readyz", "/healthz", "/console/"):
        connection = HTTPSConnection("localhost", service.port, timeout=30, context=context)
        connection.request("GET", path)
        assert connection.getresponse().status == 404
        connection.close()
    ready = json.loads(service.of_operators("/readyz")[1])
    assert ready["schema"]["program"] == ready["schema"]["database"]


def test_the_log_is_json(service: EncryptedService):
    is_refused(service, None)  # Or not: either way it has a line.
    told: list[dict[str, str]] = []
    deadline = time.monotonic() + PATIENCE_S
    while not any(each.get("logger") == "authsvc.workers.main" for each in told):
        # The biometric worker loads its models meanwhile.
        assert time.monotonic() < deadline
        time.sleep(0.2)
        # The last line may be half written.
        whole = service.log.read_text().splitlines(keepends=True)
        told = [json.loads(line) for line in whole if line.startswith("{") and line.endswith("\n")]
    assert any("route" in each and len(each["trace"]) == 32 for each in told)


def test_each_process_sends_its_spans_to_the_collector(service: EncryptedService, collector: Receiver | None):
    if collector is None:
        pytest.skip("authsvc[otel] is not installed")
    is_refused(service, None)
    # Some seconds late, and in whatever pieces.
    deadline = time.monotonic() + PATIENCE_S
    while not any(b"POST /v1/decisions" in unpacked(each.body) for each in list(collector.received)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert {each.path for each in collector.received} == {"/v1/traces"}


def unpacked(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
