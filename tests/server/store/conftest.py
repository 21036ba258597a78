"""A store on SQLite and on PostgreSQL: every test that asks for a database runs on both."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings
from services import Service, fresh_database
from sqlalchemy import delete

from server.store.classifiers import Classifiers
from server.store.database import Database
from server.store.keys import Keys
from server.store.models import ClassifierRow
from server.store.records import Records
from server.store.usage import Usage

# a busy machine is no reason for a property to fail
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def anyio_backend() -> str:
    """The server runs on asyncio only."""
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def empty_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database without tables."""
    return f"sqlite:///{tmp_path}/store.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with tables, to copy: making them takes longer than most tests."""
    file = tmp_path_factory.mktemp("template") / "store.db"
    asyncio.run(_migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def shared_postgres_url(postgres_cluster: Service) -> str:
    """A database with tables, which `database` empties for each test."""
    url = fresh_database(postgres_cluster.url)
    asyncio.run(_migrate(url))
    return url


@pytest.fixture
def url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The database behind `database`."""
    if kind == "postgresql":
        return request.getfixturevalue("shared_postgres_url")
    shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "store.db")
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
async def database(url: str, anyio_backend: str) -> AsyncIterator[Database]:
    """Tables without rows."""
    opened = Database(url)
    try:
        async with opened.write() as session:
            for table in ClassifierRow.metadata.sorted_tables:
                await session.execute(delete(table))
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def classifiers(database: Database) -> Classifiers:
    return Classifiers(database)


@pytest.fixture
def keys(database: Database) -> Keys:
    return Keys(database)


@pytest.fixture
def usage(database: Database) -> Usage:
    return Usage(database)


@pytest.fixture
def records(database: Database) -> Records:
    return Records(database)


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await database.migrate()
    finally:
        await database.close()
