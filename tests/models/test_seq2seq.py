"""Translators from checkpoints: their search is that of transformers, pruned or not, and padding changes
nothing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from seq2seq_checkpoints import KINDS, LINES, languages_of, read_pieces, write_checkpoint
from torch import Tensor

from signkit.config.recipe_file import load_recipe
from signkit.data.batch import Batch
from signkit.data.loader import eval_batches
from signkit.decode.attention import attention_search, encode
from signkit.models.hub_checkpoint import quiet_transformers
from signkit.models.seq2seq.checkpoint import Checkpoint, open_checkpoint
from signkit.models.torchvision_mend import import_transformers
from signkit.train.setup import Prepared, prepare

transformers = import_transformers()
RECIPE = """
data: {name: parallel, root: ROOT}
text: {unit: subword}
source: {unit: shared}
model: {name: seq2seq, checkpoint: CHECKPOINT, dropout: 0.0}
train: {losses: [{name: next_token}]}
decode: {beam: 5, longest: 40, length_norm: 0.0}
"""
GLOSSES = ("MORGEN NORD REGEN", "HEUTE SUED SONNE", "FREITAG WIND", "NORD WIND SONNE REGEN HEUTE", "SUED")
"""The texts are lines of those that the pieces were learnt from, without `freitag` and `schwach`."""
TEXTS = (LINES[0], LINES[1], "weht der wind", "morgen gibt es sonne im süden", "regen im norden")


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp(kind) / "checkpoint", kind, steps=80)


def opened(checkpoint: Path, kind: str, *changes: str) -> Prepared:
    """A fresh translator of five pairs."""
    root = checkpoint.parent / "pairs"
    root.mkdir(exist_ok=True)
    for split in ("train", "dev"):
        (root / f"{split}.gloss").write_text("\n".join(GLOSSES) + "\n", encoding="utf-8")
        (root / f"{split}.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    file = checkpoint.parent / "recipe.yaml"
    file.write_text(
        RECIPE.replace("ROOT", str(root)).replace("CHECKPOINT", str(checkpoint)), encoding="utf-8"
    )
    ready = prepare(load_recipe(str(file), [*languages_of(kind), *changes]))
    ready.model.eval()
    return ready


def batch_of(ready: Prepared) -> Batch:
    (batch,) = eval_batches(ready.datasets["dev"], 8)
    return batch


def original(folder: Path) -> Any:
    with quiet_transformers():
        return transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()


def numbers(checkpoint: Checkpoint, vocabulary: Any) -> list[int]:
    """The checkpoint's number of each token."""
    ends = [checkpoint.special("eos"), checkpoint.special("unk")]
    return ends + [checkpoint.numbers[piece] for piece in vocabulary.tokens[2:]]


def sources(ready: Prepared, checkpoint: Checkpoint) -> tuple[Tensor, Tensor]:
    """The batch as transformers reads it: numbers and mask."""
    batch, known = batch_of(ready), numbers(checkpoint, ready.spec.source)
    frame = checkpoint.frame(ready.recipe.model)  # type: ignore[arg-type]
    rows = [
        [*frame.before, *(known[token] for token in row[:length].tolist()), *frame.after]
        for row, length in zip(batch.inputs, batch.lengths, strict=True)
    ]
    longest = max(map(len, rows))
    padded = [row + [checkpoint.special("pad")] * (longest - len(row)) for row in rows]
    return torch.tensor(padded), torch.tensor([[int(i < len(row)) for i in range(longest)] for row in rows])


