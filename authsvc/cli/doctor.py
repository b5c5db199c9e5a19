"""`authsvc doctor`: what is wrong with this deployment, and what to do about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from authsvc.bootstrap.doctor.examination import examine
from authsvc.bootstrap.doctor.finding import Finding, Severity, wrong
from authsvc.cli.operate import as_json_option, with_settings
from authsvc.config import read_settings
from authsvc.errors import ConfigurationError

WRONG, DOUBTFUL = 1, 3


@click.command()
@with_settings
@as_json_option
def doctor(as_json: bool, **options: Any) -> None:
    """Look at everything that this deployment needs; exits with 1 for what is wrong, with 3 for warnings alone."""
    try:
        found: Sequence[Finding] = examine(read_settings(**options))
    except ConfigurationError as error:
        found = [wrong("settings", error.detail, "README, `Settings`, lists them all")]
    if as_json:
        click.echo(json.dumps({"findings": [each.to_json() for each in found]}, ensure_ascii=False))
    else:
        click.echo("\n".join(map(_shown, found)) or "nothing is wrong")
    sys.exit(_code(found))


def _shown(found: Finding) -> str:
    return f"{found.severity.value:7}  {found.name}: {found.what}\n         {found.to_do}"


def _code(found: Sequence[Finding]) -> int:
    if not found:
        return 0
    return WRONG if any(each.severity is Severity.ERROR for each in found) else DOUBTFUL
