"""Nothing that must stay in memory is ever written down: a whole story with unique bytes in it, then a search for them all.

What is stored in clear on purpose (the payment as it was decided, a device's name) may stand in the database and nowhere
else. The search itself is tried first, on what it must find.
"""

from __future__ import annotations

import base64
import secrets
import struct
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from authsvc.biometric.words import Modality
from authsvc.bootstrap.launch import DEVELOPMENT_CLIENT
from authsvc.bootstrap.opening import open_store
from authsvc.config import Settings
from authsvc.subject import Subject
from tests.guarantees.canaries import (
    Photograph,
    files_under,
    forms_of,
    hits,
    postgres_cells,
    redis_values,
    searches,
    sqlite_cells,
    word,
)
from tests.guarantees.people import Opened, Person, Shop
from tests.support.live import LiveService
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer


@dataclass
class Site:
    """A service, and every place where it or its stores could have written."""

    live: LiveService
    began: float
    database_url: str = ""
    postgres: PostgresServer | None = None
    redis: RedisServer | None = None

    def outside(self) -> Iterator[tuple[str, bytes]]:
        """Logs and whatever else lies about."""
        logs = [server.log for server in (self.live, self.postgres, self.redis) if server is not None]
        yield from ((str(log), log.read_bytes()) for log in logs)
        yield from files_under(self.live.temp_dir, self.live.data_dir / "run")
        yield from _new_in(Path(tempfile.gettempdir()), self.began)
        yield from _new_in(Path("/dev/shm"), self.began)  # noqa: S108  # It is searched, not written to.

    def stores(self) -> Iterator[tuple[str, bytes]]:
        """The stores as files, where they are ours, and as values."""
        for path in sorted(self.live.data_dir.glob("*.db*")):
            yield str(path), path.read_bytes()
        if self.database_url:
            yield from postgres_cells(self.database_url)
        else:
            yield from sqlite_cells(self.live.data_dir / "authsvc.db")
        if self.redis is None:
            yield from sqlite_cells(self.live.data_dir / "ephemeral.db")
            return
        with self.redis.client() as client:
            yield from redis_values(client)


@dataclass
class Secrets:
    """What was shown to the service, or by it, in the course of the story."""

    needles: dict[str, bytes | str] = field(default_factory=dict)
    names: dict[str, bytes | str] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)


@pytest.fixture(params=["embedded", "networked"])
def site(request: pytest.FixtureRequest, tmp_path: Path, model_dir: Path) -> Iterator[Site]:
    began = time.time()
    if request.param == "embedded":
        with LiveService(tmp_path, model_dir, workers=2) as live:
            yield Site(live, began)
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    redis: RedisServer = request.getfixturevalue("redis_server")
    url, redis_url = (request.getfixturevalue(name) for name in ("postgres_url", "redis_url"))
    with LiveService(tmp_path, model_dir, workers=2, database_url=url, redis_url=redis_url) as live:
        yield Site(live, began, url, postgres, redis)


@pytest.mark.parametrize(
    "written",
    [
        b"before\x00%b\xffafter",
        pytest.param(lambda raw: raw.hex().encode(), id="hex"),
        pytest.param(lambda raw: base64.b64encode(b"x" + raw + b"yz"), id="base64"),
        pytest.param(lambda raw: base64.urlsafe_b64encode(b"xy" + raw), id="urlsafe"),
    ],
)
def test_the_search_finds_what_is_there(written):
    needle = secrets.token_bytes(24)
    place = written % needle if isinstance(written, bytes) else written(needle)
    assert hits(searches({"needle": needle}, ()), [("place", place)]) == ["needle in place"]
    assert not hits(searches({"needle": needle}, ()), [("place", secrets.token_bytes(10_000))])


def test_the_search_finds_wide_text_and_codes_that_stand_alone():
    assert "wörd".encode("utf-16-le") in forms_of("wörd")
    forms = searches({}, ["123456"])
    assert hits(forms, [("log", b'{"code":"123456"}')])
    assert not hits(forms, [("log", b'{"at":91234567,"ms":0.123456}')])


def test_no_picture_code_secret_or_template_is_ever_written_down(site: Site, faces_dir: Path) -> None:
    site.live.await_face()
    known = Secrets()
    found: list[str] = []
    for _ in play(site, known, faces_dir):
        # Also in between: what is short-lived may be gone at the end.
        found += search(site, known)
    known.needles["template"] = template_of(site, str(known.names["user"]))
    site.live.stop()
    found += search(site, known)
    assert not set(found)
    assert len(known.needles) > 40
    # The search works on these very places: what may stand there is found.
    assert any("user" in hit for hit in hits(searches(known.names, ()), site.stores()))


def search(site: Site, known: Secrets) -> list[str]:
    secret, anything = searches(known.needles, known.codes), searches(known.names, ())
    return hits({**secret, **anything}, site.outside()) + hits(secret, site.stores())


