"""A BERT checkpoint made to read glosses: a folder, or a name on the Hub.

Only safetensors, JSON and text are read. transformers is imported when a BERT is built, not before.
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
    """transformers, with its reports, progress bars and warnings kept from the user meanwhile."""
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
    """A causal BERT whose word embeddings are one a gloss, and its sizes.

    Raises:
        UserError: no such folder or Hub name, not a BERT, files missing or broken.
        OperationalError: the Hub cannot be reached.
    """
    folder = _folder(checkpoint)
    card = _card(folder)
    _require(folder, _WEIGHTS, "weights")
    _require(folder, _TOKENIZER, "tokenizer, from whose word pieces the glosses' embeddings start")
    with quiet_transformers() as transformers:
        try:
            bert, found = transformers.BertModel.from_pretrained(
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
        except Exception as error:  # of many libraries: safetensors, tokenizers, json, torch
            raise UserError(str(folder), f"cannot be loaded: {_first_line(error)}") from error
    if found["missing_keys"]:
        first, *others = sorted(found["missing_keys"])
        more = f" and {len(others)} more" if others else ""
        raise UserError(
            str(folder), f"its weights lack {first}{more}", "the file is of another model, or not whole"
        )
    pieces = bert.get_input_embeddings().weight.detach()
    glosses = gloss_embeddings(vocabulary, tokenizer, pieces)
    # the word pieces themselves are of no further use: one row a gloss takes their place
    bert.set_input_embeddings(nn.Embedding.from_pretrained(glosses, freeze=False))
    bert.config.vocab_size, bert.config.pad_token_id = len(vocabulary), None
    return bert, card


def gloss_embeddings(
    vocabulary: Vocabulary, tokenizer: Any, pieces: Float[Tensor, "pieces width"]
) -> Float[Tensor, "vocab width"]:
    """An embedding for each gloss: the mean of its word pieces' (this project, docs/c2st.md).

    The start symbol gets that of [CLS], the unknown gloss that of [UNK]. A gloss with no known piece is
    drawn from the normal distribution of the pieces' mean and deviation, by torch's global generator.
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
    """The checkpoint's folder: itself, or the snapshot of a Hub name."""
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
    except Exception as error:  # its client raises its HTTP library's errors too
        if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
            raise OperationalError(
                f"{checkpoint}: cannot be kept in the Hub's cache: {error.strerror}"
            ) from error
        raise OperationalError(
            f"{checkpoint}: is no folder, is not in the Hub's cache, and the Hub cannot be reached; "
            "download it elsewhere and give its folder"
        ) from error


def _card(folder: Path) -> BertCard:
    """The sizes that the checkpoint's own config tells."""
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
        except Exception as error:  # transformers checks the values with errors of its own
            raise UserError(str(where), f"cannot be used: {_first_line(error)}") from error


def _require(folder: Path, names: tuple[str, ...], what: str) -> None:
    if not any((folder / name).is_file() for name in names):
        pickled = what == "weights" and (folder / "pytorch_model.bin").is_file()
        hint = "pytorch_model.bin is a pickle, which is not read: save it as safetensors" if pickled else ""
        raise UserError(str(folder), f"has no {' or '.join(names)} ({what})", hint)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
