"""Statements of three makers about one challenge: the honest one is taken, and each part of it spoiled is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from authsvc.device.attesters.app import Attester
from authsvc.device.attesters.listed import load_attesters
from authsvc.device.refusal import Refused
from authsvc.errors import ConfigurationError
from tests.device.attesters.makers import Android, Apple, Huawei, Maker, World, changed
from tests.device.makers import Authority
from tests.support.authenticator import unb64

NOW = datetime(2026, 11, 30, tzinfo=UTC)
CHALLENGE = bytes(range(32))
WORLD = World()
OTHER_KEY = rsa.generate_private_key(65537, 2048)

Attesters = Mapping[str, Attester]


@pytest.fixture(scope="module")
def attesters(tmp_path_factory: pytest.TempPathFactory) -> Attesters:
    listed = load_attesters(WORLD.write(tmp_path_factory.mktemp("listed")))
    return {each.format: each for each in listed}


@pytest.mark.parametrize("maker", WORLD.makers(), ids=lambda maker: maker.format)
def test_an_app_on_an_honest_phone_is_believed(attesters: Attesters, maker: Maker) -> None:
    said = attesters[maker.format].verify(maker.statement(CHALLENGE), CHALLENGE, NOW)
    assert str(said["app"]).endswith("cn.example.pay")


@pytest.mark.parametrize("maker", WORLD.makers(), ids=lambda maker: maker.format)
def test_a_statement_is_about_one_challenge_and_one_root(attesters: Attesters, maker: Maker) -> None:
    attester = attesters[maker.format]
    other = bytes([CHALLENGE[0] ^ 1]) + CHALLENGE[1:]
    with pytest.raises(Refused, match="challenge"):
        attester.verify(maker.statement(other), CHALLENGE, NOW)
    with pytest.raises(Refused, match="attestation-chain"):
        attester.verify(changed(maker, root=Authority("Phones")).statement(CHALLENGE), CHALLENGE, NOW)
    late = datetime(2041, 1, 1, tzinfo=UTC)
    with pytest.raises(Refused, match="attestation-chain"):
        attester.verify(maker.statement(CHALLENGE), CHALLENGE, late)


@pytest.mark.parametrize(
    ("maker", "reason"),
    [
        (Android(WORLD.root, level=0), "attestation-profile"),
        (Android(WORLD.root, locked=False), "attestation-profile"),
        (Android(WORLD.root, boot=1), "attestation-profile"),
        (Android(WORLD.root, origin=2), "attestation-profile"),
        (Android(WORLD.root, package="cn.example.pay.too"), "attestation-model"),
        (Android(WORLD.root, signer=bytes(32)), "attestation-model"),
        (Android(WORLD.root, tail=b"\x00"), "attestation-profile"),
        (Android(WORLD.root, issuer_describes=True), "attestation-profile"),
        (Apple(WORLD.root, app="TEAM123456.cn.example.other"), "relying-party"),
        (Apple(WORLD.root, aaguid=b"appattestdevelop"), "attestation-model"),
        (Apple(WORLD.root, count=1), "sign-count"),
        (Apple(WORLD.root, of_another_key=True), "credential-id-mismatch"),
        (Apple(WORLD.root, described="packed"), "attestation-object"),
        (Huawei(WORLD.root, host="sysintegrity.example"), "attestation-profile"),
        (Huawei(WORLD.root, package="cn.example.pay.too"), "attestation-model"),
        (Huawei(WORLD.root, signer=bytes(32)), "attestation-model"),
        (Huawei(WORLD.root, integrity=False), "attestation-profile"),
        (Huawei(WORLD.root, key=OTHER_KEY), "signature"),
        (Huawei(WORLD.root, algorithm="RS384"), "signature"),
    ],
)
def test_what_a_phone_or_an_app_lacks_is_refused(attesters: Attesters, maker: Maker, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        attesters[maker.format].verify(maker.statement(CHALLENGE), CHALLENGE, NOW)
    assert refused.value.code == reason


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"x5c": "AA", "attestation": 7, "jws": []},
        {"x5c": [], "attestation": "", "jws": ""},
        {"x5c": ["AA", 1], "attestation": "AA", "jws": "a.b.c"},
        {"x5c": ["MAA"] * 7, "attestation": "oA", "jws": "e30.e30."},
        {"x5c": ["A" * 20_000], "attestation": "A" * 40_000, "jws": "A" * 40_000},
    ],
)
def test_what_is_no_statement_at_all_is_refused(attesters: Attesters, statement: dict[str, Any]) -> None:
    for attester in attesters.values():
        with pytest.raises(Refused):
            attester.verify(statement, CHALLENGE, NOW)


@pytest.mark.parametrize("maker", WORLD.makers(), ids=lambda maker: maker.format)
def test_no_bytes_of_a_statement_are_an_error(attesters: Attesters, maker: Maker) -> None:
    """Spoiled anywhere it is refused, or the change was in what nobody reads."""
    found = maker.statement(CHALLENGE)
    [(name, value)] = found.items()
    text = value if isinstance(value, str) else value[0]
    for place in range(0, len(text), max(1, len(text) // 60)):
        spoiled = text[:place] + ("B" if text[place] == "A" else "A") + text[place + 1 :]
        statement = {name: spoiled if isinstance(value, str) else [spoiled, *value[1:]]}
        try:
            attesters[maker.format].verify(statement, CHALLENGE, NOW)
        except Refused:
            continue


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("phones.pem", "nowhere.pem", "cannot be read"),
        ('"android-key"', '"android"', "is no format"),
        ("signers", "signer", "unknown key `signer`"),
        ('roots = ["phones.pem"]', "roots = []", "0 roots"),
        ("[[attester]]", "[[attesters]]", "'attester'"),
        ('"apple-app-attest"', '"sys-integrity"', "needs `signers`"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match="unusable") as refused:
        load_attesters(WORLD.write(tmp_path, lambda text: text.replace(old, new)))
    assert said in refused.value.detail


def test_one_format_is_listed_once_and_revoked_certificates_count(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        load_attesters(WORLD.write(tmp_path, lambda text: text + text))

    maker = Android(WORLD.root)
    statement = maker.statement(CHALLENGE)
    revoked = hashlib.sha256(unb64(statement["x5c"][1])).hexdigest()
    listed = WORLD.write(tmp_path, lambda text: f'revoked_certificates = ["{revoked}"]\n{text}')
    android, *_ = load_attesters(listed)
    with pytest.raises(Refused, match="attestation-revoked"):
        android.verify(statement, CHALLENGE, NOW)
