"""An archive on a shelf, for whoever prepares it, verifies it or refuses it."""

from pathlib import Path

import pytest

from tests.biometric.model_store.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)
