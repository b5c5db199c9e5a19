"""A `.dat` file in dlib's serialised form with the shape of its face network."""

import struct


def dlib_integer(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "little")


def dlib_tensor(samples: int, k: int = 1, value: float = 0.5) -> bytes:
    header = b"\x01\x02" + b"".join(dlib_integer(number) for number in (samples, k, 1, 1))
    return header + struct.pack("<f", value) * (samples * k)


def drawn_resnet(value: float = 0.5) -> bytes:
    """A `.dat` file of the right shape: a name, then tensors with settings between them."""
    parts = [b"\x01\x05loss_"]
    channels = 3
    for filters, inputs, side in [(32, 3, 7), *_block_shapes()]:
        parts += [dlib_tensor(filters * inputs * side * side + filters, value=value), b"\x01\x03con_"]
        parts += [dlib_tensor(2 * filters), b"relu"]
        channels = filters
    assert channels == 256
    return b"".join([*parts, dlib_tensor(256, 128), b"end"])


def _block_shapes() -> list[tuple[int, int, int]]:
    shapes, channels = [], 32
    for filters in (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256):
        shapes += [(filters, channels, 3), (filters, filters, 3)]
        channels = filters
    return shapes
