"""TLS of our own: who is let in by a certificate, and how certificates change while requests come in."""

import json
import os
import shutil
import signal
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from authsvc.errors import ConfigurationError
from authsvc.serving.tls import Tls, TlsFiles, forwarded_certificate
from tests.serving.conftest import DemoServer
from tests.support.certificates import DAY, Authority, Pair
from tests.support.ports import free_port
from tests.support.waiting import eventually

PATIENCE_S = 60.0


class EncryptedServer(DemoServer):
    """The demo application under TLS; `shown` is what its clients show."""

    def __init__(self, folder: Path, authority: Authority, **options: Any) -> None:
        super().__init__(folder, **options)
        self.authority = authority

    def answers(self) -> bool:
        try:
            with self.connected() as client:
                return client.get("/") == "hello"
        except OSError:
            return False

    def connected(self, shown: Pair | None = None) -> "Client":
        return Client(self, shown)

    def asked(self, path: str, shown: Pair | None = None) -> Any:
        """The answer on a connection of its own; raises OSError where there is none."""
        with self.connected(shown) as client:
            return client.get(path)

    def lets_in(self, shown: Pair | None) -> bool:
        try:
            self.asked("/", shown)
        except OSError:
            return False
        return True


class Client:
    """One connection, which is opened again when the server closed it as it said it would."""

    def __init__(self, server: EncryptedServer, shown: Pair | None) -> None:
        context = ssl.create_default_context(cafile=str(server.authority.ca))
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        self._connection = HTTPSConnection("localhost", server.port, timeout=30, context=context)
        self.was_told_to_close = False

    def get(self, path: str) -> Any:
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        self.was_told_to_close = response.getheader("Connection") == "close"
        return json.loads(response.read())

    def serial(self) -> int:
        """Of the certificate that the server shows."""
        self._connection.connect()
        found = self._connection.sock.getpeercert()
        assert found is not None
        return int(str(found["serialNumber"]), 16)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@dataclass(frozen=True)
class Site:
    server: EncryptedServer
    authority: Authority
    ours: Pair
    operators_port: int

    def serials(self) -> set[int]:
        """Of several connections, so that each web process was asked with near certainty."""
        found = set()
        for _ in range(8):
            with self.server.connected() as client:
                found.add(client.serial())
        return found

    def replace(self, pair: Pair) -> None:
        """The key first: half a change does not fit and is not read."""
        shutil.copy2(pair.key, self.ours.key)
        shutil.copy2(pair.certificate, self.ours.certificate)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder / "authority")
    ours = authority.issue("pay.example", file="server")
    tls = {
        "certificate": str(ours.certificate),
        "key": str(ours.key),
        "client_ca": str(authority.ca),
        "revoked": str(authority.crl),
    }
    port = free_port()
    settings = {"workers": 2, "tls": tls, "admin_port": port, "trusted_proxies": ["127.0.0.1"]}
    with EncryptedServer(folder, authority, settings=settings) as server:
        yield Site(server, authority, ours, port)


def test_a_good_certificate_is_handed_to_the_application_and_none_is_no_certificate(site: Site):
    shown = site.authority.issue("shop")
    assert site.server.asked("/environ", shown)["authsvc.client_certificate"] == shown.fingerprint
    plain = site.server.asked("/environ")
    assert "authsvc.client_certificate" not in plain
    assert plain["wsgi.url_scheme"] == "https"
    assert plain["authsvc.for_operators"] is False


def test_no_other_certificate_gets_in(site: Site, tmp_path: Path):
    revoked = site.authority.issue("leaver")
    assert site.server.lets_in(revoked)
    site.authority.revoke(revoked)
    os.kill(site.server.pid, signal.SIGHUP)
    eventually(lambda: not any(site.server.lets_in(revoked) for _ in range(6)))
    assert not site.server.lets_in(Authority(tmp_path, "authority").issue("shop"))
    assert not site.server.lets_in(site.authority.issue("late", begins=-3 * DAY, ends=-DAY))
    assert not site.server.lets_in(site.authority.issue("early", begins=DAY))
    assert site.server.lets_in(site.authority.issue("another"))


