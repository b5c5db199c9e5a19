"""Codes of the audit, of decisions and of proofs, in words: each stands in the log as it is, and here for people to read."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

from authsvc.web.console.checks import REFUSALS
from authsvc.web.console.policies.wording import CAPTURES
from authsvc.web.console.policies.wording import DEVICES as NOVELTIES
from authsvc.web.console.wording import FACTORS, LEVELS, N_, STATUSES, gettext, named, plain

ACTIONS: Mapping[str, str] = {
    "audit.accept-restore": N_("Restored database accepted"),
    "audit.archive": N_("Audit archived"),
    "audit.verify": N_("Audit verified"),
    "biometric.renew": N_("Face enrolled anew by the current model"),
    "biometric.withdraw": N_("Consent withdrawn"),
    "consent.give": N_("Consent given"),
    "decision.answer-warning": N_("Warning acknowledged"),
    "decision.cancel": N_("Cancelled by the backend"),
    "decision.complete": N_("Proofs judged"),
    "decision.decide": N_("Decision taken"),
    "decision.decline": N_("Declined by the payer"),
    "decision.disown": N_("Said not to be the payer's"),
    "decision.export": N_("Decisions taken along as a file"),
    "decision.expire": N_("Ran out of time"),
    "decision.issue-code": N_("Code issued"),
    "decision.outcome": N_("Outcome reported"),
    "decision.reconsider": N_("Asked anew at a higher risk"),
    "decision.warn": N_("Warning shown"),
    "device.rename": N_("Device renamed"),
    "device.restore": N_("Device taken back into use"),
    "device.revoke": N_("Device removed"),
    "device.suspend": N_("Device suspended"),
    "device.synced": N_("Device key became synced"),
    "enrollment.complete": N_("Enrollment completed"),
    "enrollment.device": N_("Device recorded"),
    "enrollment.issue-code": N_("Recovery code message issued"),
    "enrollment.open": N_("Enrollment opened"),
    "enrollment.prove": N_("Recovery judged"),
    "factor.veto": N_("New factor removed by its owner"),
    "backup.take": N_("Backup taken"),
    "key.bind": N_("API key bound"),
    "key.create": N_("API key made"),
    "key.revoke": N_("API key revoked"),
    "key.rotate": N_("API key rotated"),
    "keyring.rotate": N_("Key ring rotated"),
    "lab.sign": N_("Lab report signed"),
    "operator.act": N_("Asked for something"),
    "operator.invite": N_("Operator invited"),
    "operator.join": N_("Operator joined"),
    "operator.key-synced": N_("Operator's key became synced"),
    "operator.open-bearer": N_("Program access opened"),
    "operator.reset": N_("Operator reset"),
    "operator.revoke": N_("Operator revoked"),
    "operator.sign-in": N_("Operator signed in"),
    "operator.sign-out": N_("Operator signed out"),
    "overview.open": N_("Security centre opened"),
    "policy.activate": N_("Policy activated"),
    "policy.analyze": N_("Policy analysed"),
    "policy.approve": N_("Policy approved"),
    "policy.backtest": N_("Policy backtested"),
    "policy.cancel-backtest": N_("Backtest cancelled"),
    "policy.draft": N_("Policy drafted"),
    "policy.roll-back": N_("Policy rolled back"),
    "policy.seed": N_("Policy installed"),
    "policy.shadow": N_("Shadow run started"),
    "policy.stop-shadow": N_("Shadow run stopped"),
    "policy.validate": N_("Policy validated"),
    "receipt.consume": N_("Receipt used"),
    "record.broken": N_("Broken record found"),
    "roll.export": N_("List taken along as a file"),
    "rows.accept": N_("Rows accepted as they are"),
    "rows.adopt": N_("Rows of before taken over"),
    "rows.written": N_("Rows counted"),
    "user.erase": N_("User erased"),
    "user.freeze": N_("User frozen"),
    "user.unfreeze": N_("User unfrozen"),
    "user.unfreeze-asked": N_("Unfreezing asked for"),
    "user.unfreeze-refused": N_("Unfreezing refused"),
    "user.unlock": N_("Locks lifted"),
    "user.verify-always": N_("Asked every time"),
    "webhook.disable": N_("Webhook endpoint disabled"),
}
"""What was done, as the audit names it."""

RESULTS: Mapping[str, str] = {
    "acknowledged": N_("acknowledged"),
    "shown": N_("was shown"),
    "accepted": N_("accepted"),
    "active": N_("active"),
    "archived": N_("archived"),
    "bound": N_("bound to the log"),
    "completed": N_("completed"),
    "confirmed": N_("confirmed"),
    "done": N_("done"),
    "ended": N_("ended"),
    "erased": N_("erased"),
    "frozen": N_("frozen"),
    "given": N_("given"),
    "issued": N_("issued"),
    "open": N_("open"),
    "opened": N_("opened"),
    "proven": N_("proven"),
    "refused": N_("refused"),
    "removed": N_("removed"),
    "revoked": N_("revoked"),
    "suspended": N_("suspended"),
    "signed-in": N_("signed in"),
    "signed-out": N_("signed out"),
    "synced": N_("synced"),
    "taken": N_("taken"),
    "unlocked": N_("unlocked"),
    "vetoed": N_("removed as foreign"),
    "renewed": N_("enrolled anew"),
    "withdrawn": N_("withdrawn"),
    "sound": N_("sound"),
    "not-sound": N_("not sound"),
    "true": N_("on"),
    "false": N_("off"),
    "invited": N_("invited"),
    "joined": N_("joined"),
    "settled": N_("settled"),
    "fraud": N_("fraud"),
    "refunded": N_("refunded"),
    "disputed": N_("disputed"),
    "denied": N_("denied"),
    "renamed": N_("renamed"),
    "reported": N_("reported"),
}
"""How it ended, as the audit names it; a decision's status has its name among the statuses."""

