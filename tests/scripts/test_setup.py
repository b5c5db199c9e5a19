"""`scripts/setup` on machines that lack something, played by a copy of it and a PATH of made-up programs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_SETUP = Path(__file__).parents[2] / "scripts" / "setup"
_NEEDED = ("bash", "dirname", "touch", "mkdir", "grep")


class Machine:
    """A folder with the script under test, and programs that write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.programs = folder / "bin"
        self._calls = folder / "calls"
        (self.checkout / "scripts").mkdir(parents=True)
        (self.checkout / ".venv").mkdir()
        self.programs.mkdir()
        self._calls.touch()
        shutil.copy(_SETUP, self.checkout / "scripts")
        for name in _NEEDED:
            (self.programs / name).symlink_to(shutil.which(name) or pytest.skip(f"`{name}` is not installed"))
        self.has("dpkg-query", "exit 1")

    def has(self, name: str, body: str = "") -> None:
        """Puts a program on the PATH that records its call and then does `body`."""
        program = self.programs / name
        program.write_text(f'#!/usr/bin/env bash\necho "{name} $*" >> {self._calls}\n{body}\n')
        program.chmod(0o755)

    def set_up(self, level: str) -> subprocess.CompletedProcess[str]:
        """Runs the script as a user of this machine, without a terminal."""
        environment = {"PATH": str(self.programs), "HOME": str(self.checkout)}
        return subprocess.run(
            [str(self.checkout / "scripts" / "setup"), level],
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def calls(self, program: str) -> list[str]:
        """What `program` was asked to do, in order."""
        return [line for line in self._calls.read_text().splitlines() if line.startswith(program)]

    def is_ready_to(self, level: str) -> bool:
        """Whether make would find nothing left to do."""
        return (self.checkout / ".venv" / f"ready-to-{level}").exists()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with uv and apt-get, run as root, on which every Debian package installs."""
    machine = Machine(tmp_path)
    machine.has("id", "echo 0")
    machine.has("uv")
    machine.has("apt-get")
    return machine


def test_running_needs_no_debian_package_where_uv_is(machine: Machine) -> None:
    assert machine.set_up("run").returncode == 0
    assert machine.calls("apt-get") == []
    assert "sync --locked" in machine.calls("uv")[-1]
    assert machine.is_ready_to("run")
    assert not machine.is_ready_to("test")


def test_ready_for_the_tests_is_ready_to_run(machine: Machine) -> None:
    assert machine.set_up("test").returncode == 0
    assert machine.is_ready_to("test")
    assert machine.is_ready_to("run")


def test_root_installs_what_is_missing_and_nothing_else(machine: Machine) -> None:
    machine.has("redis-server")
    assert machine.set_up("test").returncode == 0
    (installation,) = machine.calls("apt-get")
    assert installation.startswith("apt-get install")
    assert "chromium-driver" in installation
    assert "redis-server" not in installation


def test_package_lists_are_fetched_once_when_the_first_installation_fails(machine: Machine) -> None:
    lists = machine.checkout / "lists"
    machine.has("apt-get", f"case $1 in update) touch {lists} ;; install) [ -e {lists} ] ;; esac")
    assert machine.set_up("test").returncode == 0
    assert [call.split()[1] for call in machine.calls("apt-get")] == ["install", "update", "install"]


def test_packages_that_do_not_install_leave_nothing_marked_ready(machine: Machine) -> None:
    machine.has("apt-get", "exit 100")
    finished = machine.set_up("test")
    assert finished.returncode == 1
    assert "could not install" in finished.stderr
    assert not machine.is_ready_to("test")


def test_who_is_not_root_is_told_the_line_to_run_and_nothing_happens(machine: Machine) -> None:
    machine.has("id", "echo 1000")
    finished = machine.set_up("test")
    assert finished.returncode == 1
    assert "sudo apt-get update && sudo apt-get install" in finished.stderr
    assert "redis-server" in finished.stderr
    assert machine.calls("apt-get") == []
    assert machine.calls("uv") == []


def test_without_uv_one_is_installed_into_the_checkout(machine: Machine) -> None:
    (machine.programs / "uv").unlink()
    machine.has("python3", _a_python_that_makes(machine, venv_works=True))
    assert machine.set_up("run").returncode == 0
    assert any("pip install" in call and "uv==" in call for call in machine.calls(".uv-python"))
    assert machine.calls("apt-get") == []
    assert machine.is_ready_to("run")


def test_a_python_without_venv_gets_it_from_debian(machine: Machine) -> None:
    (machine.programs / "uv").unlink()
    machine.has("python3", _a_python_that_makes(machine, venv_works=False))
    machine.has("apt-get", f"touch {machine.checkout}/venv-installed")
    assert machine.set_up("run").returncode == 0
    (installation,) = machine.calls("apt-get")
    assert installation.endswith("python3-venv")


def test_a_shim_with_nothing_behind_it_is_no_uv(machine: Machine) -> None:
    machine.has("uv", "exit 127")
    machine.has("python3", _a_python_that_makes(machine, venv_works=True))
    assert machine.set_up("run").returncode == 0
    assert machine.calls(".uv-python")


def test_an_unknown_level_is_refused(machine: Machine) -> None:
    finished = machine.set_up("fly")
    assert finished.returncode == 1
    assert "unknown level `fly`" in finished.stderr


def _a_python_that_makes(machine: Machine, *, venv_works: bool) -> str:
    """A body for `python3` that lays out `.uv` with a python whose pip brings a uv, now or once venv is there."""
    machine.has("a-uv")
    machine.has(".uv-python", f"ln -sf {machine.programs}/a-uv {machine.checkout}/.uv/bin/uv")
    (machine.programs / "ln").symlink_to(shutil.which("ln") or "ln")
    ready = "true" if venv_works else f"[ -e {machine.checkout}/venv-installed ]"
    return f"{ready} && mkdir -p .uv/bin && ln -sf {machine.programs}/.uv-python .uv/bin/python"


def test_the_script_is_executable() -> None:
    assert os.access(_SETUP, os.X_OK)
    assert os.access(_SETUP.parents[1] / ".ci" / "run", os.X_OK)
