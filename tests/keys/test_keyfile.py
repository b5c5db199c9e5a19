"""How secret keys rest on disk."""

import os
from pathlib import Path

import pytest

from authsvc.errors import ConfigurationError
from authsvc.keys.keyfile import read_private, stamp, write_private
from authsvc.keys.keyring import KeyRing, Purpose


def test_what_was_written_is_read_and_only_by_its_owner(tmp_path: Path):
    path = tmp_path / "keys"
    seen = write_private(path, b"secret", replace=False)
    assert read_private(path) == (b"secret", seen)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_exists_is_not_made_again(tmp_path: Path):
    path = tmp_path / "keys"
    write_private(path, b"first", replace=False)
    with pytest.raises(ConfigurationError, match="exists already"):
        write_private(path, b"second", replace=False)
    assert path.read_bytes() == b"first"


def test_no_draft_is_left_behind(tmp_path: Path):
    path = tmp_path / "keys"
    write_private(path, b"first", replace=False)
    with pytest.raises(ConfigurationError):
        write_private(path, b"second", replace=False)
    write_private(path, b"third", replace=True)
    assert list(tmp_path.iterdir()) == [path]


def test_a_replaced_file_has_another_stamp(tmp_path: Path):
    path = tmp_path / "keys"
    first = write_private(path, b"one", replace=False)
    second = write_private(path, b"two", replace=True)
    assert first != second == stamp(path)


def test_a_file_that_is_not_there_has_no_stamp(tmp_path: Path):
    assert stamp(tmp_path / "keys") is None
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_private(tmp_path / "keys")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o611, 0o777])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int):
    path = tmp_path / "keys"
    write_private(path, b"secret", replace=False)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"{mode:04o}"):
        read_private(path)


def test_a_symbolic_link_is_refused(tmp_path: Path):
    write_private(tmp_path / "keys", b"secret", replace=False)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "keys")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        read_private(link)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path):
    os.mkfifo(tmp_path / "keys", 0o600)
    with pytest.raises(ConfigurationError, match="regular file"):
        read_private(tmp_path / "keys")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a file to another user")
def test_a_file_of_another_user_is_refused(tmp_path: Path):
    write_private(tmp_path / "keys", b"secret", replace=False)
    os.chown(tmp_path / "keys", 12345, 12345)
    with pytest.raises(ConfigurationError, match="another user"):
        read_private(tmp_path / "keys")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_private(tmp_path / "nowhere" / "keys", b"secret", replace=False)


def _mounted(folder: Path, content: bytes, version: str = "..2026_11_30") -> Path:
    """As Kubernetes mounts a secret: `name` → `..data/name`, `..data` → a folder that is changed all at once."""
    data = folder / version
    data.mkdir(mode=0o755)
    (data / "keyring.json").write_bytes(content)
    (data / "keyring.json").chmod(0o440)
    fresh = folder / "..data_tmp"
    fresh.symlink_to(version)
    fresh.replace(folder / "..data")
    if not (folder / "keyring.json").is_symlink():
        (folder / "keyring.json").symlink_to("..data/keyring.json")
    return folder / "keyring.json"


def test_a_mounted_secret_is_read_and_its_change_is_seen(tmp_path: Path):
    path = _mounted(tmp_path, b"one")
    content, seen = read_private(path)
    assert (content, stamp(path)) == (b"one", seen)
    _mounted(tmp_path, b"two!", "..2026_12_01")
    assert stamp(path) != seen
    assert read_private(path)[0] == b"two!"


def test_a_link_that_somebody_else_could_have_made_is_not_followed(tmp_path: Path):
    path = _mounted(tmp_path, b"one")
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        read_private(path)
    tmp_path.chmod(0o1777)
    assert read_private(path)[0] == b"one"
    tmp_path.chmod(0o755)
    (tmp_path / "..data" / "keyring.json").chmod(0o444)
    with pytest.raises(ConfigurationError, match="0444"):
        read_private(path)
    path.unlink()
    path.symlink_to("..2026_11_30/keyring.json")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        read_private(path)


def test_a_ring_that_is_mounted_follows_the_cluster(tmp_path: Path):
    first, second = (KeyRing.create(tmp_path / name) for name in ("a.json", "b.json"))
    ring = KeyRing.load(_mounted(tmp_path, (tmp_path / "a.json").read_bytes()))
    assert ring.current_id(Purpose.RECEIPT) == first.current_id(Purpose.RECEIPT)
    assert not ring.refresh()
    _mounted(tmp_path, (tmp_path / "b.json").read_bytes(), "..2026_12_01")
    assert ring.refresh()
    assert ring.current_id(Purpose.RECEIPT) == second.current_id(Purpose.RECEIPT)
