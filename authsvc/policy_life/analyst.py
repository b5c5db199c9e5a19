"""Has a candidate examined by a program of its own, so that going through its cells takes nothing from the payments."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from authsvc.errors import Unavailable
from authsvc.policy.engine import Policy
from authsvc.policy.examination import Past
from authsvc.policy.profiles import Profile


class Analyst(Protocol):
    """Examines a candidate beside the active policy: see `policy.examination`. Any: JSON."""

    def examine(
        self, candidate: Policy, active: Policy, profile: Profile | None, past: Past | None = None
    ) -> Mapping[str, Any]: ...


class ChildAnalyst:
    """Starts the program for each examination, and ends it where it takes too long.

    `most_cells` is where an examination ends unfinished. It is the service's own bound, and nobody who asks for an examination
    has a say in it: what is unfinished shows less than there is.
    """

    def __init__(self, most_cells: int, patience: timedelta = timedelta(seconds=60)) -> None:
        self._most_cells = most_cells
        self._patience = patience.total_seconds()

    def examine(
        self, candidate: Policy, active: Policy, profile: Profile | None, past: Past | None = None
    ) -> Mapping[str, Any]:
        """What was found; raises Unavailable where the program does not end in time or not well."""
        request = {
            "candidate": candidate.canonical.decode(),
            "active": active.canonical.decode(),
            "profile": None if profile is None else profile.value,
            "most_cells": self._most_cells,
            "past": None if past is None else past._asdict(),
        }
        command = [sys.executable, "-m", "authsvc.policy.examination"]
        try:
            done = subprocess.run(  # Our own interpreter and our own module.
                command,
                input=json.dumps(request).encode(),
                capture_output=True,
                timeout=self._patience,
                check=True,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(
                "the analysis takes too long here, so the version cannot be approved", retry_after=1
            ) from None
        except (subprocess.CalledProcessError, OSError) as error:
            raise Unavailable("the analysis did not end well", retry_after=1) from error
        found: Mapping[str, Any] = json.loads(done.stdout)
        return found
