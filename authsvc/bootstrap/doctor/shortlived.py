"""The short-lived store: does Redis answer, could it evict what must stay, is anything left after a restart?"""

from __future__ import annotations

from urllib.parse import urlsplit

from authsvc.bootstrap.doctor.finding import Findings, doubtful, wrong
from authsvc.bootstrap.doctor.machine import MOST_SKEW
from authsvc.bootstrap.doctor.reach import is_here
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.config import Settings
from authsvc.errors import AuthsvcError

NEARLY_FULL = 0.9


def look_at_redis(settings: Settings, around: Surroundings) -> Findings:
    if not settings.redis_url:
        return
    from authsvc.storage.redis_facts import RedisFacts, redis_facts  # A quarter of a second of every start.

    def judge(facts: RedisFacts) -> Findings:
        if facts.evicts != "noeviction":
            yield wrong(
                "redis-evicts",
                f"Redis on `{facts.node}` may throw away counters and nonces (`maxmemory-policy {facts.evicts}`)",
                "set `maxmemory-policy noeviction`: full, it then refuses, and so does the service",
            )
        if facts.max_memory and facts.used_memory > NEARLY_FULL * facts.max_memory:
            yield wrong(
                "redis-full",
                f"Redis on `{facts.node}` uses {facts.used_memory} of {facts.max_memory} bytes",
                "raise `maxmemory`; full, it refuses every write",
            )
        if not facts.appends:
            yield doubtful(
                "redis-forgets",
                f"Redis on `{facts.node}` keeps no append-only file: a restart ends every open challenge",
                "set `appendonly yes`",
            )
        if facts.last_save_failed:
            yield wrong(
                "redis-cannot-save",
                f"Redis on `{facts.node}` could not save, and may refuse writes",
                "look at its log and its disk",
            )
        if facts.role != "master":
            yield wrong(
                "redis-replica",
                f"Redis on `{facts.node}` is a replica, which cannot be written",
                "name the primary in AUTHSVC_REDIS_URL",
            )
        skew = abs(around.clock.now() - facts.now)
        if skew > MOST_SKEW:
            yield wrong(
                "redis-clock-skew",
                f"the clocks of this machine and of Redis on `{facts.node}` are {skew.total_seconds():.0f} s apart",
                "have both kept right by NTP",
            )

    try:
        for facts in redis_facts(settings.redis_url, settings.store_timeout.total_seconds()):
            yield from judge(facts)
    except AuthsvcError as error:
        yield wrong("redis-silent", error.detail, "start it, open the firewall, or mend AUTHSVC_REDIS_URL")
    yield from _on_the_wire(settings)


def _on_the_wire(settings: Settings) -> Findings:
    parts = urlsplit(settings.redis_url)
    hosts = [each.rpartition(":")[0] or each for each in parts.netloc.rpartition("@")[2].split(",")]
    if not parts.scheme.startswith("rediss") and not all(map(is_here, hosts)):
        yield wrong(
            "redis-plain", "the connection to Redis crosses a network without TLS", "use a `rediss://` URL"
        )
