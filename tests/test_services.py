"""The services of the tests are real, separate, and gone afterwards."""

import asyncio
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
import services
import valkey
from processes import ROOT
from services import fresh_database, postgresql, redis


@pytest.fixture(scope="module")
def cluster():
    with postgresql() as service:
        yield service


@pytest.fixture
def cache():
    with redis() as service:
        yield service


def query(url, statement):
    async def ask():
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    return [tuple(row) for row in asyncio.run(ask())]


def client_of(service):
    return valkey.Valkey.from_url(service.url.replace("redis", "valkey"), decode_responses=True)


def family(service):
    process = psutil.Process(service.process.pid)
    return [process, *process.children(recursive=True)]


def is_gone(process, seconds=30):
    """A zombie is gone too: nobody may be there to ask for its exit status."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_postgresql_answers_the_user_of_the_url_and_no_other(cluster):
    url = fresh_database(cluster.url)
    assert query(url, "SELECT current_user::text, current_database()::text") == [("tester", url.rpartition("/")[2])]
    with pytest.raises(asyncpg.InvalidPasswordError):
        query(url.replace("a-password", "another"), "SELECT 1")


def test_fresh_databases_are_empty_and_separate(cluster):
    one, other = fresh_database(cluster.url), fresh_database(cluster.url)
    query(one, "CREATE TABLE things (id int)")
    assert query(one, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'") == [("things",)]
    assert query(other, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'") == []


def test_databases_survive_a_stop(cluster):
    url = fresh_database(cluster.url)
    query(url, "CREATE TABLE things (id int)")
    cluster.stop()
    with pytest.raises(OSError):
        query(url, "SELECT 1")
    cluster.start()
    assert query(url, "SELECT * FROM things") == []


def test_a_database_is_dropped_under_its_connections(cluster):
    url = fresh_database(cluster.url)

    async def drop_while_connected():
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        services.drop_database(url)
        with pytest.raises(asyncpg.PostgresConnectionError):
            await connection.fetch("SELECT 1")

    asyncio.run(drop_while_connected())
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        query(url, "SELECT 1")


def test_redis_stops_and_comes_back_empty_on_the_same_port(cache):
    with client_of(cache) as client:
        client.set("key", "value")
        assert client.get("key") == "value"
        cache.stop()
        with pytest.raises(valkey.ConnectionError):
            client.get("key")
        cache.start()
        assert client.get("key") is None


def test_starting_twice_is_starting_once(cache):
    process = cache.process
    cache.start()
    assert cache.process is process


@pytest.mark.parametrize("kind", [postgresql, redis])
def test_nothing_is_left_after_the_block(kind):
    with kind() as service:
        processes, folder = family(service), service.log.parent
        assert folder.exists()
    assert all(is_gone(process, seconds=1) for process in processes)
    assert not folder.exists()


@pytest.mark.parametrize("kind", [postgresql, redis])
def test_nothing_is_left_when_the_block_fails(kind):
    with suppress(ZeroDivisionError), kind() as service:
        processes = family(service)
        raise ZeroDivisionError
    assert all(is_gone(process, seconds=1) for process in processes)


@pytest.mark.parametrize("kind", ["postgresql", "redis"])
def test_they_die_with_a_killed_test_process(kind):
    code = (
        f"import services, time\nwith services.{kind}() as s: print(s.process.pid, s.log, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT / "tests", stdout=subprocess.PIPE, text=True) as process:
        pid, log = process.stdout.readline().split()
        service = psutil.Process(int(pid))
        process.kill()
    assert is_gone(service)
    shutil.rmtree(Path(log).parent)


def test_a_missing_program_is_named_with_its_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    message = "redis-server or valkey-server is missing: apt-get install redis-server"
    with pytest.raises(RuntimeError, match=message), redis():
        pass


def test_a_service_that_cannot_start_says_why():
    with redis() as taken:
        second = services.Service(taken.url, taken.command, lambda: False, taken.log)
        with pytest.raises(RuntimeError, match="Address already in use"):
            second.start()
