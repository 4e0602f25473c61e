"""The command line before it needs a server: help, usage errors, what it loads."""

import json
import subprocess
import sys

import pytest

from es_hybrid.cli.output import printable, styled, table

EXISTING = ["enrich", "adopt", "rebuild", "rollback"]
MEASURING = ["eval", "recall", "tune"]
EMBEDDERS = ["embedders", "align", "compare"]
NODE = ["up", "down", "status", "doctor"]
COMMANDS = ["index", "search", "classify", *EXISTING, *MEASURING, "plan", *EMBEDDERS, *NODE]
CONNECTED = ["index", "search", "classify", *EXISTING, *MEASURING, "doctor"]
CONNECTION = ["--url", "--cloud-id", "--api-key", "--username", "--password", "--ca-certs"]


def test_without_arguments_the_help_is_shown(typed):
    assert typed() == typed("--help")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_names_every_command(typed, command):
    code, out, _ = typed("--help")
    assert code == 0
    assert f"\n  {command} " in out


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(typed, command, flag):
    code, out, _ = typed(command, flag)
    assert code == 0
    assert "--json" in out


@pytest.mark.parametrize("command", ["show", "replay"])
def test_every_command_of_a_group_has_help_and_json(typed, command):
    code, out, _ = typed("dead-letters", command, "--help")
    assert code == 0
    assert "--json" in out


@pytest.mark.parametrize("option", CONNECTION)
@pytest.mark.parametrize("command", CONNECTED)
def test_the_connection_options_stand_together_under_their_own_heading(typed, command, option):
    _, own, connection = typed(command, "--help")[1].partition("\nConnection (default: the node")
    assert option not in own[0]
    assert option in connection


def test_arguments_are_shown_as_they_are_typed(typed):
    assert typed("index", "--help")[1].startswith("Usage: es-hybrid index [OPTIONS] NAME PATH...\n")


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
@pytest.mark.parametrize("columns", [60, 80])
def test_help_stays_within_the_screen(typed, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert max(map(len, typed(*command, "--help")[1].splitlines())) <= columns


def test_the_version_is_shown(typed):
    code, out, _ = typed("--version")
    assert (code, out.split()[0]) == (0, "es-hybrid")


USAGE = {
    "unknown command": (["serch", "films", "sea"], "'serch'"),
    "unknown option": (["search", "films", "sea", "--sise", "3"], "--sise"),
    "missing argument": (["search", "films"], "QUERY"),
    "no files": (["index", "films"], "PATH"),
    "size that is no number": (["search", "films", "sea", "--size", "ten"], "--size"),
    "shards below one": (["index", "films", "f.jsonl", "--shards", "0"], "--shards"),
    "port out of range": (["up", "--port", "70000"], "--port"),
    "address that is none": (["search", "films", "sea", "--url", "films"], "'films'"),
    "fingerprint that is none": (["doctor", "--fingerprint", "x"], "'x'"),
    "a query that is no UTF-8": (["search", "films", "\udcff"], "'\\udcff'"),
    "text field without a name": (
        ["index", "films", "f.jsonl", "--url", "http://127.0.0.1:1", "--text-fields", "a,,b"],
        "'a,,b'",
    ),
}


@pytest.mark.parametrize(("arguments", "quoted"), USAGE.values(), ids=USAGE)
def test_a_usage_error_is_one_line_with_code_2(typed, arguments, quoted):
    code, out, err = typed(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")
    assert quoted in err


@pytest.mark.parametrize(("arguments", "quoted"), USAGE.values(), ids=USAGE)
def test_with_json_a_usage_error_is_also_an_object_on_stdout(typed, arguments, quoted):
    code, out, _ = typed(*arguments, "--json")
    error = json.loads(out)["error"]
    assert (code, error["kind"]) == (2, "UsageError")
    assert quoted in error["message"]


def test_a_mistyped_command_is_answered_with_the_nearest_one(typed):
    assert "'search'" in typed("serch", "films", "sea")[2]


def test_help_loads_nothing_heavy():
    heavy = {"elasticsearch", "numpy", "pydantic", "rich", "jgo", "orjson", "psutil", "requests"}
    code = (
        "import sys; sys.argv = ['es-hybrid', '--help']\n"
        "try:\n    from es_hybrid.cli import main; main()\n"
        f"finally:\n    print('LOADED', sorted({heavy!r} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in run.stdout


@pytest.mark.parametrize(("set_to", "bold"), [("", True), ("1", False)])
def test_no_color_is_respected(monkeypatch, set_to, bold):
    monkeypatch.setenv("NO_COLOR", set_to)
    assert ("\x1b[1m" in styled("Options", bold=True)) is bold


@pytest.mark.parametrize("letter", ["\x1b", "\x07", "\x00", "\x9b", "\u202e"])
def test_a_text_cannot_command_the_terminal(letter):
    assert printable(f"a{letter}b") == "a b"


def test_a_piped_table_keeps_each_row_on_one_line(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    table(["id", "text"], [["1", "words " * 60]])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_narrow_table_folds_long_words_and_loses_none_of_their_letters(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    table(["id#", "text"], [["1", "x" * 70]])
    out = capsys.readouterr().out
    assert out.count("x") - "text".count("x") == 70
    assert max(map(len, out.splitlines())) <= 30
