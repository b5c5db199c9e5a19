"""People who agree make a corpus in a real browser: what its camera and microphone gave is what the lab reads and replays."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyotp
import pytest
from click.testing import CliRunner
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright

from authsvc.biometric.words import Modality
from authsvc.cli.demo.service import environment, program
from authsvc.cli.main import main
from authsvc.lab.clips import clip_of
from authsvc.lab.corpus import Corpus, read_corpus
from authsvc.voice.audio import beginning
from tests.browser.clips import write_clip
from tests.browser.inspection import inspect
from tests.browser.phone import AUTHENTICATOR
from tests.browser.test_voice import Microphone
from tests.support.ports import free_port

_JUDGED_MS = 120_000


@pytest.fixture(scope="module")
def browser(
    playwright: Playwright, chromium_program: str, faces_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("seen")
    microphone = Microphone(folder)
    microphone.play(np.random.default_rng(1).normal(0, 0.05, 48_000).astype(np.float32))
    clip = write_clip(faces_dir / "obama/1.jpg", folder / "clip.y4m")
    sees = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    sees += [f"--use-file-for-fake-video-capture={clip}"]
    sees += [f"--use-file-for-fake-audio-capture={microphone.file}"]
    opened = playwright.chromium.launch(executable_path=chromium_program, args=sees)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def recorded(
    browser: Browser, model_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    """The folder, and what was wrong with pages on the way: somebody Chinese is recorded, and nobody else."""
    folder, faults = tmp_path_factory.mktemp("recorded") / "corpus", list[str]()
    words = [
        "lab",
        "record",
        "--into",
        folder,
        "--subject",
        "obama",
        "--subject",
        "bob",
        "--session",
        "monday",
    ]
    words += ["--port", free_port(), "--model-dir", model_dir]
    command = [program(), *map(str, words)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as recorder:
        try:
            assert recorder.stdout is not None
            link = recorder.stdout.readline().split()[1]
            context = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
            page = context.new_page()
            page.set_default_timeout(_JUDGED_MS)
            page.on("pageerror", lambda error: faults.append(str(error)))
            _is_recorded(page, link, faults)
            context.close()
        finally:
            recorder.terminate()
        recorder.communicate(timeout=_JUDGED_MS / 1000)
    assert recorder.returncode == 0
    return folder, faults


def _is_recorded(page: Page, link: str, faults: list[str]) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": dict(AUTHENTICATOR)})
    page.goto(link)
    faults += inspect(page, "record-1-consent", names=("obama", "English"))
    page.click("a[lang=en]")
    faults += inspect(page, "record-1-consent")
    page.click("a[lang=zh-CN]")
    page.click("button")
    page.click("a.button")
    for box in page.locator("fieldset.consent").all():
        box.locator("input[value=yes]").check()
    page.click("main button.button")
    with page.expect_navigation(url=re.compile(r"/otp$")):
        page.click("#start")
    page.click("details summary")
    app = pyotp.TOTP(page.inner_text("#secret"))
    page.fill("#code", app.at(int(time.time()) - 30))
    page.click("form:has(#code) button.button")
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.click("#start")  # Where a face is seen, it begins by itself.
    page.goto(re.sub(r"/face$", "/voice", page.url))
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.click("#start")


@pytest.fixture(scope="module")
def corpus(recorded: tuple[Path, list[str]]) -> Corpus:
    return read_corpus(recorded[0] / "corpus.jsonl")


def test_what_camera_and_microphone_gave_is_a_corpus_with_nonce_and_hints(
    recorded: tuple[Path, list[str]], corpus: Corpus
) -> None:
    folder, faults = recorded
    assert faults == []
    assert {each.subject for each in corpus.samples} == {"obama"}
    face, *_ = corpus.of(Modality.FACE)
    clip = clip_of(face.path)
    assert len(clip.pictures) >= 5
    assert list(clip.taken_ms) == sorted(clip.taken_ms)
    with Image.open(min(face.path.iterdir())) as frame:
        assert (frame.format, frame.size) == ("JPEG", (640, 480))
    voice, *_ = corpus.of(Modality.VOICE)
    assert re.fullmatch(r"\d{8}_\d{4}\.wav", voice.path.name)
    assert beginning(voice.path).seconds > 1
    uploads = [json.loads(line) for line in (folder / "captures.jsonl").read_text().splitlines()]
    assert all(len(each["nonce"]) > 20 and each["meta"] for each in uploads)
    assert all("settings" in each["meta"] for each in uploads if each["modality"] == "voice")
    assert len({each["nonce"] for each in uploads}) == len(uploads)
    (agreed,) = (json.loads(line) for line in (folder / "consents.jsonl").read_text().splitlines())
    assert agreed["subject"] == "obama"
    assert [each.stat().st_mode & 0o077 for each in folder.rglob("*")] == [0] * len(list(folder.rglob("*")))


def test_the_lab_replays_what_was_recorded(
    recorded: tuple[Path, list[str]], corpus: Corpus, faces_dir: Path, model_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "enrolled").mkdir()
    shutil.copytree(faces_dir / "obama", tmp_path / "enrolled" / "obama")
    words = ["lab", "attack", "--sample", recorded[0] / "corpus.jsonl", "--enrolled", tmp_path / "enrolled"]
    words += ["--keep", tmp_path / "kept", "--model-dir", model_dir, "--unsafe-no-pad", "--json"]
    done = CliRunner().invoke(main, list(map(str, words)))
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["n_samples"] == found["bona_fide"]["presentations"] == len(corpus.of(Modality.FACE))
    assert (found["fte_errors"], found["bona_fide"]["rejected_errors"]) == (0, 0)
