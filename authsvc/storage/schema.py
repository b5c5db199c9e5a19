"""The durable tables. Times are whole milliseconds since 1970 (UTC), documents are JSON text, secrets are sealed or MACs.

`version` columns carry optimistic locking: every change of a row names the version it was made from. `row_mac` binds a row that
carries authority: see `bound.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()

# SQLite numbers rows by itself only when the key is exactly INTEGER.
_SERIAL = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, *, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null, primary_key=key)


def _number(name: str, *, null: bool = False, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null, primary_key=key, autoincrement=False)


def _bytes(name: str, *, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null)


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["client", "user_id"], ["users.client", "users.user_id"])


api_keys = Table(
    "api_keys",
    metadata,
    _text("id", key=True),
    _text("client"),
    _bytes("mac"),
    _text("scopes"),
    _number("created_at"),
    _number("expires_at", null=True),
    _number("revoked_at", null=True),
    _bytes("row_mac", null=True),
    _text("bindings", null=True),
)

users = Table(
    "users",
    metadata,
    _text("client", key=True),
    _text("user_id", key=True),
    _text("status"),
    _text("factors"),
    _text("locale"),
    _number("verify_always"),
    _number("low_value_count"),
    _number("low_value_sum"),
    _text("attempts"),
    _bytes("sealing_key", null=True),
    _number("created_at"),
    # When factors begin to count, and when others were taken away: JSON, `{}` for most people at most times.
    _text("standing"),
    # Receipts issued until then are void.
    _number("receipts_after", null=True),
    _number("version"),
    _bytes("row_mac", null=True),
    Index("users_by_time", "created_at", "client", "user_id"),
)

devices = Table(
    "devices",
    metadata,
    _text("client", key=True),
    _text("user_id", key=True),
    _text("device_id", key=True),
    _text("name"),
    _text("state"),
    _bytes("secret_mac"),
    _number("created_at"),
    _number("trusted_from"),
    _number("seen_at", null=True),
    _number("version"),
    _bytes("row_mac", null=True),
    _of_user(),
    Index("devices_by_time", "created_at", "client", "user_id", "device_id"),
)

credentials = Table(
    "credentials",
    metadata,
    # The credential id in base64url: unique over all users, and never free again, since a removed row stays.
    _text("id", key=True),
    _text("client"),
    _text("user_id"),
    _text("device_id"),
    _text("state"),
    _bytes("user_handle"),
    _bytes("public_key"),
    _number("sign_count"),
    _number("backup_eligible"),
    _number("backed_up"),
    _text("transports"),
    _text("aaguid"),
    _text("format"),
    _number("attested"),
    _number("pays"),
    _number("created_at"),
    _number("used_at", null=True),
    _bytes("row_mac", null=True),
    _of_user(),
    Index("credentials_of_user", "client", "user_id", "device_id"),
)

otp_secrets = Table(
    "otp_secrets",
    metadata,
    _text("client", key=True),
    _text("user_id", key=True),
    _text("purpose", key=True),
    _bytes("sealed"),
    _number("last_step"),
    _number("created_at"),
    _bytes("row_mac", null=True),
    _of_user(),
)

issued_codes = Table(
    "issued_codes",
    metadata,
    _text("decision_id", key=True),
    _text("client"),
    _text("user_id"),
    _number("time_step"),
    _number("tries_left"),
    _number("times_issued"),
    _number("expires_at"),
    _number("used_at", null=True),
    _bytes("row_mac", null=True),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    _text("client", key=True),
    _text("user_id", key=True),
    Column("mac", LargeBinary, primary_key=True),
    _number("created_at"),
    _number("used_at", null=True),
    _number("counts_from"),
    # When the codes that replace it begin to count.
    _number("ends_at", null=True),
    _bytes("row_mac", null=True),
    _of_user(),
)

templates = Table(
    "templates",
    metadata,
    _text("client", key=True),
    _text("user_id", key=True),
    _text("modality", key=True),
    _text("id"),
    _text("model"),
    _number("samples"),
    _bytes("sealed"),
    _number("created_at"),
    _of_user(),
)

captures = Table(
    "captures",
    metadata,
    _text("id", key=True),
    _text("client"),
    _text("user_id"),
    _text("modality"),
    _bytes("sealed"),
    _number("taken_at"),
    _of_user(),
    Index("captures_of_user", "client", "user_id", "modality", "taken_at"),
)

# Nonces and captures that counted once and never will again.
spent = Table(
    "spent",
    metadata,
    _text("client", key=True),
    _text("user_id", key=True),
    _text("kind", key=True),
    Column("digest", LargeBinary, primary_key=True),
    _number("spent_at"),
    Index(
        "spent_nonces",
        "spent_at",
        sqlite_where=text("kind = 'nonce'"),
        postgresql_where=text("kind = 'nonce'"),
    ),
)

consents = Table(
    "consents",
    metadata,
    _text("id", key=True),
    _text("client"),
    _text("user_id"),
    _text("modality"),
    _text("text_version"),
    _number("given_at"),
    _number("withdrawn_at", null=True),
    _of_user(),
    Index("consents_of_user", "client", "user_id", "modality"),
)

decisions = Table(
    "decisions",
    metadata,
    _text("id", key=True),
    _text("client"),
    _text("user_id"),
    _text("transaction_id"),
    _text("status"),
    # 1 while the transaction id belongs to this decision, NULL afterwards: see decisions_one_open.
    _number("is_open", null=True),
    _text("binding"),
    _text("body"),
    _text("challenge", null=True),
    _text("receipt", null=True),
    _text("receipt_jti", null=True),
    _number("receipt_expires_at", null=True),
    _number("consumed_at", null=True),
    _number("created_at"),
    _number("expires_at"),
    _number("version"),
    _bytes("row_mac", null=True),
    Index("decisions_one_open", "client", "transaction_id", "is_open", unique=True),
    Index("decisions_of_user", "client", "user_id", "created_at"),
    Index("decisions_by_time", "created_at", "id"),
    Index(
        "decisions_lapsing",
        "expires_at",
        sqlite_where=text("is_open = 1"),
        postgresql_where=text("is_open = 1"),
    ),
)

outcomes = Table(
    "outcomes",
    metadata,
    _text("decision_id", key=True),
    _text("outcome", key=True),
    _text("client"),
    _number("recorded_at"),
)

# What is usual for a payer: always equally many bytes, sealed to this row.
habits = Table(
    "habits",
    metadata,
    _text("client", key=True),
    _text("user_id", key=True),
    _bytes("sealed"),
    _number("changed_at"),
    _of_user(),
)

# Settled payments that habits are learned from once they have stood for a while, and those that were.
lessons = Table(
    "lessons",
    metadata,
    _text("decision_id", key=True),
    _text("client"),
    _text("user_id"),
    # NULL once it was learned.
    _number("due_at", null=True),
    _number("settled_at"),
    Index("lessons_of_user", "client", "user_id"),
    Index(
        "lessons_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index("lessons_settled", "settled_at"),
)

enrollments = Table(
    "enrollments",
    metadata,
    _text("id", key=True),
    _text("client"),
    _text("user_id"),
    _text("state"),
    _text("locale"),
    _text("return_url", null=True),
    _text("grounds"),
    # A JSON document that is compared as a whole when it is changed.
    _text("recovery", null=True),
    _number("expires_at"),
    _number("created_at"),
    _text("display_name", null=True),
    _bytes("row_mac", null=True),
)

overviews = Table(
    "overviews",
    metadata,
    _text("id", key=True),
    _text("client"),
    _text("user_id"),
    _text("locale"),
    _text("return_url", null=True),
    _number("expires_at"),
    _number("created_at"),
    _bytes("row_mac", null=True),
    Index("overviews_lapsing", "expires_at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    _text("client", key=True),
    _text("key", key=True),
    _bytes("fingerprint"),
    _bytes("answer", null=True),
    _number("expires_at"),
    Index("idempotency_lapsing", "expires_at"),
)

events = Table(
    "events",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    _text("client"),
    _text("user_id"),
    _text("tag"),
    _text("data"),
    _number("at"),
    _text("request", null=True),
    _text("trace", null=True),
    Index("events_of_client", "client", "seq"),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    _text("id", key=True),
    _text("client"),
    _text("url"),
    _text("types"),
    # Why nothing is sent, NULL while it is enabled.
    _text("disabled", null=True),
    _bytes("secret"),
    _bytes("former_secret", null=True),
    _number("former_until", null=True),
    # The last event of the feed that was looked at for this endpoint.
    _number("cursor"),
    _number("created_at"),
    _number("version"),
    Index("webhook_endpoints_of_client", "client"),
)

webhook_removed = Table("webhook_removed", metadata, _text("endpoint_id", key=True))

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    _text("id"),
    _text("endpoint_id"),
    _text("type"),
    # The event's number in the feed, NULL for a test.
    _number("seq", null=True),
    _text("state"),
    _number("in_line"),
    _number("tries"),
    _number("attempts"),
    _number("began_at"),
    _number("next_at", null=True),
    _number("created_at"),
    _number("ended_at", null=True),
    Index("webhook_deliveries_by_id", "id", unique=True),
    Index("webhook_deliveries_of_endpoint", "endpoint_id", "number"),
    Index("webhook_deliveries_ended", "ended_at"),
    Index(
        "webhook_deliveries_waiting",
        "endpoint_id",
        "in_line",
        "number",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    _text("delivery_id", key=True),
    _number("number", key=True),
    _number("at"),
    _number("status", null=True),
    _text("trouble", null=True),
    _number("duration_ms", null=True),
)

schema_facts = Table("schema_facts", metadata, _text("name", key=True), _text("value"))

# One row for each process that is asked whether it is ready: it is, where it can write.
readiness = Table("readiness", metadata, _text("name", key=True), _number("at"))

leases = Table("leases", metadata, _text("name", key=True), _text("holder"), _number("beat"))

policies = Table(
    "policies",
    metadata,
    _text("digest", key=True),
    _text("id"),
    _number("version"),
    _text("document"),
    _number("first_used_at"),
)

policy_versions = Table(
    "policy_versions",
    metadata,
    _text("id", key=True),
    _text("text"),
    _text("form"),
    _text("digest"),
    _text("author"),
    _text("note"),
    _number("created_at"),
    _text("state"),
    _text("policy_id", null=True),
    _number("number", null=True),
    _text("examined", null=True),
    _text("approval", null=True),
    _number("revision"),
    _bytes("row_mac", null=True),
    Index("policy_versions_newest", "created_at", "id"),
)

policy_numbers = Table(
    "policy_numbers",
    metadata,
    _text("policy_id", key=True),
    _number("number", key=True),
    _text("digest"),
    _bytes("row_mac", null=True),
)

policy_publications = Table(
    "policy_publications",
    metadata,
    _number("number", key=True),
    _text("version_id"),
    _text("digest"),
    _text("how"),
    _text("by"),
    _number("at"),
    _number("back_to", null=True),
    _text("note"),
    _bytes("row_mac", null=True),
)

policy_current = Table(
    "policy_current",
    metadata,
    # One row, which every process watches.
    _number("slot", key=True),
    _number("publication"),
    _text("shadow", null=True),
    _bytes("row_mac", null=True),
)

policy_shadow_runs = Table(
    "policy_shadow_runs",
    metadata,
    _text("id", key=True),
    _text("version_id"),
    _text("digest"),
    _text("against"),
    _text("by"),
    _number("started_at"),
    _number("stopped_at", null=True),
    Index("policy_shadow_runs_of_version", "version_id", "started_at"),
)

policy_shadow_counts = Table(
    "policy_shadow_counts",
    metadata,
    _text("run_id", key=True),
    _text("before", key=True),
    _text("after", key=True),
    _number("times"),
)

policy_shadow_samples = Table(
    "policy_shadow_samples",
    metadata,
    _text("run_id", key=True),
    _text("decision_id", key=True),
    _text("before"),
    _text("after"),
)

policy_backtests = Table(
    "policy_backtests",
    metadata,
    _text("id", key=True),
    _text("version_id"),
    _text("by"),
    _number("created_at"),
    _number("since"),
    _number("until"),
    _text("state"),
    _number("total", null=True),
    _number("read"),
    _text("cursor"),
    _text("tally", null=True),
    _text("report", null=True),
    _text("error", null=True),
    _text("owner", null=True),
    _number("lease_until", null=True),
    _number("finished_at", null=True),
    Index("policy_backtests_of_version", "version_id", "created_at"),
    Index("policy_backtests_by_state", "state", "created_at"),
)

audit_links = Table(
    "audit_links",
    metadata,
    _text("chain", key=True),
    _number("seq", key=True),
    _text("previous"),
    _text("body"),
    _text("hash"),
    _text("object"),
    _text("client", null=True),
    Index("audit_links_of_object", "object"),
    Index("audit_links_of_client", "client", "chain", "seq"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    _text("chain", key=True),
    _number("seq", key=True),
    _text("hash"),
    _number("at"),
    _text("key_id"),
    _bytes("signature"),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    _number("seq", key=True),
    _text("body"),
    _text("key_id"),
    _bytes("signature"),
)

operators = Table(
    "operators",
    metadata,
    _text("id", key=True),
    _text("name"),
    _text("name_key"),
    _text("roles"),
    _text("state"),
    _bytes("sign_in_mac", null=True),
    _bytes("app_secret", null=True),
    _number("app_step"),
    _number("created_at"),
    _number("version"),
    _bytes("row_mac", null=True),
    # A revoked operator stays on record; their name may be somebody else's then.
    Index(
        "operators_by_name",
        "name_key",
        unique=True,
        sqlite_where=text("state <> 'revoked'"),
        postgresql_where=text("state <> 'revoked'"),
    ),
)

operator_keys = Table(
    "operator_keys",
    metadata,
    # Unique over all operators, and never free again, since a removed row stays.
    _text("id", key=True),
    _text("operator_id"),
    _text("state"),
    _bytes("user_handle"),
    _bytes("public_key"),
    _number("sign_count"),
    _number("backup_eligible"),
    _number("backed_up"),
    _text("transports"),
    _text("aaguid"),
    _text("format"),
    _number("created_at"),
    _number("used_at", null=True),
    _bytes("row_mac", null=True),
    Index("operator_keys_of_operator", "operator_id"),
)

operator_invitations = Table(
    "operator_invitations",
    metadata,
    _text("id", key=True),
    _text("operator_id"),
    _bytes("mac"),
    _number("expires_at"),
    _number("used_at", null=True),
    _bytes("row_mac", null=True),
)

operator_sessions = Table(
    "operator_sessions",
    metadata,
    _text("id", key=True),
    _text("operator_id"),
    _text("kind"),
    _text("means"),
    _bytes("mac"),
    _number("created_at"),
    _number("seen_at"),
    _number("expires_at"),
    _number("ended_at", null=True),
    _bytes("row_mac", null=True),
    Index("operator_sessions_of_operator", "operator_id"),
)

operator_attempts = Table(
    "operator_attempts",
    metadata,
    _text("scope", key=True),
    _text("counter"),
    _bytes("row_mac", null=True),
)

unfreeze_requests = Table(
    "unfreeze_requests",
    metadata,
    _text("id", key=True),
    _text("client"),
    _text("user_id"),
    _text("reason"),
    _text("asked_by"),
    _number("asked_at"),
    _number("expires_at"),
    _text("state"),
    _text("answered_by", null=True),
    # 1 while a second operator may answer, NULL afterwards: one open request for a user.
    _number("is_open", null=True),
    _bytes("row_mac", null=True),
    Index("unfreeze_requests_one_open", "client", "user_id", "is_open", unique=True),
)

# Counts of what the audit chains say, by five minutes: derived from them, and written off the decision path.
figures = Table(
    "figures",
    metadata,
    _number("at", key=True),
    _text("chain", key=True),
    _text("name", key=True),
    _number("count"),
)

figure_positions = Table(
    "figure_positions",
    metadata,
    _text("chain", key=True),
    _number("seq"),
)
