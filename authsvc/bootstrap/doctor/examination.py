"""All that is looked at, in the order in which an operator would mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from authsvc.bootstrap.doctor.backups import look_at_backups
from authsvc.bootstrap.doctor.certificates import look_at_certificates
from authsvc.bootstrap.doctor.durable import look_at_database
from authsvc.bootstrap.doctor.engines import look_at_liveness, look_at_models
from authsvc.bootstrap.doctor.finding import Finding, wrong
from authsvc.bootstrap.doctor.inside import look_at_policy_file, look_inside
from authsvc.bootstrap.doctor.keys import look_at_keys
from authsvc.bootstrap.doctor.machine import look_at_clock, look_at_folder, look_at_limits
from authsvc.bootstrap.doctor.reach import look_at_addresses, look_at_device_keys, look_at_waits
from authsvc.bootstrap.doctor.shortlived import look_at_redis
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.config import Settings

Look = Callable[[Settings, Surroundings], Iterator[Finding]]

LOOKS: tuple[Look, ...] = (
    look_at_folder,
    look_at_limits,
    look_at_clock,
    look_at_keys,
    look_at_database,
    look_at_redis,
    look_at_addresses,
    look_at_certificates,
    look_at_device_keys,
    look_at_waits,
    look_at_models,
    look_at_liveness,
    look_at_policy_file,
    look_inside,
    look_at_backups,
)


def examine(settings: Settings, around: Surroundings | None = None) -> tuple[Finding, ...]:
    """Every finding; one that breaks a look is a finding too, and the others go on."""
    around = around or Surroundings()
    return tuple(found for look in LOOKS for found in _looked(look, settings, around))


def _looked(look: Look, settings: Settings, around: Surroundings) -> Iterator[Finding]:
    try:
        yield from look(settings, around)
    except OSError as error:
        where = "" if error.filename is None else f"`{error.filename}`: "
        yield wrong("unreadable", f"{where}{error.strerror or error}", "let the service's user read it")
