"""Keys that sign and lie in a token: made there, used there, never seen; and an outage where it is away."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256

from authsvc.audit.chain import NOTHING, Head, sign_head
from authsvc.clock import FrozenClock
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.keys.keyring import KeyRing, Purpose
from authsvc.keys.token import Token
from authsvc.keys.versions import CURVES, parsed, written
from tests.support.softhsm import PATIENCE, PIN, SoftToken, in_a_token
from tests.support.waiting import eventually

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HEAD = Head("web-1", 1, NOTHING)


@pytest.fixture(scope="module")
def soft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    made = SoftToken(tmp_path_factory.mktemp("softhsm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(made.configuration))
        yield made


@pytest.fixture
def token(soft: SoftToken) -> Token:
    return Token(soft.library, soft.label, PIN, PATIENCE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


def receipt_is_good(ring: KeyRing, published: KeyRing) -> bool:
    kid, key = ring.receipt_signing_key()
    der = key.sign(b"a receipt", ECDSA(SHA256()))
    published.receipt_public_keys()[kid].verify(der, b"a receipt", ECDSA(SHA256()))
    return True


def test_keys_are_made_in_the_token_and_nothing_secret_of_them_is_on_disk(token: Token, path: Path):
    ring = KeyRing.create(path, token=token)
    document = json.loads(path.read_text())
    for purpose in CURVES:
        [entry] = document[purpose]
        assert set(entry) == {"id", "active_from", "held_as", "public"}
    assert all("key" in document[purpose][0] for purpose in set(Purpose) - set(CURVES))
    without = KeyRing.load(path)
    assert (ring.needs_token, without.needs_token, KeyRing.create().needs_token) == (True, True, False)
    assert without.jwks() == ring.jwks()


def test_whoever_has_the_public_keys_alone_verifies_what_the_token_signed(token: Token, path: Path):
    ring = KeyRing.create(path, token=token)
    assert receipt_is_good(ring, KeyRing.load(path))
    signed = sign_head(HEAD, NOW, ring.audit_signing_key())
    assert signed.is_signed_by(KeyRing.load(path).audit_public_keys())
    assert jwt.PyJWK(ring.jwks()["keys"][0]).key_id == ring.current_id(Purpose.RECEIPT)


def test_a_ring_of_files_moves_into_a_token_by_a_rotation(token: Token, path: Path):
    clock = FrozenClock(NOW)
    before = KeyRing.create(path, clock)
    old = before.receipt_signing_key()[0]
    ring = KeyRing.load(path, clock, token)
    new = ring.rotate(Purpose.RECEIPT, NOW + timedelta(minutes=5))
    assert ring.receipt_signing_key()[0] == old
    assert {each["kid"] for each in ring.jwks()["keys"]} == {old, new}
    clock.advance(timedelta(minutes=5))
    assert ring.receipt_signing_key()[0] == new
    assert before.refresh()
    assert receipt_is_good(ring, before)
    again = ring.rotate(Purpose.RECEIPT)
    ring.discard(Purpose.RECEIPT, old)
    assert [each["kid"] for each in ring.jwks()["keys"]] == [again, new]
    back = ring.rotate(Purpose.RECEIPT, in_file=True)
    alone = KeyRing.load(path, clock)
    assert (ring.needs_token, alone.needs_token, alone.current_id(Purpose.RECEIPT)) == (False, False, back)
    assert receipt_is_good(alone, ring)


def test_a_token_that_is_away_is_an_outage_until_it_is_back(soft: SoftToken, token: Token, path: Path):
    ring = KeyRing.create(path, token=token)
    assert receipt_is_good(ring, ring)
    with soft.absence():
        for _ in range(2):
            with pytest.raises(Unavailable, match="the token `authsvc` does not answer"):
                receipt_is_good(ring, ring)
            with pytest.raises(Unavailable):
                sign_head(HEAD, NOW, ring.audit_signing_key())
            with pytest.raises(Unavailable):
                ring.rotate(Purpose.RECEIPT)
    assert receipt_is_good(ring, ring)
    assert json.loads(path.read_text())["receipt"][-1]["id"] == ring.current_id(Purpose.RECEIPT)


@pytest.mark.parametrize("was_open", [True, False], ids=["in a session", "while it is opened"])
def test_a_token_that_hangs_is_an_outage_until_it_is_back(
    soft: SoftToken, token: Token, path: Path, was_open: bool
):
    KeyRing.create(path, token=token)
    hasty = Token(soft.library, soft.label, PIN, timedelta(seconds=0.2))
    ring = KeyRing.load(path, token=hasty if not was_open else token)
    if was_open:
        ring.try_signing()
        token._patience = timedelta(seconds=0.2)
    with soft.hanging():
        with pytest.raises(Unavailable, match="has said nothing yet"):
            receipt_is_good(ring, ring)
        # Whoever comes later is refused at once, however patient: the one call is still under way.
        hasty._patience = token._patience = timedelta(hours=1)
        for sign in (lambda: receipt_is_good(ring, ring), lambda: ring.rotate(Purpose.AUDIT)):
            with pytest.raises(Unavailable, match="has said nothing yet"):
                sign()
    eventually(lambda: answers(ring))


def answers(ring: KeyRing) -> bool:
    """Not yet, where the call that hung is only coming back."""
    try:
        ring.try_signing()
    except Unavailable:
        return False
    return True


def test_a_wrong_pin_is_tried_once(soft: SoftToken, token: Token, path: Path):
    KeyRing.create(path, token=token)
    tried = Token(soft.library, soft.label, "0000", PATIENCE)
    ring = KeyRing.load(path, token=tried)
    with pytest.raises(Unavailable, match="PinIncorrect"):
        receipt_is_good(ring, ring)
    # A token shuts after a few wrong ones; with the right one from now on it would still not be asked.
    with pytest.raises(Unavailable, match="refused its PIN before"):
        receipt_is_good(ring, ring)


def test_threads_take_turns(token: Token, path: Path):
    ring = KeyRing.create(path, token=token)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: receipt_is_good(ring, ring), range(40)))


FORKED = """
import os, sys
from datetime import timedelta
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from authsvc.keys.keyring import KeyRing
from authsvc.keys.token import Token

