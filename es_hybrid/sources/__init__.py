"""Sources: lazy readers that yield records and say where each one stood."""

from es_hybrid.sources.base import Item, Source, memory
from es_hybrid.sources.delimited import Delimited
from es_hybrid.sources.folder import Pages
from es_hybrid.sources.jsonl import JsonLines
from es_hybrid.sources.opening import open_source
from es_hybrid.sources.parquet import Parquet
from es_hybrid.sources.picture_records import PictureRecords
from es_hybrid.sources.pictures import Pictures

__all__ = [
    "Delimited",
    "Item",
    "JsonLines",
    "Pages",
    "Parquet",
    "PictureRecords",
    "Pictures",
    "Source",
    "memory",
    "open_source",
]