REASONS: Mapping[str, str] = {
    "match": N_("matches"),
    "no match": N_("does not match"),
    "no such template": N_("nothing enrolled to compare with"),
    "used before": N_("was used before"),
    "other liveness was asked": N_("another liveness check was asked"),
    "liveness attack": N_("attack found by the liveness check"),
    "liveness undecided": N_("liveness check undecided"),
    "capture browser": N_("nobody stands for the capture"),
    "capture device_signed": N_("no attested app stands for the capture"),
    "code accepted": N_("right code"),
    "wrong, late or used code": N_("wrong, late or used code"),
    "assertion accepted": N_("signature of the device key is right"),
    "given up": N_("given up half-way"),
    **REFUSALS,
}
"""Why a proof was taken or not."""

INPUTS: Mapping[str, str] = {
    "type": N_("Payment type"),
    "amount_minor": N_("Amount"),
    "currency": N_("Currency"),
    "novelty": N_("Device"),
    "risk_score": N_("Risk"),
    "risk_reasons": N_("Risk reasons"),
    "channel": N_("Channel"),
    "device_synced": N_("Synced passkey"),
    "proven": N_("Already proven"),
    "verify_always": N_("Asked every time"),
    "low_value_count": N_("Exempt payments since the last proof"),
    "low_value_sum": N_("Exempt amount since the last proof"),
    "account_frozen": N_("Account frozen"),
    "account_blocked": N_("Account locked out"),
    "payee_new": N_("New payee"),
    "amount_unusual": N_("Times the usual amount"),
    "hour_unusual": N_("Unusual hour"),
    "weekday_unusual": N_("Unusual day of the week"),
    "burst": N_("Many payments within an hour"),
    "dormant": N_("Long without a payment"),
    "place_new": N_("New place"),
    "device_unused": N_("Device not used before"),
    "channel_unused": N_("Channel not used before"),
    "gait_unlike": N_("A walk unlike the payer's"),
    "kind": N_("Kind of code"),
    "bound_to_payment": N_("Bound to the payment"),
    "model": N_("Model"),
    "model_digest": N_("Model digest"),
    "score": N_("Score"),
    "threshold": N_("Threshold"),
    "target_fmr": N_("Target FMR"),
    "liveness": N_("Liveness"),
    "renewed": N_("Enrolled anew by the current model"),
    "capture": N_("Capture"),
    "statement": N_("Who stands for it"),
    "device": N_("Device"),
    "credential": N_("Device key"),
    "backup_eligible": N_("Synced passkey"),
    "user_verified": N_("User verified by the device"),
    "sign_count": N_("Count of signatures"),
    "category": N_("Category"),
    "levels": N_("Levels"),
}
"""What a policy sees of a payment, and what a proof says of itself."""

