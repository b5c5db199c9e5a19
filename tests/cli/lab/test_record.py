"""The service and its pages are as they are, and what people agree to is kept: faces with nonce, times and the device's hints."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from werkzeug.test import Client, TestResponse

from authsvc.bootstrap.app import create_app
from authsvc.cli.lab.in_process import InProcess
from authsvc.cli.lab.record import SENTENCES, Recorder
from authsvc.cli.main import main
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.lab.corpus import read_corpus
from authsvc.lab.drill.service import form
from authsvc.lab.recording import CAPTURES, CONSENTS, MANIFEST, About, Recording
from authsvc.web.settings import WebSettings
from tests.support.service import CLIENT, Bench, embedded

FRAMES = (b"\xff\xd8ann 1", b"\xff\xd8ann 2", b"\xff\xd8ann 3")
META = {"taken_at_ms": [1_000, 1_110, 1_230], "camera": "front"}


class Page:
    """Somebody's browser before the recorder; and the programs of the pages, which ask the same application."""

    def __init__(self, recorder: Recorder, url: str, link: str, api: tuple[str, str]) -> None:
        self.link, self._api = link, api
        self._client, self._url = Client(recorder, use_cookies=False), url

    def get(self, path: str, **more: Any) -> TestResponse:
        return self._client.open(path, base_url=self._url, **more)

    def asks(
        self, method: str, path: str, body: bytes = b"{}", media: str = "application/json"
    ) -> TestResponse:
        place, token = self._api
        headers = {"Authorization": f"Enrollment {token}", "Content-Type": media, "Idempotency-Key": '"once"'}
        return self.get(f"/v1/enrollments/{place}{path}", method=method, headers=headers, data=body)

    def shows_face(self) -> TestResponse:
        nonce = self.asks("POST", "/steps/face/begin").get_json()["nonce"]
        media, body = form({"nonce": nonce, "meta": json.dumps(META)}, FRAMES)
        return self.asks("PUT", "/steps/face", body, media)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corpus"


@pytest.fixture
def page(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    settings = embedded(tmp_path / "data")
    bench = Bench(settings)
    bench.services.public.readyz()
    key, shown = new_api_key(bench.wired.store.ring, CLIENT, ALL_SCOPES, bench.clock.now())
    bench.wired.store.ledger.transact(lambda tx: tx.keys.add(key))
    app = create_app(bench.services, WebSettings(settings.public_url))
    premises: Any = SimpleNamespace(takes_photographs=True)
    service = InProcess(app, settings, shown, premises, tmp_path)
    tickets: list[Any] = []
    asked = service.ask

    def noted(*call: Any) -> Any:
        answer = asked(*call)
        tickets.append(answer.json)
        return answer

    monkeypatch.setattr(service, "ask", noted)
    recorder = Recorder(service, Recording(folder, About("bona_fide", "phone A")), "en")
    link = recorder.invite("ann")
    yield Page(recorder, service.url, urlsplit(link).path, (tickets[0]["id"], tickets[0]["token"]))
    bench.close()


def consents(page: Page) -> None:
    agreed = page.asks("POST", "/steps/consent/begin").get_json()
    said = {"modalities": ["face"], "text_version": agreed["text_version"]}
    assert page.asks("PUT", "/steps/consent", json.dumps(said).encode()).status_code == 200


def test_who_agrees_is_recorded_and_led_to_the_pages(page: Page, folder: Path) -> None:
    asked = page.get(page.link)
    assert "does not hold for this recording" in asked.get_data(as_text=True)
    in_chinese = page.get(f"{page.link}?lang=zh-CN").get_data(as_text=True)
    assert "不适用于本次录制" in in_chinese
    assert "I agree" not in in_chinese
    led = page.get(f"{page.link}?lang=zh-CN", method="POST")
    assert (led.status_code, urlsplit(led.headers["Location"]).path[:3]) == (307, "/e/")
    [token] = re.findall(r'name="token" value="([^"]+)"', asked.get_data(as_text=True))
    opened = page.get(urlsplit(led.headers["Location"]).path, method="POST", data={"token": token})
    assert opened.status_code == 303
    assert "Set-Cookie" in opened.headers
    consents(page)
    assert page.shows_face().status_code == 200
    (sample,) = read_corpus(folder / MANIFEST).samples
    assert [file.read_bytes() for file in sorted(sample.path.iterdir())] == [*FRAMES]
    assert (sample.subject, sample.instrument) == ("ann", "phone A")
    said = json.loads((folder / CAPTURES).read_text())
    assert (said["meta"], said["answered"]) == (META, 200)
    assert said["nonce"]
    assert json.loads((folder / CONSENTS).read_text())["sentence"] == SENTENCES["zh-CN"]


def test_of_whom_has_not_agreed_nothing_is_kept_though_the_service_goes_on(page: Page, folder: Path) -> None:
    page.get(page.link)
    consents(page)
    assert page.shows_face().status_code == 200
    assert list(folder.iterdir()) == []


def test_what_the_service_refuses_is_not_kept(page: Page, folder: Path) -> None:
    page.get(page.link, method="POST")
    consents(page)
    page.asks("POST", "/steps/face/begin")
    media, body = form({"nonce": "another", "meta": "{}"}, FRAMES)
    assert page.asks("PUT", "/steps/face", body, media).status_code == 400
    assert [each.name for each in folder.iterdir()] == [CONSENTS]


def test_an_address_without_the_secret_leads_nowhere(page: Page) -> None:
    assert [page.get(path).status_code for path in ("/record/", "/record/guessed")] == [404, 404]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--subject", "../ann"), "no name for a subject"),
        (("--subject", ".ann"), "no name for a subject"),
        (("--subject", "ann", "--label", "a/b"), "is no label"),
        (("--subject", "ann", "--label", "attack"), "is no label"),
        (("--subject", "ann", "--port", "80"), "--port"),
    ],
)
def test_names_that_would_lead_out_of_the_folder_are_refused(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(main, ["lab", "record", "--into", os.fspath(tmp_path / "corpus"), *words])
    assert done.exit_code != 0
    assert said in done.output
    assert not (tmp_path / "corpus").exists()
