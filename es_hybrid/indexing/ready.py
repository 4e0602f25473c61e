"""Ready vectors, as the indexer is asked for them: where they stand, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from es_hybrid.documents import Document
from es_hybrid.embedders import Embedder
from es_hybrid.embedders.given import Given
from es_hybrid.errors import UsageError
from es_hybrid.sources import Source
from es_hybrid.sources.vectors import GivenVectors, VectorColumn, VectorFile


@dataclass(frozen=True, slots=True)
class Ready:
    """The options for ready vectors; where neither place is named, an embedder makes them.

    Attributes:
        column: which column of the records holds them.
        file: the .npy file that holds one row for each record.
        label: which model made them; None takes the name of the column or file.
    """

    column: str | None = None
    file: Path | None = None
    label: str | None = None

    def check(self, *, embedder: str | Embedder | None, passages: object) -> None:
        """Refuse options that say two different things.

        Raises:
            UsageError: names both.
        """
        if self.column is not None and self.file is not None:
            raise UsageError(
                f"vectors stand in column {self.column!r} or in {str(self.file)!r}: leave "
                "--vector-field or --vectors-file out"
            )
        if self.column is None and self.file is None:
            if self.label is not None:
                raise UsageError(
                    f"label {self.label!r} is for ready vectors: say where they are with "
                    "--vector-field or --vectors-file"
                )
            return
        if embedder is not None:
            raise UsageError("ready vectors are not embedded: leave --embedder out")
        if passages is not None:
            raise UsageError(
                "ready vectors are those of whole records, not of passages: leave --passages out"
            )

    def beside(
        self, source: Source, *, embedder: str | Embedder | None
    ) -> tuple[Source, str | Embedder | None]:
        """The source with its vectors, and what stands for the model that made them.

        Raises:
            SourceError: the file, or the column of the first records, holds no vectors.
        """
        given = self._given(source)
        if given is None:
            return source, embedder
        label = given.label if self.label is None else self.label
        return given, Given(label, dims=given.dims)

    def column_of(self, document: Document) -> dict[str, list[float]]:
        """The column that a record was read with, so that it can be read again."""
        if self.column is None or document.vector is None:
            return {}
        return {self.column: document.vector.tolist()}

    def _given(self, source: Source) -> GivenVectors | None:
        if self.column is not None:
            return VectorColumn(source, self.column)
        return None if self.file is None else VectorFile(source, Path(self.file))
