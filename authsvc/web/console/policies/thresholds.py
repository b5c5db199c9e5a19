"""On whom a false match rate was measured: the DET curve of each model's calibration, with the operating point on it."""

from __future__ import annotations

from typing import Any

from flask import Response
from markupsafe import Markup

from authsvc.biometric.manifest import pairs_needed
from authsvc.domain.operator import Act
from authsvc.errors import PolicyInvalid
from authsvc.policy.det_picture import det_picture
from authsvc.policy.thresholds import Threshold
from authsvc.web.console.doors import Pages, operator, requires
from authsvc.web.console.policies.shown import policies, version_page
from authsvc.web.console.policies.wording import refusal
from authsvc.web.console.wording import N_, gettext

pages = Pages("policy-thresholds")

DESCRIBED = N_(
    "The false non-match rate falls as the false match rate rises. The dot is the operating point, the whisker its interval."
)


@pages.get("/policies/<version_id>/thresholds")
@requires(Act.READ_POLICY)
def show(version_id: str) -> Response:
    version = policies().version(operator(), version_id)
    try:
        return version_page("console/policies/thresholds.html", version, **_shown(version_id))
    except PolicyInvalid as error:
        refused = {"message": refusal(error), "detail": error.detail}
        return version_page("console/policies/thresholds.html", version, status=422, **refused)


def _shown(version_id: str) -> dict[str, Any]:  # Any: what the template names.
    found = policies().thresholds(operator(), version_id)
    targets = policies().policy(operator(), version_id).document.biometrics
    return {"found": [_drawn(number, each) for number, each in enumerate(found)], "targets": targets}


def _axes() -> tuple[str, str]:
    return gettext("False match rate (FMR), per cent"), gettext("False non-match rate (FNMR), per cent")


def _drawn(number: int, found: Threshold) -> tuple[Threshold, int, Markup]:
    """A threshold, the impostor pairs that its target needs, and its picture."""
    # Made of numbers and of a manifest's own words, which the drawing escapes.
    picture = Markup(  # noqa: S704
        det_picture([found], key=f"det-{number}", rows=False, description=gettext(DESCRIBED), axes=_axes())
    )
    return found, pairs_needed(found.target_fmr), picture
