"""What is sent to keep the service from answering: slow clients, bodies that burst, and pictures that are bombs."""

from __future__ import annotations

import socket
import struct
import time
import zlib
from contextlib import ExitStack
from http.client import HTTPException

from authsvc.lab.drill.drill import drill
from authsvc.lab.drill.people import Opened, Person
from authsvc.lab.drill.scene import Scene, expect
from authsvc.lab.drill.service import Answer, new_name

CROWD = 40
CUT_OFF_S = 30.0
"""Until when a client that has sent half of a request must be gone."""

DEPTH = 50_000
HUGE = 1 << 40
SIDE = 30_000


@drill(
    "slow-headers",
    "forty clients send the first line of a request and no more",
    control="a deadline for the head",
)
def slow_headers(scene: Scene) -> None:
    _stalls(scene, b"POST /v1/decisions HTTP/1.1\r\nHost: drill\r\n")


@drill("slow-body", "forty clients send ten bytes of a body and no more", control="a deadline for the body")
def slow_body(scene: Scene) -> None:
    head = [
        "POST /v1/decisions HTTP/1.1",
        "Host: drill",
        f"Authorization: {scene.service.bearer}",
        "Content-Type: application/json",
        'Idempotency-Key: "stalled"',
        "Content-Length: 900",
    ]
    _stalls(scene, "\r\n".join([*head, "", '{"transac']).encode())


def _stalls(scene: Scene, begun: bytes) -> None:
    scene.begins()
    with ExitStack() as stack:
        clients = [stack.enter_context(scene.service.connect()) for _ in range(CROWD)]
        for client in clients:
            client.sendall(begun)
        alive = _answers(scene)
        scene.attack("answered meanwhile" if alive else "nobody else is answered", through=not alive)
        deadline = time.monotonic() + CUT_OFF_S
        cut = all(_is_cut_off(client, deadline) for client in clients)
        scene.attack("cut off" if cut else f"held open for {CUT_OFF_S:.0f} s", through=not cut)


@drill(
    "huge-body",
    "a terabyte is announced, without a key and with one, and a little of it sent",
    control="a limit before the body is read",
)
def huge_body(scene: Scene) -> None:
    scene.begins()
    head = [
        "POST /v1/decisions HTTP/1.1",
        "Host: drill",
        "Content-Type: application/json",
        'Idempotency-Key: "huge"',
        f"Content-Length: {HUGE}",
    ]
    for key in ([], [f"Authorization: {scene.service.bearer}"]):
        with scene.service.connect() as client:
            client.sendall("\r\n".join([*head, *key, "", ""]).encode() + b" " * 65_536)
            said = _first_line(client)
        # Who says nothing waits for the rest of it.
        is_let_in = not said or said.startswith(("HTTP/1.1 2", "HTTP/1.1 5"))
        scene.attack(said or f"waited for during {CUT_OFF_S:.0f} s", through=is_let_in)
    _still_answers(scene)


@drill("nested-json", "a request of fifty thousand brackets", control="a limit on depth")
def nested_json(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{new_name("drill")}"'}
    for body in (b"[" * DEPTH, b'{"a":' * DEPTH + b"1" + b"}" * DEPTH):
        asked = owner.challenged(owner.asks())
        answer = scene.service.ask(
            "PUT", f"{asked.path}/steps/otp", {**headers, "Authorization": asked.authorization}, body
        )
        scene.attack(answer, through=answer.status >= 500 or answer.is_good)
    _still_answers(scene)


@drill(
    "picture-bomb",
    "a picture of 900 megapixels in a hundred kilobytes",
    control="pixels are limited before decoding",
)
def picture_bomb(scene: Scene) -> None:
    answer = _sends_frames(scene, [_bomb(SIDE)])
    scene.attack(answer, through=answer.status >= 500 or answer.is_good)
    _still_answers(scene)


@drill("thousand-parts", "a form of five thousand pictures", control="a limit on parts")
def thousand_parts(scene: Scene) -> None:
    answer = _sends_frames(scene, [b"x"] * 5_000)
    scene.attack(answer, through=answer.status >= 500 or answer.is_good)
    _still_answers(scene)


def _sends_frames(scene: Scene, frames: list[bytes]) -> Answer:
    owner = Person(scene.service)
    scene.people.append(owner)
    ticket = expect(owner.ticket(), 201)
    opened = Opened(owner.service, f"/v1/enrollments/{ticket['id']}", f"Enrollment {ticket['token']}")
    agreed = expect(opened.begin("consent"), 200)
    expect(opened.put("consent", {"modalities": ["face"], "text_version": agreed["text_version"]}), 200)
    begun = expect(opened.begin("face"), 200)
    scene.begins()
    return opened.capture("face", begun["nonce"], frames)


def _bomb(side: int) -> bytes:
    """A PNG of one grey, one bit a pixel."""
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _still_answers(scene: Scene) -> None:
    alive = _answers(scene)
    scene.attack("answers as before" if alive else "no longer answers", through=not alive)


def _answers(scene: Scene) -> bool:
    try:
        return scene.service.ask("GET", "/healthz").is_good
    except (OSError, HTTPException):
        return False


def _is_cut_off(client: socket.socket, deadline: float) -> bool:
    """Whether the service has closed it, or said that it will, by then."""
    client.settimeout(max(0.01, deadline - time.monotonic()))
    try:
        while client.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def _first_line(client: socket.socket) -> str:
    """What is answered, or that the connection was closed; nothing where neither happened in time."""
    client.settimeout(CUT_OFF_S)
    try:
        return client.recv(4096).partition(b"\r\n")[0].decode("ascii", "replace") or "cut off"
    except TimeoutError:
        return ""
    except OSError:
        return "cut off"
