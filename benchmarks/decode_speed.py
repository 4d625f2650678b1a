"""Beam search with a trigram beside flashlight-text and a plain Python beam, in one run, taking turns.

    python benchmarks/decode_speed.py [--utterances 500] [--repeats 5] [--json]

A seeded Markov chain writes sentences; a trigram is trained on some of them, the posteriors of a CTC
recogniser are made up for others: peaks in the chunks of each word, on a confused word too, over a floor
of noise. All decoders search the same log posteriors with the same trigram, beam and glosses a chunk.

- signkit: one call for the whole batch; both cores, as torch and NumPy use them.
- flashlight: its LexiconFreeDecoder with KenLM (log_add), utterance by utterance on one core, and in two
  processes that have half of the utterances each. Its beam holds a sequence that ends in a blank and the
  same one without apart, and a label stays only where it is among the glosses of the chunk, so ours keeps
  more at equal numbers. Scores are compared there, and at a wide beam with all glosses, where they agree.
- plain: tests/slow_search.py, a beam of dictionaries as in textbooks, on some utterances.

Times are the least and the median of the repeats, for all utterances.
"""

import argparse
import json
import math
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from flashlight.lib.text.decoder import CriterionType, LexiconFreeDecoder, LexiconFreeDecoderOptions
from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary

from signkit.decode import beam_search, constant_context_logits
from signkit.decode.external.ngram import NgramScorer
from signkit.decode.scorer import Fused
from signkit.eval.alignment import align
from signkit.lm import NGram, estimate
from signkit.lm.arpa import write_arpa
from signkit.text.vocabulary import Vocabulary

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from slow_search import plain_beam

VOCAB, CHUNKS, BEAM, TOP_K, WEIGHT, THRESHOLD = 1296, 60, 16, 32, 0.5, 50.0
BLANK = 0
Found = list[tuple[tuple[int, ...], float]]


def markov_text(random: np.random.Generator, count: int) -> list[tuple[str, ...]]:
    """Sentences of 3 to 14 words of a chain in which few words often follow one, as in glosses."""
    words = [f"W{number}" for number in range(VOCAB - 2)]
    following = random.integers(len(words), size=(len(words), 30))
    often = 1 / np.arange(1, 31) ** 1.2
    often /= often.sum()
    sentences = []
    for length in random.integers(3, 15, size=count):
        word, sentence = int(len(words) * random.random() ** 3), []
        for place in random.choice(30, size=length, p=often):
            sentence.append(words[word])
            word = int(following[word, place])
        sentences.append(tuple(sentence))
    return sentences


