"""`authsvc lab …` with the commands that need a whole service."""

from __future__ import annotations

from authsvc.cli.lab.attack import attack_command
from authsvc.cli.lab.record import record_command
from authsvc.cli.lab.sign import sign_command
from authsvc.cli.lab.whole import all_command
from authsvc.lab.commands import lab

lab.add_command(attack_command)
lab.add_command(all_command)
lab.add_command(record_command)
lab.add_command(sign_command)

__all__ = ["lab"]
