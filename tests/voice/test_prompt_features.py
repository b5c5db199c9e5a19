"""Features of a prompt depend on no level and stand still in silence."""

import numpy as np

from authsvc.voice.prompt_features import BANDS, prompt_features
from tests.voice.sounds import say

SOUND = say("402917")


def test_prompt_features_do_not_depend_on_level_and_stand_still_in_silence():
    sound = SOUND[::2]
    features = prompt_features(sound)
    assert features.shape[1] == BANDS
    assert np.abs(features - prompt_features((sound / 10).astype(np.float32))).max() < 1e-3
    assert np.abs(prompt_features(np.zeros(8000, dtype=np.float32))).max() < 0.05
    assert prompt_features(np.zeros(1, dtype=np.float32)).shape == (1, BANDS)