def posteriors(random: np.random.Generator, sentences: list[tuple[int, ...]]) -> torch.Tensor:
    """Log posteriors [utterances, chunks, vocab] of a made-up recogniser: peaky, at times of another word."""
    like = random.integers(2, VOCAB, size=(VOCAB, 4))
    logits = random.normal(scale=1.0, size=(len(sentences), CHUNKS, VOCAB)).astype(np.float32)
    logits[:, :, BLANK] += 10
    for utterance, sentence in enumerate(sentences):
        starts = np.sort(random.choice(CHUNKS // 2, size=len(sentence), replace=False)) * 2
        for start, token in zip(starts.tolist(), sentence, strict=True):
            logits[utterance, start : start + 2, BLANK] -= random.uniform(6, 11)
            logits[utterance, start : start + 2, token] += random.uniform(6, 12)
            for other in like[token]:
                logits[utterance, start : start + 2, other] += random.uniform(0, 9)
    return torch.from_numpy(logits).log_softmax(2)


class Flashlight:
    """flashlight's decoder of an ARPA file; of the glosses of a chunk it counts the blank as one."""

    def __init__(self, arpa: Path, vocabulary: Vocabulary, beam: int = BEAM, top_k: int = TOP_K) -> None:
        self._lm = KenLM(str(arpa), Dictionary(list(vocabulary.tokens)))
        options = LexiconFreeDecoderOptions(
            beam_size=beam,
            beam_size_token=top_k,
            beam_threshold=THRESHOLD,
            lm_weight=WEIGHT * math.log(10),  # KenLM's logarithms have the base 10
            sil_score=0.0,
            log_add=True,
            criterion_type=CriterionType.CTC,
        )
        self._decoder = LexiconFreeDecoder(options, self._lm, -1, BLANK, [])

    def __call__(self, log_p: torch.Tensor) -> Found:
        found = []
        for utterance in log_p:
            best = self._decoder.decode(utterance.data_ptr(), CHUNKS, VOCAB)[0]
            path = [token for token in best.tokens if token >= 0]
            new = [t for before, t in pairwise([BLANK, *path]) if t not in (before, BLANK)]
            found.append((tuple(new), best.score))
        return found


def signkit_beam(log_p: torch.Tensor, scorer: NgramScorer, beam: int = BEAM, top_k: int = TOP_K) -> Found:
    """Our search; ``top_k`` counts glosses only, so it is one less."""
    found = beam_search(
        log_p,
        torch.full((len(log_p),), CHUNKS),
        constant_context_logits(torch.zeros(VOCAB)),
        beam=beam,
        top_k=top_k - 1,
        beam_threshold=THRESHOLD,
        fusion=(Fused(scorer, WEIGHT),),
    )
    return [(nbest[0].tokens, nbest[0].score) for nbest in found]


def plain(log_p: torch.Tensor, scorer: NgramScorer) -> Found:
    """The plain beam; rows of the model are lists, each made once, and asked for by history."""
    rows, states = {}, {(): scorer.start}

    def state(history: tuple[int, ...]) -> int:
        if history not in states:
            before, token = np.array([state(history[:-1])]), np.array(history[-1:])
            states[history] = int(scorer.advance(before, token)[0])
        return states[history]

    def bonus(history: tuple[int, ...], token: int) -> float:
        at = state(history)
        if at not in rows:
            rows[at] = scorer.rows(np.array([at]))[0].tolist()
        return WEIGHT * rows[at][token]

    def end(history: tuple[int, ...]) -> float:
        return WEIGHT * float(scorer.ends(np.array([state(history)]))[0])

    options = dict(top_k=TOP_K - 1, bonus=bonus, end=end, threshold=THRESHOLD, shared=True)
    found = []
    for utterance in log_p.tolist():
        frames = [lambda history, frame=frame: frame for frame in utterance]
        found.append(plain_beam(frames, BEAM, **options)[0])
    return found


def rate(found: Found, sentences: list[tuple[int, ...]]) -> float:
    """Errors in 100 words."""
    errors = sum(align(truth, tokens).errors for truth, (tokens, _) in zip(sentences, found, strict=True))
    return 100 * errors / sum(map(len, sentences))


def equal(one: Found, other: Found) -> tuple[int, float]:
    """How many best sequences are the same, and how far their scores are apart at most."""
    pairs = [(a[1], b[1]) for a, b in zip(one, other, strict=True) if a[0] == b[0]]
    return len(pairs), max((abs(a - b) for a, b in pairs), default=0.0)


_WORKER: list[Flashlight] = []


def _start(arpa: Path, vocabulary: Vocabulary) -> None:
    torch.set_num_threads(1)
    _WORKER.append(Flashlight(arpa, vocabulary))


def _part(log_p: torch.Tensor) -> Found:
    return _WORKER[0](log_p)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--utterances", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--plain", type=int, default=10, help="utterances for the plain beam")
    parser.add_argument("--batch", type=int, default=32, help="of the smaller batches")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    random = np.random.default_rng(0)
    text = markov_text(random, 8000 + args.utterances)
    vocabulary = Vocabulary.from_references([*text, tuple(f"W{number}" for number in range(VOCAB - 2))])
    grams = estimate(text[args.utterances :], 3).grams
    scorer = NgramScorer(NGram.from_grams(grams), vocabulary)
    sentences = [vocabulary.encode(sentence) for sentence in text[: args.utterances]]
    log_p = posteriors(random, sentences)
    halves = [part.clone().share_memory_() for part in log_p.chunk(2)]
    with tempfile.TemporaryDirectory() as folder:
        arpa = Path(folder) / "lm.arpa"
        write_arpa(arpa, grams)
        context = multiprocessing.get_context("fork")
        with context.Pool(2, _start, (arpa, vocabulary)) as pool:
            flashlight = Flashlight(arpa, vocabulary)
            runs: dict[str, Callable[[], Found]] = {
                "signkit, one batch": lambda: signkit_beam(log_p, scorer),
                f"signkit, batches of {args.batch}": lambda: [
                    each for part in log_p.split(args.batch) for each in signkit_beam(part, scorer)
                ],
                "flashlight, one process": lambda: flashlight(log_p),
                "flashlight, two processes": lambda: [
                    each for part in pool.map(_part, halves, chunksize=1) for each in part
                ],
                "plain Python": lambda: plain(log_p[: args.plain], scorer),
                "signkit, one utterance": lambda: signkit_beam(log_p[:1], scorer),
                "flashlight, one utterance": lambda: flashlight(log_p[:1]),
            }
            found = {name: run() for name, run in runs.items()}  # and all that is made once is made
            times: dict[str, list[float]] = {name: [] for name in runs}
            for _ in range(args.repeats):
                for name, run in runs.items():
                    begin = time.perf_counter()
                    run()
                    times[name].append(time.perf_counter() - begin)
            wide = (
                signkit_beam(log_p[:2], scorer, 100, VOCAB),
                Flashlight(arpa, vocabulary, 200, VOCAB)(log_p[:2]),
            )
    report(args, times, found, wide, sentences)


def report(
    args: argparse.Namespace,
    times: dict[str, list[float]],
    found: dict[str, Found],
    wide: tuple[Found, Found],
    sentences: list[tuple[int, ...]],
) -> None:
    rows = {}
    for name, seconds in times.items():
        least, median = min(seconds), statistics.median(seconds)
        each = 1000 * median / len(found[name])
        rows[name] = {"least_s": least, "median_s": median, "utterances": len(found[name]), "each_ms": each}
    ours = found["signkit, one batch"]
    checks = {
        "errors_signkit": rate(ours, sentences),
        "errors_flashlight": rate(found["flashlight, one process"], sentences),
        "same_as_flashlight": equal(ours, found["flashlight, one process"]),
        "same_as_flashlight_wide": equal(*wide),
        "same_as_plain": equal(ours[: args.plain], found["plain Python"]),
    }
    if args.json:
        print(json.dumps({"times": rows, "checks": checks}))
        return
    print("| decoder | utterances | least s | median s | ms an utterance |\n|---|---:|---:|---:|---:|")
    for name, row in rows.items():
        figures = f"{row['least_s']:.3f} | {row['median_s']:.3f} | {row['each_ms']:.2f}"
        print(f"| {name} | {row['utterances']} | {figures} |")
    for name, value in checks.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
