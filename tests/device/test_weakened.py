"""The lists of spoiled answers are worth something: with any one check gone, at least one of them is no longer refused for it."""

from collections.abc import Callable
from typing import Any

import pytest

from authsvc.device import (
    assertion,
    attestation,
    authenticator_data,
    client_data,
    payment_confirmation,
    public_key,
    registration,
    response,
)
from authsvc.device.refusal import Refusal, Refused
from tests.device import (
    assertion_cases,
    registration_cases,
    test_attestation,
    test_payment_confirmation,
    test_registration,
    test_verifier,
)

CHECKED = (
    assertion,
    attestation,
    authenticator_data,
    client_data,
    payment_confirmation,
    public_key,
    registration,
    response,
)

# Of these py_webauthn finds nothing wrong: without our line the answer is accepted.
ONLY_OURS_AT_REGISTRATION = {
    Refusal.CROSS_ORIGIN,
    Refusal.ID_LENGTH,
    Refusal.ID_MISMATCH,
    Refusal.PUBLIC_KEY,
    Refusal.TOKEN_BINDING,
    Refusal.TOP_ORIGIN,
    Refusal.TYPE,
}
ONLY_OURS_AT_ASSERTION = {
    Refusal.ATTESTED_DATA,
    Refusal.BACKUP_ELIGIBILITY,
    Refusal.CROSS_ORIGIN,
    Refusal.ID_MISMATCH,
    Refusal.TOKEN_BINDING,
    Refusal.TOP_ORIGIN,
    Refusal.TYPE,
    Refusal.USER_HANDLE,
}


def weaken(monkeypatch: pytest.MonkeyPatch, gone: Refusal) -> None:
    """Take away every line that requires something under this code."""

    def require(holds: bool, code: Refusal) -> None:
        if not holds and code is not gone:
            raise Refused(code)

    for module in CHECKED:
        if hasattr(module, "require"):
            monkeypatch.setattr(module, "require", require)


def outcomes(cases: Any, refusal_of: Callable[[Any], str | None], gone: Refusal) -> list[str | None]:
    """What becomes of the cases that were refused for this code."""
    return [_outcome(case, refusal_of) for case in cases if case.code is gone]


def _outcome(case: Any, refusal_of: Callable[[Any], str | None]) -> str | None:
    try:
        return refusal_of(case)
    except Exception as error:  # noqa: BLE001  # A check that is gone may let something through that breaks what follows.
        return type(error).__name__


def codes(cases: Any) -> list[Refusal]:
    return sorted({case.code for case in cases})


# These are not lines that require something, but what reading or verifying raises.
RAISED = {
    Refusal.ATTESTATION_OBJECT,
    Refusal.ATTESTATION_STATEMENT,
    Refusal.AUTHENTICATOR_DATA,
    Refusal.CLIENT_DATA,
    Refusal.NOT_OFFERED,
    Refusal.SHAPE,
    Refusal.SIGNATURE,
}
RAISED_AT_REGISTRATION = RAISED | {Refusal.ATTESTATION_CHAIN, Refusal.ATTESTED_DATA}


@pytest.mark.parametrize(
    "gone", [code for code in codes(registration_cases.CASES) if code not in RAISED_AT_REGISTRATION]
)
def test_a_registration_notices_when_a_check_is_gone(gone: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    weaken(monkeypatch, gone)
    found = outcomes(registration_cases.CASES, test_registration.refusal_of, gone)
    assert any(outcome != gone for outcome in found)
    if gone in ONLY_OURS_AT_REGISTRATION:
        assert None in found


@pytest.mark.parametrize("gone", [code for code in codes(assertion_cases.CASES) if code not in RAISED])
def test_an_assertion_notices_when_a_check_is_gone(gone: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    weaken(monkeypatch, gone)
    found = outcomes(assertion_cases.CASES, test_verifier.refusal_of, gone)
    assert any(outcome != gone for outcome in found)
    if gone in ONLY_OURS_AT_ASSERTION:
        assert None in found


def attested(gone: Refusal) -> list[str | None]:
    """What becomes of the wrong attestations that were refused for this code; None for one that is accepted."""
    return [
        _outcome(maker, lambda maker: test_attestation.outcome(maker()))
        for code, maker in test_attestation.CASES.values()
        if code is gone
    ]


@pytest.mark.parametrize(
    "gone", [Refusal.ATTESTATION_FORMAT, Refusal.ATTESTATION_PROFILE, Refusal.ATTESTATION_CHAIN]
)
def test_an_attestation_notices_when_a_check_is_gone(gone: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    weaken(monkeypatch, gone)
    found = attested(gone)
    assert found
    assert any(outcome != gone for outcome in found)
    if gone is not Refusal.ATTESTATION_FORMAT:
        assert None in found


@pytest.mark.parametrize("gone", [Refusal.PAYMENT_SHOWN, Refusal.TOP_ORIGIN])
def test_a_confirmation_notices_when_a_check_is_gone(gone: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    weaken(monkeypatch, gone)
    spoils = [spoil for code, spoil in test_payment_confirmation.SPOILED if code is gone]
    paid = [
        test_payment_confirmation.confirmed(test_payment_confirmation.paying(), spoil).passed
        for spoil in spoils
    ]
    assert any(paid)


def accepted(*args: object, **options: object) -> None:
    return None


STEPS = {
    "attestation statements": (registration, "verify_statement", accepted, "packed by another key"),
    "usable keys": (registration, "check_usable", accepted, "RSA exponent 3"),
    "client data": (registration, "check_client_data", accepted, "cross-origin"),
    "members named once": (client_data, "_once", dict, "client data names a member twice"),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_registration_notices_when_a_step_is_gone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, step, instead, row = STEPS[name]
    (case,) = (case for case in registration_cases.CASES if case.name == row)
    assert test_registration.refusal_of(case) == case.code
    monkeypatch.setattr(module, step, instead)
    assert test_registration.refusal_of(case) is None


def test_an_assertion_notices_when_its_signature_is_not_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assertion, "verify_authentication", accepted)
    found = outcomes(assertion_cases.CASES, test_verifier.refusal_of, Refusal.SIGNATURE)
    # A raised count passes as well; all of them stand on the signature alone.
    assert set(found) == {None}