ring = KeyRing.load(Path(sys.argv[1]), token=Token(Path(sys.argv[2]), sys.argv[3], sys.argv[4], timedelta(seconds=60)))

def sign():
    kid, key = ring.receipt_signing_key()
    key.public_key().verify(key.sign(b"x", ECDSA(SHA256())), b"x", ECDSA(SHA256()))

sign()
child = os.fork()
if child == 0:
    sign()
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
sign()
"""


def test_a_fork_opens_a_session_of_its_own(soft: SoftToken, token: Token, path: Path):
    KeyRing.create(path, token=token)
    command = [sys.executable, "-c", FORKED, str(path), str(soft.library), soft.label, PIN]
    done = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


@pytest.mark.parametrize("module", ["/nowhere/lib.so", __file__])
def test_a_library_that_is_none_is_named(module: str, tmp_path: Path):
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    with pytest.raises(Unavailable, match=f"does not answer: .*{module}"):
        KeyRing.create(tmp_path / "keyring.json", token=Token(Path(module), "authsvc", PIN, PATIENCE))
    assert not (tmp_path / "keyring.json").exists()


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ConfigurationError, match=r"authsvc\[pkcs11\]"):
        KeyRing.create(token=Token(Path("lib.so"), "authsvc", PIN, PATIENCE))


# -- A ring whose keys are in a token that nobody named ---------------------------------------------------------------------


def held() -> bytes:
    return in_a_token(written(KeyRing.create()._versions, all_bound=True))


def test_without_a_token_it_verifies_and_does_not_sign(path: Path):
    path.touch(0o600)
    path.write_bytes(held())
    ring = KeyRing.load(path)
    assert ring.needs_token
    with pytest.raises(ConfigurationError, match="AUTHSVC_PKCS11_MODULE"):
        receipt_is_good(ring, ring)
    with pytest.raises(ConfigurationError, match="AUTHSVC_PKCS11_MODULE"):
        sign_head(HEAD, NOW, ring.audit_signing_key())


@pytest.mark.parametrize("purpose", CURVES)
@pytest.mark.parametrize(
    "spoiled",
    [
        {"held_as": ""},
        {"public": "AAAA"},
        {"public": "!"},
        {"public": base64.b64encode(b"\x04" + bytes(64)).decode()},
        {"id": "another"},
        {"active_from": "2026-03-01T12:00:00"},
    ],
    ids=str,
)
def test_a_damaged_entry_is_refused(purpose: Purpose, spoiled: dict[str, str]):
    document = json.loads(held())
    document[purpose][0] |= spoiled
    with pytest.raises(ValueError, match=f"a {purpose} key is damaged"):
        parsed(json.dumps(document).encode())


def test_no_other_key_may_be_in_a_token():
    document = json.loads(held())
    document[Purpose.HMAC] = document[Purpose.AUDIT]
    with pytest.raises(ValueError, match="a hmac key is damaged"):
        parsed(json.dumps(document).encode())
