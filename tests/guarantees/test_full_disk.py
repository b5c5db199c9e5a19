"""A disk that takes nothing more is an outage: refused in words, read as ever, nobody dies, and over as soon as there is room."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.guarantees.people import Person, Shop, expect
from tests.support.live import PROGRAM, LiveService
from tests.support.slowness import slowness

SIZE_MIB = 24
RECOVERY_S = 5.0
SETTINGS = {"AUTHSVC_VOICE": "0", "AUTHSVC_STORE_TIMEOUT": "2"}


@dataclass
class Disk:
    """Where a service keeps everything, its log too; `stop` and `go` end and restore its willingness to be written."""

    folder: Path
    stop: Callable[[LiveService], None] = field(repr=False)
    go: Callable[[LiveService], None] = field(repr=False)


@contextmanager
def tmpfs(folder: Path) -> Iterator[Disk]:
    with _mounted(folder, ["-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs"]):
        yield _filled_up(folder)


@contextmanager
def small_ext4(folder: Path) -> Iterator[Disk]:
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(2 * SIZE_MIB * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    with _mounted(folder, ["-o", "loop", str(image)]):
        yield _filled_up(folder)


@contextmanager
def immutable(folder: Path) -> Iterator[Disk]:
    """By `chattr +i`: all but SQLite's shared memory, since Linux kills whoever writes to a map of such a file."""
    with small_ext4(folder) as disk:

        def mark(sign: str) -> None:
            found = [folder, *(each for each in folder.rglob("*") if not each.name.endswith("-shm"))]
            kept = [str(each) for each in found if each.is_dir() or each.is_file()]
            subprocess.run(["chattr", f"{sign}i", *kept], check=True)

        yield Disk(disk.folder, lambda live: mark("+"), lambda live: mark("-"))


@contextmanager
def no_file_may_grow(folder: Path) -> Iterator[Disk]:
    """As a quota would have it; needs no rights."""
    folder.mkdir()

    def limit(live: LiveService, most: int) -> None:
        for process in (psutil.Process(live.pid), *psutil.Process(live.pid).children(recursive=True)):
            hard = process.rlimit(resource.RLIMIT_FSIZE)[1]
            process.rlimit(resource.RLIMIT_FSIZE, (most, hard))

    yield Disk(folder, lambda live: limit(live, 0), lambda live: limit(live, resource.RLIM_INFINITY))


