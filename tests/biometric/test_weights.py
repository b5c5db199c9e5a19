"""Weight files are those of the manifest, or say what to run."""

import pytest

from authsvc.biometric.model_store.prepare import prepare
from authsvc.biometric.weights import WeightState, verified_weights, weight_state
from authsvc.errors import ModelUnusable
from tests.biometric.model_store.shelf import CONTENT, Shelf


def test_a_changed_weight_file_is_replaced_by_preparing_and_refused_until_then(shelf: Shelf) -> None:
    shelf.models.mkdir()
    (shelf.models / "net.dat").write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(ModelUnusable, match="is not the one in the manifest"):
        verified_weights(shelf.models, shelf.manifest())
    done = prepare([shelf.manifest()], shelf.models, archives=[shelf.archive])
    assert [item.was for item in done] == [WeightState.CHANGED]
    assert weight_state(shelf.models, shelf.manifest().weights[0]) is WeightState.READY


def test_a_missing_weight_file_says_what_to_run(shelf: Shelf) -> None:
    with pytest.raises(ModelUnusable, match="run `authsvc models prepare`"):
        verified_weights(shelf.models, shelf.manifest())
