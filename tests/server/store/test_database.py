"""The database: its tables, its promises about durability and waiting, and what it says when it cannot be used."""

import asyncio
import subprocess
import sys
from contextlib import ExitStack

import pytest
from advanced_alchemy.types import GUID
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from processes import ROOT
from services import Service
from sqlalchemy import func, inspect, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError

from server.services import open_database
from server.settings import ServerSettings
from server.store.database import MIGRATIONS, Database, DatabaseError, database_url, reason
from server.store.models import ClassifierRow

pytestmark = pytest.mark.anyio
TABLES = {table.name for table in ClassifierRow.metadata.sorted_tables}
NOT_A_URL = "'database' must be a URL such as postgresql://user:password@host/name or sqlite:///file.db"


@pytest.fixture
async def empty(empty_url, anyio_backend):
    """A database without tables, opened."""
    database = Database(empty_url)
    yield database
    await database.close()


async def tables_of(database: Database) -> set[str]:
    async with database.engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def refusal(url: str) -> str:
    database = Database(url)
    try:
        with pytest.raises(DatabaseError) as refused:
            await database.migrate()
    finally:
        await database.close()
    return str(refused.value)


async def add_name(database: Database, name: str) -> None:
    async with database.write() as session:
        session.add(ClassifierRow(name=name, newest=0))


async def names_in(session) -> list[str]:
    return list(await session.scalars(select(ClassifierRow.name).order_by(ClassifierRow.name)))


async def test_migrating_an_empty_database_makes_every_table(empty):
    await empty.migrate()
    assert await tables_of(empty) == TABLES | {"alembic_version"}


async def test_migrating_again_changes_nothing(empty):
    await empty.migrate()
    await add_name(empty, "news")
    await empty.migrate()
    async with empty.read() as session:
        assert await names_in(session) == ["news"]


SERVER = """
import asyncio, sys
from server.store.database import Database

async def migrate():
    database = Database(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        await database.migrate()
    finally:
        await database.close()

asyncio.run(migrate())
"""


def test_several_servers_may_start_at_once(empty_url):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(subprocess.Popen([sys.executable, "-c", SERVER, empty_url], cwd=ROOT, **pipes))
            for _ in range(3)
        ]
        assert [server.stdout.readline() for server in servers] == ["ready\n"] * 3
        for server in servers:
            server.stdin.write("go\n")
            server.stdin.flush()
        assert [server.communicate(timeout=60) for server in servers] == [("", "")] * 3


def types_differ(context, _, __, ___, type_of_model):
    """None leaves it to alembic. SQLite has no type of 16 bytes that it would tell apart from a number."""
    return False if isinstance(type_of_model, GUID) and context.dialect.name == "sqlite" else None


async def test_models_and_migrations_agree(empty):
    await empty.migrate()

    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": types_differ})
        return compare_metadata(context, ClassifierRow.metadata)

    async with empty.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_migrations_can_be_taken_back(empty):
    await empty.migrate()

    def downgrade(connection):
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    async with empty.engine.begin() as connection:
        await connection.run_sync(downgrade)
    assert await tables_of(empty) == {"alembic_version"}
    await empty.migrate()
    assert await tables_of(empty) >= TABLES


async def test_a_failed_migration_leaves_nothing_behind(empty):
    async with empty.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE usage (id int)"))
    with pytest.raises(DatabaseError, match="already exists"):
        await empty.migrate()
    assert await tables_of(empty) == {"usage"}


async def test_a_database_of_a_newer_version_is_refused_in_words(empty):
    await empty.migrate()
    async with empty.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match=r"is not of this version: .*'9999'"):
        await empty.migrate()


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)],
    ids=["write-ahead log", "every commit on disk", "foreign keys"],
)
async def test_every_sqlite_connection_is_set_up(database, pragma, value):
    async with database.engine.connect() as one, database.engine.connect() as other:
        for connection in (one, other):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
            await connection.rollback()  # the second could not begin while the first may write


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
async def test_postgresql_answers_a_commit_when_it_is_on_disk(database):
    async with database.write() as session:
        assert await session.scalar(text("SHOW synchronous_commit")) == "on"


async def test_what_is_written_is_there_for_another_server(database, url):
    await add_name(database, "news")
    other = Database(url)
    async with other.read() as session:
        assert await names_in(session) == ["news"]
    await other.close()


async def test_a_block_that_raises_writes_nothing(database):
    async def fail():
        async with database.write() as session:
            session.add(ClassifierRow(name="news", newest=0))
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.read() as session:
        assert await names_in(session) == []


async def test_a_reader_sees_one_state_whatever_is_written_meanwhile(database):
    await add_name(database, "a")
    async with database.read() as session:
        before = await names_in(session)
        await add_name(database, "b")
        assert await names_in(session) == before == ["a"]
    async with database.read() as session:
        assert await names_in(session) == ["a", "b"]