@contextmanager
def _mounted(folder: Path, what: list[str]) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small file system")
    folder.mkdir()
    if subprocess.run(["mount", *what, str(folder)], capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _filled_up(folder: Path) -> Disk:
    fill = folder / "fill"

    def stop(live: LiveService) -> None:
        with suppress(OSError), fill.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    return Disk(folder, stop, lambda live: fill.unlink())


DISKS = {
    "tmpfs": tmpfs,
    "small ext4": small_ext4,
    "immutable": immutable,
    "no file may grow": no_file_may_grow,
}


@pytest.fixture(scope="module", params=DISKS)
def disk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with DISKS[request.param](tmp_path_factory.mktemp("disk") / "here") as found:
        yield found


@pytest.fixture(scope="module")
def town(disk: Disk, model_dir: Path) -> Iterator[LiveService]:
    with LiveService(disk.folder, model_dir, workers=2, environment=SETTINGS) as running:
        running.await_face()  # A worker that is starting makes its socket here, and tries again until it can.
        yield running


@pytest.fixture
def live(town: LiveService) -> LiveService:
    """Recovered from what the test before did to it; each of its processes finds that out by itself, so ask patiently."""
    with town.patiently(RECOVERY_S):
        assert town.ask("GET", "/readyz").status == 200
    return town


def test_a_full_disk_is_an_outage_and_nobody_dies_of_it(disk: Disk, live: LiveService) -> None:
    shop = Shop(live)
    with live.patiently(RECOVERY_S):
        person = Person(shop)
        known = str(expect(shop.decide(shop.payment(person)), 201)["id"])
    processes = _pids(live)
    disk.stop(live)
    try:
        refused = _refused(shop, person)
        assert refused["retry-after"]
        within(2.0, lambda: live.ask("GET", "/readyz").status == 503)
        assert shop.get(f"/v1/decisions/{known}").status == 200
        assert live.ask("GET", "/healthz").status == 200
        assert live.ask("GET", "/metrics").status == 200
    finally:
        disk.go(live)
    within(RECOVERY_S, lambda: live.ask("GET", "/readyz").status == 200)
    within(RECOVERY_S, lambda: shop.decide(shop.payment(person)).status == 201)
    assert _pids(live) == processes
    assert live.audit_report()["sound"] is True


def test_metrics_are_counted_on_while_the_data_directory_is_full(disk: Disk, live: LiveService) -> None:
    shop = Shop(live)
    before = _served(live)
    disk.stop(live)
    try:
        for _ in range(5):
            shop.get("/v1/decisions/dec_none")
        assert _served(live) == before + 5
    finally:
        disk.go(live)


def test_keys_are_not_rotated_halfway_on_a_full_disk(disk: Disk, live: LiveService) -> None:
    ring = live.data_dir / "keyring.json"
    if shutil.disk_usage(disk.folder).total > 2**30:
        pytest.skip("a limit of the service's processes is none of the command's")
    before, shop = ring.read_bytes(), Shop(live)
    with live.patiently(RECOVERY_S):
        person = Person(shop)
    disk.stop(live)
    try:
        _refused(shop, person)
        command = [PROGRAM, "keyring", "rotate", "hmac", *live.store_options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert ring.read_bytes() == before
    finally:
        disk.go(live)


def test_a_file_system_that_turned_read_only_is_an_outage_until_it_is_mounted_anew(
    tmp_path_factory: pytest.TempPathFactory, model_dir: Path
) -> None:
    """As ext4 does upon an error of its disk. While files are open for writing, Linux lets nobody remount it by hand."""
    folder = tmp_path_factory.mktemp("disk") / "here"  # Short: a socket's path may not be long.
    with small_ext4(folder) as disk:
        image = folder.with_suffix(".img")
        with LiveService(folder, model_dir, workers=2, environment=SETTINGS) as live:
            live.await_face()
            shop = Shop(live)
            person = Person(shop)
            known = str(expect(shop.decide(shop.payment(person)), 201)["id"])
            processes = _pids(live)
            subprocess.run(["mount", "-o", "remount,abort", str(disk.folder)], check=True)
            assert _refused(shop, person)["retry-after"]
            within(2.0, lambda: live.ask("GET", "/readyz").status == 503)
            for _ in range(20):
                assert shop.decide(shop.payment(person)).status == 503
                assert shop.get(f"/v1/decisions/{known}").status == 200
            assert live.ask("GET", "/healthz").status == 200
            assert _pids(live) == processes
        subprocess.run(["umount", str(folder)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
        with LiveService(folder, model_dir, workers=2, environment=SETTINGS) as live:
            shop = Shop(live)
            within(RECOVERY_S, lambda: live.ask("GET", "/readyz").status == 200)
            assert shop.get(f"/v1/decisions/{known}").status == 200
            assert live.audit_report()["sound"] is True


def within(seconds: float, holds: Callable[[], bool]) -> None:
    """What is asked becomes so in time."""
    deadline = time.monotonic() + seconds * slowness()
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _refused(shop: Shop, person: Person) -> dict[str, str]:
    """The headers of the first refusal. What room a journal still has is used first."""
    for _ in range(400):
        answer = shop.decide(shop.payment(person))
        if answer.status == 503:
            return dict(answer.headers)
        assert answer.status == 201
    raise AssertionError("the disk takes everything")


def _pids(live: LiveService) -> set[int]:
    return {each.pid for each in (*live.web_processes(), live.sender_process(), live.biometric_process())}


def _served(live: LiveService) -> int:
    start = 'authsvc_request_seconds_count{method="GET",route="/v1/decisions/<decision_id>"} '
    lines = live.ask("GET", "/metrics").content.decode().splitlines()
    return sum(int(float(line.removeprefix(start))) for line in lines if line.startswith(start))
