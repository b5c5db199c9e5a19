"""By what rules device keys are registered and used here: one value, read from the settings before anybody is served."""

from __future__ import annotations

from dataclasses import dataclass

from authsvc.device.attestation import TrustedModels
from authsvc.device.attesters.app import Attester
from authsvc.device.payment_confirmation import PaymentConfirmation
from authsvc.device.relying_party import RelyingParty


@dataclass(frozen=True, slots=True)
class DeviceRules:
    """With `trusted`, a key must prove that it is one of these models; with `confirmation`, browsers may show payments.

    `attesters` say which apps' captures count as attested.
    """

    party: RelyingParty
    trusted: TrustedModels | None = None
    confirmation: PaymentConfirmation | None = None
    attesters: tuple[Attester, ...] = ()