DETAILS: Mapping[str, str] = {
    "decision": N_("Decision"),
    "earlier": N_("Earlier model"),
    "model": N_("Model"),
    "lines": N_("Lines"),
    "transaction_id": N_("Transaction"),
    "device_id": N_("Device"),
    "device": N_("Device"),
    "factor": N_("Factor"),
    "probation": N_("On probation"),
    "trusted_from": N_("Counts from"),
    "counts_from": N_("Counts from"),
    "admitted": N_("Admitted"),
    "choice": N_("Choice"),
    "device_suspended": N_("Device suspended"),
    "shown": N_("Right proofs shown"),
    "operators": N_("Operators"),
    "results": N_("Results"),
    "level": N_("Level"),
    "policy": N_("Policy"),
    "binding": N_("Binding"),
    "evidence": N_("Evidence"),
    "why": N_("Why"),
    "by": N_("By"),
    "wording": N_("Wording"),
    "steps": N_("Steps"),
    "grounds": N_("Grounds"),
    "stopped": N_("Stopped"),
    "rule": N_("Page"),
    "reasons": N_("Reasons"),
    "novelty": N_("Device"),
    "exemption": N_("Exemption"),
    "status": N_("Status"),
    "proofs": N_("Proofs"),
    "factors": N_("Factors"),
    "act": N_("Act"),
    "roles": N_("Roles"),
    "name": N_("Name"),
    "note": N_("Note"),
    "version": N_("Version"),
    "document": N_("Document"),
    "request": N_("Request"),
    "archive": N_("Archive"),
    "cuts": N_("Cuts"),
    "reason": N_("Why"),
    "means": N_("With"),
    "rows": N_("Rows"),
    "purpose": N_("Purpose"),
    "client": N_("Payment backend"),
    "sha256": N_("Digest"),
    "sessions_ended": N_("Sessions ended"),
    "evidence_hash": N_("Digest of the evidence"),
    "seconds": N_("Seconds to complete"),
    "jti": N_("Receipt number"),
    "lost": N_("Lines missing"),
    "warning": N_("Warning shown"),
    "signals": N_("Unlike the payer's habits"),
    "publication": N_("Publication"),
    "backtest": N_("Backtest number"),
    "state": N_("State"),
    "read": N_("Decisions read"),
    "error": N_("Error"),
}
"""What an audit line says besides."""

ACTORS: Mapping[str, str] = {
    "backend": N_("Payment backend"),
    "payer": N_("Payer"),
    "person": N_("Account owner"),
    "service": N_("Service"),
    "authsvc": N_("Service"),
    "authsvc:restore": N_("Restore of a backup"),
    "shipped": N_("Service"),
}
"""Who did it, where it is no operator."""

COMMAND_LINE = "command-line:"
"""In front of the name of the system's account."""

EXEMPTIONS: Mapping[str, str] = {
    "low_value": N_("Low value"),
    "secure_corporate": N_("Corporate"),
    "tra": N_("Risk analysis"),
}
"""By which exemption a payment passed."""

TYPES: Mapping[str, str] = {
    "enrollment": N_("Add a device or another way to confirm"),
    "unfreeze": N_("Unfreeze the account"),
    "erasure": N_("Erase the account"),
    "restore": N_("Take a device back into use"),
    "transfer": N_("Transfer"),
    "payment": N_("Payment"),
}
"""What a payment may be: an act on the account, or the backend's own word."""


VALUES: Mapping[str, str] = {
    **STATUSES,
    **LEVELS,
    **FACTORS,
    **NOVELTIES,
    **CAPTURES,
    **EXEMPTIONS,
    **TYPES,
    **RESULTS,
    "none": LEVELS["none"],
    "bona_fide": N_("a living person"),
    "attack": N_("attack"),
    "undecided": N_("undecided"),
    "app": N_("from the authenticator app"),
    "device": N_("Device"),
    "knowledge": N_("knowledge"),
    "possession": N_("possession"),
    "inherence": N_("inherence"),
    "not_me": N_("not the payer's"),
    "cancel": N_("cancel"),
    "True": N_("yes"),
    "False": N_("no"),
    "None": N_("not known"),
}
"""Values of inputs, of proofs and of audit lines; what has no word here is an id or a number."""


def valued(value: object) -> Markup:
    """A JSON value in a cell: a word where there is one, else the code that it is."""
    if isinstance(value, list | tuple):
        return escape(gettext(", ")).join(map(valued, value)) if value else valued(None)
    if isinstance(value, bool | str | None) and str(value) in VALUES:
        return escape(named(VALUES, str(value)))
    return Markup("<code>{}</code>").format(plain(value))


def actor(name: str, people: Mapping[str, str]) -> str:
    """An operator by name, isolated, since people chose it; else what acted. `operator:` stands in front of an id."""
    identity = name.removeprefix("operator:")
    if identity in people:
        return Markup("<bdi>{}</bdi>").format(people[identity])
    if name.startswith(COMMAND_LINE) or identity.isdecimal():  # A number is of before: an account's too.
        account = identity.removeprefix(COMMAND_LINE)
        return Markup("{} <bdi>{}</bdi>").format(gettext("Command line"), account)
    return gettext(ACTORS[name]) if name in ACTORS else identity
