"""Help in sections, as plain text.

rich would draw frames around the sections, but loading it takes longer than all the rest of
``--help``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from typer.core import TyperCommand, TyperGroup

from es_hybrid.cli.output import styled

Row = tuple[str, str]


class Command(TyperCommand):
    """A command whose help has a section for each panel of options."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words behind the command's name: ``[OPTIONS] NAME PATH...``."""
        return [
            piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)
        ]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, each panel under its own heading."""
        _write(formatter, _parameters(self.get_params(ctx), ctx))


class Group(TyperGroup):
    """The application, whose help has a section for each panel of commands."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands first: they are what people look for."""
        commands: Iterable[Any] = self.commands.values()
        rows = [
            (command.rich_help_panel, (styled(command.name, bold=True), _first_line(command.help)))
            for command in commands
        ]
        _write(formatter, rows)
        _write(formatter, _parameters(self.get_params(ctx), ctx))


def _parameters(parameters: Iterable[Any], ctx: Any) -> Iterator[tuple[str, Row]]:
    for parameter in parameters:
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        name, text = record
        if parameter.param_type_name == "argument":
            yield "Arguments", (styled(name.partition(" ")[0], bold=True), text)
        else:
            panel = getattr(parameter, "rich_help_panel", None)  # --help has none in typer 0.15
            yield panel or "Options", (styled(name, bold=True), text)


def _write(formatter: Any, rows: Iterable[tuple[str, Row]]) -> None:
    sections: dict[str, list[Row]] = {}
    for title, row in rows:
        sections.setdefault(title, []).append(row)
    for title, members in sections.items():
        with formatter.section(styled(title, fg="cyan", bold=True)):
            formatter.write_dl(members)


def _first_line(text: str) -> str:
    return text.strip().partition("\n\n")[0].replace("\n", " ")