@pytest.mark.parametrize(("beam", "prune"), [(1, False), (5, True)], ids=["greedy-whole", "beam-pruned"])
def test_the_search_is_that_of_transformers(folder: Path, kind: str, beam: int, prune: bool) -> None:
    """All texts of the beam and their scores, where it may write no other tokens than ours."""
    ready = opened(folder, kind, f"model.prune={str(prune).lower()}", f"decode.beam={beam}")
    checkpoint, net = open_checkpoint(str(folder)), original(folder)
    known, end = numbers(checkpoint, ready.spec.vocabulary), checkpoint.special("eos")
    frame = checkpoint.frame(ready.recipe.model)  # type: ignore[arg-type]
    inputs, mask = sources(ready, checkpoint)
    beams: dict[str, Any] = {"length_penalty": 0.0, "early_stopping": True} if beam > 1 else {}
    with torch.no_grad():
        theirs = net.generate(
            inputs,
            attention_mask=mask,
            decoder_input_ids=torch.tensor(frame.start).expand(len(inputs), -1),
            decoder_start_token_id=frame.start[0],
            eos_token_id=end,
            pad_token_id=checkpoint.special("pad"),
            num_beams=beam,
            num_return_sequences=beam,
            suppress_tokens=sorted({*range(net.config.vocab_size)}.difference(known)),
            renormalize_logits=True,
            max_new_tokens=41,
            return_dict_in_generate=True,
            output_scores=True,
            **beams,
        )
        ours = attention_search([ready.model], [encode(ready.model, batch_of(ready))], ready.recipe.decode)  # type: ignore[arg-type]
    found = [row[len(frame.start) :] for row in theirs.sequences.tolist()]
    ended = [end in row for row in found]
    texts = [[known[token] for token in each.tokens] for clip in ours for each in clip]
    if beam == 1:
        assert texts == [row[: row.index(end)] if end in row else row[:40] for row in found]
        return
    # transformers does not end a text that is too long; ours has its end in the score.
    assert [text for text in texts if len(text) < 40] == [
        row[: row.index(end)] for row in found if end in row
    ]
    assert sum(ended) >= 2 * beam and len({tuple(text) for text in texts}) >= beam
    scores = torch.tensor([each.score for clip in ours for each in clip], dtype=torch.float32)
    assert torch.allclose(scores[ended], theirs.sequences_scores[ended], atol=1e-4)


def test_pruning_changes_no_logit_of_a_piece_that_is_kept(folder: Path, kind: str) -> None:
    pruned, whole = (opened(folder, kind, f"model.prune={prune}") for prune in ("true", "false"))
    few, many = pruned.spec.vocabulary, whole.spec.vocabulary
    if kind == "byt5":
        assert few == many
    else:
        assert 2 < len(few) < len(many) and {*few.tokens} < {*many.tokens}
    sizes = [sum(weight.numel() for weight in each.model.parameters()) for each in (pruned, whole)]
    assert sizes[0] < sizes[1]
    with torch.no_grad():
        some, all_of = (each.model(batch_of(each)).next for each in (pruned, whole))
    at = torch.tensor([many.index[token] for token in few.tokens])
    for length, few_of, many_of in zip(batch_of(pruned).target_lengths, some, all_of, strict=True):
        assert torch.allclose(few_of[: length + 1], many_of[: length + 1, at], atol=1e-5)


def test_the_pieces_are_cut_as_before(folder: Path, kind: str) -> None:
    """And the words that train does not have, into what is left."""
    vocabulary = opened(folder, kind).spec.vocabulary
    source, text = open_checkpoint(str(folder)).models
    for line in TEXTS:
        assert vocabulary.segment(line.split()) == tuple(p for word in line.split() for p in text.split(word))
    if kind == "byt5":
        assert vocabulary.segment(["für"]) == ("▁", "<0x66>", "<0xC3>", "<0xBC>", "<0x72>")
        assert vocabulary.decode(vocabulary.encode(["für", "€"])) == ("für", "€")
        return
    letters = {*"".join(TEXTS).replace(" ", "")}
    assert letters < {*vocabulary.tokens}
    assert "".join(vocabulary.segment(["dermorgen"])) == "▁dermorgen"
    assert 1 not in vocabulary.encode(["dermorgen"]) and 1 in vocabulary.encode(["xyz"])


def test_padding_changes_nothing(folder: Path, kind: str) -> None:
    ready = opened(folder, kind)
    model, batch = ready.model.double(), batch_of(ready)
    alone = {each.ids[0]: each for each in eval_batches(ready.datasets["dev"], 1)}
    with torch.no_grad():
        logits, features = model(batch).next, model.encode(batch).features
        for row, name in enumerate(batch.ids):
            own = model(alone[name]).next[0]
            assert torch.allclose(own, logits[row, : len(own)], atol=1e-10)
            own = model.encode(alone[name]).features[0]
            assert torch.allclose(own, features[row, : len(own)], atol=1e-10)
            assert (features[row, len(own) :] == 0).all()


