"""`nli-tagger serve`."""

import asyncio
import signal
import socket
import sys
from typing import Any

import click
import structlog
import typed_settings as ts
import uvicorn

from nli_tagger import NliTaggerError, Tagger
from server.app import create_asgi
from server.logs import configure
from server.services import open_database
from server.settings import CONVERTER, LOADERS, ServerSettings
from server.shared_store import SharedStoreError, shared_store_url
from server.store.database import DatabaseError
from server.store.keys import Keys

log = structlog.get_logger("server")

_AUTH = {
    "always": "off: everyone who reaches this address may do everything",
    "never": "every request needs an API key",
    "until there is a key": "open to every program on this machine until there is an API key",
}


class _Command(click.Command):
    """Says in one sentence which setting is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except* ts.exceptions.InvalidValueError as errors:
            raise _wrong("; ".join(str(error) for error in errors.exceptions)) from None


def run(settings: ServerSettings) -> None:
    """Serve the HTTP API.

    Each option can also be set in the environment (shown below) or in nli-tagger.toml, section [nli-tagger].
    """
    configure(settings.log_format, settings.log_level)
    asyncio.run(_check_stores(settings))
    listener = _listen(settings.host, settings.port)
    try:
        tagger = Tagger(settings.model, threads=settings.cores_per_inference)
    except NliTaggerError as error:
        raise click.ClickException(str(error)) from error
    _announce(settings, tagger, listener.getsockname()[1])
    config = uvicorn.Config(
        create_asgi(settings, tagger),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=30,
    )
    for asked in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises the signal again once it has shut down
        signal.signal(asked, lambda *_: sys.exit(0))
    uvicorn.Server(config).run(sockets=[listener])


def _build() -> click.Command:
    """The command. Its options' defaults are read from files and environment here, where they may be wrong."""
    try:
        options = ts.click_options(ServerSettings, LOADERS, converter=CONVERTER, show_envvars_in_help=True)
        return click.command("serve", cls=_Command)(options(run))
    except (ts.exceptions.TsError, ValueError) as error:
        return _refusal(error)


def _refusal(error: Exception) -> click.Command:
    @click.command("serve", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def refuse() -> None:
        """Serve the HTTP API."""
        in_file = isinstance(error, ts.exceptions.ConfigFileLoadError)
        where = "nli-tagger.toml, or a file in NLI_TAGGER_SETTINGS: " if in_file else ""
        raise _wrong(f"{where}{error}") from None

    return refuse


def _wrong(reason: str) -> click.ClickException:
    return click.ClickException(f"A setting is wrong. {reason}")


async def _check_stores(settings: ServerSettings) -> None:
    """What would fail later fails now, in words: a database that is away, an open server that others can reach."""
    try:
        if settings.valkey:
            shared_store_url(settings.valkey)
        async with open_database(settings) as database:
            has_keys = bool(settings.api_keys or settings.admin_keys) or await Keys(database).exist()
    except (DatabaseError, SharedStoreError) as error:
        raise click.ClickException(str(error)) from error
    if settings.opens == "never" and not has_keys:
        raise click.ClickException(
            f"Listening on {settings.host} without an API key would let nobody in. Make one with "
            "'nli-tagger keys create NAME --scope admin', set NLI_TAGGER_API_KEYS or NLI_TAGGER_ADMIN_KEYS, "
            "listen on 127.0.0.1, or set NLI_TAGGER_AUTH=off to let everyone in."
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise click.ClickException(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port."
        ) from error
    return listener


def _announce(settings: ServerSettings, tagger: Tagger, port: int) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{port}"
    log.info("serving", url=url, docs=f"{url}/docs", model=tagger.bundle.manifest.name, auth=_AUTH[settings.opens])
    if sys.stderr.isatty():
        click.echo(f"NLI Tagger on {url} (API page: {url}/docs). Ctrl-C stops it.", err=True)


serve = _build()
