"""Tiny encoder-decoders with weights at random, as transformers saves them, with sentencepiece models."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from signkit.models.hub_checkpoint import quiet_transformers
from signkit.models.torchvision_mend import import_transformers

LINES = (
    "morgen gibt es regen im norden",
    "heute gibt es sonne im süden",
    "am freitag weht der wind schwach",
    "MORGEN HEUTE NORD SUED REGEN SONNE WIND FREITAG",
    "übersetze glossen : .",
)
SIZES = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "max_position_embeddings": 512,
    "init_std": 0.1,
}
OF_FAIRSEQ = ("<s>", "<pad>", "</s>", "<unk>")
LANGUAGES = {
    "mbart": ("de_DE", "en_XX", "fr_XX"),
    "mbart50": ("de_DE", "en_XX", "fr_XX"),
    "nllb": ("deu_Latn", "eng_Latn"),
    "m2m_100": ("__de__", "__en__"),
}
NAMED = {
    "mbart": ("MBartTokenizer", "en_XX", "de_DE"),
    "mbart50": ("MBart50Tokenizer", "en_XX", "de_DE"),
    "nllb": ("NllbTokenizer", "eng_Latn", "deu_Latn"),
    "m2m_100": ("M2M100Tokenizer", "en", "de"),
}
"""Of kinds with languages: the tokenizer, and the languages of sources and of texts."""
KINDS = ("mbart", "mbart50", "nllb", "m2m_100", "t5", "mt5", "byt5", "marian")


def pieces(lines: Sequence[str] = LINES, **options: Any) -> bytes:
    """A sentencepiece model."""
    import sentencepiece

    model = io.BytesIO()
    options = {"vocab_size": 80, "hard_vocab_limit": False, "character_coverage": 1.0} | options
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, minloglevel=2, **options
    )
    return model.getvalue()


def read_pieces(model: bytes) -> list[str]:
    """All pieces of a model by number."""
    import sentencepiece

    known = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [known.id_to_piece(place) for place in range(known.vocab_size())]


def languages_of(kind: str) -> tuple[str, ...]:
    """What a recipe has to say of the languages of a checkpoint."""
    if kind not in NAMED:
        return ()
    _, source, target = NAMED[kind]
    return f"model.source_language={source}", f"model.target_language={target}"


def write_checkpoint(
    folder: Path, kind: str = "mbart", lines: Sequence[str] = LINES, *, steps: int = 0, **sizes: Any
) -> Path:
    """A checkpoint of a kind, trained for some steps; the same weights each time."""
    folder.mkdir(parents=True, exist_ok=True)
    transformers = import_transformers()
    torch.manual_seed(5)
    if kind in ("t5", "mt5", "byt5"):
        count = _write_t5(folder, kind, lines) + 7  # rows that no piece has
        own = dict(vocab_size=count, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2)
        own |= dict(decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, initializer_factor=1.0)
        if kind != "t5":
            own |= dict(tie_word_embeddings=False, feed_forward_proj="gated-gelu")
        config = (transformers.MT5Config if kind == "mt5" else transformers.T5Config)(**(own | sizes))
    elif kind == "marian":
        count = _write_marian(folder, lines)
        own = dict(vocab_size=count, pad_token_id=count - 1, decoder_start_token_id=count - 1)
        own |= dict(eos_token_id=0, forced_eos_token_id=None, scale_embedding=True)
        config = transformers.MarianConfig(**(SIZES | own | sizes))
    else:
        count = _write_fairseq(folder, kind, lines)
        own = dict(vocab_size=count, pad_token_id=1, bos_token_id=0, eos_token_id=2, scale_embedding=True)
        own |= dict(forced_eos_token_id=None)
        if kind != "mbart":
            own |= dict(decoder_start_token_id=2)
        which = transformers.MBartConfig if kind.startswith("mbart") else transformers.M2M100Config
        config = which(**(SIZES | own | sizes))
    net = transformers.AutoModelForSeq2SeqLM.from_config(config)
    if getattr(net, "final_logits_bias", None) is not None:
        net.final_logits_bias.copy_(torch.randn_like(net.final_logits_bias))
    _learn(net, steps)
    with quiet_transformers():
        net.save_pretrained(folder)
    return folder


def _learn(net: Any, steps: int) -> None:
    """Learn some random texts, which have an end: without that, weights at random go on for ever."""
    count, first = net.config.vocab_size, net.config.decoder_start_token_id or 0
    source = torch.randint(4, count, (12, 6))
    lengths = torch.randint(3, 7, (12, 1))
    text = torch.randint(4, count, (12, 7)).scatter(1, lengths, net.config.eos_token_id)
    labels = text.masked_fill(torch.arange(7) > lengths, -100)
    shifted = torch.cat([torch.full((12, 1), first), text[:, :-1]], 1)
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(steps):
        logits = net(input_ids=source, decoder_input_ids=shifted).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _write_t5(folder: Path, kind: str, lines: Sequence[str]) -> int:
    if kind == "byt5":
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "ByT5Tokenizer"}))
        return 259
    model = pieces(lines, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    (folder / "spiece.model").write_bytes(model)
    return len(read_pieces(model))


def _write_fairseq(folder: Path, kind: str, lines: Sequence[str]) -> int:
    """The tokenizer of a checkpoint from fairseq; returns the number of its tokens."""
    given: dict[str, Any] = {"model_type": "bpe"} if kind == "nllb" else {}
    model = pieces(lines, unk_id=0, bos_id=1, eos_id=2, **given)
    (folder / "sentencepiece.bpe.model").write_bytes(model)
    numbers = {piece: place for place, piece in enumerate((*OF_FAIRSEQ, *read_pieces(model)[3:]))}
    first = len(numbers)
    described: dict[str, Any] = {"tokenizer_class": NAMED[kind][0]}
    added = {str(first + place): {"content": name} for place, name in enumerate(LANGUAGES[kind])}
    (folder / "tokenizer_config.json").write_text(json.dumps(described | {"added_tokens_decoder": added}))
    if kind == "m2m_100":
        (folder / "vocab.json").write_text(json.dumps(numbers))
    return first + len(LANGUAGES[kind])


def _write_marian(folder: Path, lines: Sequence[str]) -> int:
    models = [pieces([line for line in lines if line.isupper() == upper]) for upper in (True, False)]
    for name, model in zip(("source.spm", "target.spm"), models, strict=True):
        (folder / name).write_bytes(model)
    both = dict.fromkeys(piece for model in models for piece in read_pieces(model)[3:])
    numbers = {piece: place for place, piece in enumerate(("</s>", "<unk>", *both, "<pad>"))}
    (folder / "vocab.json").write_text(json.dumps(numbers))
    return len(numbers)
