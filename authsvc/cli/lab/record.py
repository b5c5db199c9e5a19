"""`authsvc lab record`: people who agree make a corpus with the pages and the service as they are, on this machine alone."""

from __future__ import annotations

import json
import logging
import re
import secrets
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import click
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from authsvc.biometric.words import Modality
from authsvc.bootstrap.launch import beside_pages
from authsvc.cli.lab.in_process import InProcess, in_process
from authsvc.clock import SystemClock, rfc3339
from authsvc.config import read_settings
from authsvc.errors import InvalidRequest
from authsvc.lab.drill.people import Person, expect
from authsvc.lab.recording import About, Recording, Upload
from authsvc.text import fault_of_identifier, fault_of_label
from authsvc.web.capture import AUDIO, FRAMES
from authsvc.web.http import ApiRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LARGEST = 48_000_000
"""Bytes; the service takes none that is larger."""

SENTENCES = {
    "zh-CN": (
        "我同意：本次拍摄的人脸画面和录制的声音会以文件形式保存在运行此程序的电脑上，仅用于评测识别与活体检测的准确性；"
        "我可以随时要求删除。后续页面所称“提取后立即删除”不适用于本次录制。"
    ),
    "en": (
        "I agree that the pictures of my face and the recordings of my voice that are made now are kept as files on the "
        "computer that runs this program, to measure recognition and liveness detection and for nothing else; I may have "
        "them deleted at any time. What the next pages say of deleting them at once does not hold for this recording."
    ),
}
WORDS = {
    "zh-CN": ("录制同意", "同意并继续", "en", "English"),
    "en": ("Consent to a recording", "Agree and continue", "zh-CN", "中文"),
}

