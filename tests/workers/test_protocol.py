"""Frames: what is sent arrives, and nothing else is taken for a frame."""

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.errors import PayloadTooLarge
from authsvc.workers.protocol import (
    BLOBS,
    HEADER_BYTES,
    MAGIC,
    TOTAL_BYTES,
    BrokenFrame,
    Message,
    decoding,
    encode,
    read,
    receive,
    send,
)

Pair = tuple[socket.socket, socket.socket]

_number = st.floats(allow_nan=False, allow_infinity=False)
_word = st.text(max_size=8)
_scalar = st.none() | st.booleans() | st.integers() | _number | _word
_json = st.dictionaries(
    _word, st.recursive(_scalar, lambda inner: st.lists(inner, max_size=3), max_leaves=5), max_size=5
)


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def decoded(raw: bytes) -> Message:
    decoder = decoding()
    wanted, at = next(decoder), 0
    while True:
        assert at + wanted <= len(raw), "the decoder wants more than there is"
        try:
            wanted, at = decoder.send(raw[at : at + wanted]), at + wanted
        except StopIteration as end:
            return end.value


@given(_json, st.lists(st.binary(max_size=64), max_size=BLOBS))
def test_what_is_sent_arrives(header: dict[str, object], blobs: list[bytes]):
    message = Message(header, tuple(blobs))
    assert decoded(b"".join(encode(message))) == message


@given(st.binary(min_size=12, max_size=200))
def test_noise_is_no_frame(noise: bytes):
    if noise[:4] != MAGIC:
        with pytest.raises(BrokenFrame):
            decoded(noise)


def frame_of(header: bytes, *, sizes: tuple[int, ...] = (), claimed: int | None = None) -> bytes:
    claimed = len(header) if claimed is None else claimed
    return MAGIC + struct.pack(f"!II{len(sizes)}I", claimed, len(sizes), *sizes) + header


@pytest.mark.parametrize(
    "raw",
    [
        frame_of(b"{}", claimed=HEADER_BYTES + 1),
        frame_of(b"{}", sizes=(1,) * (BLOBS + 1)),
        frame_of(b"{}", sizes=(TOTAL_BYTES, 1)),
        frame_of(b"[]"),
        frame_of(b"{'a'"),
        frame_of(b"\xff\xfe"),
        frame_of(b"[" * 100_000),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_size_beyond_its_limit_or_a_header_that_is_no_object_is_broken(raw: bytes):
    with pytest.raises(BrokenFrame):
        decoded(raw)


@pytest.mark.parametrize(
    "message",
    [
        Message({"long": "x" * HEADER_BYTES}),
        Message({}, (b"",) * (BLOBS + 1)),
        Message({}, (bytes(TOTAL_BYTES), b"x")),
    ],
)
def test_what_would_not_be_accepted_is_not_sent(message: Message):
    with pytest.raises(PayloadTooLarge):
        encode(message)


def test_not_a_number_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        encode(Message({"score": float("nan")}))


def test_a_score_keeps_every_digit():
    score = 0.1 + 0.2
    assert decoded(b"".join(encode(Message({"score": score})))).header["score"] == score
    assert json.loads(json.dumps(score)) == score


def test_large_blobs_cross_a_socket(pair: Pair):
    message = Message({"n": 1}, (bytes(5_000_000), b"", b"end"))
    sender = threading.Thread(target=send, args=(pair[0], encode(message)))
    sender.start()
    assert receive(pair[1], time.monotonic() + 60) == message
    sender.join()


def test_receiving_ends_at_the_deadline_however_slowly_bytes_drip(pair: Pair):
    stop = threading.Event()
    frame = frame_of(b"{}", sizes=(1000,))

    def drip() -> None:
        for byte in frame + bytes(1000):
            if stop.wait(0.01):
                return
            pair[0].send(bytes([byte]))

    dripping = threading.Thread(target=drip)
    dripping.start()
    with pytest.raises(TimeoutError):
        receive(pair[1], time.monotonic() + 0.2)
    assert dripping.is_alive()  # For ten seconds at least.
    stop.set()
    dripping.join()


def test_sending_to_one_who_does_not_read_ends_at_the_deadline(pair: Pair):
    with pytest.raises(TimeoutError):
        send(pair[0], encode(Message({}, (bytes(8_000_000),))), time.monotonic() + 0.2)


def test_a_peer_that_leaves_in_the_middle_is_an_error(pair: Pair):
    pair[0].send(frame_of(b"{}", sizes=(10,)))
    pair[0].close()
    with pytest.raises(ConnectionError):
        receive(pair[1])


def test_the_server_waits_for_a_beginning_but_not_for_an_end():
    async def half_a_frame() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(frame_of(b"{}", sizes=(10,)))
        await read(reader, patience=0.05)

    async def no_frame_yet() -> Message:
        reader = asyncio.StreamReader()
        asyncio.get_running_loop().call_later(0.2, reader.feed_data, frame_of(b"{}"))
        return await read(reader, patience=0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(half_a_frame())
    assert asyncio.run(no_frame_yet()) == Message({})
