"""BERT checkpoints, adapted to read glosses: a folder, or a name on the Hub.

Only safetensors, JSON and text files are read. transformers is imported only when a BERT is built.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.errors import OperationalError, UserError
from signkit.models.context.card import ACTIVATIONS, BertCard
from signkit.models.context.protocol import START
from signkit.models.torchvision_mend import import_transformers
from signkit.text.subwords import SPACE
from signkit.text.vocabulary import Vocabulary

_FILES = ("config.json", "model*.safetensors", "model.safetensors.index.json", "tokenizer*.json", "vocab.txt")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_TOKENIZER = ("tokenizer.json", "vocab.txt")


@contextmanager
def quiet_transformers() -> Iterator[Any]:
    """Import transformers and silence its reports, progress bars and warnings within the block."""
    transformers = import_transformers()
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield transformers
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def load_bert(checkpoint: str, vocabulary: Vocabulary) -> tuple[nn.Module, BertCard]:
    """Load a checkpoint as a causal BERT with one word embedding per gloss; returns the BERT and its sizes.

    Raises:
        UserError: there is no such folder or name on the Hub, it is no BERT, or files are missing or broken.
        OperationalError: the Hub cannot be reached.
    """
    folder = _folder(checkpoint)
    card = _card(folder)
    _require(folder, _WEIGHTS, "weights")
    _require(folder, _TOKENIZER, "tokenizer, from whose word pieces the glosses' embeddings start")
    with quiet_transformers() as transformers:
        try:
            bert, loading_info = transformers.BertModel.from_pretrained(
                folder,
                add_pooling_layer=False,
                is_decoder=True,
                attn_implementation="sdpa",
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # safetensors, tokenizers, json and torch all raise their own
            raise UserError(str(folder), f"cannot be loaded: {_first_line(error)}") from error
    if loading_info["missing_keys"]:
        first, *others = sorted(loading_info["missing_keys"])
        more = f" and {len(others)} more" if others else ""
        raise UserError(
            str(folder), f"its weights lack {first}{more}", "the file is of another model, or not whole"
        )
    pieces = bert.get_input_embeddings().weight.detach()
    glosses = gloss_embeddings(vocabulary, tokenizer, pieces)
    # The embeddings of word pieces are replaced by one row per gloss.
    bert.set_input_embeddings(nn.Embedding.from_pretrained(glosses, freeze=False))
    bert.config.vocab_size, bert.config.pad_token_id = len(vocabulary), None
    return bert, card


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


def _folder(checkpoint: str) -> Path:
    """The folder of a checkpoint: the path itself, or the local snapshot of a name on the Hub."""
    path = Path(checkpoint).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or checkpoint.startswith((".", "~")) or checkpoint.count("/") > 1 or path.exists():
        raise UserError(
            checkpoint, "there is no such folder", "context.checkpoint is a folder or a name on the Hub"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(checkpoint, allow_patterns=list(_FILES)))
    except HFValidationError as error:
        raise UserError(checkpoint, "is neither a folder nor a name on the Hub") from error
    except RepositoryNotFoundError as error:
        raise UserError(checkpoint, "is no folder, and the Hub has no public model of this name") from error
    except Exception as error:  # the Hub's client also raises errors of its HTTP library
        if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
            raise OperationalError(
                f"{checkpoint}: cannot be written to the Hub's cache: {error.strerror}"
            ) from error
        raise OperationalError(
            f"{checkpoint}: is no folder, is not in the Hub's cache, and the Hub cannot be reached; "
            "download it elsewhere and give its folder"
        ) from error


def _card(folder: Path) -> BertCard:
    """The sizes in the checkpoint's config."""
    where = folder / "config.json"
    _require(folder, ("config.json",), "config")
    try:
        sizes = json.loads(where.read_bytes())
        kind = sizes["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(str(where), "is not the config of a model") from error
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
            raise UserError(str(where), f"cannot be used: {_first_line(error)}") from error


def _require(folder: Path, names: tuple[str, ...], what: str) -> None:
    if not any((folder / name).is_file() for name in names):
        pickled = what == "weights" and (folder / "pytorch_model.bin").is_file()
        hint = "pytorch_model.bin is a pickle, which is not read: save it as safetensors" if pickled else ""
        raise UserError(str(folder), f"has no {' or '.join(names)} ({what})", hint)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