def play(site: Site, known: Secrets, faces: Path) -> Iterator[None]:
    """One person's story; stops wherever something has just been handed in."""
    shop = Shop(site.live)
    pictures = [Photograph((faces / "person_a" / f"{number}.jpg").read_bytes()) for number in (2, 5, 6)]
    lossless = Photograph((faces / "person_a" / "5.jpg").read_bytes(), "PNG")
    stranger = Photograph((faces / "biden" / "2.jpg").read_bytes())
    for number, picture in enumerate([*pictures, lossless, stranger]):
        known.needles |= {f"picture {number}: {name}": needle for name, needle in picture.needles().items()}
    known.names |= {"device": word(), "payee": word(), "user agent": word()}
    person = Person(shop, [picture.content for picture in pictures], str(known.names["device"]))
    known.names["user"] = person.user
    known.codes.append(person.code(periods_ago=1))
    raw = base64.b32decode(person.secret)
    known.needles |= {"otp secret": raw, "otp secret in base 32": person.secret}
    known.needles |= {"device secret": str(person.device["secret"])[3:]}
    known.needles |= {f"recovery code {n}": code for n, code in enumerate(person.recovery_codes)}
    known.needles |= {"enrollment token": token_of(person.ticket)}
    yield
    payee = {"id": "shop_1", "name": str(known.names["payee"])}
    paid = shop.payment(person)
    paid["transaction"]["payee"] = payee
    challenge = shop.challenge(paid)
    known.needles["challenge token"] = token_of(challenge)
    wrong, right = person.wrong_code(), person.code()
    # A wrong code is one of the first hundred numbers, and stands in any list of numbers.
    known.codes += [right]
    assert challenge.try_code(wrong).status == 401
    challenge.give_code(right)
    yield
    assert challenge.complete().status == 200
    issued = shop.challenge(shop.payment(person))
    known.codes.append(shop.issued_code(issued.decision_id))
    assert issued.try_code(known.codes[-1]).status == 200
    by_face = shop.challenge(shop.payment(person, known_phone=False))
    for photograph, outcome in ((stranger, 401), (lossless, None)):
        known.codes.append(shop.issued_code(by_face.decision_id))
        assert photographed(by_face, photograph).status == 200
        by_face.give_code(known.codes[-1])
        assert outcome is None or by_face.complete().status == outcome
    yield
    assert by_face.complete().status == 200
    receipt = shop.decision(by_face.decision_id)["receipt"]
    assert receipt is not None
    yield from misuse(site, known, shop, person, pictures[0])


def misuse(site: Site, known: Secrets, shop: Shop, person: Person, picture: Photograph) -> Iterator[None]:
    """The ways in which an error message could repeat what came in."""
    live, challenge = site.live, shop.challenge(shop.payment(person, known_phone=False))
    for place in ("code", "field", "key", "token", "query", "type", "trailer", "agent"):
        known.needles[f"in a wrong {place}"] = word()
    said = {name.removeprefix("in a wrong "): str(text) for name, text in known.needles.items()}
    damaged = picture.content[: len(picture.content) * 3 // 4]
    refused = [
        challenge.capture(challenge.begin("face")["nonce"], [damaged], picture.filename),
        challenge.put("otp", {"code": said["code"]}),
        challenge.put("otp", {said["field"]: "1"}),
        live.ask("GET", "/v1/decisions/dec_x", {"Authorization": f"Bearer ak_{said['key']}_{said['key']}"}),
        live.ask("GET", challenge.path, {"Authorization": f"Challenge ct_{said['token']}"}),
        live.ask("GET", f"/v1/events?{said['query']}={said['query']}", challenge.headers),
        live.ask("PUT", f"{challenge.path}/steps/face", {**challenge.headers, "Content-Type": said["type"]}),
        live.ask("POST", "/v1/decisions", {"Authorization": "Bearer x"}, said["trailer"].encode()),
        live.ask("GET", "/nowhere", {"User-Agent": said["agent"], "X-Forwarded-For": said["agent"]}),
    ]
    assert all(400 <= answer.status < 500 for answer in refused)
    # What stands behind a picture is cut off, and goes nowhere.
    trailed = challenge.capture(
        challenge.begin("face")["nonce"], [picture.content + said["trailer"].encode()]
    )
    assert trailed.status == 200
    yield


def photographed(opened: Opened, picture: Photograph):
    """The picture under its own name, with a canary among what the page says of it."""
    return opened.capture(opened.begin("face")["nonce"], [picture.content], picture.filename)


def token_of(opened: Opened) -> str:
    return opened.headers["Authorization"].partition("_")[2]


def template_of(site: Site, user: str) -> bytes:
    """The part of the template that no other has: its first eight numbers."""
    store = open_store(Settings(data_dir=site.live.data_dir, database_url=site.database_url))
    try:
        subject = Subject(DEVELOPMENT_CLIENT, user)
        stored = store.ledger.read(lambda tx: tx.templates.find(subject, Modality.FACE))
    finally:
        store.close()
    assert stored is not None
    assert len(struct.unpack_from("<8f", stored.template.vector)) == 8
    return stored.template.vector[:32]


def _new_in(folder: Path, since: float) -> Iterator[tuple[str, bytes]]:
    """What appeared directly in a folder that others use too."""
    for path in folder.glob("*"):
        try:
            if path.is_file() and path.stat().st_mtime >= since:
                yield str(path), path.read_bytes()
        except OSError:
            continue
