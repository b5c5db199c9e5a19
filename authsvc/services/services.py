"""Everything the web may ask of the service: one value, wired once, with a service for each subject."""

from __future__ import annotations

from dataclasses import dataclass

from authsvc.policy_life.service import PolicyService
from authsvc.services.admission import AdmissionService
from authsvc.services.base import ServiceParts
from authsvc.services.challenges import ChallengeService
from authsvc.services.decisions import DecisionService
from authsvc.services.enrollments import EnrollmentService
from authsvc.services.erasures import ErasureService
from authsvc.services.housekeeping import Housekeeping
from authsvc.services.overviews import OverviewService
from authsvc.services.public import PublicService
from authsvc.services.receipts import ReceiptService
from authsvc.services.records import RecordService
from authsvc.services.users import UserService
from authsvc.services.webhooks import WebhookService


@dataclass(frozen=True, slots=True)
class Services:
    """`challenges`, `enrollments`, `overviews` and `erasures` serve whoever holds a token; the others backends and operators."""

    admission: AdmissionService
    decisions: DecisionService
    receipts: ReceiptService
    challenges: ChallengeService
    enrollments: EnrollmentService
    overviews: OverviewService
    erasures: ErasureService
    users: UserService
    records: RecordService
    webhooks: WebhookService
    policies: PolicyService
    public: PublicService
    housekeeping: Housekeeping

    @classmethod
    def of(cls, parts: ServiceParts) -> Services:
        """All services over the same parts."""
        return cls(
            admission=AdmissionService(parts),
            decisions=DecisionService(parts),
            receipts=ReceiptService(parts),
            challenges=ChallengeService(parts),
            enrollments=EnrollmentService(parts),
            overviews=OverviewService(parts),
            erasures=ErasureService(parts),
            users=UserService(parts),
            records=RecordService(parts),
            webhooks=WebhookService(parts),
            policies=parts.policies,
            public=PublicService(parts),
            housekeeping=Housekeeping(parts),
        )
