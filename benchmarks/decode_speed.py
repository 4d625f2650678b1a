"""Beam search with a trigram beside flashlight-text and a plain Python beam, in one run, taking turns.

    python benchmarks/decode_speed.py [--utterances 500] [--repeats 5] [--json]

A seeded Markov chain writes sentences; a trigram is trained on some of them, the posteriors of a CTC
recogniser are made up for others: peaks in the chunks of each word, on a confused word too, over a floor
of noise. All decoders search the same log posteriors with the same trigram, beam and glosses a chunk.

- signkit: one call for the whole batch; both cores, as torch and NumPy use them.
- flashlight: its LexiconFreeDecoder with KenLM (log_add), utterance by utterance on one core, and in two
  processes that have half of the utterances each. Its beam holds a sequence that ends in a blank and the
  same one without apart, so ours is the wider one of an equal number; scores are compared at a beam that
  loses nothing.
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
from pathlib import Path

import numpy as np
import torch
from flashlight.lib.text.decoder import CriterionType, LexiconFreeDecoder, LexiconFreeDecoderOptions
from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary

from signkit.decode import beam_search, constant_rows
from signkit.decode.scorer import Fused
from signkit.fusion.ngram import NgramScorer
from signkit.lm import NGram, estimate
from signkit.lm.arpa import write_arpa
from signkit.text import Vocabulary

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from slow_search import plain_beam

VOCAB, CHUNKS, BEAM, TOP_K, WEIGHT, LENGTH_REWARD = 1296, 60, 16, 32, 0.5, 0.0
BLANK = 0


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


def vocabulary_of(sentences: list[tuple[str, ...]]) -> Vocabulary:
    return Vocabulary.from_references([*sentences, tuple(f"W{number}" for number in range(VOCAB - 2))])


def signkit_beam(log_p: torch.Tensor, scorer: NgramScorer, beam: int = BEAM) -> list[tuple[tuple[int, ...], float]]:
    lengths = torch.full((len(log_p),), CHUNKS)
    found = beam_search(
        log_p,
        lengths,
        constant_rows(torch.zeros(VOCAB)),
        beam=beam,
        top_k=TOP_K - 1,
        fusion=(Fused(scorer, WEIGHT),),
    )
    return [(nbest[0].tokens, nbest[0].score) for nbest in found]


class Flashlight:
    """flashlight's decoder of an ARPA file; of glosses a chunk it counts the blank as one."""

    def __init__(self, arpa: Path, vocabulary: Vocabulary, beam: int = BEAM) -> None:
        self._lm = KenLM(str(arpa), Dictionary(list(vocabulary.tokens)))
        options = LexiconFreeDecoderOptions(
            beam_size=beam,
            beam_size_token=TOP_K,
            beam_threshold=1e9,
            lm_weight=WEIGHT * math.log(10),  # KenLM's logarithms have the base 10
            sil_score=0.0,
            log_add=True,
            criterion_type=CriterionType.CTC,
        )
        self._decoder = LexiconFreeDecoder(options, self._lm, -1, BLANK, [])

    def __call__(self, log_p: torch.Tensor) -> list[tuple[tuple[int, ...], float]]:
        found = []
        for utterance in log_p:
            best = self._decoder.decode(utterance.data_ptr(), CHUNKS, VOCAB)[0]
            path = [token for token in best.tokens if token >= 0]
            kept = [t for t, before in zip(path, [-1, *path], strict=False) if t != before and t != BLANK]
            found.append((tuple(kept), best.score))
        return found
