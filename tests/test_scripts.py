"""The two commands of the README."""

from processes import ROOT, serving
from support import NEWS, NEWS_LABELS


def test_serve_sets_up_once_and_serves(tmp_path):
    with serving([ROOT / "scripts/serve"], tmp_path) as client:
        assert client.post("/v1/tag", json={"text": NEWS, "labels": NEWS_LABELS}).json()["labels"]
    stamp = ROOT / ".venv-serve/.installed"
    before = stamp.stat().st_mtime_ns
    with serving([ROOT / "scripts/serve"], tmp_path) as client:
        assert client.get("/health/live").json() == {"status": "ok", "model": ""}
    assert stamp.stat().st_mtime_ns == before


def test_scripts_say_what_they_do():
    for script in (ROOT / "scripts").iterdir():
        lines = script.read_text().splitlines()
        assert lines[0] == "#!/usr/bin/env bash"
        assert lines[1].startswith("# ")
        assert script.stat().st_mode & 0o111