def test_step_by_step_is_as_at_once(folder: Path, kind: str) -> None:
    """Hypotheses go on from their parents, and look at the tokens of the source only."""
    ready = opened(folder, kind)
    model, batch = ready.model, batch_of(ready)
    decoder, encoded = model.decoder, model.encode(batch)
    mask = torch.arange(encoded.features.shape[1]) < encoded.lengths[:, None]
    memory = decoder.memory(encoded.features, mask)
    first, second = torch.tensor([[2, 3]]).expand(5, -1), torch.tensor([[4, 5]]).expand(5, -1)
    swapped = torch.tensor([[1, 0]]).expand(5, -1)
    with torch.no_grad():
        _, past, _ = decoder.step(torch.zeros(5, 2, dtype=torch.long), decoder.begin(memory, 2), memory)
        _, past, _ = decoder.step(first, past, memory)
        logits, _, attention = decoder.step(second, past.chosen(swapped), memory)
        for place, tokens in enumerate(([3, 4], [2, 5])):
            at_once = decoder(torch.tensor([tokens]).expand(5, -1), memory)
            assert at_once.shape == (5, 3, len(ready.spec.vocabulary))
            assert torch.allclose(logits[:, place], at_once[:, 2], atol=1e-5)
    assert torch.allclose(attention.sum(2), torch.ones(5, 2))
    for row, length in enumerate(batch.lengths.tolist()):
        assert (attention[row, :, :length] > 0).all() and (attention[row, :, length:] == 0).all()


@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
def test_sources_are_framed_as_transformers_does_it(folder: Path, kind: str) -> None:
    ready, checkpoint = opened(folder, kind), open_checkpoint(str(folder))
    model: Any = ready.recipe.model
    tokenizer = tokenizer_of(kind, folder)
    frame = checkpoint.frame(model)
    tokens = [piece for word in GLOSSES[0].split() for piece in checkpoint.models[0].split(word)]
    own = [*frame.before, *(checkpoint.numbers[token] for token in tokens), *frame.after]
    if languages_of(kind):
        tokenizer.src_lang, tokenizer.tgt_lang = model.source_language, model.target_language
    names = {number: name for name, number in checkpoint.numbers.items()}
    if kind == "byt5":  # the first word begins with a blank too
        assert own == tokenizer(f" {GLOSSES[0]}").input_ids
        return
    # The cuts are left out of it: the tokenizer was given neither scores nor merges.
    assert "".join(names[each] for each in own) == "".join(
        tokenizer.convert_ids_to_tokens(tokenizer(GLOSSES[0]).input_ids)
    )
    labels = tokenizer.convert_ids_to_tokens(tokenizer(text_target=TEXTS[0]).input_ids)
    # What stands before a text is read by the decoder after its start; mBART turns the end around to it.
    first = [labels[-1]] if kind == "mbart" else [*frame.start[:1], *labels[: len(frame.start) - 1]]
    assert [names[frame.start[0]], *first[1:]] == [names[each] for each in frame.start]
    assert kind != "mbart" or labels[-1] == "de_DE"


def tokenizer_of(kind: str, folder: Path) -> Any:
    """The tokenizer of transformers, from the same pieces."""
    if kind in ("marian", "m2m_100"):
        return transformers.AutoTokenizer.from_pretrained(folder)
    if kind == "byt5":
        return transformers.ByT5Tokenizer()
    model = (folder / ("spiece.model" if kind.endswith("t5") else "sentencepiece.bpe.model")).read_bytes()
    named = [*read_pieces(model)]
    if kind.endswith("t5"):
        return transformers.T5Tokenizer(vocab=[(piece, 0.0) for piece in named], extra_ids=0)
    first = ("<s>", "<pad>", "</s>", "<unk>")
    if kind == "nllb":
        numbered = {piece: place for place, piece in enumerate((*first, *named[3:]))}
        return transformers.NllbTokenizer(vocab=numbered)
    which = {"mbart": transformers.MBartTokenizer, "mbart50": transformers.MBart50Tokenizer}[kind]
    return which(vocab=[(piece, 0.0) for piece in (*first, *named[3:])])
