"""Searches as one would explain them: every path one by one, and beams of dictionaries. Slow, obvious."""

import itertools
import math
from collections import defaultdict

import numpy as np
import torch

INF = math.inf


class RandomRows:
    """A random row for each history, the same whenever it is asked for; counts its calls."""

    def __init__(self, vocab, seed=0):
        self.vocab, self.seed, self.sizes, self.asked = vocab, seed, [], []

    def row(self, history):
        seed = [self.seed, len(history), *history]
        return torch.from_numpy(np.random.default_rng(seed).normal(size=self.vocab) * 2)

    def __call__(self, labels, lengths):
        self.sizes.append(len(labels))
        histories = [tuple(y[:n]) for y, n in zip(labels.tolist(), lengths.tolist(), strict=True)]
        self.asked += histories
        return torch.stack([self.row(history) for history in histories])


class Bigram:
    """A random bigram scorer with ends, whose state is the last token; ``forbidden`` pairs have -inf.

    The empty history's state is 0, as a token's is the token: the blank, 0, is never one. The blank's
    column is NaN, because nobody may look at it.
    """

    start = 0

    def __init__(self, vocab, seed=0, forbidden=(), no_end=()):
        random = np.random.default_rng(seed)
        self.table = random.normal(size=(vocab, vocab)).astype(np.float32)
        self.table[:, 0] = np.nan
        for before, token in forbidden:
            self.table[before, token] = -np.inf
        self.end = random.normal(size=vocab)
        self.end[list(no_end)] = -np.inf
        self.advanced, self.asked = [], []

    def advance(self, states, tokens):
        assert len(states) == len(tokens) and (tokens > 0).all()
        self.advanced.append(len(states))
        return tokens.copy()

    def rows(self, states):
        self.asked.append(states.tolist())
        return self.table[states]

    def ends(self, states):
        return self.end[states]

    def score(self, tokens):
        """The whole score of a sequence, its end included."""
        return self.begun(tokens) + float(self.end[tokens[-1] if tokens else 0])

    def begun(self, tokens):
        """The same without the end."""
        return sum(float(self.table[a, b]) for a, b in itertools.pairwise((0, *tokens)))


def weighted(score, weight):
    return -INF if score == -INF else weight * score


def fused(fusion, tokens, reward=0.0):
    """What the scorers and the length reward add to a whole sequence."""
    return reward * len(tokens) + sum(weighted(part.scorer.score(tokens), part.weight) for part in fusion)


def chunk_symbols(vocab, topology, max_symbols):
    """All that can happen on one chunk: tuples of symbols, 0 the blank."""
    if topology != "rnnt":
        return [(v,) for v in range(vocab)]
    return [(*y, 0) for m in range(max_symbols + 1) for y in itertools.product(range(1, vocab), repeat=m)]


def enumerate_paths(acoustic, row, topology, max_symbols=4, scale=1.0):
    """log P of every sequence, by walking every path one by one."""
    chunks, vocab = acoustic.shape
    total = defaultdict(lambda: -INF)
    cache = {}

    def log_p(chunk, history):
        if (chunk, history) not in cache:
            cache[chunk, history] = (acoustic[chunk] + scale * row(history)).log_softmax(0).tolist()
        return cache[chunk, history]

    for path in itertools.product(chunk_symbols(vocab, topology, max_symbols), repeat=chunks):
        history, before, score = (), 0, 0.0
        for chunk, symbols in enumerate(path):
            for symbol in symbols:
                score += log_p(chunk, history)[symbol]
                if symbol and not (topology == "ctc" and symbol == before):
                    history += (symbol,)
                before = symbol
        total[history] = np.logaddexp(total[history], score)
    return dict(total)


def log_add(a, b):
    if a < b:
        a, b = b, a
    return a if b == -INF else a + math.log1p(math.exp(b - a))


def likely(frame, beams, top_k):
    """The glosses of a chunk that are best after their best history; ``frame`` gives a history's log P."""
    best = [
        max(score + log_p for score, log_p in zip(*column, strict=True)) for column in _columns(frame, beams)
    ]
    return sorted(range(1, len(best)), key=lambda v: -best[v])[:top_k]


def _columns(frame, beams):
    scores = list(beams.values())
    return [(scores, column) for column in zip(*(frame(history) for history in beams), strict=True)]


def cut(scored, beam, threshold):
    """The best of a dictionary of scores, no more than ``beam`` and none too far below the best."""
    ranked = sorted(scored.items(), key=lambda item: -item[1])[:beam]
    return {h: s for h, s in ranked if s > -INF and not (threshold and s < ranked[0][1] - threshold)}


def plain_beam(frames, beam, *, stays=True, top_k=32, bonus=None, end=None, threshold=0.0, shared=False):
    """Prefix beam search of one utterance, as in textbooks: [(sequence, score)], best first.

    ``frames`` gives for each chunk a function from a history to the list of log P; ``shared`` where it is
    the same after every history. ``bonus(history, token)`` and ``end(history)`` are added.
    """
    blanks, labels, total = {(): 0.0}, {}, {(): 0.0}
    for frame in frames:
        tokens = likely(frame, {(): 0.0} if shared else total, top_k)
        new_blanks, new_labels = {}, {}
        for history, both in total.items():
            log_p, last = frame(history), history[-1] if history else None
            new_blanks[history] = both + log_p[0]
            if stays and history in labels:
                new_labels[history] = log_add(new_labels.get(history, -INF), labels[history] + log_p[last])
            joining = {h[-1] for h in total if h and h[:-1] == history}  # kept whatever top_k says
            for token in joining.union(tokens):
                grown = blanks.get(history, -INF) if stays and token == last else both
                score = grown + log_p[token] + (bonus(history, token) if bonus else 0.0)
                longer = (*history, token)
                new_labels[longer] = log_add(new_labels.get(longer, -INF), score)
        both = {
            h: log_add(new_blanks.get(h, -INF), new_labels.get(h, -INF)) for h in {**new_blanks, **new_labels}
        }
        total = cut(both, beam, threshold)
        blanks = {h: s for h, s in new_blanks.items() if h in total}
        labels = {h: s for h, s in new_labels.items() if h in total}
    return _ended(total, end)


def plain_transducer_beam(frames, beam, *, max_symbols, top_k=32, bonus=None, end=None, threshold=0.0):
    """The same for the transducer: some labels, then a blank."""
    total = {(): 0.0}
    for frame in frames:
        ended, standing = {}, total
        for symbols in range(max_symbols + 1):
            for history, score in standing.items():
                ended[history] = log_add(ended.get(history, -INF), score + frame(history)[0])
            if symbols == max_symbols or not standing:
                break
            tokens, grown = likely(frame, standing, top_k), {}
            for history, score in standing.items():
                for token in tokens:
                    more = bonus(history, token) if bonus else 0.0
                    grown[(*history, token)] = score + frame(history)[token] + more
            standing = cut(grown, beam, threshold)
        total = cut(ended, beam, threshold)
    return _ended(total, end)


def _ended(total, end):
    scored = {h: s + (end(h) if end else 0.0) for h, s in total.items()}
    return list(cut(scored, len(scored), 0.0).items())
