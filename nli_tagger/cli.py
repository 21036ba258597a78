"""Command `nli-tagger`. `tag` is here; other packages add theirs under the entry point `nli_tagger.commands`."""

import json
import sys
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nli_tagger import __version__
from nli_tagger.errors import NliTaggerError
from nli_tagger.results import TagResult
from nli_tagger.tagger import DEFAULT_THRESHOLD, Tagger


class _Commands(click.Group):
    """Loads a command's module only when that command is used: `tag` does not wait for the server's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *entry_points(group="nli_tagger.commands").names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own:
            return own
        found = tuple(entry_points(group="nli_tagger.commands", name=cmd_name))
        return found[0].load() if found else None


@click.group(cls=_Commands)
@click.version_option(__version__)
def main() -> None:
    """Zero-shot text tagging on a CPU."""


@main.command()
@click.argument("text", required=False)
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Tag this text file.")
@click.option("--labels", help="Labels, separated by commas.")
@click.option("-l", "--label", "more", multiple=True, help="One label; repeat for several.")
@click.option("-d", "--description", "described", multiple=True, metavar="LABEL=TEXT", help="What a label means.")
@click.option("--text-type", help='What the text is, such as "support ticket".')
@click.option("--threshold", default=DEFAULT_THRESHOLD, show_default=True, help="Least confidence to show.")
@click.option("--model", type=click.Path(path_type=Path), help="Model bundle; default: the embedded model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tag(
    text: str | None,
    file: Path | None,
    labels: str | None,
    more: tuple[str, ...],
    described: tuple[str, ...],
    text_type: str | None,
    threshold: float,
    model: Path | None,
    as_json: bool,
) -> None:
    """Print the labels that apply to TEXT, to a --file, or to standard input."""
    names = [name.strip() for name in (labels or "").split(",") if name.strip()] + list(more)
    try:
        result = Tagger(model).tag(_read(text, file), names, _pairs(described), text_type, threshold)
    except NliTaggerError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(asdict(result), ensure_ascii=False)) if as_json else _show(result, threshold)


def _read(text: str | None, file: Path | None) -> str:
    if text is not None and file is not None:
        raise click.UsageError("Give TEXT or --file, not both.")
    if text is not None and text != "-":
        return text
    if file is None and sys.stdin.isatty():
        raise click.UsageError("Give TEXT, --file, or a text on standard input.")
    data = file.read_bytes() if file else sys.stdin.buffer.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"The text is not UTF-8 (byte {error.start}); convert it first.") from error


def _pairs(described: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for item in described:
        label, equals, description = item.partition("=")
        if not equals:
            raise click.UsageError(f"--description {item!r} must have the form LABEL=TEXT.")
        pairs[label.strip()] = description
    return pairs


def _show(result: TagResult, threshold: float) -> None:
    if not result.labels:
        click.echo(f"No label reaches {threshold:g}.")
        return
    table = Table("label", "confidence")
    for scored in result.labels:
        table.add_row(Text(scored.label), f"{scored.confidence:.4f}")
    Console().print(table)
    click.echo(f"{result.tokens} tokens, {result.latency_ms:g} ms")