_STEP = re.compile(r"/v1/enrollments/([^/]+)/steps/(face|voice)(/begin)?")
_PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>{title}</title>
<style>:root{{color-scheme:light dark;background:Canvas;color:CanvasText}}
body{{font:1rem/1.6 system-ui,"Noto Sans SC",sans-serif}}
body{{max-width:34rem;margin:1.5rem auto;padding:0 1rem}}a{{color:inherit;float:right;line-height:2.2}}
h1{{font-size:1.4rem;margin:0 0 .5rem}}section{{border:1px solid #8886;border-radius:.8rem;padding:0 1rem;margin:1rem 0}}
button{{font:inherit;font-weight:600;width:100%;min-height:3rem;border:0;border-radius:.8rem;background:#0f6b52;color:#fff}}</style>
<main><a href="?lang={other}" lang="{other}">{other_name}</a><h1>{title}</h1><p>{subject}</p><section><p>{sentence}</p></section>
<form method="post" action="?lang={lang}"><input type="hidden" name="token" value="{token}">
<button>{agree}</button></form></main></html>"""


class Recorder:
    """A service with its pages whose captures are kept, once their people have agreed on a page of its own."""

    def __init__(self, service: InProcess, recording: Recording, locale: str) -> None:
        self._recording, self._service, self._locale = recording, service, locale
        self._subjects: dict[str, str] = {}
        self._links: dict[str, tuple[str, str, str]] = {}
        self._api = service.app
        self._whole: WSGIApplication = beside_pages(service.settings, self._watching)

    def invite(self, subject: str) -> str:
        """The address at which this person agrees and is led to the pages; it holds a secret."""
        ticket = expect(Person(self._service, subject, self._locale).ticket(), 201)
        secret = secrets.token_urlsafe(16)
        self._subjects[str(ticket["id"])] = subject
        self._links[secret] = subject, str(ticket["url"]), str(ticket["token"])
        return f"{self._service.url}/record/{secret}"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith("/record/"):
            return self._consent(path.removeprefix("/record/"), environ)(environ, start_response)
        return self._whole(environ, start_response)

    def _consent(self, secret: str, environ: WSGIEnvironment) -> Response:
        if secret not in self._links:
            return Response("", 404)
        subject, url, token = self._links[secret]
        lang = self._language(str(environ.get("QUERY_STRING", "")))
        if environ["REQUEST_METHOD"] != "POST":
            page = _page(lang, subject, token)
            headers = {
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Frame-Options": "DENY",
            }
            return Response(page, 200, headers, content_type="text/html; charset=utf-8")
        self._recording.agree(subject, SENTENCES[lang], _now())
        # The same form goes on to the pages, which take the token from a body and never from an address.
        return Response("", 307, {"Location": url})

    def _language(self, query: str) -> str:
        """That which is asked for, else the recorder's own."""
        asked = parse_qs(query).get("lang", [self._locale])[0]
        return asked if asked in SENTENCES else "zh-CN" if self._locale.startswith("zh") else "en"

    def _watching(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """What pages and programs ask of the service; its answers are not changed."""
        found = _STEP.fullmatch(str(environ.get("PATH_INFO", "")))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if found is None or found[1] not in self._subjects or length > LARGEST:
            return self._api(environ, start_response)
        body = environ["wsgi.input"].read(length)
        answer, status, headers = run_wsgi_app(
            self._api, {**environ, "wsgi.input": BytesIO(body)}, buffered=True
        )
        content = b"".join(answer)
        self._saw(
            self._subjects[found[1]], Modality(found[2]), bool(found[3]), environ, body, status, content
        )
        start_response(status, list(headers))
        return [content]

    def _saw(
        self,
        subject: str,
        modality: Modality,
        begins: bool,
        environ: WSGIEnvironment,
        body: bytes,
        status: str,
        content: bytes,
    ) -> None:
        code, said = int(status.split(" ", 1)[0]), _object(content)
        if begins:
            if code == 200:
                self._recording.begin(subject, modality, _asked(said))
        elif environ["REQUEST_METHOD"] == "PUT" and code in (200, 422):
            self._recording.take(subject, modality, _upload(environ, modality, body, code), _asked(said))


def _page(lang: str, subject: str, token: str) -> str:
    title, agree, other, other_name = WORDS[lang]
    words = {"title": title, "agree": agree, "other": other, "other_name": other_name}
    return _PAGE.format(
        lang=lang, subject=escape(subject), sentence=SENTENCES[lang], token=escape(token), **words
    )


def _upload(environ: WSGIEnvironment, modality: Modality, body: bytes, status: int) -> Upload:
    """As the service reads it: in memory."""
    capture = FRAMES if modality is Modality.FACE else AUDIO
    taken = capture.parse(ApiRequest(environ), body)
    meta = taken.fields["meta"]
    hints = dict(meta) if isinstance(meta, Mapping) else {}
    return Upload(str(taken.fields["nonce"]), hints, taken.files[capture.files], status, _now())


def _asked(said: Mapping[str, Any]) -> Mapping[str, Any]:  # Any: what the service answered.
    """What is asked next; nothing where nothing is."""
    names = ("gestures", "digits", "language", "pause_ms", "part", "parts")
    return {name: said[name] for name in names if name in said}


def _object(content: bytes) -> Mapping[str, Any]:  # Any: likewise.
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _now() -> str:
    return rfc3339(SystemClock().now())


@click.command("record")
@click.option(
    "--into",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="An empty folder, or a corpus of before.",
)
@click.option("--subject", "subjects", required=True, multiple=True, help="Whoever is recorded; repeat.")
@click.option(
    "--label", default="bona_fide", show_default=True, help="`bona_fide`, or the species of an attack."
)
@click.option("--instrument", default="", help="What they are recorded with, or what the attack is made of.")
@click.option("--session", default="", help="Which sitting this is.")
@click.option("--locale", default="zh-CN", show_default=True, help="The language of the pages: zh-CN or en.")
@click.option("--port", type=click.IntRange(1024, 65535), default=8600, show_default=True)
@click.option("--model-dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
def record_command(
    folder: Path,
    subjects: tuple[str, ...],
    label: str,
    instrument: str,
    session: str,
    locale: str,
    port: int,
    model_dir: Path | None,
) -> None:
    """Make a corpus with people who agree to it: the usual pages, on this machine alone, until Ctrl-C."""
    _must_be_names(subjects, label)
    recording = Recording(folder, About(label, instrument, session))
    models = model_dir or read_settings().models
    with in_process(models, unsafe_no_pad=False, voice=True, port=port) as service:
        recorder = Recorder(service, recording, locale)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server("127.0.0.1", port, recorder, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with _interrupted_by(signal.SIGINT, signal.SIGTERM):
            try:
                for subject in subjects:
                    click.echo(f"{subject}  {recorder.invite(subject)}")
                click.echo(f"captures are written into {folder}; Ctrl-C ends it", file=sys.stderr)
                thread.join()
            except KeyboardInterrupt:
                pass
            finally:
                server.shutdown()
                thread.join()
                server.server_close()


@contextmanager
def _interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """Each raises KeyboardInterrupt, also where a shell had it ignored, as it does for what runs in the background."""
    before = {each: signal.signal(each, signal.default_int_handler) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _must_be_names(subjects: Iterable[str], label: str) -> None:
    """Each becomes the name of a folder."""
    for subject in subjects:
        fault = fault_of_identifier(subject)
        if fault is not None or "/" in subject or subject.startswith("."):
            raise InvalidRequest(
                f"`{subject}` is no name for a subject: {fault or 'it is no name of a folder'}"
            )
    fault = fault_of_label(label)
    if fault is not None or "/" in label or label.startswith(".") or label == "attack":
        raise InvalidRequest(f"`{label}` is no label: {fault or 'expected `bona_fide` or a species'}")
