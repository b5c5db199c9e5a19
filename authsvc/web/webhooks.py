"""Webhook endpoints: where the payment backend is told what happened, and what became of each delivery."""

from __future__ import annotations

from datetime import timedelta

from authsvc.keys.access import Scope
from authsvc.web import requests, webhook_answers, webhook_requests
from authsvc.web.body import JsonBody
from authsvc.web.operations import Call, Plane, Room
from authsvc.web.replies import Reply, json_reply, stored_reply

webhooks = Room("webhooks", Plane.BACKEND, Scope.WEBHOOKS)

WEBHOOK = "/v1/webhooks/{webhook_id}"
DELIVERY = f"{WEBHOOK}/deliveries/{{delivery_id}}"


@webhooks.sending(
    "POST",
    "/v1/webhooks",
    JsonBody(webhook_requests.WebhookWanted),
    webhook_answers.WebhookWithSecret,
    answers={201: webhook_answers.WebhookWithSecret},
    once=True,
)
def create_webhook(call: Call, wanted: webhook_requests.WebhookWanted) -> Reply:
    """An endpoint that is told what happens from now on.

    Each delivery is signed as Standard Webhooks describe, with the secret that this answer shows and no other one ever will.
    """
    return stored_reply(
        call.services.webhooks.create(call.key, call.once, wanted.url, wanted.types or ()), created=201
    )


@webhooks.get("/v1/webhooks", webhook_answers.Webhooks)
def list_webhooks(call: Call) -> Reply:
    """This client's endpoints, without their secrets."""
    return json_reply(call.services.webhooks.of_client(call.key))


@webhooks.get(WEBHOOK, webhook_answers.Webhook)
def get_webhook(call: Call) -> Reply:
    """One endpoint, and why it is disabled if it is."""
    return json_reply(call.services.webhooks.find(call.key, call.path["webhook_id"]))


@webhooks.sending("PATCH", WEBHOOK, JsonBody(webhook_requests.WebhookChanged), webhook_answers.Webhook)
def change_webhook(call: Call, wanted: webhook_requests.WebhookChanged) -> Reply:
    """Another address, other types, on or off.

    While an endpoint is disabled its events wait; once enabled it is told all of them, oldest first.
    """
    return json_reply(
        call.services.webhooks.change(
            call.key, call.path["webhook_id"], wanted.url, wanted.types, wanted.enabled
        )
    )


@webhooks.delete(WEBHOOK, webhook_answers.WebhookDeleted)
def delete_webhook(call: Call) -> Reply:
    """Nothing more is sent to it, and its log goes with it."""
    return json_reply(call.services.webhooks.delete(call.key, call.path["webhook_id"]))


@webhooks.sending(
    "POST",
    f"{WEBHOOK}/rotate",
    JsonBody(webhook_requests.RotationWanted, optional=True),
    webhook_answers.WebhookWithSecret,
    once=True,
)
def rotate_webhook_secret(call: Call, wanted: webhook_requests.RotationWanted) -> Reply:
    """A new secret; until the overlap is over every delivery carries two signatures, and either one is enough."""
    overlap = timedelta(
        hours=webhook_requests.DEFAULT_OVERLAP if wanted.overlap_hours is None else wanted.overlap_hours
    )
    return stored_reply(
        call.services.webhooks.rotate_secret(call.key, call.once, call.path["webhook_id"], overlap),
        created=200,
    )


@webhooks.sending(
    "POST",
    f"{WEBHOOK}/test",
    JsonBody(requests.Nothing, optional=True),
    webhook_answers.Delivery,
    answers={201: webhook_answers.Delivery},
    once=True,
    problems=("endpoint-disabled",),
)
def send_webhook_test(call: Call, _: requests.Nothing) -> Reply:
    """Send a delivery of type `webhook:test` at once; its log says how it went."""
    return stored_reply(
        call.services.webhooks.test(call.key, call.once, call.path["webhook_id"]), created=201
    )


@webhooks.get(f"{WEBHOOK}/deliveries", webhook_answers.Deliveries, query=webhook_requests.DeliveriesBefore)
def list_webhook_deliveries(call: Call) -> Reply:
    """What was sent and what waits, the latest first, each with its last attempt; kept for two weeks after its end."""
    query = call.query
    return json_reply(
        call.services.webhooks.deliveries(
            call.key, call.path["webhook_id"], query.state, query.before, query.limit
        )
    )


@webhooks.get(DELIVERY, webhook_answers.DeliveryWithLog)
def get_webhook_delivery(call: Call) -> Reply:
    """One delivery with every attempt."""
    path = call.path
    return json_reply(call.services.webhooks.delivery(call.key, path["webhook_id"], path["delivery_id"]))


@webhooks.sending(
    "POST",
    f"{DELIVERY}/redeliver",
    JsonBody(requests.Nothing, optional=True),
    webhook_answers.Delivery,
    once=True,
    problems=("endpoint-disabled",),
)
def redeliver_webhook(call: Call, _: requests.Nothing) -> Reply:
    """Send a delivery once more, at once, under the same `webhook-id`, whatever became of it before."""
    path = call.path
    return stored_reply(
        call.services.webhooks.redeliver(call.key, call.once, path["webhook_id"], path["delivery_id"]),
        created=200,
    )
