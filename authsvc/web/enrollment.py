"""Enrollment: the payment backend opens a ticket, the person goes through the steps, and `complete` makes them count."""

from __future__ import annotations

from pydantic import BaseModel

from authsvc.domain.account import DEFAULT_LOCALE
from authsvc.factor import Submission
from authsvc.keys.access import Scope
from authsvc.services.enrollments import TicketWanted
from authsvc.web import answers, requests, user_answers
from authsvc.web.body import JsonBody, JsonEvidence
from authsvc.web.capture import AUDIO, FRAMES
from authsvc.web.operations import BodyReader, Call, Plane, Room
from authsvc.web.replies import Reply, json_reply, stored_reply

tickets = Room("enrollments", Plane.BACKEND, Scope.ENROLL)
enrollment = Room("enrollments", Plane.ENROLLMENT)

ENROLLMENT = "/v1/enrollments/{enrollment_id}"

STEPS: dict[str, tuple[BodyReader[Submission], type[BaseModel], type[BaseModel]]] = {
    "recovery": (JsonEvidence(requests.RecoveryEvidence), user_answers.RecoveryBegun, answers.Received),
    "proof_face": (FRAMES, answers.CaptureBegun, answers.PartReceived),
    "proof_otp": (JsonEvidence(requests.CodeEvidence), answers.CodeBegun, answers.Received),
    "consent": (JsonEvidence(requests.ConsentEvidence), user_answers.ConsentBegun, answers.Received),
    "otp": (JsonEvidence(requests.CodeEvidence), user_answers.AppBegun, answers.Received),
    "face": (FRAMES, answers.CaptureBegun, answers.PartReceived),
    "voice": (AUDIO, user_answers.PhraseBegun, user_answers.PhraseReceived),
    "gait": (JsonEvidence(requests.GaitEvidence), user_answers.GaitBegun, answers.Received),
    "device": (JsonEvidence(requests.DeviceEvidence), user_answers.DeviceBegun, user_answers.DeviceReceived),
}
"""For each step, the form of its evidence, what its beginning shows, and what it answers."""

_TO_PROVE = ("challenge-failed", "user-frozen")
_OWN_PROBLEMS = {
    "recovery": _TO_PROVE,
    "proof_face": ("capture-unusable", *_TO_PROVE),
    "proof_otp": _TO_PROVE,
    "otp": ("challenge-failed",),
    "face": ("capture-unusable",),
    "voice": ("capture-unusable",),
    "gait": ("capture-unusable",),
}


@tickets.sending(
    "POST",
    "/v1/enrollments",
    JsonBody(requests.EnrollmentWanted),
    user_answers.Ticket,
    answers={201: user_answers.Ticket},
    once=True,
    problems=("proof-required", "user-frozen", "receipt-mismatch"),
)
def create_enrollment(call: Call, wanted: requests.EnrollmentWanted) -> Reply:
    """A ticket with which one person may enroll, once, within a quarter of an hour.

    A user who has factors already needs `proof`: the receipt of a decision of type `enrollment`. Somebody who has lost the
    phone asks for a `recovery`: then a recovery code and one more proof come before anything can be enrolled. Naming `operators`
    takes the scope `accounts` as well.
    """
    asked = TicketWanted(
        user_id=wanted.user_id,
        locale=DEFAULT_LOCALE if wanted.locale is None else wanted.locale,
        proof=wanted.proof,
        return_url=wanted.return_url,
        recovery=wanted.recovery is True,
        operators=wanted.operators or (),
        display_name=wanted.display_name,
    )
    return stored_reply(call.services.enrollments.create(call.key, call.once, asked), created=201)


@tickets.sending(
    "POST",
    f"{ENROLLMENT}/code",
    JsonBody(requests.CodeWanted, optional=True),
    answers.CodeIssued,
    answers={201: answers.CodeIssued},
    # The code proves: whoever may open the ticket shall not have it, too.
    scope=Scope.ACCOUNTS,
    once=True,
    problems=("challenge-closed", "user-frozen", "locked"),
)
def issue_enrollment_code(call: Call, wanted: requests.CodeWanted) -> Reply:
    """A one-time code for one recovery, with the sentence to send over a channel of your own."""
    enrollment_id = call.path["enrollment_id"]
    answer = call.services.enrollments.issue_code(call.key, call.once, enrollment_id, wanted.locale)
    return stored_reply(answer, created=201)


@enrollment.get(ENROLLMENT, user_answers.Enrollment, problems=("challenge-closed",))
def get_enrollment(call: Call) -> Reply:
    """Which steps there are, and whose evidence has come in."""
    return json_reply(call.services.enrollments.find(call.path["enrollment_id"], call.token))


def _declare_step(step: str) -> None:
    evidence, begun, received = STEPS[step]
    path = f"{ENROLLMENT}/steps/{step}"
    problems = ("challenge-closed", "proof-required", *_OWN_PROBLEMS.get(step, ()))

    @enrollment.sending(
        "POST",
        f"{path}/begin",
        JsonBody(requests.Nothing, optional=True),
        begun,
        name=f"begin_enrolling_{step}",
        problems=("challenge-closed", "proof-required"),
    )
    def begin(call: Call, _: requests.Nothing) -> Reply:
        """Begin an enrollment step: what the person needs for it."""
        return json_reply(
            call.services.enrollments.begin_step(call.path["enrollment_id"], call.token, step, {})
        )

    @enrollment.sending("PUT", path, evidence, received, name=f"enroll_{step}", problems=problems)
    def answer(call: Call, submission: Submission) -> Reply:
        """Hand in what an enrollment step asks for; it counts with `complete`.

        Answering a step again replaces what was given before. The two proofs of a recovery are judged together, as soon as the
        second one is in.
        """
        enrollment_id = call.path["enrollment_id"]
        return json_reply(call.services.enrollments.take_step(enrollment_id, call.token, step, submission))


for _step in STEPS:
    _declare_step(_step)


@enrollment.sending(
    "POST",
    f"{ENROLLMENT}/complete",
    JsonBody(requests.Nothing, optional=True),
    user_answers.Enrolled,
    repeatable=True,
    problems=("challenge-closed", "user-frozen", "proof-required"),
)
def complete_enrollment(call: Call, _: requests.Nothing) -> Reply:
    """Make everything count that was handed in, all of it at once.

    The recovery codes are shown here and never again, but to whoever lost this answer and asks with the same Idempotency-Key.
    """
    done = call.services.enrollments.complete(call.path["enrollment_id"], call.token, call.idempotency)
    return stored_reply(done, created=200)
