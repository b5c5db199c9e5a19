"""All operations of the API, in the order in which the document shows them."""

from __future__ import annotations

from collections.abc import Mapping

from authsvc.web.backend import decisions, receipts
from authsvc.web.enrollment import enrollment, tickets
from authsvc.web.operations import Operation
from authsvc.web.overview import looking, overviews
from authsvc.web.payer import payer
from authsvc.web.policies import policies
from authsvc.web.public import public
from authsvc.web.records import audit, events
from authsvc.web.users import accounts, users
from authsvc.web.webhooks import webhooks

ROOMS = (
    decisions,
    receipts,
    payer,
    tickets,
    enrollment,
    overviews,
    looking,
    users,
    accounts,
    policies,
    events,
    webhooks,
    audit,
    public,
)

OPERATIONS: tuple[Operation, ...] = tuple(each for room in ROOMS for each in room.operations)

TAGS: Mapping[str, str] = {
    "decisions": "The payment backend asks what a payer must prove, and follows what becomes of it.",
    "receipts": "A receipt lets one payment go, once.",
    "challenges": "The payer proves what is asked, step by step, and is judged once, at the end.",
    "enrollments": "A person registers an authenticator app, a face, a voice and devices.",
    "overviews": "A person looks at their own account, tightens it, and removes from it.",
    "users": "A user's devices and data.",
    "accounts": "Freezing, unfreezing, and the user's own switches.",
    "policies": "Operators change what payers must prove, and prove first what the change does.",
    "events": "What happened, for the backend to follow.",
    "webhooks": "Where the backend is told what happened, and what became of each delivery.",
    "audit": "What happened, for auditors to check.",
    "public": "What anybody may read.",
}
