"""`nli-tagger export`: bring your own model."""

from pathlib import Path

import click

from nli_tagger.errors import NliTaggerError


@click.command()
@click.argument("source", metavar="PATH_OR_HUB_ID")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the new bundle."
)
@click.option("--quantize", is_flag=True, help="8-bit weights: a quarter of the size, faster, a little less exact.")
@click.option("--replace", is_flag=True, help="Replace the bundle that is there.")
def export(source: str, output: Path, quantize: bool, replace: bool) -> None:
    """Turn a Hugging Face NLI checkpoint into a bundle for --model.

    Works with sequence-classification models such as DeBERTa-v3, RoBERTa or BART whose classes
    name entailment. Needs the 'training' extra.
    """
    try:
        from training.cross_encoder import export_cross_encoder
    except ImportError as error:
        raise click.ClickException(f"{error.name} is missing: pip install 'nli-tagger[training]'") from error
    try:
        manifest = export_cross_encoder(source, output, quantize=quantize, replace=replace)
    except NliTaggerError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{output}: {manifest.name} ({manifest.precision}). Serve it: nli-tagger serve --model {output}")
