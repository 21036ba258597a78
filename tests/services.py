"""The real services that tests run against: PostgreSQL, Redis or Valkey, and Classer's SDK in Node.

The services listen on loopback only, keep nothing, and die with the process that started them.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import valkey

SDK = Path(__file__).parent / "sdk_node"
_USER, _PASSWORD = "tester", "a-password"
_PATIENCE = 60


class Service:
    """A process at a URL, which a test may stop and start again."""

    def __init__(self, url: str, command: list[str | Path], answers: Callable[[], bool], log: Path) -> None:
        self.url, self.command, self.answers, self.log = url, command, answers, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it answers; nothing happens where it runs already."""
        if self.process:
            return
        with self.log.open("ab") as log:
            # a session of its own: Ctrl-C is for the tests, which then stop it
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + _PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"Nothing answers at {self.url}:\n{self.log.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Returns once it is gone, connections and all."""
        if self.process:
            process, self.process = self.process, None
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_PATIENCE)
            finally:
                process.kill()
                process.wait()


@contextmanager
def postgresql() -> Iterator[Service]:
    """A cluster of its own; `fresh_database` makes databases in it."""
    programs = _postgresql_programs()
    with _folder() as folder:
        _make_cluster(programs, folder)
        port = _free_port()
        listen = ["-h", "127.0.0.1", "-p", str(port), "-k", folder]
        answers = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        service = Service(
            f"postgresql+asyncpg://{_USER}:{_PASSWORD}@127.0.0.1:{port}/postgres",
            [*_tied(*_unprivileged()), programs / "postgres", "-D", folder / "data", "-F", *listen],
            lambda: subprocess.run(answers, check=False).returncode == 0,
            folder / "log",
        )
        with _running(service):
            yield service


def fresh_database(url: str) -> str:
    """The URL of a new, empty database in the cluster at `url`."""
    name = f"test_{uuid.uuid4().hex}"
    _manage("createdb", url, name)
    return f"{url.rpartition('/')[0]}/{name}"


def drop_database(url: str) -> None:
    """Deletes a database that `fresh_database` made, whoever is still connected."""
    cluster, _, name = url.rpartition("/")
    _manage("dropdb", f"{cluster}/postgres", "--force", name)


@contextmanager
def redis() -> Iterator[Service]:
    """An empty Redis or Valkey, whichever is installed; what it holds is gone when it stops."""
    program = _program("redis-server", "valkey-server", package="redis-server")
    port = _free_port()
    with _folder() as folder:
        nowhere = ["--save", "", "--appendonly", "no", "--dir", folder]
        service = Service(
            f"redis://127.0.0.1:{port}/0",
            [*_tied(), program, "--bind", "127.0.0.1", "--port", str(port), *nowhere],
            lambda: _pongs(port),
            folder / "log",
        )
        with _running(service):
            yield service


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Service]:
    """PostgreSQL for the whole run. A test that stops it needs not start it again."""
    with postgresql() as service:
        yield service


@pytest.fixture
def postgres_url(postgres_cluster: Service) -> Iterator[str]:
    """An empty database for one test."""
    postgres_cluster.start()
    url = fresh_database(postgres_cluster.url)
    yield url
    postgres_cluster.start()
    drop_database(url)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Service]:
    """Redis for the whole run. A test that stops it needs not start it again."""
    with redis() as service:
        yield service


@pytest.fixture
def redis_url(redis_server: Service) -> str:
    """An empty Redis for one test."""
    redis_server.start()
    with valkey.Valkey(port=urlsplit(redis_server.url).port) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def node_sdk() -> Callable[..., dict[str, Any]]:
    """`node_sdk(url, "tag", {"text": ...}, api_key=None)` gives {"result": ...} or {"error": ...}."""
    node = _program("node", package="nodejs")
    _install_sdk()
    environment = {name: value for name, value in os.environ.items() if name != "CLASSER_API_KEY"}

    def call(url: str, method: str, arguments: dict[str, Any], api_key: str | None = None) -> dict[str, Any]:
        line = json.dumps({"method": method, "arguments": arguments, "apiKey": api_key}) + "\n"
        command = [node, SDK / "driver.mjs", url]
        run = subprocess.run(
            command, input=line, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return call


def _install_sdk() -> None:
    """Exactly what the lock file names, once for each version of it."""
    lock = (SDK / "package-lock.json").read_text()
    stamp = SDK / "node_modules/.installed"
    if not stamp.exists() or stamp.read_text() != lock:
        npm = _program("npm", package="npm")
        options = ["--engine-strict", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        run = subprocess.run([npm, "ci", *options], cwd=SDK, capture_output=True, text=True, timeout=300, check=False)
        assert run.returncode == 0, run.stderr
        stamp.write_text(lock)


@contextmanager
def _running(service: Service) -> Iterator[None]:
    try:
        service.start()
        yield
    finally:
        service.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    """Short, as paths of sockets must be, and open to the user that PostgreSQL runs as, unlike pytest's folders."""
    with tempfile.TemporaryDirectory(prefix="nli-tagger-", dir="/tmp") as name:
        os.chmod(name, 0o711)
        yield Path(name)


def _make_cluster(programs: Path, folder: Path) -> None:
    password = folder / "password"
    password.write_text(_PASSWORD)
    if os.geteuid() == 0:
        for path in (folder, password):
            shutil.chown(path, "postgres", "postgres")
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    owner = [f"--username={_USER}", f"--pwfile={password}"]
    command = [*_tied(*_unprivileged()), programs / "initdb", "-D", folder / "data", *owner, *options]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def _manage(program: str, cluster: str, *arguments: str) -> None:
    address = cluster.replace("postgresql+asyncpg", "postgresql", 1)
    command = [_postgresql_programs() / program, f"--maintenance-db={address}", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def _postgresql_programs() -> Path:
    """Debian keeps them out of PATH, one folder a version; the newest it is."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: float(path.parts[-3]), default=None)
    return (newest or _program("initdb", package="postgresql")).parent


def _program(*names: str, package: str) -> Path:
    """The first of them that is installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        raise RuntimeError(f"{' or '.join(names)} is missing: apt-get install {package}, or run scripts/test.")
    return Path(found)


def _tied(*options: str) -> list[str]:
    """What runs a command that ends with this process, or its thread, even when that is killed.

    An option that changes the user belongs here, since changing it later would undo that.
    """
    return ["setpriv", "--pdeathsig=INT", *options]


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _pongs(port: int) -> bool:
    try:
        with valkey.Valkey(port=port, socket_timeout=1) as client:
            return client.ping()
    except valkey.ValkeyError:
        return False
