"""People who hum: the engine that tells them apart, and directions for what it would say of them."""

import numpy as np

from authsvc.lab.voice_listening import Engine
from authsvc.voice.quality import Quality
from tests.voice.sounds import HumEncoder, LoudDetector

PROMPTS = ("402917", "385162", "760493", "551834", "207731", "918246")

QUIET = Quality(3.0, 3.0, 50.0, 0.0, -20.0, -20.0)


def engine() -> Engine:
    return Engine(HumEncoder(), LoudDetector())


def direction(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], dtype=np.float32)
