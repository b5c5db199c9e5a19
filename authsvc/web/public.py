"""What anybody may read: keys, health, metrics, this document about the API, and what its problems mean."""

from __future__ import annotations

from authsvc.errors import NotFound, Unavailable
from authsvc.web import problem_pages, record_answers
from authsvc.web.operations import Call, Media, Plane, Room
from authsvc.web.problems import PROBLEMS
from authsvc.web.replies import Reply, json_reply

public = Room("public", Plane.PUBLIC)

HTML = "text/html"
_CACHED = (("Cache-Control", "public, max-age=300"),)


@public.get("/.well-known/jwks.json", record_answers.KeySet)
def get_keys(call: Call) -> Reply:
    """The public keys that receipts are signed with, earlier ones included."""
    return json_reply(call.services.public.jwks())._replace(headers=_CACHED)


@public.get("/.well-known/webauthn", record_answers.RelatedOrigins)
def get_related_origins(call: Call) -> Reply:
    """The sites at which browsers may use the device keys of this service (WebAuthn L3, related origins)."""
    return json_reply(call.services.public.related_origins())._replace(headers=_CACHED)


@public.get("/v1/openapi.json", record_answers.Document)
def get_openapi(call: Call) -> Reply:
    """This document."""
    from authsvc.web.openapi import published

    return Reply(published(call.base_url), headers=_CACHED)


@public.get("/v1/problems", Media(HTML))
def list_problems(call: Call) -> Reply:
    """Every kind of problem, as a page."""
    return problem_pages.index(PROBLEMS.values())


@public.get("/v1/problems/{slug}", record_answers.ProblemExplained)
def explain_problem(call: Call) -> Reply:
    """What a problem means and what to do about it, as JSON or as a page, whichever `Accept` prefers."""
    problem = PROBLEMS.get(call.path["slug"])
    if problem is None:
        raise NotFound("there is no such problem")
    accepted = call.request.accept_mimetypes
    if accepted.best_match(("application/json", HTML), default="application/json") == HTML:
        return problem_pages.as_page(problem)
    return problem_pages.as_json(problem)


@public.get("/healthz", record_answers.Health)
def get_health(call: Call) -> Reply:
    """Whether the process is alive."""
    return json_reply(call.services.public.healthz())


@public.get("/readyz", record_answers.Ready)
def get_readiness(call: Call) -> Reply:
    """Whether requests can be served: engines, model digests, stores, and any frightening setting."""
    ready, found = call.services.public.readyz()
    if not ready:
        raise Unavailable("the service is not ready", checks=found)
    return json_reply(found)


@public.get("/metrics", Media("text/plain"))
def get_metrics(call: Call) -> Reply:
    """Counters and durations over all web processes, for Prometheus."""
    text, media = call.metrics.text()
    return Reply(text, media=media)
