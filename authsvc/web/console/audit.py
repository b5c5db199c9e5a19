"""The audit: searched from the latest line back, and verified from the first line on."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Response, request

from authsvc.domain.operator import Act
from authsvc.errors import InvalidRequest, Unavailable
from authsvc.operators.search import Wanted
from authsvc.text import typed, typed_plainly
from authsvc.web.console.doors import Pages, console, operator, requires
from authsvc.web.console.rendering import page
from authsvc.web.console.sifting import east
from authsvc.web.console.wording import N_, gettext, typed_time

pages = Pages("audit")

FIELDS = ("actor", "action", "object", "user", "client")
TIMES = ("since", "until")
NO_TIME = N_("Times are typed like 2026-11-27 14:30.")
TOO_LONG = N_("The log is too long to be verified while you wait. Run it on the machine:")


@pages.get("/audit")
@requires(Act.READ_AUDIT)
def search() -> Response:
    asked = {name: typed(request.args.get(name, ""))[:200] for name in FIELDS}
    asked |= {name: typed_plainly(request.args.get(name, ""))[:200] for name in TIMES}
    asked["counted"] = "yes" if request.args.get("counted") else ""
    try:
        wanted = Wanted(
            counted=asked["counted"] != "",
            **{name: asked[name] for name in FIELDS},
            since=typed_time(asked["since"], east()),
            until=typed_time(asked["until"], east()),
        )
        found = console().records.search(operator(), wanted, request.args.get("after", ""))
    except InvalidRequest:
        return page(
            "console/audit.html", status=422, asked=asked, message=gettext(NO_TIME), found=None, older=""
        )
    older = urlencode({**_given(asked), "after": found.next}) if found.next else ""
    return page(
        "console/audit.html",
        asked=asked,
        message="",
        found=found,
        older=older,
        left_out=bool(wanted.left_out),
        counted=urlencode({**_given(asked), "counted": "yes"}),
    )


@pages.post("/audit/verify")
@requires(Act.READ_AUDIT)
def verify() -> Response:
    """Every link, head and checkpoint, now."""
    try:
        verified = console().records.verify(operator())
    except Unavailable:
        return page("console/verified.html", status=503, verified=None, message=gettext(TOO_LONG))
    return page("console/verified.html", verified=verified, message="")


def _given(asked: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in asked.items() if text}
