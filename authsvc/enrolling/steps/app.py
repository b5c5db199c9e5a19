"""The authenticator app: a secret of this enrollment's own, and a first code that proves it arrived."""

from __future__ import annotations

from datetime import datetime

from authsvc.domain.account import Account
from authsvc.domain.store import Transaction
from authsvc.domain.ticket import EnrollmentStep, Ticket
from authsvc.enrolling.staging import Staging, bytes_of, text_of
from authsvc.enrolling.steps.step import Taken, When
from authsvc.errors import ChallengeFailed
from authsvc.events import Event
from authsvc.factor import Begun, Factor, Json, Submission
from authsvc.otp import APP, AppSecret, matching_step, new_secret, strict_code

CODES_PER_TICKET = 5


class AppStep:
    step = EnrollmentStep.OTP
    once = False

    def __init__(self, staging: Staging, issuer: str) -> None:
        """`issuer` is the name that apps show beside the account."""
        self._staging = staging
        self._issuer = issuer

    def is_offered(self) -> bool:
        return True

    def begin(self, ticket: Ticket, now: datetime) -> Begun:
        secret = AppSecret(self._raw_secret(ticket), ticket.account_name, self._issuer)
        shown = {"secret": secret.text, "uri": secret.uri, "qr_svg": secret.qr_svg()}
        return Begun(shown, {"secret": text_of(secret.raw)})

    def _raw_secret(self, ticket: Ticket) -> bytes:
        """The secret that was shown before: a reload must not void what was scanned already."""
        begun = self._staging.begun(ticket, self.step)
        return new_secret() if begun is None else bytes_of(begun["secret"])

    def take(self, ticket: Ticket, begun: Json, submission: Submission, now: datetime) -> Taken:
        code = strict_code(submission.fields.get("code"))
        # Charged before it is judged, so that parallel guesses cannot outrun the counter.
        left = self._staging.count(ticket, "otp:code", CODES_PER_TICKET)
        step = matching_step(bytes_of(begun["secret"]), code, now)
        if step is None:
            raise ChallengeFailed("the code is not the app's current one", attempts_remaining=left)
        return Taken({"secret": begun["secret"], "step": step})

    def apply(self, tx: Transaction, ticket: Ticket, account: Account, staged: Json, when: When) -> Account:
        # The confirming code is used up as well: its step counts as the last one used.
        step = int(str(staged["step"]))
        tx.codes.put_secret(account.subject, account.key(), APP, bytes_of(staged["secret"]), step, when.now)
        tx.publish(Event("subject:otp:enrolled", ticket.subject, when.now, when.event_data()))
        return account.enrolled(Factor.OTP, when.counts_from, when.now)
