"""Folders of people who hum and of real photographs, and the commands on them; the service of hums is the voice room's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from authsvc.cli.main import main
from authsvc.voice.audio import encode_wav
from tests.lab.hums import PROMPTS
from tests.voice.conftest import hum_manifest, service
from tests.voice.sounds import say

__all__ = ["corpus", "hum_manifest", "service"]

PEOPLE = ("obama", "biden", "rose_leslie", "bbt_amy")

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(faces_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people, and a file that is no picture whatever its name says."""
    made = tmp_path_factory.mktemp("people")
    for name in PEOPLE:
        (made / name).mkdir()
        for file in (faces_dir / name).glob("*.jpg"):
            (made / name / file.name).symlink_to(file)
    (made / "biden" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return made


@pytest.fixture(scope="module")
def run(model_dir: Path) -> Run:
    def command(*words: object) -> Result:
        folder = () if "--model-dir" in words else ("--model-dir", model_dir)
        return CliRunner().invoke(main, ["lab", *map(str, (*words, *folder, "--processes", 1))])

    return command


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hums, six rows of digits each; one more person has but one recording, and one file is no recording."""
    folder = tmp_path_factory.mktemp("hums")
    for pitch, prompts in ((360, PROMPTS), (440, PROMPTS), (520, PROMPTS), (600, PROMPTS[:1])):
        person = folder / f"hum{pitch}"
        person.mkdir()
        for take, digits in enumerate(prompts):
            (person / f"{digits}_{take}.wav").write_bytes(encode_wav(say(digits, pitch, take=take)))
    (folder / "hum600" / "broken.wav").write_bytes(b"RIFF")
    return folder
