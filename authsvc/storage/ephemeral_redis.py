"""Short-lived state in Redis, for installations of more than one host.

An entry lies under `authsvc:{owner}:name`. The braces are the hash tag by which a cluster keeps an owner's keys on one
node; no operation touches two keys, so none can cross slots. A call that ended in Unavailable may still take effect.
"""

from __future__ import annotations

import hashlib
import logging
import math
from datetime import timedelta
from urllib.parse import quote

from redis import exceptions

from authsvc.ephemeral import Key
from authsvc.errors import Unavailable
from authsvc.storage.redis_servers import server_of

# The count that creates a key sets its time to live in the same step: no crash can leave a count for ever.
_INCREMENT = """local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count"""
_INCREMENT_DIGEST = hashlib.sha1(_INCREMENT.encode(), usedforsecurity=False).hexdigest()

_log = logging.getLogger(__name__)


class RedisEphemeral:
    """`Ephemeral` in one Redis, in a cluster, or in the primary that Sentinels name, as the URL says (`redis_servers`).

    `timeout` bounds every call, in seconds.
    Connects on first use, so that the service can start, and refuse, without Redis. Raises ConfigurationError for a URL
    that cannot be read.
    """

    def __init__(self, url: str, timeout: float) -> None:
        # At DEBUG redis-py writes out whole commands, and with them what is stored.
        logging.getLogger("redis").setLevel(logging.INFO)
        self._server = server_of(url, timeout)

    def put(self, key: Key, value: bytes, ttl: timedelta) -> None:
        self._execute("SET", _name(key), value, "PX", _millis(ttl))

    def get(self, key: Key) -> bytes | None:
        return _bytes(self._execute("GET", _name(key)))

    def take(self, key: Key) -> bytes | None:
        return _bytes(self._execute("GETDEL", _name(key)))

    def add(self, key: Key, value: bytes, ttl: timedelta) -> bool:
        return self._execute("SET", _name(key), value, "NX", "PX", _millis(ttl)) is not None

    def increment(self, key: Key, ttl: timedelta) -> int:
        arguments = (1, _name(key), _millis(ttl))
        try:
            return int(str(self._execute("EVALSHA", _INCREMENT_DIGEST, *arguments)))
        except _ScriptUnknown:
            # EVAL teaches the script to the one node that needs it; SCRIPT LOAD would ask every node of a cluster.
            return int(str(self._execute("EVAL", _INCREMENT, *arguments)))

    def delete(self, key: Key) -> None:
        self._execute("DEL", _name(key))

    def ping(self) -> None:
        self._execute("PING")

    def close(self) -> None:
        """Let go of every connection."""
        self._server.close()

    def _execute(self, *command: object) -> object:
        try:
            return self._server.execute(*command)
        except exceptions.NoScriptError:
            raise _ScriptUnknown from None
        except Exception as error:  # noqa: BLE001 - a server that answers garbage makes redis-py raise nearly anything.
            # `from None`: some of redis-py's messages quote the command, and with it what is stored.
            _log.warning("redis did not answer: %s", type(error).__name__)
            raise Unavailable("the short-lived store does not answer", retry_after=1) from None


class _ScriptUnknown(Exception):
    """This node has not seen the script yet, or has been restarted since."""


def _name(key: Key) -> str:
    # Percent-encoded, because a brace in the owner's name would end the hash tag early.
    return f"authsvc:{{{quote(key.owner, safe='')}}}:{key.name}"


def _millis(ttl: timedelta) -> int:
    return max(1, math.ceil(ttl / timedelta(milliseconds=1)))


def _bytes(answer: object) -> bytes | None:
    if answer is None or isinstance(answer, bytes):
        return answer
    _log.warning("redis answered with a %s where bytes were expected", type(answer).__name__)
    raise Unavailable("the short-lived store sent an unreadable response", retry_after=1)
