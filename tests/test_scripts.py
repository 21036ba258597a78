"""The commands of the README, and what they install."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from processes import ROOT, serving
from support import NEWS, NEWS_LABELS

ONLY_FOR_TESTS = {"chromium", "google-chrome", "curl", "initdb", "node", "npm", "redis-server", "valkey-server"}
APT_GET = """#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >>"$CALLS"
"""


class Machine:
    """A PATH with chosen programs, where `apt-get` only notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.calls = folder / "bin", folder / "calls"
        self.bin.mkdir()
        self.environment = {"PATH": str(self.bin), "CALLS": str(self.calls)}
        self.write("apt-get", APT_GET)
        self.write("id", "#!/bin/sh\necho 0\n")

    def write(self, name: str, program: str) -> None:
        (self.bin / name).write_text(program)
        (self.bin / name).chmod(0o755)

    def take(self, *names: str) -> None:
        for name in names:
            if (found := shutil.which(name)) and not (self.bin / name).exists():
                (self.bin / name).symlink_to(found)

    def take_all_but(self, unwanted: set[str]) -> None:
        folders = map(Path, os.environ["PATH"].split(os.pathsep))
        names = {program.name for folder in folders if folder.is_dir() for program in folder.iterdir()}
        self.take(*names - unwanted)

    def run(self, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [ROOT / "scripts" / script, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)

    def asked(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    machine.take("bash", "env")
    return machine


def test_serve_sets_up_once_and_serves_without_what_only_the_tests_need(tmp_path, machine, monkeypatch):
    with serving([ROOT / "scripts/serve"], tmp_path) as client:
        assert client.post("/v1/tag", json={"text": NEWS, "labels": NEWS_LABELS}).json()["labels"]
    stamp = ROOT / ".venv-serve/.installed"
    before = stamp.stat().st_mtime_ns
    machine.take_all_but(ONLY_FOR_TESTS)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    with serving([ROOT / "scripts/serve"], tmp_path) as client:
        assert client.get("/health/live").json() == {"status": "ok", "model": ""}
    assert stamp.stat().st_mtime_ns == before
    assert machine.asked() == []


def test_scripts_say_what_they_do():
    for script in (ROOT / "scripts").iterdir():
        lines = script.read_text().splitlines()
        assert lines[0] == "#!/usr/bin/env bash"
        assert lines[1].startswith("# ")
        assert script.stat().st_mode & 0o111


def test_test_brings_services_a_browser_and_node(machine):
    machine.write("apt-get", APT_GET + "exit 1\n")
    machine.take_all_but(ONLY_FOR_TESTS)
    result = machine.run("test", "--version")
    assert result.returncode == 1
    missing = {"redis-server", "chromium", "nodejs", "npm", "curl"}
    assert set(result.stderr.splitlines()[0].split()) >= missing
    assert "/usr/lib/postgresql/*/bin/initdb|initdb=postgresql" in (ROOT / "scripts/test").read_text()


def test_need_installs_all_that_is_missing_at_once_and_asks_nothing(machine):
    machine.write("there", "#!/bin/sh\n")
    result = machine.run("system", "need", "there=here", "absent=one", f"{machine.bin}/x*/y|other=two", "third=three")
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("Installing one two three (once)...")
    update, install = machine.asked()
    assert update.split()[-2:] == ["update", "-qq"]
    assert install == "noninteractive install -qq -y --no-install-recommends one two three"


@pytest.mark.parametrize("wanted", ["there=package", "absent|there=package", "{bin}/th*e=package"])
def test_need_installs_nothing_where_a_command_is_there(machine, wanted):
    machine.write("there", "#!/bin/sh\n")
    result = machine.run("system", "need", wanted.format(bin=machine.bin))
    assert (result.returncode, result.stderr) == (0, "")
    assert machine.asked() == []


def test_install_goes_through_sudo_for_an_ordinary_user(machine):
    machine.write("id", "#!/bin/sh\necho 1000\n")
    machine.write("sudo", '#!/bin/sh\necho "sudo $1" >>"$CALLS"\nexec "$@"\n')
    assert machine.run("system", "install", "package").returncode == 0
    assert [line for line in machine.asked() if "sudo" in line] == ["sudo apt-get", "sudo env"]


def test_without_root_and_sudo_the_command_for_root_is_shown(machine):
    machine.write("id", "#!/bin/sh\necho 1000\n")
    result = machine.run("system", "need", "absent=one", "other=two")
    assert (result.returncode, machine.asked()) == (1, [])
    assert result.stderr == "Please run as root and try again: apt-get install one two\n"


def test_without_apt_get_the_packages_are_named(machine):
    (machine.bin / "apt-get").unlink()
    result = machine.run("system", "need", "absent=one", "other=two")
    assert result.returncode == 1
    assert result.stderr == "Please install one two and try again: only apt-get is known here.\n"


def test_a_failed_install_ends_with_what_is_missing(machine):
    machine.write("apt-get", APT_GET + "exit 100\n")
    result = machine.run("system", "install", "one")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("Could not install one.")


def test_system_says_how_it_is_used(machine):
    result = machine.run("system", "remove", "everything")
    assert (result.returncode, machine.asked()) == (1, [])
    assert "Usage:" in result.stderr
