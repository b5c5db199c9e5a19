"""The payment backend's calls: decide, wait, send a code, cancel, and use a receipt exactly once."""

from __future__ import annotations

from authsvc.device.novelty import StatedDevice
from authsvc.domain.decision import Passed
from authsvc.keys.access import Scope
from authsvc.payment import Payment
from authsvc.serving.waiting import WAITED, hold
from authsvc.stepup.deciding import DecisionRequest
from authsvc.subject import Subject
from authsvc.web import answers, credentials, requests
from authsvc.web.body import JsonBody
from authsvc.web.operations import Call, Plane, Room
from authsvc.web.receipts import payer_of
from authsvc.web.replies import Reply, json_reply, stored_reply

decisions = Room("decisions", Plane.BACKEND, Scope.DECIDE)
receipts = Room("receipts", Plane.BACKEND, Scope.RECEIPTS)

_STANDING = {201: answers.Decision, 200: answers.Decision}


@decisions.sending(
    "POST",
    "/v1/decisions",
    JsonBody(requests.DecisionWanted),
    answers.Decision,
    answers=_STANDING,
    once=True,
    problems=("transaction-changed",),
)
def decide(call: Call, wanted: requests.DecisionWanted) -> Reply:
    """What must this payer prove for this payment?

    201 with a new decision; 200 with the one that is open for the same payment already. `approved` and `exempted` come with
    a receipt, `challenge_required` with a challenge for the payer's page or app.
    """
    answer = call.services.decisions.decide(call.key, call.once, _decision_request(call.key.client, wanted))
    if not answer.replayed:
        call.metrics.decided(answer.body)
    return stored_reply(answer, created=201)


@decisions.get("/v1/decisions/{decision_id}", answers.Decision, waits=True)
def get_decision(call: Call) -> Reply:
    """A decision as it stands.

    With `Prefer: wait=25` an answer comes when the challenge has ended, or after that many seconds (25 at most).
    """
    patience = credentials.preferred_wait(call.request)
    # A server that holds requests comes back by itself; under any other one the service waits.
    can_hold = WAITED in call.request.environ
    found = call.services.decisions.find(call.key, call.path["decision_id"], 0.0 if can_hold else patience)
    applied = (("Preference-Applied", f"wait={patience:.0f}"),) if patience else ()
    if patience and found["status"] == "challenge_required":
        again = hold(call.request.environ, patience)
        if again is not None:
            return Reply(b"", 200, headers=tuple(again.items()))
    return json_reply(found)._replace(headers=applied)


@decisions.sending(
    "POST",
    "/v1/decisions/{decision_id}/code",
    JsonBody(requests.CodeWanted, optional=True),
    answers.CodeIssued,
    answers={201: answers.CodeIssued},
    once=True,
    problems=("challenge-closed", "locked", "user-frozen"),
)
def issue_code(call: Call, wanted: requests.CodeWanted) -> Reply:
    """A one-time code for this payment alone, with the sentence to send it in.

    Eight digits, good for 120 seconds and three tries. Send `text` as it is, over a channel of your own.
    """
    answer = call.services.decisions.issue_code(call.key, call.once, call.path["decision_id"], wanted.locale)
    return stored_reply(answer, created=201)


@decisions.sending(
    "POST",
    "/v1/decisions/{decision_id}/cancel",
    JsonBody(requests.Nothing, optional=True),
    answers.Decision,
    problems=("challenge-closed",),
)
def cancel_decision(call: Call, _: requests.Nothing) -> Reply:
    """The payment is no longer wanted.

    The challenge closes, and a receipt that was not consumed is void.
    """
    return json_reply(call.services.decisions.cancel(call.key, call.path["decision_id"]))


@decisions.sending(
    "POST", "/v1/decisions/{decision_id}/outcome", JsonBody(requests.Outcome), answers.OutcomeRecorded
)
def record_outcome(call: Call, wanted: requests.Outcome) -> Reply:
    """How the payment ended, so that the policy can be judged by it."""
    return json_reply(
        call.services.decisions.record_outcome(call.key, call.path["decision_id"], wanted.outcome)
    )


@receipts.sending(
    "POST",
    "/v1/receipts/verify",
    JsonBody(requests.ReceiptShown),
    answers.ReceiptVerified,
    problems=("receipt-mismatch", "not-found"),
)
def verify_receipt(call: Call, wanted: requests.ReceiptShown) -> Reply:
    """Whether a receipt is good for this payment, without using it up."""
    return json_reply(call.services.receipts.verify(call.key, wanted.receipt, _paid(call.key.client, wanted)))


@receipts.sending(
    "POST",
    "/v1/receipts/consume",
    JsonBody(requests.ReceiptShown),
    answers.ReceiptConsumed,
    once=True,
    problems=("receipt-mismatch", "receipt-consumed"),
)
def consume_receipt(call: Call, wanted: requests.ReceiptShown) -> Reply:
    """Use a receipt up: the last step before the money moves.

    A receipt is consumed once, for exactly the payment that was authenticated.
    """
    paid = _paid(call.key.client, wanted)
    return stored_reply(
        call.services.receipts.consume(call.key, call.once, wanted.receipt, paid), created=200
    )


def _decision_request(client: str, wanted: requests.DecisionWanted) -> DecisionRequest:
    risk, device = wanted.risk, wanted.device or requests.DeviceStated()
    context = wanted.context or requests.Context()
    return DecisionRequest(
        payment=wanted.transaction.payment_of(Subject(client, wanted.user_id)),
        device=StatedDevice(device.id, device.secret, device.novelty),
        risk_score=None if risk is None else risk.score,
        risk_reasons=() if risk is None else risk.reasons or (),
        proven=wanted.proven or (),
        channel=context.channel,
        ip=context.ip,
        locale=context.locale,
        place=context.place,
        recording=None if wanted.gait is None else wanted.gait.recording,
        passed=Passed.of(wanted),
    )


def _paid(client: str, wanted: requests.ReceiptShown) -> Payment:
    user = payer_of(wanted.receipt) if wanted.user_id is None else wanted.user_id
    return wanted.transaction.payment_of(Subject(client, user))
