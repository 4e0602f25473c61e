"""Drawn scenes with captions, and a small CLIP that is trained on them in about a minute.

A scene has so many shapes of one colour at one place: 8 colours x 5 shapes x 4 counts x 5 places
= 800 captions, no two alike. A fifth of them is never trained on: to find these a model must have
learned what each word means.

    clip = load_embedder(f"open_clip:{folder}")     # folder: the session's fixture `scenes_clip`
    pictures = [draw(scene, seed=0) for scene in UNSEEN]
    captions = [scene.caption for scene in UNSEEN]
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

COLOURS = {
    "red": (215, 30, 35),
    "green": (30, 160, 60),
    "blue": (35, 70, 215),
    "yellow": (240, 215, 40),
    "purple": (140, 40, 170),
    "orange": (245, 135, 25),
    "black": (20, 20, 20),
    "white": (250, 250, 250),
}
SHAPES = ("circle", "square", "triangle", "cross", "ring")
COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4}
PLACES = {
    "at the top left": (16, 16),
    "at the top right": (16, 48),
    "at the bottom left": (48, 16),
    "at the bottom right": (48, 48),
    "in the middle": (32, 32),
}
SIDE = 64  # pixels
_RADIUS = 6
_HALF = 7.5  # from the middle of a place to its shapes
_SPOTS = {
    1: ((0, 0),),
    2: ((0, -1), (0, 1)),
    3: ((-1, 0), (1, -1), (1, 1)),
    4: ((-1, -1), (-1, 1), (1, -1), (1, 1)),
}


class Scene(NamedTuple):
    """What is to be seen."""

    count: str
    colour: str
    shape: str
    place: str

    @property
    def caption(self) -> str:
        """Such as ``two red squares at the top left``."""
        plural = "" if self.count == "one" else "es" if self.shape == "cross" else "s"
        return f"{self.count} {self.colour} {self.shape}{plural} {self.place}"


SCENES = tuple(map(Scene._make, product(COUNTS, COLOURS, SHAPES, PLACES)))
_ORDER = np.random.default_rng(0).permutation(len(SCENES))
UNSEEN = tuple(SCENES[place] for place in _ORDER[: len(SCENES) // 4])
SEEN = tuple(SCENES[place] for place in _ORDER[len(SCENES) // 4 :])


def draw(scene: Scene, *, seed: int) -> Image.Image:
    """The scene as RGB, 64 x 64; where exactly its shapes are, and the grey behind, is chance."""
    numbers = (len(SCENES), SCENES.index(scene), seed)
    chance = np.random.default_rng(numbers)
    picture = np.full((SIDE, SIDE, 3), chance.uniform(110, 175), np.float64)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    centre = np.array(PLACES[scene.place]) + chance.uniform(-1.5, 1.5, 2)
    for spot in _SPOTS[COUNTS[scene.count]]:
        row, column = centre + np.array(spot) * _HALF + chance.uniform(-0.7, 0.7, 2)
        radius = _RADIUS * chance.uniform(0.9, 1.1)
        picture[_inside(scene.shape, rows - row, columns - column, radius)] = COLOURS[scene.colour]
    picture += chance.normal(0, 5, picture.shape)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def _inside(shape: str, down: Any, right: Any, radius: float) -> Any:
    """Which pixels belong to a shape, by their distance from its middle."""
    if shape == "square":
        return np.maximum(abs(down), abs(right)) <= radius * 0.9
    if shape == "triangle":
        return (abs(right) <= (down + radius) / 2) & (down <= radius)
    if shape == "cross":
        near = np.minimum(abs(down), abs(right)) <= radius * 0.3
        return near & (np.maximum(abs(down), abs(right)) <= radius)
    distance = np.hypot(down, right)
    return (distance <= radius) & (distance >= radius * (0.55 if shape == "ring" else 0))


MODEL = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 16},
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 49408,
        "width": 64,
        "heads": 2,
        "layers": 1,
    },
}
PREPARED = {"size": SIDE, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}


def train(folder: Path, *, epochs: int = 30, renderings: int = 4, batch: int = 100) -> None:
    """Train the pair on `SEEN` and save it as open_clip does: ``open_clip:FOLDER`` loads it.

    The loss is CLIP's own: each picture finds its caption, and each caption its picture (Radford
    et al. 2021, arXiv 2103.00020).
    """
    import open_clip
    import torch
    from safetensors.torch import save_file

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same weights on any number of cores, and none waits for another
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_cfg": MODEL, "preprocess_cfg": PREPARED}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    model = open_clip.CLIP(**MODEL).train()
    texts = open_clip.SimpleTokenizer(context_length=16)([one.caption for one in SEEN])
    pictures = _tensors(renderings)
    steps = epochs * (len(SEEN) // batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=2e-3, total_steps=steps)
    loss_of = open_clip.ClipLoss()
    for chosen, rendering in _batches(steps, batch=batch, renderings=renderings):
        seen, read, scale = model(pictures[rendering, chosen], texts[chosen])
        loss = loss_of(seen, read, scale)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    torch.set_num_threads(threads)


def _tensors(renderings: int) -> Any:
    """Of every seen scene, several drawings: float32 (renderings, scenes, 3, side, side)."""
    import torch

    drawn = [[np.asarray(draw(one, seed=100 + seed)) for one in SEEN] for seed in range(renderings)]
    values = (torch.tensor(np.array(drawn)).float() / 255 - 0.5) / 0.25
    return values.permute(0, 1, 4, 2, 3).contiguous()


def _batches(steps: int, *, batch: int, renderings: int) -> Iterator[tuple[Any, Any]]:
    """Scenes and their drawings of each step; no caption is twice in a batch."""
    chance = np.random.default_rng(1)
    order: Sequence[int] = []
    for _ in range(steps):
        if len(order) < batch:
            order = list(chance.permutation(len(SEEN)))
        chosen, order = order[:batch], order[batch:]
        yield np.array(chosen), chance.integers(0, renderings, batch)
