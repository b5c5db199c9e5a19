"""How busy this machine is: what a bound in seconds, chosen on a quiet one, is multiplied by."""

from __future__ import annotations

import os
from pathlib import Path


def slowness() -> float:
    """How many times longer than on a quiet machine a thing may take: threads that want to run, for each core; at least 1."""
    minute, _, _, running, _ = Path("/proc/loadavg").read_text().split()
    wanting = max(float(minute), float(running.split("/")[0]))
    return max(1.0, wanting / (os.cpu_count() or 1))
