"""``es-hybrid words``: word vectors of one's own corpus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.help import Command, Group
from es_hybrid.cli.index_options import names
from es_hybrid.cli.output import print_json, say
from es_hybrid.errors import RecordError, UsageError
from es_hybrid.texts import counted

if TYPE_CHECKING:
    from es_hybrid.sources import Source

words = typer.Typer(
    name="words",
    cls=Group,
    help="Train word vectors on a corpus of your own.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@words.callback()
def _root() -> None:
    """Keep `train` a command of its own, as a group with one command would swallow its name."""


@words.command(cls=Command, rich_help_panel="Commands")
def train(
    paths: Annotated[
        list[str],
        typer.Argument(help="Whatever es-hybrid index reads; - reads stdin.", metavar="PATH"),
    ],
    out: Annotated[
        Path, typer.Option(help="File for the vectors; FILE.json comes beside it.", metavar="FILE")
    ],
    text_fields: Annotated[
        str | None, typer.Option(help="Fields to read. Default: title,text.")
    ] = None,
    dims: Annotated[int, typer.Option(min=1, help="Dimensions of a vector.")] = 100,
    cbow: Annotated[
        bool, typer.Option("--cbow", help="CBOW: faster than skip-gram, worse for rare words.")
    ] = False,
    window: Annotated[int, typer.Option(min=1, help="Words to each side that are near.")] = 5,
    min_count: Annotated[int, typer.Option(min=1, help="Rarer words get no vector.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="How often the corpus is read.")] = 5,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="simple, or kiwi for Korean. Default: told from the first texts."),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Of CSV, such as ';' or tab. Default: seen.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of CSV and text files, such as cp949. Default: utf-8.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first vectors.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Threads; with 1, the same input gives the same file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Train word vectors on a corpus, for --embedder words:FILE.

    Example: es-hybrid words train reviews.jsonl --out reviews.bin
    """
    from es_hybrid.embedders.words import Training
    from es_hybrid.embedders.words import train as trained
    from es_hybrid.embedders.words.tokens import TOKENIZERS
    from es_hybrid.sources import open_source

    if tokenizer is not None and tokenizer not in TOKENIZERS:
        raise UsageError(f"--tokenizer {tokenizer!r} is not one of {', '.join(TOKENIZERS)}")
    source = open_source(paths, delimiter=delimiter, encoding=encoding)
    corpus = _Corpus(source, None if text_fields is None else names(text_fields))
    options: dict[str, Any] = {
        "algorithm": "cbow" if cbow else "skip-gram",
        "tokenizer": tokenizer,
        "workers": workers,
    }
    options |= {"dims": dims, "window": window, "min_count": min_count}
    made = trained(corpus, out, training=Training(epochs=epochs, seed=seed, **options))
    if as_json:
        print_json(made.to_dict() | {"left_out": corpus.left_out})
    else:
        typer.echo(
            f"{made.file}: {counted(made.words, 'word')} of {made.tokens:,} in "
            f"{counted(made.texts, 'text')} ({made.tokenizer} tokenizer), {made.seconds} s"
        )
    if corpus.left_out:
        left = counted(corpus.left_out, "record was", "records were")
        say(f"{left} left out: {corpus.reason}")


class _Corpus:
    """The texts of a source; records without one are counted.

    Attributes:
        left_out: how many records had no text.
        reason: of the first of them.
    """

    def __init__(self, source: Source, fields: list[str] | None) -> None:
        self.left_out = 0
        self.reason = ""
        self._source = source
        self._fields = fields

    def __iter__(self) -> Iterator[str]:
        from es_hybrid.documents import DEFAULT_TEXT_FIELDS, Fields, Reader

        reader = Reader(Fields(text=tuple(self._fields or DEFAULT_TEXT_FIELDS)))
        for item in self._source:
            try:
                if isinstance(item.record, RecordError):
                    raise item.record
                yield reader.document(item.record).text
            except RecordError as error:
                self.left_out += 1
                self.reason = self.reason or f"{item.where}: {error}"
