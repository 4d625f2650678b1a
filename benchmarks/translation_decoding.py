"""Sentences a second of beam search, next to `generate` of Hugging Face Transformers with the same weights.

    python benchmarks/translation_decoding.py RUN [--split test] [--beam 5] [--batch 64] [--times 5]

RUN is a finished run of `gloss2text_phoenix2014t`, or any with a Transformer decoder. It is copied into
the decoder of `PegasusForConditionalGeneration`, which normalises before each module and has fixed waves as
positions as well. Both are given the same encoder outputs, and search with the same beam, without length
normalisation, which the two define differently. Printed are the shares of equal texts, the largest difference
of their log scores, and sentences a second of the search alone, by turns, best of `--times`.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch

from signkit.commands.predict.search import corpus_of
from signkit.data.batch import length_mask
from signkit.data.loader import eval_batches
from signkit.decode.attention import attention_search, encode
from signkit.decode.configs import AttentionSearchConfig
from signkit.models.encoders.attending import waves
from signkit.models.export import read_export
from signkit.models.torchvision_mend import import_transformers
from signkit.runtime.runs import find_run
from signkit.train.task import task_of

END, PAD = 0, 1
transformers = import_transformers()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--longest", type=int, default=80)
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = find_run(args.run)
    trained = read_export(folder)
    model = trained.model.eval()
    dataset = task_of(trained.recipe).dataset(corpus_of(folder, trained)().split(args.split), trained.spec)
    theirs = as_pegasus(model.decoder, args.longest + 2)
    options = AttentionSearchConfig(beam=args.beam, length_norm=0.0, longest=args.longest)
    with torch.no_grad():
        encoded = [encode(model, batch) for batch in eval_batches(dataset, args.batch)]
        found = {"signkit": [], "transformers": []}
        seconds = {name: [] for name in found}
        for _ in range(args.times):
            for name, search, of in (("signkit", ours, model), ("transformers", generated, theirs)):
                begun = time.perf_counter()
                found[name] = [text for each in encoded for text in search(of, each, options)]
                seconds[name].append(time.perf_counter() - begun)
    pairs = list(zip(*found.values(), strict=True))
    same = [one[1] - other[1] for one, other in pairs if one[0] == other[0]]
    better = sum(one[1] > other[1] for one, other in pairs if one[0] != other[0])
    print(f"{len(pairs)} sentences, beam {args.beam}, batches of {args.batch}, one thread")
    print(f"equal texts: {len(same)}; log scores differ by {max(map(abs, same)):.1e} at most")
    print(f"of the others signkit's has the higher score: {better} of {len(pairs) - len(same)}")
    for name, times in seconds.items():
        print(f"{name}: {len(pairs) / min(times):.1f} sentences a second")


def ours(model: Any, encoded: Any, options: AttentionSearchConfig) -> list[tuple[tuple[int, ...], float]]:
    """The best text of each sentence with its log score."""
    lists = attention_search([model], [encoded], options, nbest=1)
    return [(each[0].tokens, each[0].score) for each in lists]


def generated(
    model: Any, encoded: Any, options: AttentionSearchConfig
) -> list[tuple[tuple[int, ...], float]]:
    """The same by `generate`."""
    features = encoded.features
    found = model.generate(
        encoder_outputs=transformers.modeling_outputs.BaseModelOutput(last_hidden_state=features),
        attention_mask=length_mask(encoded.lengths, features.shape[1]).long(),
        num_beams=options.beam,
        do_sample=False,
        length_penalty=0.0,
        early_stopping=True,
        max_new_tokens=options.longest + 1,
        return_dict_in_generate=True,
        output_scores=True,
    )
    texts = []
    for row, score in zip(found.sequences[:, 1:].tolist(), found.sequences_scores.tolist(), strict=True):
        texts.append((tuple(row[: row.index(END)] if END in row else row), score))
    return texts


def as_pegasus(decoder: Any, positions: int) -> Any:
    """The weights of a `TextDecoder` in the decoder of Pegasus; its encoder is not used."""
    vocabulary, width = decoder.embedding.weight.shape
    first = decoder.layers[0]
    config = transformers.PegasusConfig(
        vocab_size=vocabulary,
        d_model=width,
        encoder_layers=1,
        decoder_layers=len(decoder.layers),
        encoder_attention_heads=first.heads,
        decoder_attention_heads=first.heads,
        encoder_ffn_dim=8,
        decoder_ffn_dim=first.widen.out_features,
        activation_function="relu",
        scale_embedding=True,
        max_position_embeddings=positions,
        pad_token_id=PAD,
        eos_token_id=END,
        bos_token_id=END,
        decoder_start_token_id=END,
        forced_eos_token_id=None,
    )
    model = transformers.PegasusForConditionalGeneration(config).eval()
    inner = model.model.decoder
    copies = [
        (inner.embed_tokens.weight, decoder.embedding.weight),
        (inner.embed_positions.weight, waves(positions, width)),
        (model.lm_head.weight, decoder.output.weight),
        *of_linear(inner.layer_norm, decoder.norm),
    ]
    for their, our in zip(inner.layers, decoder.layers, strict=True):
        copies += of_linear(their.self_attn_layer_norm, our.self_norm)
        copies += of_linear(their.encoder_attn_layer_norm, our.cross_norm)
        copies += of_linear(their.final_layer_norm, our.norm)
        copies += of_linear(their.self_attn.out_proj, our.self_out)
        copies += of_linear(their.encoder_attn.out_proj, our.cross_out)
        copies += of_linear(their.encoder_attn.q_proj, our.cross_q)
        copies += of_linear(their.fc1, our.widen) + of_linear(their.fc2, our.narrow)
        for names, linear in (("qkv", our.self_qkv), ("kv", our.cross_kv)):
            attention = their.self_attn if len(names) == 3 else their.encoder_attn
            parts = zip(linear.weight.chunk(len(names)), linear.bias.chunk(len(names)), strict=True)
            for name, (weight, bias) in zip(names, parts, strict=True):
                into = getattr(attention, f"{name}_proj")
                copies += [(into.weight, weight), (into.bias, bias)]
    with torch.no_grad():
        for into, value in copies:
            into.copy_(value)
        model.final_logits_bias.zero_()
    return model


def of_linear(into: Any, of: Any) -> list[tuple[Any, Any]]:
    """Weight and bias of a layer."""
    return [(into.weight, of.weight), (into.bias, of.bias)]


if __name__ == "__main__":
    main()
