"""Pictures as models are shown them: upright RGB, and no larger than any of them looks at.

Models scale what they get to 224 to 448 pixels. A camera's picture takes 36 MB until then, and a
batch of them some gigabytes; of a JPEG a smaller copy is decoded at once.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from es_hybrid.pictures.decoding import opened, rgb

if TYPE_CHECKING:
    from PIL.Image import Image

SHORTER = 768  # pixels of the shorter side, at most


def shown(source: Path | bytes | Image) -> Image:
    """A picture as every model is shown it, whether it is indexed or searched with.

    Args:
        source: a file, what stood in one, or a picture of Pillow's.

    Raises:
        RecordError: as `opened`; or its pixels end early.
        EsHybridError: Pillow is not installed.
    """
    if not isinstance(source, Path | bytes):
        return _smaller(rgb(source), _longer(source.size))
    with opened(source) as picture:
        longer = _longer(picture.size)
        if longer < max(picture.size):
            scale = longer / max(picture.size)
            width, height = picture.size
            picture.draft(None, (ceil(width * scale), ceil(height * scale)))
        picture.load()
        return _smaller(rgb(picture), longer)


def _longer(size: tuple[int, int]) -> int:
    """What the longer side may have, in pixels."""
    return max(1, ceil(max(size) * min(1.0, SHORTER / min(size))))


def _smaller(picture: Image, longer: int) -> Image:
    """At most so long; of the pixels of a copy."""
    if max(picture.size) > longer:
        picture = picture.copy()
        picture.thumbnail((longer, longer))
    return picture
