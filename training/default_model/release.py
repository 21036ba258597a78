"""A trained checkpoint -> the embedded bundle: export, calibrate on the held-out label sets, write.

python -m training.default_model.release --run runs/default --data FOLDER
"""

import json
import tempfile
from pathlib import Path

import click

from nli_tagger import Tagger
from nli_tagger.bundle import default_model
from training.calibration import calibrate
from training.data import read_schemas
from training.default_model.mix import WRITTEN, is_held_out
from training.embeddings import minilm_folder
from training.export import export_shared_premise
from training.label_sets import labelled_sets

NAME = "nli-tagger-default"
CARD = Path(__file__).parent / "CARD.md"


@click.command()
@click.option("--run", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=default_model(), show_default=False)
@click.option("--precision", type=click.Choice(["int8", "fp32"]), default="int8", show_default=True)
def main(run: Path, data: Path, output: Path, precision: str) -> None:
    """Replaces the embedded model with the result of a training run."""
    checkpoint, tokenizer = run / "final", minilm_folder() / "tokenizer.json"
    # multi-label sets only: in a single-label set an unchosen label may be true all the same
    held_out = [s for s in labelled_sets(data, most_texts=60) if is_held_out(s.schema) and not s.schema.is_single]
    with tempfile.TemporaryDirectory() as work:
        raw = Path(work) / "raw"
        export_shared_premise(checkpoint, tokenizer, raw, name=NAME, precision=precision)
        calibration = calibrate(Tagger(raw), held_out)
    export_shared_premise(
        checkpoint,
        tokenizer,
        output,
        name=NAME,
        precision=precision,
        calibration=calibration,
        recipe=json.loads((run / "recipe.json").read_text()),
        data=_sources(data),
        card=CARD,
        keep_checkpoint=True,
        replace=True,
    )
    click.echo(f"{output}: calibrated on {len(held_out)} multi-label sets, {calibration}")


def _sources(data: Path) -> list[str]:
    """The public sets by name, the project's own as one entry."""
    names = sorted(read_schemas(data))
    public = [name for name in names if not name.startswith(WRITTEN)]
    return [*public, f"{len(names) - len(public)} label sets written for this project", "nli.jsonl"]


if __name__ == "__main__":
    main()
