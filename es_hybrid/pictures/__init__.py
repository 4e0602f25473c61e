"""Pictures: read from files that may hold anything, and told by what the camera wrote."""

from es_hybrid.pictures.decoding import FORMATS, SUFFIXES, decoded, file_bytes, opened
from es_hybrid.pictures.facts import Facts, facts
from es_hybrid.pictures.loading import shown
from es_hybrid.pictures.probes import probe_pictures
from es_hybrid.pictures.thumbnails import thumbnail

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Facts",
    "decoded",
    "facts",
    "file_bytes",
    "opened",
    "probe_pictures",
    "shown",
    "thumbnail",
]
