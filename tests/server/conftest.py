"""Fixtures of the server's tests: the documented error shape, captured logs, broken models, `nli-tagger serve`."""

import io
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from services import node_sdk, postgres_cluster, postgres_url, redis_server, redis_url  # noqa: F401

from nli_tagger import Tagger
from server.errors import ApiError
from server.logs import configure

COMMAND = Path(sys.executable).with_name("nli-tagger")
_DOCUMENTED = {(kind.status, kind.code) for kind in ApiError.__subclasses__()}
_INSIDES = re.compile(r"Traceback|\.py\b|site-packages|File \"| object at 0x")


@pytest.fixture(scope="session")
def error_of() -> Callable[[httpx.Response], dict[str, Any]]:
    """The body of an error answer, once it is checked to have the documented shape and to show no insides."""

    def checked(response: httpx.Response) -> dict[str, Any]:
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-request-id"]
        assert not _INSIDES.search(response.text)
        body = response.json()
        assert set(body) - {"details"} == {"error", "code", "message", "detail"}
        assert (response.status_code, body["code"]) in _DOCUMENTED
        assert body["error"] == body["code"].lower().replace("_", "-")
        assert isinstance(body["detail"], str)
        assert body["detail"] == body["message"] != ""
        return body

    return checked


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """`until(f)` polls until `f()` is true and returns what it gave; it fails after `seconds`."""

    def poll(condition: Callable[[], Any], seconds: float = 20) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)
        return value

    return poll


class Log:
    """What `server.logs` wrote to standard error."""

    def __init__(self, read: Callable[[], str]) -> None:
        self.text = read

    def lines(self, **fields: Any) -> list[dict[str, Any]]:
        """Complete lines that have all these values; a line that is not JSON is an error."""
        entries = [json.loads(line) for line in self.text().splitlines(keepends=True) if line.endswith("\n")]
        return [entry for entry in entries if entry.items() >= fields.items()]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """The log of servers in this process, as `nli-tagger serve` would write it."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.root.level)
    configure("json", "info")
    yield Log(written.getvalue)
    structlog.reset_defaults()


class BrokenTagger(Tagger):
    """The embedded model, failing with `error` for as long as that is set."""

    def __init__(self, whole: Tagger, error: BaseException | None) -> None:
        self.__dict__.update(whole.__dict__)
        self.error = error

    def score_steps(self, reading):
        if self.error:
            raise self.error
        return (yield from super().score_steps(reading))


@pytest.fixture
def broken(tagger: Tagger) -> Callable[[BaseException | None], BrokenTagger]:
    return lambda error: BrokenTagger(tagger, error)


@pytest.fixture(scope="session")
def send() -> Callable[..., socket.socket]:
    """Sends a tag request and returns the connection without waiting for the answer; closing it means giving up."""

    def send_request(url: str, body: bytes, declared_length: int | None = None) -> socket.socket:
        address = httpx.URL(url)
        connection = socket.create_connection((address.host, address.port), timeout=60)
        head = f"POST /v1/tag HTTP/1.1\r\nHost: {address.host}\r\nContent-Type: application/json\r\n"
        length = len(body) if declared_length is None else declared_length
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + body)
        return connection

    return send_request


@pytest.fixture(scope="session")
def send_raw() -> Callable[[str, bytes], bytes]:
    """Sends bytes as they are and returns everything that comes back."""

    def exchange(url: str, sent: bytes) -> bytes:
        address = httpx.URL(url)
        with socket.create_connection((address.host, address.port), timeout=10) as connection:
            connection.sendall(sent)
            return connection.makefile("rb").read()

    return exchange


class Serving:
    """A running `nli-tagger serve`."""

    def __init__(self, process: "subprocess.Popen[bytes]", stderr: Path) -> None:
        self.process, self.stderr = process, stderr
        self.log = Log(lambda: stderr.read_text(encoding="utf-8"))

    @property
    def announcement(self) -> dict[str, Any] | None:
        return next(iter(self.log.lines(event="serving")), None)

    @property
    def url(self) -> str:
        return self.announcement["url"]

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.stderr.read_text(encoding="utf-8")
        try:
            return bool(self.announcement) and self.get("/health/ready").is_success
        except httpx.TransportError:
            return False

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=60, trust_env=False)

    def tag(self, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/tag", json=body, timeout=60, trust_env=False)


def _environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("NLI_TAGGER")} | more


@pytest.fixture(scope="session")
def start_command(tmp_path_factory: pytest.TempPathFactory, until: Callable[..., Any]) -> Callable[..., Any]:
    """`with start_command("--port", "0") as serving: ...` runs `nli-tagger serve` until the block ends."""

    @contextmanager
    def start(*arguments: str, **environment: str) -> Iterator[Serving]:
        folder = tmp_path_factory.mktemp("serve")
        with (folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                [COMMAND, "serve", *arguments], cwd=folder, env=_environment(**environment), stderr=stderr
            )
        serving = Serving(process, folder / "stderr")
        try:
            until(serving.is_ready, 60)
            yield serving
        finally:
            process.kill()
            process.wait(10)

    return start


@pytest.fixture
def run_command(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """`nli-tagger serve` that is expected to end by itself, run in `tmp_path`."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [COMMAND, "serve", *arguments],
            cwd=tmp_path,
            env=_environment(**environment),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
