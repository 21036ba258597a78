"""What the README shows is what happens."""

import json
import re
import subprocess
import sys

import pytest
from processes import ROOT

from server.settings_table import settings_table

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_settings_table_is_the_declared_one():
    assert settings_table() in README


def test_the_curl_example_gives_the_answer_shown(server):
    command = next(block for block in blocks("bash") if "curl" in block)
    sent = json.loads(re.search(r"-d '(\{.*?\})'", command, re.DOTALL)[1])
    shown = json.loads(next(block for block in blocks("json") if "latency_ms" in block))
    answer = server.client.post("/v1/tag", json=sent | {"cache": False}).json()
    assert answer | {"latency_ms": 0} == shown | {"latency_ms": 0}


def test_the_python_example_runs_and_prints_what_is_shown():
    example = next(block for block in blocks("python") if "from nli_tagger import Tagger" in block)
    printed = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=True).stdout
    shown = re.findall(r"# (\w.*)", example)
    assert printed.splitlines() == shown


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()
