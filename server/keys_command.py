"""`nli-tagger keys`: make, list and delete API keys on the machine of the server, the first admin key above all."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import attrs
import click
import typed_settings as ts
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from nli_tagger import InputError
from server.errors import ApiError
from server.services import open_database
from server.settings import CONVERTER, LOADERS, ServerSettings
from server.store.database import DatabaseError
from server.store.keys import Key, Keys, Limits

T = TypeVar("T")


@click.group()
@click.option("--data-dir", type=click.Path(path_type=Path), help="Data folder of the server; default: its setting.")
@click.option("--database", help="Database of the server; default: its setting.")
@click.pass_context
def keys(context: click.Context, data_dir: Path | None, database: str | None) -> None:
    """Make, list and delete API keys. Works beside a running server."""
    given = {"data_dir": data_dir, "database": database and ts.SecretStr(database)}
    try:
        settings = ts.load_settings(ServerSettings, LOADERS, converter=CONVERTER)
    except (ts.exceptions.TsError, ValueError) as error:
        reasons = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
        raise click.ClickException(f"A setting is wrong. {'; '.join(map(str, reasons))}") from error
    context.obj = attrs.evolve(
        settings,  # type: ignore[misc]
        **{name: value for name, value in given.items() if value},
    )


@keys.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(["tag", "manage", "admin"]), default=["tag"])
@click.option("--classifier", "classifiers", multiple=True, help="The only classifier it may use; repeat for several.")
@click.option("--expires-in-days", type=click.IntRange(1, 36_500), help="Default: it does not expire.")
@click.option("--requests-per-minute", type=int)
@click.option("--tokens-per-minute", type=int)
@click.option("--concurrent", type=int, help="Requests computed at the same time.")
@click.pass_obj
def create(
    settings: ServerSettings,
    name: str,
    scopes: tuple[str, ...],
    classifiers: tuple[str, ...],
    expires_in_days: int | None,
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    concurrent: int | None,
) -> None:
    """Make a key for NAME and print it, this once."""
    limits = Limits(requests_per_minute, tokens_per_minute, concurrent)
    expires_at = datetime.now(UTC) + timedelta(days=expires_in_days) if expires_in_days else None
    only = set(classifiers) or None

    async def make(store: Keys) -> str:
        _, secret = await store.create(name, set(scopes), limits, only, expires_at)  # type: ignore[arg-type]
        return secret

    click.echo(_with_keys(settings, make))


@keys.command("list")
@click.pass_obj
def list_keys(settings: ServerSettings) -> None:
    """Show all keys, never their secrets."""
    headings = ("name", "begins with", "scopes", "classifiers", "expires")
    table = Table(Column("id", no_wrap=True), *(Column(heading, overflow="fold") for heading in headings), box=None)
    for key in _with_keys(settings, lambda store: store.list()):
        table.add_row(*(Text(cell) for cell in _cells(key)))
    Console().print(table)


@keys.command()
@click.argument("key_id")
@click.pass_obj
def delete(settings: ServerSettings, key_id: str) -> None:
    """Delete the key with the id KEY_ID: it is refused from the next request on."""
    _with_keys(settings, lambda store: store.delete(key_id))
    click.echo(f"Deleted {key_id}.")


def _with_keys(settings: ServerSettings, work: Callable[[Keys], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_database(settings) as database:
            return await work(Keys(database))

    try:
        return asyncio.run(run())
    except (DatabaseError, ApiError, InputError) as error:
        raise click.ClickException(str(error)) from error


def _cells(key: Key) -> tuple[str, ...]:
    expires = "never" if key.expires_at is None else key.expires_at.isoformat(" ", "minutes")
    only = "all" if key.classifiers is None else ", ".join(sorted(key.classifiers))
    return key.id, key.name, key.hint, ", ".join(sorted(key.scopes)), only, expires
