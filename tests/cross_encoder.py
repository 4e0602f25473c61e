"""A real cross-encoder of one layer and random weights."""

import pytest

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "coffee", "tea", "milk", "morning", "bread"]


def saved(folder, architecture, **config):
    """A BERT of 32 tokens at most, over a vocabulary of a few words."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    torch.manual_seed(4)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "max_position_embeddings": 32}
    layers = {"num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": len(WORDS)}
    model = getattr(transformers, architecture)(
        transformers.BertConfig(**sizes, **layers, initializer_range=1.0, **config)
    )
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    model.save_pretrained(folder)
    return folder
