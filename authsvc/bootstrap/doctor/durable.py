"""The database: its schema, its settings, its room for connections, its clock."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address

from authsvc.bootstrap.doctor.finding import Findings, doubtful, wrong
from authsvc.bootstrap.doctor.machine import MOST_SKEW
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.bootstrap.opening import open_database
from authsvc.config import Settings
from authsvc.errors import AuthsvcError
from authsvc.storage.facts import PostgresFacts, first_moment, last_moment, postgres_facts
from authsvc.storage.revision import Fit, fit_of

CONNECTIONS_EACH = 5
"""A process's writer and its readers (`storage/ledger.py`)."""

SIDE_PROCESSES = 2
"""Backtests and webhooks; the biometric worker has no database."""

OLDEST_POSTGRES = 140_000

ARCHIVED_EVERY = timedelta(days=62)
"""Once a month is often enough, and a month may be missed."""

_UPGRADE = {
    Fit.EMPTY: ("schema-missing", "`authsvc db upgrade`"),
    Fit.OLDER: ("schema-older", "`authsvc db upgrade`, then start the service"),
    Fit.NEWER: ("schema-newer", "install the release that made it, or go back with that release's guide"),
    Fit.UNCLEAR: ("schema-unclear", "restore a backup, or name an empty database"),
}

_SAFE = {
    "fsync": "a power cut may destroy the database: set `fsync = on`",
    "full_page_writes": "a power cut may tear pages: set `full_page_writes = on`",
    "synchronous_commit": "a crash forgets answers that were given, used receipts among them: set `synchronous_commit = on`",
}


def look_at_database(settings: Settings, around: Surroundings) -> Findings:
    if _is_absent(settings) and not settings.data_dir.is_dir():
        return  # Which is a finding by itself.
    if _is_absent(settings):
        yield wrong("schema-missing", f"there is no `{settings.database_file}`", _UPGRADE[Fit.EMPTY][1])
        return
    try:
        yield from _schema(settings)
        yield from _clock(settings, around)
        yield from _archives(settings, around)
        if settings.database_url:
            facts = postgres_facts(open_database(settings))
            yield from _server(facts)
            yield from _connections(settings, facts)
            yield from _skew(around, facts)
    except AuthsvcError as error:
        yield wrong(
            "database-silent",
            error.detail,
            "start it, let this host through its firewall and pg_hba.conf, mend AUTHSVC_DATABASE_URL or the disk",
        )


def fits(settings: Settings) -> bool:
    """Whether this program can work on the database."""
    if _is_absent(settings):
        return False
    try:
        return fit_of(open_database(settings)) in (Fit.CURRENT, Fit.NEWER_AND_KIND)
    except (AuthsvcError, OSError):
        return False


def _is_absent(settings: Settings) -> bool:
    """Opening it would make it."""
    return not settings.database_url and not settings.database_file.exists()


def _schema(settings: Settings) -> Findings:
    fit = fit_of(open_database(settings))
    if fit in _UPGRADE:
        name, to_do = _UPGRADE[fit]
        yield wrong(name, f"the database's schema is {fit.value}", to_do)


def _server(facts: PostgresFacts) -> Findings:
    for name, to_do in _SAFE.items():
        if facts.settings[name] == "off":
            yield wrong(f"postgres-{name}", f"PostgreSQL runs with `{name} = off`", to_do)
    if facts.is_standby or facts.settings["default_transaction_read_only"] == "on":
        yield wrong(
            "postgres-standby",
            "this PostgreSQL is read-only: a standby, or a primary that was taken out",
            "name the primary, or both hosts and `target_session_attrs=read-write` in AUTHSVC_DATABASE_URL",
        )
    if int(facts.settings["server_version_num"]) < OLDEST_POSTGRES:
        yield doubtful(
            "postgres-old",
            "PostgreSQL before 14 does not notice when a client is gone",
            "upgrade it to 14 or later",
        )
    if not facts.is_encrypted and not all(map(_is_near, facts.peers)):
        yield wrong(
            "postgres-plain",
            "the connection to PostgreSQL crosses a network without TLS",
            "add `sslmode=verify-full` (and `sslrootcert=`) to AUTHSVC_DATABASE_URL",
        )


def _connections(settings: Settings, facts: PostgresFacts) -> Findings:
    wanted = (settings.workers + SIDE_PROCESSES + 1) * CONNECTIONS_EACH
    if wanted > facts.free_connections:
        yield wrong(
            "postgres-connections",
            f"this host may want {wanted} connections, and PostgreSQL has {facts.free_connections} for everybody",
            f"raise `max_connections` to {wanted} a host and some more, or lower AUTHSVC_WORKERS",
        )


def _skew(around: Surroundings, facts: PostgresFacts) -> Findings:
    skew = abs(around.clock.now() - facts.now)
    if skew > MOST_SKEW:
        yield wrong(
            "clock-skew",
            f"this machine's clock and PostgreSQL's are {skew.total_seconds():.0f} s apart",
            "have both kept right by NTP",
        )


def _clock(settings: Settings, around: Surroundings) -> Findings:
    if not fits(settings):
        return
    last, now = last_moment(open_database(settings)), around.clock.now()
    if last is not None and last - now > MOST_SKEW:
        ahead = (last - now).total_seconds()
        yield wrong(
            "clock-behind",
            f"the database holds a moment that is {ahead:.0f} s ahead of this machine's clock",
            "have every host's clock kept right by NTP, and start the service once this one has caught up",
        )


def _archives(settings: Settings, around: Surroundings) -> Findings:
    if not fits(settings):
        return
    first, now = first_moment(open_database(settings)), around.clock.now()
    kept = timedelta(days=settings.keep_audit_days)
    if first is not None and now - first > kept + ARCHIVED_EVERY:
        yield doubtful(
            "archive-late",
            f"the audit in the database goes back {(now - first).days} days, and {kept.days} are kept",
            "run `authsvc audit archive FOLDER` once a month: `deploy/systemd/authsvc-archive.timer` does",
        )


def _is_near(address: str) -> bool:
    return not address or ip_address(address).is_loopback
