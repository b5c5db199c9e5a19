"""What happened, by the tags of `events`, in words."""

from __future__ import annotations

from collections.abc import Mapping

from authsvc.web.console.wording import N_

TAGS: Mapping[str, str] = {
    "decision:challenge:authenticated": N_("Payer proved what was asked"),
    "decision:challenge:failed": N_("No attempt is left"),
    "decision:challenge:declined": N_("Declined by the payer"),
    "decision:challenge:cancelled": N_("Challenge cancelled"),
    "decision:outcome:recorded": N_("Outcome reported"),
    "decision:habits:unlike": N_("Payment unlike its payer's habits"),
    "decision:warning:stopped": N_("Stopped by the payer at a warning"),
    "receipt:consumed": N_("Receipt used"),
    "subject:enrolled": N_("Enrollment completed"),
    "subject:otp:enrolled": N_("Authenticator app added"),
    "subject:face:enrolled": N_("Face added"),
    "subject:face:renewed": N_("Face enrolled anew by the current model"),
    "subject:face:resembles": N_("Face resembles another user's"),
    "subject:face:withdrawn": N_("Face removed with its consent"),
    "subject:voice:enrolled": N_("Voice added"),
    "subject:voice:withdrawn": N_("Voice removed with its consent"),
    "subject:gait:enrolled": N_("Walk added"),
    "subject:gait:withdrawn": N_("Walk removed with its consent"),
    "subject:recovery-codes:renewed": N_("Recovery codes renewed"),
    "subject:factor:vetoed": N_("New factor removed by its owner"),
    "subject:device:restored": N_("Device taken back into use"),
    "subject:device:enrolled": N_("Device added"),
    "subject:device:frozen": N_("Device suspended"),
    "subject:device:synced": N_("Device key became synced"),
    "subject:device:revoked": N_("Device removed"),
    "subject:device:vetoed": N_("New device removed by its owner"),
    "subject:recovery:used": N_("Lost phone replaced"),
    "subject:frozen": N_("User frozen"),
    "subject:unfrozen": N_("User unfrozen"),
    "subject:locked": N_("Locked out"),
    "subject:unlocked": N_("Locks lifted"),
    "subject:erased": N_("User erased"),
    "attack:suspected": N_("Attack suspected"),
    "attack:record:broken": N_("Broken record found"),
    "webhook:endpoint:disabled": N_("Webhook endpoint disabled"),
}