async def test_writers_of_several_servers_wait_for_each_other(database, url):
    await add_name(database, "counted")
    other = Database(url)

    async def count(server):
        async with server.write() as session:
            query = select(ClassifierRow).with_for_update()
            row = (await session.scalars(query)).one()
            seen = row.newest
            await asyncio.sleep(0.005)  # a writer that did not wait would read the same number
            row.newest = seen + 1

    await asyncio.gather(*(count(server) for server in (database, other) for _ in range(15)))
    async with other.read() as session:
        assert await session.scalar(select(ClassifierRow.newest)) == 30
    await other.close()


async def test_readers_do_not_wait_for_a_writer(database):
    async with database.write() as writing:
        writing.add(ClassifierRow(name="news", newest=0))
        await writing.flush()
        async with asyncio.timeout(5), database.read() as reading:
            assert await reading.scalar(select(func.count(ClassifierRow.id))) == 0


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
async def test_a_database_that_was_away_is_used_again(database, postgres_cluster: Service):
    await add_name(database, "news")
    postgres_cluster.stop()
    try:
        with pytest.raises(SQLAlchemyError, match="Connect call failed"):
            await add_name(database, "lost")
    finally:
        postgres_cluster.start()
    async with database.read() as session:
        assert await names_in(session) == ["news"]


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///file.db", "sqlite+aiosqlite"),
        ("sqlite+pysqlite:///file.db", "sqlite+aiosqlite"),
        ("postgres://user:word@host/name", "postgresql+asyncpg"),
        ("postgresql://user:word@host/name", "postgresql+asyncpg"),
        ("postgresql+psycopg2://user:word@host/name", "postgresql+asyncpg"),
    ],
)
def test_the_driver_is_the_one_this_server_uses(given, driver):
    assert database_url(given).drivername == driver


def test_libpqs_word_for_tls_is_understood():
    assert database_url("postgresql://host/name?sslmode=require&application_name=a").query == {
        "ssl": "require",
        "application_name": "a",
    }


@pytest.mark.parametrize(
    "given",
    ["", "nonsense", "mysql://user:h1dden@host/name", "postgresql://user:h1dden@host:port/name", "file.db", "://"],
)
def test_what_is_no_url_of_a_database_is_refused_in_words(given):
    with pytest.raises(DatabaseError) as refused:
        Database(given)
    assert NOT_A_URL in str(refused.value)
    assert "h1dden" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"password": "wr0ng"}, 'password authentication failed for user "tester"'),
        ({"username": "nobody"}, 'password authentication failed for user "nobody"'),
        ({"database": "nothing"}, 'database "nothing" does not exist'),
        ({"port": 1}, "Connect call failed"),
        ({"host": "host.invalid"}, "[Errno -"),
        ({"query": {"sslmode": "require"}}, "SSL"),
        ({"query": {"sslmode": "often"}}, "often"),
        ({"query": {"color": "red"}}, "unexpected keyword argument 'color'"),
    ],
    ids=str,
)
async def test_a_postgresql_that_lets_nobody_in_is_refused_in_words(postgres_url, changed, says):
    wrong = make_url(postgres_url).set(**changed).render_as_string(hide_password=False)
    message = await refusal(wrong)
    assert message.startswith("The database postgresql+asyncpg://")
    assert "cannot be used: " in message
    assert says in message
    assert "a-password" not in message
    assert "wr0ng" not in message


@pytest.mark.parametrize("place", ["no-folder/store.db", "file/store.db", "", "file"])
async def test_a_file_that_cannot_be_a_database_is_refused_in_words(tmp_path, place):
    (tmp_path / "file").write_text("a letter, not a database")
    message = await refusal(f"sqlite:///{tmp_path}/{place}")
    assert message.startswith(f"The database sqlite+aiosqlite:///{tmp_path}/{place} cannot be used: ")
    assert message.endswith(("unable to open database file", "file is not a database"))


@pytest.mark.parametrize("place", ["file", "file/folder"])
async def test_a_data_folder_that_cannot_be_made_is_refused_in_words(tmp_path, place):
    (tmp_path / "file").touch()

    async def start():
        async with open_database(ServerSettings(data_dir=tmp_path / place)):
            pass

    with pytest.raises(DatabaseError, match=r"The data folder .*/file.* cannot be used: "):
        await start()


async def test_only_its_owner_may_look_into_the_data_folder(tmp_path):
    async with open_database(ServerSettings(data_dir=tmp_path / "a" / "data")):
        assert (tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700


async def test_the_text_of_an_error_quotes_nothing_that_was_sent(records, database):
    secret = "my insurance number is 4711"
    with pytest.raises(SQLAlchemyError) as failed:
        await records.add([{"texts": secret, "request_id": None}])
    assert secret not in reason(failed.value)
    assert "INSERT" not in reason(failed.value)
    if database.is_sqlite:  # PostgreSQL's own message has a second line, which quotes the row
        assert secret not in str(failed.value)


async def test_the_text_of_an_error_that_says_nothing_is_its_name():
    assert reason(TimeoutError()) == "TimeoutError"
