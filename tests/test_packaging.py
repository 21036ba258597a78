"""What users install: a wheel that serves, model included, without the training libraries."""

import re
import subprocess
import sys
import venv
from importlib.metadata import requires
from pathlib import Path

import pytest
from processes import ROOT, serving
from support import NEWS, NEWS_LABELS

TRAINING_ONLY = {"torch", "transformers", "optimum", "optimum-onnx", "sentence-transformers", "onnx"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A fresh environment with the repository's wheel in it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("nli_tagger-*.whl")
    venv.create(folder / "env", with_pip=True)
    run(folder / "env/bin/python", "-m", "pip", "install", "--constraint", ROOT / "constraints.txt", wheel)
    return folder / "env"


def run(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, cwd="/").stdout


def test_the_wheel_serves_with_its_model(installed, tmp_path):
    with serving([installed / "bin/nli-tagger", "serve"], tmp_path) as client:
        answer = client.post("/v1/tag", json={"text": NEWS, "labels": NEWS_LABELS}).json()
    assert {tagged["label"] for tagged in answer["labels"]} == {"technology", "finance"}


def test_the_serving_environment_has_no_training_library(installed):
    listed = run(installed / "bin/python", "-m", "pip", "list", "--format", "freeze")
    packages = {line.split("==")[0].lower() for line in listed.splitlines()}
    assert "onnxruntime" in packages
    assert not packages & TRAINING_ONLY
    size = sum(path.lstat().st_size for path in installed.rglob("*"))
    print(f"\nserving environment: {size / 1e6:.0f} MB")


def test_export_says_what_to_install(installed, tmp_path):
    command = [installed / "bin/nli-tagger", "export", tmp_path, "--output", tmp_path / "bundle"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "pip install 'nli-tagger[training]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_basic_requirements_name_no_training_library():
    basic = {re.split(r"[^\w-]", line)[0] for line in requires("nli-tagger") or [] if "extra ==" not in line}
    assert "litestar" in basic
    assert not basic & TRAINING_ONLY


def test_every_direct_requirement_is_pinned():
    lines = requires("nli-tagger") or []
    assert [line for line in lines if "==" not in line.split(";")[0]] == []
