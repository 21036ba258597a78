"""`nli-tagger serve`."""

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
from server.settings import CONVERTER, LOADERS, ServerSettings, is_loopback

log = structlog.get_logger("server")


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
    _check_exposure(settings)
    listener = _listen(settings.host, settings.port)
    try:
        tagger = Tagger(settings.model, threads=settings.cores_per_inference)
    except NliTaggerError as error:
        raise click.ClickException(str(error)) from error
    settings.data_dir.mkdir(parents=True, exist_ok=True)
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


def _check_exposure(settings: ServerSettings) -> None:
    if not settings.api_keys and not is_loopback(settings.host):
        raise click.ClickException(
            f"Listening on {settings.host} without an API key would let everyone in. Set NLI_TAGGER_API_KEYS "
            "(or --api-keys), or listen on 127.0.0.1."
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
    keys = "required" if settings.api_keys else "none: open to every program on this machine, and to nobody else"
    log.info("serving", url=url, docs=f"{url}/docs", model=tagger.bundle.manifest.name, api_keys=keys)
    if sys.stderr.isatty():
        click.echo(f"NLI Tagger on {url} (API page: {url}/docs). Ctrl-C stops it.", err=True)


serve = _build()
