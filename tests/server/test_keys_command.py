"""`nli-tagger keys`: as processes of their own beside a running server, and in this one where there is no server."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from support import NEWS

from server.keys_command import keys

COMMAND = Path(sys.executable).with_name("nli-tagger")
KEY = re.compile(r"nlt_[\w-]{43}\n")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where the commands run, with settings of their own; the data folder is `data`."""
    for name in [name for name in os.environ if name.startswith("NLI_TAGGER")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run_keys():
    """`run_keys("list")` is what came of it: `exit_code`, `stdout` and `stderr`."""
    return lambda *arguments, **environment: CliRunner().invoke(keys, arguments, env=environment)


@pytest.fixture
def create(run_keys):
    """`create("name", "--scope", "admin")` is the key that was printed."""

    def made(*arguments):
        ended = run_keys("create", *arguments)
        assert (ended.exit_code, ended.stderr) == (0, "")
        assert KEY.fullmatch(ended.stdout)
        return ended.stdout.strip()

    return made


@pytest.fixture
def rows(run_keys):
    """The cells of each row that `keys list` shows, without the headings."""

    def listed(**environment):
        ended = run_keys("list", **environment)
        assert (ended.exit_code, ended.stderr) == (0, "")
        return [re.split(r"\s{2,}", line.strip()) for line in ended.stdout.splitlines()[1:]]

    return listed


def run_process(*arguments, **environment):
    """`nli-tagger keys` as an operator runs it."""
    command, settings = [COMMAND, "keys", *arguments], os.environ | environment
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60)


@pytest.fixture
def serving(start_command, folder):
    """A server on the data folder of the commands, which is open until there is a key."""
    with start_command("--port", "0", "--data-dir", str(folder / "data")) as started:
        yield started


def ask(serving, key, method="GET", path="/v1/models", **body):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.request(method, serving.url + path, headers=headers, json=body or None, timeout=60, trust_env=False)


def test_the_first_admin_key_opens_a_server_that_would_let_nobody_in(run_command, start_command, folder):
    arguments = ("--port", "0", "--auth", "required", "--data-dir", str(folder / "data"))
    refused = run_command(*arguments)
    assert refused.returncode == 1
    assert "nli-tagger keys create NAME --scope admin" in refused.stderr
    made = run_process("create", "operations", "--scope", "admin")
    assert (made.returncode, made.stderr) == (0, "")
    assert KEY.fullmatch(made.stdout)
    key = made.stdout.strip()
    with start_command(*arguments) as serving:
        assert [ask(serving, who).status_code for who in (None, key)] == [401, 200]
        assert ask(serving, key, "POST", "/v1/keys", name="second").status_code == 201


def test_keys_come_and_go_beside_a_running_server(serving):
    assert ask(serving, None).status_code == 200
    made = [
        run_process("create", *arguments).stdout for arguments in (("operations", "--scope", "admin"), ("importer",))
    ]
    admin, other = (key.strip() for key in made)
    assert [ask(serving, who).status_code for who in (None, admin, other)] == [401, 200, 200]
    assert ask(serving, other, "POST", "/v1/keys", name="another").status_code == 403
    ids = {key["name"]: key["id"] for key in ask(serving, admin, path="/v1/keys").json()["keys"]}
    listed = run_process("list").stdout
    assert [key_id in listed for key_id in ids.values()] == [True, True]
    deleted = run_process("delete", ids["importer"])
    assert (deleted.returncode, deleted.stdout) == (0, f"Deleted {ids['importer']}.\n")
    assert [ask(serving, who).status_code for who in (admin, other)] == [200, 401]


def test_a_process_that_cannot_do_what_it_is_told_says_so_in_one_sentence():
    ended = run_process("list", NLI_TAGGER_AUTH="maybe")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"Error: A setting is wrong\. [^\n]+\n", ended.stderr)
    assert run_process("delete", "unknown").stderr == "Error: There is no key with this id; GET /v1/keys lists them.\n"


def test_what_a_key_may_do_is_what_was_given(serving, create, rows):
    create("admin", "--scope", "admin")
    limits = ("--requests-per-minute", "60", "--tokens-per-minute", "1000", "--concurrent", "2")
    key = create("news", "--scope", "tag", "--scope", "manage", "--classifier", "news", "--classifier", "old", *limits)
    assert ask(serving, key, "POST", "/v1/tag", text=NEWS, labels=["a"]).status_code == 403
    assert ask(serving, key, "POST", "/v1/classifiers", name="other", labels=["a"]).status_code == 403
    assert ask(serving, key, "POST", "/v1/classifiers", name="news", labels=["a"]).status_code == 201
    answer = ask(serving, key, "POST", "/v1/tag", text=NEWS, classifier="news")
    assert [answer.headers[f"x-ratelimit-limit-{of}"] for of in ("requests", "tokens")] == ["60", "1000"]
    assert rows()[1][1:] == ["news", key[:8], "manage, tag", "news, old", "never"]


