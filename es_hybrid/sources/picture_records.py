"""Records that name a picture each: a file beside them, or an address of the web."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from weakref import finalize

from xxhash import xxh3_128_hexdigest

from es_hybrid.documents import DEFAULT_ID_FIELD, MAX_ID_BYTES, Picture, Record
from es_hybrid.errors import RecordError
from es_hybrid.field_types import FieldType
from es_hybrid.pictures import facts, file_bytes, opened
from es_hybrid.pictures.decoding import imaging
from es_hybrid.pictures.fetching import fetched
from es_hybrid.sources.ahead import ahead
from es_hybrid.sources.base import Item, Source
from es_hybrid.sources.pictures import Pictures, in_words

IMAGE, IMAGE_URL = "image", "image_url"


class PictureRecords(Source):
    """The records of a source, each with the picture that it names.

    ``image`` is a path below `folder`; ``image_url`` is read where that is allowed. A record gets
    what `Pictures` tells of a file, where it does not say so itself; its id is ``_id``, or else the
    path or address.

    Args:
        source: of the records.
        folder: where their pictures lie.
        allow_urls: whether addresses of the web are read; whoever writes the records names them.
        fetch: reads one; as `pictures.fetching.fetched`.

    Raises:
        EsHybridError: Pillow is not installed.
    """

    modality = "image"
    types: Mapping[str, FieldType] = Pictures.types

    def __init__(
        self,
        source: Source,
        *,
        folder: Path | str,
        allow_urls: bool = False,
        fetch: Callable[[str], bytes] = fetched,
    ) -> None:
        imaging()
        self.source, self.folder = source, Path(folder).resolve()
        self.name, self.size, self.left_out = source.name, source.size, source.left_out
        self.types = {**Pictures.types, **source.types}
        self.reading = f"{source.reading} pictures"
        self._fetch = fetch
        self._kept = Path(mkdtemp(prefix="es_hybrid-")) if allow_urls else None
        if self._kept:
            finalize(self, rmtree, self._kept, ignore_errors=True)

    def files(self) -> Sequence[str] | None:
        """Those of the records."""
        return self.source.files()

    def __iter__(self) -> Iterator[Item]:
        """The records, in order, each with its picture."""
        return (made for _, made in ahead(self.source, self._item))

    def _item(self, item: Item) -> Item:
        if isinstance(item.record, RecordError):
            return item
        again = Picture(self.folder, "", item.record, self.folder)
        try:
            name, path = self._named(item.record)
            data = file_bytes(path)
            with opened(data) as picture:
                about = facts(picture)
        except RecordError as error:
            return replace(item, record=error, picture=again)
        told: dict[str, Any] = {"title": in_words(PurePosixPath(name).stem), "path": name}
        if len(name.encode()) <= MAX_ID_BYTES:
            told[DEFAULT_ID_FIELD] = name
        if about.description:
            told["caption"] = about.description
        record = {**told, **about.fields(), **item.record}
        seen = replace(again, path=path, hash=xxh3_128_hexdigest(data))
        return replace(item, record=record, picture=seen)

    def _named(self, record: Record) -> tuple[str, Path]:
        """What the record calls its picture, and the file that holds it."""
        name, url = record.get(IMAGE), record.get(IMAGE_URL)
        if isinstance(name, str) and name:
            return name, self._below(name)
        if not isinstance(url, str) or not url:
            raise RecordError(f"no picture: name its file in {IMAGE!r}, or its {IMAGE_URL!r}")
        if self._kept is None:
            raise RecordError(f"{IMAGE_URL} {url!r} is not read: allow it with --allow-urls")
        data = self._fetch(url)
        path = self._kept / xxh3_128_hexdigest(data)
        path.write_bytes(data)
        return url, path

    def _below(self, name: str) -> Path:
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder):
            raise RecordError(f"{IMAGE} {name!r} lies outside {str(self.folder)!r}: move it there")
        return path
