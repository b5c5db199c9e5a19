"""`authsvc lab …`: measurements with honest intervals. Each subject keeps its commands in a file of its own.

What needs a whole service beside the engines stands in `cli/lab/`.
"""

from __future__ import annotations

import click

from authsvc.lab.blur_commands import blur_command
from authsvc.lab.calibration_commands import calibrate_face
from authsvc.lab.degradation_commands import degradations_command
from authsvc.lab.face_commands import face_command
from authsvc.lab.gait_commands import gait_command
from authsvc.lab.pad_calibration_commands import calibrate_pad
from authsvc.lab.pad_commands import pad_command
from authsvc.lab.run_comparison_commands import compare_command
from authsvc.lab.voice_commands import COMMANDS as VOICE_COMMANDS
from authsvc.lab.voice_commands import calibrate_voice


@click.group()
def lab() -> None:
    """Error rates of the engines, measured on your own data."""


@lab.group()
def calibrate() -> None:
    """Operating points from your own data, for a model's manifest."""


lab.add_command(face_command)
lab.add_command(degradations_command)
lab.add_command(blur_command)
lab.add_command(gait_command)
lab.add_command(pad_command)
lab.add_command(compare_command)
calibrate.add_command(calibrate_face)
calibrate.add_command(calibrate_pad)
calibrate.add_command(calibrate_voice)
for command in VOICE_COMMANDS:
    lab.add_command(command)