def test_a_key_may_expire(create, rows):
    create("short", "--expires-in-days", "3")
    end = datetime.fromisoformat(rows()[0][-1])
    assert abs(end - datetime.now(UTC) - timedelta(days=3)) < timedelta(minutes=3)


def test_the_list_never_shows_a_key(create, run_keys):
    keys = [create(name) for name in ("one", "two")]
    shown = run_keys("list").stdout
    assert [key in shown for key in keys] == [False, False]
    assert [key[:8] in shown for key in keys] == [True, True]


def test_the_list_of_a_narrow_terminal_still_has_whole_ids(create, rows, run_keys):
    create("a name that does not fit into what is left", "--classifier", "a-classifier-with-a-long-name")
    narrow = run_keys("list", COLUMNS="80").stdout
    assert rows()[0][0] in narrow
    assert "…" not in narrow


def test_the_data_folder_may_be_given(run_keys, create, rows, folder):
    create("here")
    elsewhere = ("--data-dir", "elsewhere")
    assert run_keys(*elsewhere, "create", "there").exit_code == 0
    assert [row[1] for row in rows()] == ["here"]
    assert [row[1] for row in rows(NLI_TAGGER_DATA_DIR="elsewhere")] == ["there"]
    database = ("--database", f"sqlite:///{folder / 'elsewhere' / 'nli-tagger.db'}")
    assert "there" in run_keys(*database, "list").stdout


ENVIRONMENT = {
    "port": ({"NLI_TAGGER_PORT": "eighty"}, "'port'"),
    "port too high": ({"NLI_TAGGER_PORT": "70000"}, "'port' must be <= 65535"),
    "auth": ({"NLI_TAGGER_AUTH": "maybe"}, "'auto', 'required', 'off'"),
    "database": ({"NLI_TAGGER_DATABASE": "mysql://user:sesame@host/x"}, "must be a URL such as postgresql://"),
    "database of another port": ({"NLI_TAGGER_DATABASE": "postgresql://u:sesame@127.0.0.1:1/x"}, "cannot be used"),
}


@pytest.mark.parametrize(("environment", "complaint"), ENVIRONMENT.values(), ids=ENVIRONMENT)
def test_a_wrong_setting_is_one_sentence(run_keys, environment, complaint):
    is_one_sentence(run_keys("list", **environment), complaint)


ARGUMENTS = {
    "empty name": (("create", ""), "name must be 1 to 100"),
    "limit": (("create", "a", "--requests-per-minute", "0"), "requests_per_minute must be from 1 to 100,000"),
    "classifier": (("create", "a", "--classifier", "A B"), "a-z, 0-9"),
    "id": (("delete", "unknown"), "no key with this id"),
    "database": (("--database", "postgresql://u:sesame@h:p/x", "list"), "must be a URL such as postgresql://"),
    "database in no folder": (("--database", "sqlite:////nowhere/at/all.db", "list"), "unable to open"),
    "data folder that is a file": (("--data-dir", "file", "list"), "The data folder file cannot be used"),
    "database that is none": (("--data-dir", "broken", "list"), "file is not a database"),
}


@pytest.mark.parametrize(("arguments", "complaint"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_what_cannot_be_done_is_one_sentence(run_keys, folder, arguments, complaint):
    (folder / "file").touch()
    (folder / "broken").mkdir()
    (folder / "broken" / "nli-tagger.db").write_text("This is not a database. " * 50)
    is_one_sentence(run_keys(*arguments), complaint)


def is_one_sentence(ended, complaint):
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert re.fullmatch(r"Error: [^\n]+\n", ended.stderr)
    assert complaint in ended.stderr
    assert "sesame" not in ended.stderr


@pytest.mark.parametrize("text", ["x = ", "[nli-tagger]\nunknown = 1\n", '[nli-tagger]\nport = "eighty"\n'])
def test_a_wrong_file_is_one_sentence(run_keys, folder, text):
    (folder / "nli-tagger.toml").write_text(text)
    is_one_sentence(run_keys("list"), "A setting is wrong.")


@pytest.mark.parametrize("scope", ["root", "ADMIN", ""])
def test_a_scope_that_does_not_exist_is_refused_with_those_that_do(run_keys, scope):
    ended = run_keys("create", "a", "--scope", scope)
    assert ended.exit_code == 2
    assert "'tag', 'manage', 'admin'" in ended.stderr
