"""Settings: one declaration, four sources, clear complaints."""

from pathlib import Path

import attrs
import click
import pytest
import typed_settings as ts
from click.testing import CliRunner

from server.command import serve
from server.settings import CONVERTER, LOADERS, ServerSettings

SETTINGS = [setting.name for setting in attrs.fields(ServerSettings)]
OUTSIDE = [f"203.0.113.{number}" for number in range(1, 5)]
"""Addresses beyond loopback: the refusal to listen there without a key quotes the setting that won."""

VALUES = {
    "host": ("127.0.0.9", "127.0.0.9"),
    "port": ("8123", 8123),
    "data_dir": ("/var/lib/tags", Path("/var/lib/tags")),
    "model": ("/srv/model", Path("/srv/model")),
    "auth": ("required", "required"),
    "api_keys": ("one,two", ["one", "two"]),
    "admin_keys": ("root,toor", ["root", "toor"]),
    "requests_per_minute": ("60", 60),
    "tokens_per_minute": ("5000", 5000),
    "concurrent": ("8", 8),
    "database": ("postgresql://tagger@db/tags", "postgresql://tagger@db/tags"),
    "valkey": ("valkey://cache:6379/0", "valkey://cache:6379/0"),
    "cache_ttl": ("60", 60),
    "cache_bytes": ("1000000", 1_000_000),
    "cache_entries": ("50", 50),
    "log_days": ("7", 7),
    "log_texts": ("true", True),
    "threads": ("3", 3),
    "workers": ("4", 4),
    "max_body_bytes": ("1000", 1000),
    "max_queue": ("7", 7),
    "timeout": ("1.5", 1.5),
    "log_format": ("console", "console"),
    "log_level": ("warning", "warning"),
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for setting in SETTINGS:
        monkeypatch.delenv(variable(setting), raising=False)


def variable(setting):
    return f"NLI_TAGGER_{setting.upper()}"


def flag(setting):
    return f"--{setting.replace('_', '-')}"


def write_file(folder, *lines):
    (folder / "nli-tagger.toml").write_text("\n".join(["[nli-tagger]", *lines]), encoding="utf-8")


def load(*arguments):
    """The settings as a command with these arguments sees them."""

    @click.command()
    @ts.click_options(ServerSettings, LOADERS, converter=CONVERTER)
    def show(settings):
        return settings

    return show.main(list(arguments), standalone_mode=False)


def test_the_table_of_this_test_has_every_setting():
    assert list(VALUES) == SETTINGS


@pytest.mark.parametrize(("setting", "text", "value"), [(name, *pair) for name, pair in VALUES.items()])
class TestEachSetting:
    def test_comes_from_the_environment(self, monkeypatch, setting, text, value):
        default = load()
        monkeypatch.setenv(variable(setting), text)
        assert load() == attrs.evolve(default, **{setting: value})

    def test_comes_from_the_file(self, tmp_path, setting, text, value):
        default = load()
        write_file(tmp_path, f"{setting} = {text if isinstance(value, int | float) else repr(text)}")
        assert load() == attrs.evolve(default, **{setting: value})

    def test_comes_from_the_flag(self, setting, text, value):
        given = [flag(setting)] if value is True else [flag(setting), text]
        assert load(*given) == attrs.evolve(load(), **{setting: value})

    def test_has_help_with_its_flag_and_its_variable(self, setting, text, value):
        [option] = [option for option in serve.params if option.name == setting]
        assert len(option.help) > 10
        assert flag(setting) in option.opts
        assert variable(setting) in CliRunner().invoke(serve, ["--help"]).output


def test_keys_in_the_file_may_be_a_list(tmp_path):
    write_file(tmp_path, 'api_keys = ["one", "two"]')
    assert load().api_keys == ["one", "two"]


def test_the_flag_wins_over_the_environment_over_the_file_over_the_default(tmp_path, monkeypatch):
    assert load().host == "127.0.0.1"
    write_file(tmp_path, "host = '127.0.0.2'")
    assert load().host == "127.0.0.2"
    monkeypatch.setenv("NLI_TAGGER_HOST", "127.0.0.3")
    assert load().host == "127.0.0.3"
    assert load("--host", "127.0.0.4").host == "127.0.0.4"


def test_the_command_reads_all_sources(tmp_path, run_command):
    from_file, from_environment, from_flag = OUTSIDE[:3]
    write_file(tmp_path, f"host = '{from_file}'")
    assert from_file in run_command().stderr
    assert from_environment in run_command(NLI_TAGGER_HOST=from_environment).stderr
    assert from_flag in run_command("--host", from_flag, NLI_TAGGER_HOST=from_environment).stderr


def test_beyond_loopback_without_a_key_the_command_refuses_to_start(run_command):
    ended = run_command("--host", "203.0.113.1", "--port", "0")
    assert ended.returncode == 1
    assert "NLI_TAGGER_API_KEYS" in ended.stderr
    assert "127.0.0.1" in ended.stderr


@pytest.mark.parametrize("keys", ["", " , "])
def test_blank_keys_are_no_keys(run_command, keys):
    ended = run_command("--host", "203.0.113.1", "--port", "0", NLI_TAGGER_API_KEYS=keys)
    assert ended.returncode == 1
    assert "without an API key" in ended.stderr


MISTAKES = {
    "word as port, flag": (["--port", "http"], {}, [], "port"),
    "port out of range, flag": (["--port", "70000"], {}, [], "port"),
    "unknown flag": (["--prot", "1"], {}, [], "--prot"),
    "word as port, environment": ([], {"NLI_TAGGER_PORT": "http"}, [], "port"),
    "queue of zero, environment": ([], {"NLI_TAGGER_MAX_QUEUE": "0"}, [], "max_queue"),
    "unknown log level, environment": ([], {"NLI_TAGGER_LOG_LEVEL": "loud"}, [], "log_level"),
    "word as port, file": ([], {}, ["port = 'http'"], "port"),
    "negative timeout, file": ([], {}, ["timeout = -1"], "timeout"),
    "timeout of zero, flag": (["--timeout", "0", "--host", OUTSIDE[0]], {}, [], "timeout"),
    "unknown key, file": ([], {}, ["prot = 1"], "prot"),
    "broken file": ([], {}, ["port = ["], "nli-tagger.toml"),
}


@pytest.mark.parametrize(("arguments", "environment", "lines", "named"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_without_a_traceback(tmp_path, run_command, arguments, environment, lines, named):
    write_file(tmp_path, *lines)
    ended = run_command(*arguments, **environment)
    assert ended.returncode in (1, 2)
    assert "Traceback" not in ended.stderr
    assert named.replace("_", "-") in ended.stderr.replace("_", "-").lower()


def test_keys_are_not_in_the_representation():
    assert "Zebedee" not in repr(ServerSettings(api_keys=[ts.SecretStr("Zebedee")]))


def test_keys_are_not_in_the_help(tmp_path, run_command):
    write_file(tmp_path, "api_keys = ['Zebedee']")
    assert "Zebedee" not in run_command("--help").stdout
    assert "Florence" not in run_command("--help", NLI_TAGGER_API_KEYS="Florence").stdout


def test_keys_are_not_in_the_complaint_about_another_setting(run_command):
    ended = run_command("--port", "70000", NLI_TAGGER_API_KEYS="Zebedee")
    assert ended.returncode in (1, 2)
    assert "Zebedee" not in ended.stderr
