"""What the package offers, what importing it costs, and which package may import which."""

import ast
import doctest
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import nli_tagger
import nli_tagger as classer

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "nli_tagger": {"server", "training", "torch", "transformers"},
    "server": {"training", "torch", "transformers"},
}


def test_all_is_sorted_and_holds_every_public_class_and_function():
    public = {
        name
        for name, value in vars(nli_tagger).items()
        if not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value))
        if value.__module__.startswith("nli_tagger")
    }
    assert nli_tagger.__all__ == sorted(public)


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        ("InputError", {"NliTaggerError", "ValueError"}),
        ("TextTooLongError", {"InputError", "NliTaggerError", "ValueError"}),
        ("BundleError", {"NliTaggerError"}),
    ],
)
def test_errors_can_be_caught_by_their_kind(error, bases):
    assert bases <= {base.__name__ for base in getattr(nli_tagger, error).__mro__}


def test_tag_can_be_called_as_with_classer():
    result = classer.tag(text="The goalkeeper saved two penalties", labels=["sports", "politics"], threshold=0)
    assert {scored.label for scored in result.labels} == {"sports", "politics"}
    assert result.labels[0].confidence >= result.labels[1].confidence
    assert result.tokens > 0
    assert result.latency_ms > 0


def test_classify_can_be_called_as_with_classer():
    result = classer.classify(text="The goalkeeper saved two penalties", labels=["sports", "politics"])
    assert result.label == "sports"
    assert 0.5 <= result.confidence <= 1
    assert result.tokens > 0


def test_module_functions_pass_on_descriptions_text_type_and_threshold(tagger):
    asked = {
        "text": "The goalkeeper saved two penalties",
        "labels": ["sports", "politics"],
        "descriptions": {"politics": "Elections"},
        "text_type": "tweet",
    }
    assert classer.tag(**asked, threshold=0).labels == tagger.tag(**asked, threshold=0).labels
    assert classer.classify(**asked).confidence == tagger.classify(**asked).confidence


@pytest.mark.parametrize("name", ["nli_tagger", "nli_tagger.hypotheses"])
def test_examples_in_docstrings_are_true(name):
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize("module", ["nli_tagger", "nli_tagger.cli"])
def test_importing_loads_no_other_package_of_ours_and_no_torch(module):
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "nli_tagger" in loaded.split()
    assert not FORBIDDEN["nli_tagger"] & set(loaded.split())


@pytest.mark.parametrize("package", FORBIDDEN)
def test_packages_import_only_what_they_may(package):
    imported = {path: imported_packages(path) for path in (ROOT / package).rglob("*.py")}
    assert any("nli_tagger" in names for names in imported.values())
    assert {path: names & FORBIDDEN[package] for path, names in imported.items() if names & FORBIDDEN[package]} == {}


def imported_packages(path: Path) -> set[str]:
    """Top-level packages that a file imports anywhere, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names
