"""What the operators' side is wired with, and the one way its audit lines are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from authsvc.audit.report import Report
from authsvc.clock import Clock
from authsvc.device.relying_party import RelyingParty
from authsvc.domain.decision import Decision
from authsvc.ephemeral import Box, Ephemeral
from authsvc.factor import Json
from authsvc.keys.macs import Macs
from authsvc.operators.store import OperatorLedger


class AuditLog(Protocol):
    def verify(self) -> Report: ...

    def evidence(self, decision: Decision) -> Json:
        """The bundle of one decision, for a third party."""


@dataclass(frozen=True, slots=True)
class OperatorParts:
    """`box` seals what waits between two requests; `audit` verifies the chains and quotes them."""

    ledger: OperatorLedger
    macs: Macs
    box: Box
    ephemeral: Ephemeral
    party: RelyingParty
    display_name: str
    audit: AuditLog
    clock: Clock


def actor_of(operator_id: str) -> str:
    """How the audit names an operator: by id, since a name may be given again."""
    return f"operator:{operator_id}"
