"""Three pictures, made by arithmetic alone, whose vectors tell one model from another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from es_hybrid.pictures.decoding import imaging

if TYPE_CHECKING:
    from PIL.Image import Image

_WIDTH, _HEIGHT = 320, 240  # pixels
_Pixels = npt.NDArray[np.uint8]
_Numbers = npt.NDArray[np.int64]


def probe_pictures() -> tuple[Image, ...]:
    """A sun over a sea, tiles of many colours, and grainy rings: RGB, 320 x 240, always the same.

    Whole numbers make them, so that no library's drawing, fonts or rounding is in them.
    """
    make: Any = imaging().fromarray
    return tuple(make(pixels) for pixels in (_sea(), _tiles(), _rings()))


def _places() -> tuple[_Numbers, _Numbers]:
    """Row and column of each pixel, each of shape (240, 320)."""
    rows, columns = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    return rows.astype(np.int64), columns.astype(np.int64)


def _sea() -> _Pixels:
    rows, columns = _places()
    sky = _stacked(120 + rows // 2, 170 + rows // 3, 250 - rows // 4)
    waves = (rows * 7 + (columns + rows * rows // 40) % 48) % 24
    sea = _stacked(20 + waves, 60 + 2 * waves, 110 + 3 * waves)
    sun = (rows - 70) ** 2 + (columns - 230) ** 2 < 34**2
    picture = np.where((rows < 140)[..., None], sky, sea)
    picture[sun] = (255, 214, 80)
    return picture


def _tiles() -> _Pixels:
    rows, columns = _places()
    tile = rows // 40 * 8 + columns // 40
    picture = _stacked(tile * 53 % 256, tile * 97 % 256, tile * 151 % 256)
    picture[(rows % 40 < 4) | (columns % 40 < 4)] = 255
    return picture


def _rings() -> _Pixels:
    rows, columns = _places()
    ring = ((rows - 120) ** 2 + (columns - 150) ** 2) // 900 % 2
    grain = (rows * 7919 + columns * 104_729 + rows * columns * 31) % 61
    return _stacked(60 + 120 * ring + grain, 40 + 30 * ring + grain, 90 - 40 * ring + grain)


def _stacked(red: _Numbers, green: _Numbers, blue: _Numbers) -> _Pixels:
    return np.stack((red, green, blue), axis=-1).clip(0, 255).astype(np.uint8)
