"""Runs the server as users do: as a process of its own."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent


@contextmanager
def serving(command: list[str | Path], folder: Path, seconds: float = 600) -> Iterator[httpx.Client]:
    """Starts a command that serves with `--port 0` and gives a client for the address in its log."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*map(str, command), "--port", "0", "--data-dir", str(folder / "data")],
            stderr=log,
            stdout=log,
            env={name: value for name, value in os.environ.items() if not name.startswith("NLI_TAGGER_")},
        )
    try:
        url = _address(process, folder / "log", seconds)
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            _until_ready(client, seconds)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _address(process: subprocess.Popen[bytes], log: Path, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if '"event": "serving"' in line:
                return json.loads(line)["url"]
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()}")


def _until_ready(client: httpx.Client, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server did not become ready")
