"""The teacher as a PyTorch network whose inner states can be read, and its tokenizer."""

from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from training.encoder.contextual.teacher_file import TeacherFile

if TYPE_CHECKING:
    from transformers import BertModel

# <s>, <pad>, </s> and <unk>, in the order of the vocabulary.
BEGIN, PAD, END, UNKNOWN = range(4)
SPECIAL = 4

# BERT's name of a part, the file's name, and its shape as (outputs, inputs) of hidden (h) and inner (f) units.
_PARTS = {
    "attention.self.query": ("q", "hh"),
    "attention.self.key": ("k", "hh"),
    "attention.self.value": ("v", "hh"),
    "attention.output.dense": ("ao", "hh"),
    "attention.output.LayerNorm": ("aln", "h"),
    "intermediate.dense": ("fi", "fh"),
    "output.dense": ("fo", "hf"),
    "output.LayerNorm": ("oln", "h"),
}


def teacher_network(file: TeacherFile) -> "BertModel":
    """Return the teacher in float32 on CPU, ready to be asked."""
    import torch
    from transformers import BertConfig, BertModel

    size = {"h": file.hidden, "f": file.inner}
    arrays = {
        "embeddings.word_embeddings.weight": file.tensor("emb.word", len(file.pieces), file.hidden),
        "embeddings.position_embeddings.weight": file.tensor("emb.pos", file.positions, file.hidden),
        "embeddings.token_type_embeddings.weight": file.tensor("emb.type", file.types, file.hidden),
        "embeddings.LayerNorm.weight": file.tensor("emb.ln.w", file.hidden),
        "embeddings.LayerNorm.bias": file.tensor("emb.ln.b", file.hidden),
    }
    for layer in range(file.layers):
        for name, (short, shape) in _PARTS.items():
            sizes = [size[letter] for letter in shape]
            arrays[f"encoder.layer.{layer}.{name}.weight"] = file.tensor(f"l{layer}.{short}.w", *sizes)
            arrays[f"encoder.layer.{layer}.{name}.bias"] = file.tensor(f"l{layer}.{short}.b", sizes[0])
    config = BertConfig(
        vocab_size=len(file.pieces),
        hidden_size=file.hidden,
        num_hidden_layers=file.layers,
        num_attention_heads=file.heads,
        intermediate_size=file.inner,
        max_position_embeddings=file.positions,
        type_vocab_size=file.types,
        layer_norm_eps=file.epsilon,
        pad_token_id=PAD,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    network = BertModel(config, add_pooling_layer=False)
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    left = [name for name in missing if not name.endswith("position_ids")]
    if left or unexpected:
        raise ValueError(f"the teacher's tensors do not fill the network: missing {left}, unexpected {unexpected}")
    network.train(False)
    return network


def build_tokenizer(pieces: list[tuple[str, float]], *, max_tokens: int) -> Tokenizer:
    """Return XLM-R's tokenizer over `pieces`, whose first four are <s>, <pad>, </s> and <unk>."""
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)]
    )
    tokenizer.enable_truncation(max_tokens)
    return tokenizer
