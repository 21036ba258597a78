"""A model on disk: a folder with a manifest, a tokenizer and graphs. Load checks it, save is atomic."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nli_tagger.errors import BundleError
from nli_tagger.scorers import CrossEncoderScorer, Scorer, SharedPremiseScorer
from nli_tagger.scorers.base import plain_tokenizer

FORMAT = 1
MANIFEST = "manifest.json"
KINDS = ("shared-premise", "cross-encoder")


@dataclass(frozen=True)
class Calibration:
    """Logit -> logit: `scale * logit + bias`. Fitted on label sets the model was not trained on."""

    scale: float = 1.0
    bias: float = 0.0


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself. `files` maps every file that serving reads to its SHA-256."""

    name: str
    kind: str
    precision: str
    window_tokens: int
    hypothesis_tokens: int
    template_version: int
    format: int = FORMAT
    calibration: Calibration = Calibration()
    entailment: int = 0
    contradiction: int | None = None
    padding: int = 0
    files: dict[str, str] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Raises `BundleError` on anything but a manifest of this format version."""
        try:
            raw = json.loads(text)
            if raw.get("format") != FORMAT:
                raise BundleError(f"manifest format {raw.get('format')!r}; this version reads format {FORMAT}.")
            manifest = cls(**raw | {"calibration": Calibration(**raw.get("calibration", {}))})
        except (TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"manifest is not valid: {error}") from error
        if not isinstance(manifest.files, dict):
            raise BundleError("manifest is not valid: files must map names to digests.")
        if manifest.kind not in KINDS:
            raise BundleError(f"manifest kind {manifest.kind!r}; known are {', '.join(KINDS)}.")
        return manifest

    def to_json(self) -> str:
        """Readable JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Bundle:
    """A checked model folder."""

    folder: Path
    manifest: Manifest

    @classmethod
    def load(cls, folder: Path | str) -> "Bundle":
        """Reads the manifest and verifies every file's digest. Raises `BundleError`."""
        folder = Path(folder)
        try:
            manifest = Manifest.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
        except OSError as error:
            raise BundleError(f"{folder} is not a model bundle: cannot read {MANIFEST} ({error.strerror}).") from error
        except UnicodeDecodeError as error:
            raise BundleError(f"{folder}: manifest is not valid: {error}") from error
        except BundleError as error:
            raise BundleError(f"{folder}: {error}") from error
        for name, expected in manifest.files.items():
            _verify(folder / name, expected)
        return cls(folder, manifest)

    @cached_property
    def digest(self) -> str:
        """Identifies the model: 32 hexadecimal characters over everything that decides a score."""
        content = asdict(self.manifest)
        for told in ("name", "recipe", "data"):
            del content[told]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    def scorer(self, threads: int | None = None) -> Scorer:
        """Opens the graphs. `threads` is the number of cores one call uses; default: all available."""
        m = self.manifest
        try:
            tokenizer = plain_tokenizer((self.folder / "tokenizer.json").read_text(encoding="utf-8"))
        except Exception as error:
            raise BundleError(f"{self.folder}: tokenizer.json cannot be read ({error}).") from error
        sizes = (m.window_tokens, m.hypothesis_tokens)
        if m.kind == "shared-premise":
            return SharedPremiseScorer(self.folder, tokenizer, *sizes, threads=threads)
        return CrossEncoderScorer(
            self.folder,
            tokenizer,
            *sizes,
            entailment=m.entailment,
            contradiction=m.contradiction,
            padding=m.padding,
            threads=threads,
            one_by_one=m.precision == "int8",
        )


@contextmanager
def new_bundle(target: Path | str, *, replace: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes `target` in one step when the block ends without an error.

    A crash leaves `target` as it was. Raises `BundleError` when it exists and `replace` is false.
    """
    target = Path(target)
    if target.exists() and not replace:
        raise BundleError(f"{target} exists already; choose another folder or allow it to be replaced.")
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield work
        work.chmod(0o755)
        _swap(work, target, replace)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_manifest(folder: Path, manifest: Manifest, files: list[str]) -> None:
    """Writes the manifest with the digests of those files, and makes the whole folder durable."""
    digests = {name: _digest(folder / name) for name in sorted(files)}
    raw = asdict(manifest) | {"files": digests, "calibration": manifest.calibration}
    (folder / MANIFEST).write_text(Manifest(**raw).to_json(), encoding="utf-8")
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def default_model() -> Path:
    """The folder of the embedded default model."""
    return Path(__file__).parent / "models" / "default"


def _swap(work: Path, target: Path, replace: bool) -> None:
    if not target.exists():
        work.rename(target)
        return
    if not replace:
        raise BundleError(f"{target} exists already: another process made it in the meantime; it is left as it is.")
    previous = work.with_name(work.name + ".previous")
    target.rename(previous)
    work.rename(target)
    shutil.rmtree(previous)


def _verify(path: Path, expected: str) -> None:
    try:
        found = _digest(path)
    except OSError as error:
        raise BundleError(f"{path} is missing or cannot be read ({error.strerror}); copy the bundle again.") from error
    if found != expected:
        raise BundleError(f"{path} is damaged: its SHA-256 is not the manifest's; copy the bundle again.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
