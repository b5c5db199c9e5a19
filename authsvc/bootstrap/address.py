"""Where the service of a data directory is reached: it says so when it starts, and links made beside it lead there."""

from __future__ import annotations

from contextlib import suppress

from authsvc.config import Settings

_NAME = "address"


def note_address(settings: Settings) -> None:
    """Leave word of where this service is reached. A help, for which a full disk must not keep it from starting."""
    with suppress(OSError):
        (settings.data_dir / _NAME).write_text(settings.public_url + "\n")


def address_of(settings: Settings) -> str:
    """Where people reach the service: as is set, else as the service of this data directory said, else the default."""
    if not settings.base_url:
        with suppress(OSError, UnicodeDecodeError):
            return (settings.data_dir / _NAME).read_text().strip() or settings.public_url
    return settings.public_url