def test_nothing_before_tls_1_3_is_spoken(site: Site):
    context = ssl.create_default_context(cafile=str(site.authority.ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    connection = HTTPSConnection("localhost", site.server.port, timeout=30, context=context)
    with pytest.raises(ssl.SSLError):
        connection.request("GET", "/")
    connection.close()


def test_operators_have_a_listener_of_their_own(site: Site):
    found = DemoServer.get(_At(site.operators_port), "/environ")  # type: ignore[arg-type]  # It needs a port alone.
    assert found[0] == 200
    assert found[1]["authsvc.for_operators"] is True
    assert found[1]["wsgi.url_scheme"] == "http"


@dataclass(frozen=True)
class _At:
    port: int


def test_a_rotation_drops_no_request(site: Site):
    before = site.serials()
    new = site.authority.issue("pay.example", file="next")
    asked, told = 0, False
    with site.server.connected() as client:
        assert client.get("/") == "hello"
        site.replace(new)
        os.kill(site.server.pid, signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE_S
        while not told:
            assert client.get("/") == "hello"
            asked, told = asked + 1, client.was_told_to_close
            assert time.monotonic() < deadline
        assert client.get("/") == "hello"
    eventually(lambda: site.serials() == {new.loaded.serial_number})
    assert before != {new.loaded.serial_number}


def test_files_are_looked_at_without_being_asked(site: Site):
    new = site.authority.issue("pay.example", file="after")
    site.replace(new)
    eventually(lambda: site.serials() == {new.loaded.serial_number})


def test_a_broken_file_leaves_everything_as_it_was(site: Site):
    before, content = site.serials(), site.ours.certificate.read_bytes()
    site.ours.certificate.write_bytes(content[:100])
    os.kill(site.server.pid, signal.SIGHUP)
    eventually(lambda: "certificates are not read again" in site.server.log.read_text())
    assert site.serials() == before
    site.ours.certificate.write_bytes(content)


def test_a_trusted_proxy_says_what_its_client_showed(site: Site):
    shown = site.authority.issue("shop")
    said = b64encode(shown.loaded.public_bytes(Encoding.DER)).decode()
    connection = HTTPConnection("127.0.0.1", site.operators_port, timeout=30)
    connection.request("GET", "/environ", headers={"Client-Cert": f":{said}:"})
    found = json.loads(connection.getresponse().read())
    connection.close()
    assert found["authsvc.client_certificate"] == shown.fingerprint


@pytest.mark.parametrize("said", [b"", b"::", b":", b":not base64:", b"AAAA", b":AAAA", b":AA=A:"])
def test_what_is_no_byte_sequence_is_no_certificate(said: bytes):
    assert forwarded_certificate(said) is None


SPOILED = [
    (name, how)
    for name in ("certificate", "key", "client_ca", "revoked")
    for how in ("absent", "empty", "nonsense")
]


@pytest.mark.parametrize(("spoiled", "how"), [*SPOILED, ("certificate", "another"), ("key", "another")])
def test_a_file_that_cannot_be_used_stops_the_start_and_is_named(tmp_path: Path, spoiled: str, how: str):
    authority = Authority(tmp_path)
    ours = authority.issue("pay.example")
    files = {
        "certificate": ours.certificate,
        "key": ours.key,
        "client_ca": authority.ca,
        "revoked": authority.crl,
    }
    Tls(TlsFiles(**files))
    if how == "absent":
        files[spoiled].unlink()
    elif how == "another":
        other = authority.issue("other")
        shutil.copy2(other.certificate if spoiled == "certificate" else other.key, files[spoiled])
    else:
        files[spoiled].write_bytes(b"" if how == "empty" else b"-----BEGIN CERTIFICATE-----\nnonsense\n")
    with pytest.raises(ConfigurationError, match=files[spoiled].name):
        Tls(TlsFiles(**files))


def test_a_list_that_ran_out_lets_nobody_in(tmp_path: Path):
    """Who was revoked since is not known, and doubt is not yes."""
    authority = Authority(tmp_path)
    ours, shown = authority.issue("pay.example"), authority.issue("shop")
    authority.publish(life=timedelta(hours=-1))
    tls = {
        "certificate": ours.certificate,
        "key": ours.key,
        "client_ca": authority.ca,
        "revoked": authority.crl,
    }
    settings = {"workers": 1, "tls": {name: str(path) for name, path in tls.items()}}
    with EncryptedServer(tmp_path, authority, settings=settings) as server:
        assert server.lets_in(None)
        assert not server.lets_in(shown)
