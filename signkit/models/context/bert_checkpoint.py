"""BERT checkpoints, adapted to read glosses: a folder, or a name on the Hub.

Only safetensors, JSON and text files are read. transformers reads them.
"""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from signkit.errors import UserError, first_line
from signkit.models.context.card import ACTIVATIONS, BertCard
from signkit.models.context.causal_bert import CausalBert
from signkit.models.context.protocol import START
from signkit.models.hub_checkpoint import (
    WEIGHTS,
    check_whole,
    config_of,
    folder_of,
    quiet_transformers,
    require,
)
from signkit.text.subwords import SPACE
from signkit.text.vocabulary import Vocabulary

_FILES = ("config.json", "model*.safetensors", "model.safetensors.index.json", "tokenizer*.json", "vocab.txt")
_WORDS = "embeddings.word_embeddings.weight"
_TOKENIZER = ("tokenizer.json", "vocab.txt")


def load_bert(checkpoint: str, vocabulary: Vocabulary) -> CausalBert:
    """Load a checkpoint as a causal BERT with one word embedding per gloss.

    Raises:
        UserError: there is no such folder or name on the Hub, it is no BERT, or files are missing or broken.
        OperationalError: the Hub cannot be reached.
    """
    folder = folder_of(checkpoint, "context.checkpoint", _FILES)
    card = _card(folder)
    require(folder, WEIGHTS, "weights")
    require(folder, _TOKENIZER, "tokenizer, from whose word pieces the glosses' embeddings start")
    with quiet_transformers() as transformers:
        try:
            published, loading_info = transformers.BertModel.from_pretrained(
                folder,
                add_pooling_layer=False,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # safetensors, tokenizers, json and torch all raise their own
            raise UserError(str(folder), f"cannot be loaded: {first_line(error)}") from error
    check_whole(folder, loading_info)
    weights = published.state_dict()
    weights[_WORDS] = gloss_embeddings(vocabulary, tokenizer, weights[_WORDS])
    bert = CausalBert(card, len(vocabulary))
    bert.load_state_dict(weights)
    return bert


def gloss_embeddings(
    vocabulary: Vocabulary, tokenizer: Any, pieces: Float[Tensor, "pieces width"]
) -> Float[Tensor, "vocab width"]:
    """An embedding for each gloss: the mean over its word pieces (this project, docs/c2st.md).

    The start symbol gets the embedding of [CLS], the unknown gloss that of [UNK]. The embedding of a gloss
    without a known piece is drawn from a normal distribution with the mean and the standard deviation of the
    pieces, by torch's global generator.
    """
    unknown = tokenizer.unk_token_id
    spread, mean = torch.std_mean(pieces, dim=0)
    table = mean + spread * torch.randn(len(vocabulary), pieces.shape[1])
    texts = list(vocabulary.tokens[2:])
    if vocabulary.subwords is not None:
        texts = [text.replace(SPACE, " ") for text in texts]
    encoded = tokenizer(texts, add_special_tokens=False)["input_ids"]
    for row, ids in enumerate(encoded, start=2):
        known = [piece for piece in ids if piece != unknown]
        if known:
            table[row] = pieces[known].mean(dim=0)
    for row, piece in ((START, tokenizer.cls_token_id), (1, unknown)):
        if piece is not None:
            table[row] = pieces[piece]
    return table


def _card(folder: Path) -> BertCard:
    """The sizes in the checkpoint's config."""
    where, sizes = folder / "config.json", config_of(folder)
    kind = sizes["model_type"]
    if kind != "bert":
        raise UserError(str(where), f"is of a model of type {kind!r}, not 'bert'")
    if sizes.get("hidden_act", "gelu") not in ACTIVATIONS:
        raise UserError(str(where), f"has the activation {sizes['hidden_act']!r}, which is not supported")
    with quiet_transformers() as transformers:
        try:
            full = transformers.BertConfig.from_dict(sizes)
            return BertCard(
                width=full.hidden_size,
                layers=full.num_hidden_layers,
                heads=full.num_attention_heads,
                feed_forward=full.intermediate_size,
                positions=full.max_position_embeddings,
                dropout=full.hidden_dropout_prob,
                activation=full.hidden_act,
                norm_epsilon=full.layer_norm_eps,
                segments=full.type_vocab_size,
            )
        except Exception as error:  # transformers validates the values with its own errors
            raise UserError(str(where), f"cannot be used: {first_line(error)}") from error
