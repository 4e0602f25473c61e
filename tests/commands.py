"""Command lines typed in this process: quick, and with stand-ins for embedders in place."""

from __future__ import annotations

import io
import json
import sys
from typing import Any, NamedTuple

import pytest

from es_hybrid.cli import main


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Runs ``es-hybrid`` with arguments and, if it reads any, bytes on standard input."""

    def __init__(self, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys = capsys
        self.monkeypatch = monkeypatch

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Ended:
        typed = io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)))
        self.monkeypatch.setattr(sys, "stdin", typed)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Ended(int(ended.value.code or 0), *self.capsys.readouterr())
