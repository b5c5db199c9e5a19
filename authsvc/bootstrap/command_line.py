"""Who acts at the command line, as the audit names them."""

from __future__ import annotations

import os
import pwd


def actor() -> str:
    """`command-line:` and the name of the system's account, or its number where it has no name."""
    number = os.getuid()
    try:
        return f"command-line:{pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"command-line:{number}"
