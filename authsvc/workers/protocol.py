"""Frames between the web and the biometric workers: a small JSON header and a few binary blobs, nothing executable.

A frame is the magic, the header's size, the number of blobs, the size of each blob, the header, the blobs; sizes are
32 bits, big-endian. Every size is checked against its limit before a byte is read for it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from authsvc.errors import PayloadTooLarge
from authsvc.factor import Json

MAGIC = b"aw1\n"
HEADER_BYTES = 256 * 1024
BLOBS = 128
TOTAL_BYTES = 64 * 1024 * 1024

_PREFIX = struct.Struct("!4sII")


@dataclass(frozen=True, slots=True)
class Message:
    header: Json
    blobs: tuple[bytes, ...] = ()


Frame = tuple[bytes, ...]
"""A frame in pieces, so that blobs need not be copied to be sent."""


class BrokenFrame(Exception):
    """What came is no frame, or a larger one than is accepted; the connection is of no further use."""


def encode(message: Message) -> Frame:
    """Raises PayloadTooLarge, or ValueError for a header that is not JSON."""
    header = json.dumps(message.header, allow_nan=False, separators=(",", ":")).encode()
    sizes = [len(blob) for blob in message.blobs]
    if len(header) > HEADER_BYTES or len(sizes) > BLOBS or sum(sizes) > TOTAL_BYTES:
        raise PayloadTooLarge(f"{len(sizes)} files of {sum(sizes)} bytes are more than a worker accepts")
    prefix = _PREFIX.pack(MAGIC, len(header), len(sizes))
    return (prefix + struct.pack(f"!{len(sizes)}I", *sizes) + header, *message.blobs)


def decoding() -> Generator[int, bytes, Message]:
    """Yields how many bytes it wants next, is sent exactly those, and returns the message. Raises BrokenFrame."""
    magic, header_size, blobs = _PREFIX.unpack((yield _PREFIX.size))
    if magic != MAGIC or header_size > HEADER_BYTES or blobs > BLOBS:
        raise BrokenFrame("not the beginning of a frame")
    sizes = struct.unpack(f"!{blobs}I", (yield 4 * blobs))
    if sum(sizes) > TOTAL_BYTES:
        raise BrokenFrame("the blobs are too large")
    header = _header((yield header_size))
    received = []
    for size in sizes:
        received.append((yield size))  # noqa: PERF401 - a comprehension cannot yield to this generator's caller.
    return Message(header, tuple(received))


def send(connection: socket.socket, frame: Frame, deadline: float | None = None) -> None:
    """Raises TimeoutError at `deadline` (monotonic seconds), or another OSError when the peer is gone."""
    for piece in frame:
        connection.settimeout(_remaining(deadline))
        connection.sendall(piece)


def receive(connection: socket.socket, deadline: float | None = None) -> Message:
    """Raises BrokenFrame, TimeoutError at `deadline` (monotonic seconds), or another OSError when the peer is gone."""
    decoder = decoding()
    wanted = next(decoder)
    while True:
        try:
            wanted = decoder.send(_exactly(connection, wanted, deadline))
        except StopIteration as end:
            message: Message = end.value
            return message


async def read(reader: asyncio.StreamReader, patience: float) -> Message:
    """Waits for a frame as long as it takes, then at most `patience` seconds for the rest of it.

    Raises BrokenFrame, TimeoutError, asyncio.IncompleteReadError or ConnectionError.
    """
    decoder = decoding()
    first = await reader.readexactly(next(decoder))
    async with asyncio.timeout(patience):
        try:
            wanted = decoder.send(first)
            while True:
                wanted = decoder.send(await reader.readexactly(wanted))
        except StopIteration as end:
            message: Message = end.value
            return message


def _exactly(connection: socket.socket, size: int, deadline: float | None) -> bytes:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        connection.settimeout(_remaining(deadline))
        count = connection.recv_into(view)
        if not count:
            raise ConnectionResetError("the peer has closed the connection")
        view = view[count:]
    return bytes(received)


def _remaining(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("out of time")
    return remaining


def _header(raw: bytes) -> Json:
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BrokenFrame("the header is not JSON") from error
    if not isinstance(header, Mapping):
        raise BrokenFrame("the header is not an object")
    return header
