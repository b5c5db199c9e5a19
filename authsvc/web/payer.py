"""The payer's calls: see what is asked, prove it factor by factor, and be judged once, at the end.

No answer before `complete` says whether evidence was right, and that one does not say which.
"""

from __future__ import annotations

from pydantic import BaseModel

from authsvc.errors import CaptureUnusable, ChallengeFailed
from authsvc.factor import Factor, Submission
from authsvc.web import answers, requests
from authsvc.web.body import JsonBody, JsonEvidence
from authsvc.web.capture import AUDIO, FRAMES
from authsvc.web.operations import BodyReader, Call, Plane, Room
from authsvc.web.replies import Reply, json_reply

payer = Room("challenges", Plane.PAYER)

CHALLENGE = "/v1/challenges/{challenge_id}"

EVIDENCE: dict[Factor, tuple[BodyReader[Submission], type[BaseModel]]] = {
    Factor.OTP: (JsonEvidence(requests.CodeEvidence), answers.CodeBegun),
    Factor.DEVICE_UV: (JsonEvidence(requests.CredentialEvidence), answers.CredentialBegun),
    Factor.DEVICE_KEY: (JsonEvidence(requests.CredentialEvidence), answers.CredentialBegun),
    Factor.FACE: (FRAMES, answers.CaptureBegun),
    Factor.VOICE: (AUDIO, answers.CaptureBegun),
}
"""For each factor, the form of its evidence and what its beginning shows."""


@payer.get(CHALLENGE, answers.Challenge)
def get_challenge(call: Call) -> Reply:
    """What is to be paid to whom, the ways to prove it, and what has come in.

    Show the payment exactly as it stands here: it is what will be signed.
    """
    return json_reply(call.services.challenges.find(call.path["challenge_id"], call.token))


@payer.sending(
    "POST",
    f"{CHALLENGE}/warning/begin",
    JsonBody(requests.Nothing, optional=True),
    answers.WarningBegun,
    problems=("challenge-closed",),
)
def begin_warning(call: Call, _: requests.Nothing) -> Reply:
    """Show the challenge's warning, which comes before every proof.

    Its pause begins with the first call; every call shows the same words and the same order of answers.
    """
    return json_reply(call.services.challenges.begin_warning(call.path["challenge_id"], call.token))


@payer.sending(
    "PUT",
    f"{CHALLENGE}/warning",
    JsonBody(requests.WarningAnswered),
    answers.WarningAnswerTaken,
    problems=("challenge-closed", "warning-unanswered"),
)
def answer_warning(call: Call, said: requests.WarningAnswered) -> Reply:
    """Hand in what the payer says to the warning, once.

    `asked` and `unsure` end the payment, also that of a payer who went on before.
    """
    return json_reply(
        call.services.challenges.answer_warning(call.path["challenge_id"], call.token, said.answer)
    )


@payer.sending(
    "POST",
    f"{CHALLENGE}/freeze",
    JsonBody(requests.Nothing, optional=True),
    answers.Frozen,
    problems=("challenge-closed", "proof-required"),
)
def freeze_after_warning(call: Call, _: requests.Nothing) -> Reply:
    """Freeze the account of a payer whom a warning has just stopped, where `can_freeze` says so.

    As with `not_me` it takes a proof that this is the owner: the secret of the device that the payment was asked about with.
    """
    return json_reply(call.services.challenges.freeze(call.path["challenge_id"], call.token))


