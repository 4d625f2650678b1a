"""The networks of transformers that translators are built around, with a row for each token in use."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.errors import OperationalError, UserError, first_line
from signkit.models.hub_checkpoint import WEIGHTS, check_whole, quiet_transformers, require
from signkit.models.seq2seq.checkpoint import OF_FAIRSEQ, Checkpoint, Frame
from signkit.models.seq2seq.configs import Seq2seqConfig
from signkit.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Network:
    """A network, and what its rows are.

    Attributes:
        net: of transformers, with one table or several, all with the same rows.
        text, source: the row of each token of the texts and of the sources.
        frame: rows of the tokens around sources and texts.
    """

    net: Any
    text: Int[Tensor, " vocab"]
    source: Int[Tensor, " source_vocab"]
    frame: Frame

    def card(self) -> str:
        """All but the weights, as JSON, for `from_card`."""
        sizes = json.loads(self.net.config.to_json_string(use_diff=True))
        for name in ("_name_or_path", "architectures", "transformers_version"):
            sizes.pop(name, None)
        return json.dumps({"config": sizes, "frame": asdict(self.frame)}, indent=1) + "\n"


def from_card(path: Path, config: Seq2seqConfig, text: Vocabulary, source: Vocabulary) -> Network:
    """A network with weights at random and rows that are still zero: all of these are read from the export.

    Raises:
        OperationalError: the file is damaged.
    """
    try:
        card = json.loads(path.read_bytes())
        frame = Frame(**{key: tuple(map(int, value)) for key, value in card["frame"].items()})
        with quiet_transformers() as transformers:
            sizes = transformers.AutoConfig.for_model(**card["config"])
            net = transformers.AutoModelForSeq2SeqLM.from_config(
                _as_wanted(sizes, config), attn_implementation="eager", dtype=torch.float32
            )
    except Exception as error:  # json, transformers and torch all raise their own
        raise OperationalError(f"{path}: is not the card of a model") from error
    empty = [torch.zeros(len(each), dtype=torch.long) for each in (text, source)]
    return Network(net, empty[0], empty[1], frame)


def load_network(
    checkpoint: Checkpoint, config: Seq2seqConfig, text: Vocabulary, source: Vocabulary
) -> Network:
    """Load a checkpoint and gather the rows of two vocabularies.

    Index 0 is the end of a text; pieces that the checkpoint lacks get a new row (`_new_rows`).

    Raises:
        UserError: it has no weights, or they lack some, do not fit, or cannot be read; or an option does not
            fit it.
    """
    folder, numbers, frame = checkpoint.folder, checkpoint.numbers, checkpoint.frame(config)
    require(folder, WEIGHTS, "weights")
    with quiet_transformers() as transformers:
        try:
            sizes = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
            net, loading_info = transformers.AutoModelForSeq2SeqLM.from_pretrained(
                folder,
                config=_as_wanted(sizes, config),
                attn_implementation="eager",
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
        except Exception as error:  # safetensors, json and torch all raise their own
            raise UserError(str(folder), f"cannot be loaded: {first_line(error)}") from error
    check_whole(folder, loading_info)
    for module in net.modules():
        if "Sinusoidal" in type(module).__name__:  # loading makes weights of them, which would be trained
            module.requires_grad_(False)
    count = int(net.config.vocab_size)
    eos, unknown, pad = (checkpoint.special(name) for name in ("eos", "unk", "pad"))
    around = {*frame.before, *frame.after, *frame.start, eos, unknown, pad}
    wanted = {numbers[piece] for each in (text, source) for piece in each.tokens[2:] if piece in numbers}
    if (most := max(wanted | around)) >= count:
        name = next(piece for piece, number in numbers.items() if number == most)
        what = f"its tokenizer's `{name}` has the number {most}, and its weights have {count} rows"
        raise UserError(str(folder), what)
    # In the order of their numbers, the first ones always: networks have places that depend on the padding's.
    kept = sorted(wanted | around | {*OF_FAIRSEQ.values()}) if config.prune else [*range(count)]
    at = {number: row for row, number in enumerate(kept)}
    lacking = [*dict.fromkeys(p for v in (text, source) for p in v.tokens[2:] if p not in numbers)]
    new = {piece: len(kept) + place for place, piece in enumerate(lacking)}
    _gather(net, torch.tensor(kept), len(lacking), at[pad])
    # The search begins and ends texts by itself; these are what is left of it in the card.
    for name, number in (("pad", pad), ("eos", eos), ("decoder_start", frame.start[0])):
        setattr(net.config, f"{name}_token_id", at[number])

    def rows(vocabulary: Vocabulary) -> Tensor:
        pieces = (at[numbers[p]] if p in numbers else new[p] for p in vocabulary.tokens[2:])
        return torch.tensor([at[eos], at[unknown], *pieces])

    moved = (tuple(at[number] for number in part) for part in (frame.before, frame.after, frame.start))
    return Network(net, rows(text), rows(source), Frame(*moved))


def _as_wanted(sizes: Any, config: Seq2seqConfig) -> Any:
    """The sizes of a network with this recipe's dropout, and without layers that are left out at random."""
    for name in ("dropout", "dropout_rate"):
        if hasattr(sizes, name):
            setattr(sizes, name, config.dropout)
    for name in ("encoder_layerdrop", "decoder_layerdrop"):
        if hasattr(sizes, name):
            setattr(sizes, name, 0.0)
    return sizes


def _gather(net: Any, kept: Int[Tensor, " rows"], new: int, pad: int) -> None:
    """Give all tables of tokens the kept rows and some new ones; tables that are one stay one."""
    ends = (net.get_encoder(), net.get_decoder())
    tables = [net.get_output_embeddings(), *(each.get_input_embeddings() for each in (net, *ends))]
    made = {
        id(each.weight): nn.Parameter(_with_new(each.weight.detach(), kept, new))
        for each in {id(table.weight): table for table in tables}.values()
    }
    for table in net.modules():  # some networks have their table in further modules that only hold it
        if (weight := made.get(id(getattr(table, "weight", None)))) is None:
            continue
        table.weight = weight
        if isinstance(table, nn.Embedding):
            table.num_embeddings, table.padding_idx = len(weight), pad
        else:
            table.out_features = len(weight)
    if (bias := getattr(net, "final_logits_bias", None)) is not None:
        net.final_logits_bias = torch.cat([bias[:, kept], bias.new_zeros(1, new)], 1)
    net.config.vocab_size = len(kept) + new


def _with_new(
    table: Float[Tensor, "pieces width"], kept: Int[Tensor, " rows"], new: int
) -> Float[Tensor, "all width"]:
    """The kept rows, and new ones from a normal distribution with the mean and the deviation of all, drawn by
    torch's global generator."""
    deviation, mean = torch.std_mean(table, dim=0)
    return torch.cat([table[kept], mean + deviation * torch.randn(new, table.shape[1])])
