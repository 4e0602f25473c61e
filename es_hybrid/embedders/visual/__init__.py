"""Embedders of pictures: CLIP models, backbones without a side for texts, and aligned pairs."""