def _declare_step(factor: Factor) -> None:
    evidence, begun = EVIDENCE[factor]
    captures = ("capture-unusable",) if factor.is_server_side_biometric else ()
    step = f"{CHALLENGE}/steps/{factor}"

    @payer.sending(
        "POST",
        f"{step}/begin",
        JsonBody(requests.Nothing, optional=True),
        begun,
        name=f"begin_{factor}",
        problems=("challenge-closed", "warning-unanswered"),
    )
    def begin(call: Call, _: requests.Nothing) -> Reply:
        """Begin a step: what the payer needs to answer it.

        Beginning again makes what was begun before void.
        """
        return json_reply(call.services.challenges.begin_step(call.path["challenge_id"], call.token, factor))

    @payer.sending(
        "PUT",
        step,
        evidence,
        answers.PartReceived if factor is Factor.FACE else answers.Received,
        name=f"answer_{factor}",
        problems=("challenge-closed", "warning-unanswered", *captures),
    )
    def answer(call: Call, submission: Submission) -> Reply:
        """Hand in the evidence of a step.

        `received` says that it came in, and nothing about whether it is right. A face is handed in gesture by gesture: `more`
        shows the next one.
        """
        try:
            received = call.services.challenges.take_step(
                call.path["challenge_id"], call.token, factor, submission
            )
        except CaptureUnusable:
            call.metrics.step(factor, "unusable")
            raise
        if received["state"] == "received":
            call.metrics.step(factor, "received")
        return json_reply(received)


def _declare_statement(factor: Factor) -> None:
    statement = f"{CHALLENGE}/steps/{factor}/statement"

    @payer.sending(
        "POST",
        f"{statement}/begin",
        JsonBody(requests.Nothing, optional=True),
        answers.StatementBegun,
        name=f"begin_{factor}_statement",
        problems=("challenge-closed", "warning-unanswered"),
    )
    def begin(call: Call, _: requests.Nothing) -> Reply:
        """Begin a statement about the capture that has come in: what is to be signed, and by whom.

        The challenge is SHA-256 over a label, the payment's binding and the digest of the capture; docs/devices.md has the form.
        """
        return json_reply(
            call.services.challenges.begin_statement(call.path["challenge_id"], call.token, factor)
        )

    @payer.sending(
        "PUT",
        statement,
        JsonBody(requests.CaptureStatement),
        answers.Received,
        name=f"state_{factor}",
        problems=("challenge-closed", "warning-unanswered"),
    )
    def state(call: Call, said: requests.CaptureStatement) -> Reply:
        """Hand in who stands for the capture: a registered key of the payer's, or an app that its maker attests.

        A policy may ask for it with `capture_at_least`. Without one, or with one that is wrong, the capture is worth what any
        browser's is; which, stands in the receipt.
        """
        stated = {"format": said.format, "statement": said.statement}
        return json_reply(
            call.services.challenges.take_statement(call.path["challenge_id"], call.token, factor, stated)
        )


for _factor in Factor:
    _declare_step(_factor)
    if _factor.is_server_side_biometric:
        _declare_statement(_factor)


@payer.sending(
    "POST",
    f"{CHALLENGE}/complete",
    JsonBody(requests.Nothing, optional=True),
    answers.Authenticated,
    problems=("challenge-failed", "challenge-closed", "warning-unanswered"),
)
def complete_challenge(call: Call, _: requests.Nothing) -> Reply:
    """Have everything judged at once.

    Every failure looks the same; `attempts_remaining` says what is left.
    """
    completed = call.services.challenges.complete(call.path["challenge_id"], call.token)
    if completed.authenticated:
        call.metrics.completed("authenticated")
        return json_reply({"status": "authenticated"})
    call.metrics.completed("failed")
    raise ChallengeFailed("what was shown does not prove it", attempts_remaining=completed.attempts_remaining)


@payer.sending(
    "POST",
    f"{CHALLENGE}/switch",
    JsonBody(requests.Switch),
    answers.Challenge,
    problems=("challenge-closed",),
)
def switch_factors(call: Call, wanted: requests.Switch) -> Reply:
    """Prove it another way: choose another of the offered sets."""
    return json_reply(call.services.challenges.switch(call.path["challenge_id"], call.token, wanted.factors))


@payer.sending(
    "POST",
    f"{CHALLENGE}/decline",
    JsonBody(requests.Decline),
    answers.Declined,
    problems=("challenge-closed",),
)
def decline_payment(call: Call, wanted: requests.Decline) -> Reply:
    """Say no: `cancel`, or `not_me`, which suspends the device for whoever showed its secret or a factor."""
    return json_reply(call.services.challenges.decline(call.path["challenge_id"], call.token, wanted.choice))
