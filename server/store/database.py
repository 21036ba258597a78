"""The database: SQLite in a file by default, PostgreSQL by URL."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_MIGRATION_LOCK = 0x6E6C69
_BUSY_SECONDS = 15


class DatabaseError(Exception):
    """The database cannot be used; the message says why, without its password."""


class Database:
    """Sessions over one engine. `url` is an SQLAlchemy URL; a driver in it is replaced by the async one."""

    def __init__(self, url: str) -> None:
        self.url = database_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        connecting = {"timeout": _BUSY_SECONDS} if self.is_sqlite else {"async_creator_fn": _connect_postgresql}
        self._reading = {"reads_only": True} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        # hide_parameters: an error's message must not quote a text
        self.engine = create_async_engine(
            self.url, hide_parameters=True, pool_pre_ping=not self.is_sqlite, connect_args=connecting
        )
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    async def migrate(self) -> None:
        """Brings the tables up to this version. Raises `DatabaseError`; several servers may start at once."""
        try:
            if self.is_sqlite:
                self._check_sqlite_opens()
            async with self.engine.begin() as connection:
                if not self.is_sqlite:
                    await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                await connection.run_sync(_upgrade)
        except CommandError as error:
            raise DatabaseError(f"The database {self._shown} is not of this version: {reason(error)}") from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise DatabaseError(f"The database {self._shown} cannot be used: {reason(error)}") from error

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that sees one state of the database."""
        async with self._sessions() as session:
            await session.connection(execution_options=self._reading)
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session whose changes are durable once the block has ended, and undone when it raises."""
        async with self._sessions.begin() as session:
            yield session

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()

    def _check_sqlite_opens(self) -> None:
        """The thread of aiosqlite would tell of its failure when the event loop may be closed already."""
        arguments: tuple[Any, dict[str, Any]] = self.engine.dialect.create_connect_args(self.url)  # type: ignore[assignment]
        with closing(sqlite3.connect(*arguments[0], **arguments[1])):
            pass

    @property
    def _shown(self) -> str:
        return self.url.render_as_string(hide_password=True)


def database_url(given: str) -> URL:
    """The URL with the driver this server uses. Raises `DatabaseError` for anything but SQLite and PostgreSQL."""
    try:
        url = make_url(given)
        return _for_asyncpg(url).set(drivername=_DRIVERS[url.get_backend_name()])
    except (ArgumentError, KeyError, ValueError):
        raise DatabaseError(
            "The setting 'database' must be a URL such as postgresql://user:password@host/name or sqlite:///file.db."
        ) from None


def reason(error: BaseException) -> str:
    """The driver's own words without SQL and parameters."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__


def _for_asyncpg(url: URL) -> URL:
    """asyncpg calls libpq's `sslmode` "ssl"."""
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    return url.set(query=query)


async def _connect_postgresql(*arguments: Any, **options: Any) -> Any:
    """A connection. SQLAlchemy would let asyncpg's own errors through here, as nowhere else."""
    try:
        return await asyncpg.connect(*arguments, **options)
    except (OSError, TypeError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OperationalError(None, None, error) from error


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # the driver's own transaction control begins too late for a read that becomes a write
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock first: a reader that turns into one would fail instead of waiting."""
    reads_only = connection.get_execution_options().get("reads_only")
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
