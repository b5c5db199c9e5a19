"""Attestation where it is required: only a listed model, proven by a chain to its own maker, may be registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authsvc.clock import to_millis
from authsvc.device.attestation import MOST_ROOTS, Model, TrustedModels, parsed, path_to
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refusal, Refused
from authsvc.device.registration import begin_registration, finish_registration
from authsvc.device.relying_party import RelyingParty
from authsvc.errors import ConfigurationError
from tests.device.makers import (
    AAGUID,
    LIST,
    OTHER,
    ROOT,
    Authority,
    Maker,
    android_key,
    apple,
    der,
    name,
    octets,
    write,
)
from tests.device.scene import ALICE, NOW, ORIGIN, PARTY, creation
from tests.support.authenticator import Authenticator, Creation, sign

VECTORS = Path(__file__).parent.parent / "vectors"


def models(**changes: Any) -> TrustedModels:
    model = Model(str(AAGUID), "Acme Key", frozenset({"packed"}), (ROOT.certificate,), revoked=False)
    return TrustedModels({model.aaguid: replace(model, **changes)}, frozenset(), NOW + timedelta(days=30))


def register(maker: Maker, trusted: TrustedModels, now: datetime = NOW) -> CredentialRecord:
    phone = Authenticator(ORIGIN)
    kept, answer = creation(phone, now=now, attestation=True)
    return finish_registration(
        PARTY, kept, maker.attest(answer).to_json(), ALICE, "dev_1", now, trusted=trusted
    )


def outcome(maker: Maker) -> str | None:
    """The code with which an attestation is refused; None when it is accepted."""
    try:
        register(maker, models())
    except Refused as refused:
        return refused.code
    return None


def refusal(maker: Maker, trusted: TrustedModels | None = None, now: datetime = NOW) -> str:
    with pytest.raises(Refused) as caught:
        register(maker, trusted or models(), now)
    return caught.value.code


def test_a_listed_model_with_its_makers_chain_is_accepted_and_attested() -> None:
    record = register(Maker(), models())
    assert record.attested
    assert record.aaguid == str(AAGUID)


def test_a_chain_over_a_certificate_between_is_accepted() -> None:
    between = Authority("Acme Issuing")
    certificate = ROOT.issue(name("Acme Issuing"), between.key, authority=True)
    assert register(Maker(issuer=between, between=(certificate,)), models()).attested


def test_attestation_is_asked_for_where_it_is_required() -> None:
    options: Any = begin_registration(PARTY, ALICE, (), NOW, attestation=True).sent["publicKey"]
    assert options["attestation"] == "direct"


CASES: dict[str, tuple[Refusal, Callable[[], Maker]]] = {
    "no statement but a claimed model": (
        Refusal.ATTESTATION_FORMAT,
        lambda: Maker(format="none", chain=False),
    ),
    "model names another in its certificate": (
        Refusal.ATTESTATION_PROFILE,
        lambda: Maker(leaf={"aaguid": octets(OTHER)}),
    ),
    "model not named in the certificate": (Refusal.ATTESTATION_PROFILE, lambda: Maker(leaf={})),
    "model named critically": (
        Refusal.ATTESTATION_PROFILE,
        lambda: Maker(leaf={"aaguid": octets(AAGUID), "critical": True}),
    ),
    "model named without its wrapping": (
        Refusal.ATTESTATION_PROFILE,
        lambda: Maker(leaf={"aaguid": AAGUID.bytes}),
    ),
    "no unit": (Refusal.ATTESTATION_PROFILE, lambda: Maker(unit=None)),
    "another unit": (Refusal.ATTESTATION_PROFILE, lambda: Maker(unit="authenticator attestation")),
    "an authority as leaf": (
        Refusal.ATTESTATION_PROFILE,
        lambda: Maker(leaf={"aaguid": octets(AAGUID), "authority": True}),
    ),
    "expired": (
        Refusal.ATTESTATION_CHAIN,
        lambda: Maker(leaf={"aaguid": octets(AAGUID), "until": NOW - timedelta(days=1)}),
    ),
    "not yet valid": (
        Refusal.ATTESTATION_CHAIN,
        lambda: Maker(leaf={"aaguid": octets(AAGUID), "since": NOW + timedelta(days=1)}),
    ),
    "a foreign root": (Refusal.ATTESTATION_CHAIN, lambda: Maker(issuer=Authority("Other Root"))),
    "the right name and a foreign key": (Refusal.ATTESTATION_CHAIN, lambda: Maker(issuer=Authority())),
    "a foreign root that is sent along": (
        Refusal.ATTESTATION_CHAIN,
        lambda: Maker(issuer=(other := Authority("Other Root")), between=(other.certificate,)),
    ),
    "statement by another key": (
        Refusal.ATTESTATION_STATEMENT,
        lambda: Maker(signer=ec.generate_private_key(ec.SECP256R1())),
    ),
    "a model that is not listed": (
        Refusal.ATTESTATION_MODEL,
        lambda: Maker(aaguid=OTHER, leaf={"aaguid": octets(OTHER)}),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_attestation_is_refused_for_its_own_reason(case: str) -> None:
    code, maker = CASES[case]
    assert refusal(maker()) == code


def test_a_self_attested_key_proves_no_model() -> None:
    phone = Authenticator(ORIGIN)
    kept, answer = creation(phone)
    answer.aaguid, answer.format = AAGUID.bytes, "packed"
    answer.statement = lambda auth_data, client_hash: {
        "alg": -7,
        "sig": sign(phone.key, auth_data + client_hash),
    }
    with pytest.raises(Refused, match="attestation-format"):
        finish_registration(PARTY, kept, answer.to_json(), ALICE, "dev_1", NOW, trusted=models())


# -- Formats for which the library has roots of its own ----------------------------------------------------------------

VOUCHED: dict[str, Callable[..., Creation]] = {
    "android-key": android_key,
    "android-key without its root": partial(android_key, chain=False),
    "apple": apple,
}


def vouched(kind: str, trusted: TrustedModels | None, issuer: Authority = ROOT) -> CredentialRecord:
    phone = Authenticator(ORIGIN)
    kept, answer = creation(phone, attestation=True)
    answer = VOUCHED[kind](answer, phone, issuer)
    return finish_registration(PARTY, kept, answer.to_json(), ALICE, "dev_1", NOW, trusted=trusted)


@pytest.mark.parametrize("kind", VOUCHED)
def test_an_operators_own_root_works_in_every_format(kind: str) -> None:
    formats = frozenset({"android-key", "apple"})
    assert vouched(kind, models(formats=formats)).attested


@pytest.mark.parametrize("kind", VOUCHED)
def test_a_foreign_root_works_in_none(kind: str) -> None:
    listed = models(formats=frozenset({"android-key", "apple"}))
    with pytest.raises(Refused, match="attestation-chain"):
        vouched(kind, listed, Authority("Other Root"))


@pytest.mark.parametrize("kind", VOUCHED)
def test_a_statement_about_another_key_works_in_none(kind: str) -> None:
    listed = models(formats=frozenset({"android-key", "apple"}))
    kept, answer = creation(Authenticator(ORIGIN), attestation=True)
    answer = VOUCHED[kind](answer, Authenticator(ORIGIN))
    with pytest.raises(Refused, match="attestation-statement"):
        finish_registration(PARTY, kept, answer.to_json(), ALICE, "dev_1", NOW, trusted=listed)


@pytest.mark.parametrize("issuer", [ROOT, Authority("Other Root")], ids=["a root", "nobody's root"])
@pytest.mark.parametrize("kind", VOUCHED)
def test_where_attestation_is_not_asked_for_no_chain_is_judged(kind: str, issuer: Authority) -> None:
    record = vouched(kind, None, issuer)
    assert (record.attested, record.aaguid) == (False, str(AAGUID))


@pytest.mark.parametrize(
    "maker",
    [
        Maker(),
        Maker(issuer=Authority("Other Root")),
        Maker(leaf={"aaguid": octets(AAGUID), "until": NOW - timedelta(days=1)}),
        Maker(leaf={"aaguid": octets(OTHER)}),
        Maker(unit=None),
    ],
    ids=["honest", "foreign root", "expired", "another model", "no unit"],
)
def test_nor_is_it_in_a_format_without(maker: Maker) -> None:
    kept, answer = creation(Authenticator(ORIGIN))
    record = finish_registration(PARTY, kept, maker.attest(answer).to_json(), ALICE, "dev_1", NOW)
    assert not record.attested


def test_the_android_key_of_the_specification_is_accepted_where_none_is_asked_for() -> None:
    vector = json.loads((VECTORS / "webauthn-level-3.json").read_text())["android_key"]
    party = RelyingParty.at(vector["origin"], "Example")
    kept = {**vector["kept"], "expires_at": to_millis(NOW + timedelta(minutes=1))}
    record = finish_registration(party, kept, vector["credential"], ALICE, "dev_1", NOW)
    assert (record.format, record.attested, record.backup_eligible) == ("android-key", False, True)


def test_one_makers_root_does_not_vouch_for_anothers_model() -> None:
    rival = Authority("Rival Root")
    listed = models(roots=(rival.certificate,))
    both = replace(
        listed, models={**listed.models, str(OTHER): replace(models().models[str(AAGUID)], aaguid=str(OTHER))}
    )
    assert refusal(Maker(), both) == Refusal.ATTESTATION_CHAIN


def test_a_revoked_model_is_refused() -> None:
    assert refusal(Maker(), models(revoked=True)) == Refusal.ATTESTATION_REVOKED


def test_a_format_that_the_model_does_not_use_is_refused() -> None:
    assert refusal(Maker(), models(formats=frozenset({"tpm"}))) == Refusal.ATTESTATION_FORMAT


def test_a_revoked_certificate_anywhere_in_the_chain_is_refused() -> None:
    between = Authority("Acme Issuing")
    certificate = ROOT.issue(name("Acme Issuing"), between.key, authority=True)
    fingerprint = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
    listed = replace(models(), revoked_certificates=frozenset({fingerprint}))
    assert refusal(Maker(issuer=between, between=(certificate,)), listed) == Refusal.ATTESTATION_REVOKED


def test_a_list_past_its_date_admits_nobody() -> None:
    assert refusal(Maker(), models(), NOW + timedelta(days=31)) == Refusal.ATTESTATION_STALE


# -- The operator's file -----------------------------------------------------------------------------------------------


def test_a_list_is_read_with_its_roots(tmp_path: Path) -> None:
    listed = TrustedModels.load(write(tmp_path, LIST))
    assert listed.next_update == datetime(2027, 1, 1, tzinfo=UTC)
    assert listed.revoked_certificates == {"ab" * 32}
    assert register(Maker(), listed).attested


@pytest.mark.parametrize(
    ("found", "instead", "complaint"),
    [
        ("next_update = 2027-01-01\n", "", "next_update"),
        ("2027-01-01", '"soon"', "must be a date"),
        ("acme.pem", "other.pem", "other.pem"),
        ('["packed"]', '["none"]', "formats"),
        ('["packed"]', "[]", "formats"),
        (str(AAGUID), "acme", "unusable"),
        ("ab" * 32, "xy", "unusable"),
        ('["acme.pem"]', "[]", "no root"),
        ("[[model]]", "[[models]]", "model"),
    ],
)
def test_a_list_with_a_mistake_is_refused_at_the_start(
    tmp_path: Path, found: str, instead: str, complaint: str
) -> None:
    assert found in LIST
    with pytest.raises(ConfigurationError, match=complaint):
        TrustedModels.load(write(tmp_path, LIST.replace(found, instead)))


def test_a_bundle_of_authorities_is_refused_at_the_start(tmp_path: Path) -> None:
    listed = write(tmp_path, LIST)
    pem = ROOT.certificate.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "acme.pem").write_bytes(pem * (MOST_ROOTS + 1))
    with pytest.raises(ConfigurationError, match="a maker has its own roots"):
        TrustedModels.load(listed)


def test_a_pinned_leaf_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no certificate authority"):
        TrustedModels.load(write(tmp_path, LIST, Maker().certificate()))


def test_a_certificate_that_openssl_cannot_read_leads_nowhere() -> None:
    """What has parsed it reads more leniently, and an error of the library's would be an outage."""
    root = Authority("Acme Root")
    honest = der(root.issue(name("Unreadable"), ec.generate_private_key(ec.SECP256R1())))
    [spoiled] = parsed([honest.replace(b"Unreadable", b"\xff" * 10)])
    assert path_to([root.certificate], parsed([honest]), NOW)
    assert path_to([root.certificate], [spoiled], NOW) == ()
