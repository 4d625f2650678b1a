"""Pre-training of a context as a language model, on gloss sentences without video."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import END, IGNORED, next_tokens
from signkit.errors import UserError
from signkit.models.context.adaptor import AdaptedContext
from signkit.train.quick_dropout import QuickDropout


@dataclass(frozen=True, slots=True)
class PretrainResult:
    """The result of pre-training.

    Attributes:
        perplexities: per gloss, counting the end of a sentence as a gloss, before the first update and after
            each quarter of the updates; on `dev`, or on the training sentences if there is none.
        best: the index of the state that the context was left in: the lowest perplexity on `dev`, or the
            last.
        head: maps the context's vectors at gain 1 to the logits of the next gloss; index 0 is the end.
    """

    perplexities: tuple[float, ...]
    best: int
    head: nn.Linear


@dataclass(frozen=True, slots=True)
class _Text:
    """Sentences in one tensor, padded with `END`."""

    glosses: Int[Tensor, "sentences labels"]
    lengths: Int[Tensor, " sentences"]

    def select(self, chosen: Int[Tensor, " batch"]) -> "_Text":
        lengths = self.lengths[chosen]
        return _Text(self.glosses[chosen, : int(lengths.max())], lengths)


def pretrain(
    context: nn.Module,
    sentences: Sequence[Sequence[int]],
    *,
    vocabulary_size: int,
    steps: int,
    lr: float,
    seed: int,
    batch_size: int = 32,
    on_progress: Callable[[int, float], None] | None = None,
    dev: Sequence[Sequence[int]] | None = None,
) -> PretrainResult:
    """Train a context to predict the next gloss, with a linear head that is not part of it.

    The optimizer is AdamW with warm-up over a tenth of the steps, linear decay, and gradients clipped to norm
    1. On a CPU equal seeds give equal bits; torch's global generator is left as it was. The adaptor's gain is
    1 during pre-training and then as configured, so that the direction of the vectors is learnt and not their
    size. Frozen weights are trained here, too, and frozen again.

    Args:
        context: an `AdaptedContext`; changed in place.
        sentences: token indices, none of them 0.
        vocabulary_size: number of symbols, blank included.
        on_progress: called after each update with its number, from 1, and its loss (nats per gloss).
        dev: sentences on which the best of the evaluated states is selected.

    Raises:
        UserError: there are no sentences, or the context has no weights.
    """
    if not isinstance(context, AdaptedContext):
        raise UserError("context.pretrain_steps", "this context has nothing to learn")
    if not sentences:
        raise UserError("context.pretrain_steps", "there are no gloss sentences to learn from")
    device = next(context.parameters()).device
    text = _padded(sentences, vocabulary_size, device)
    judged = _padded(dev, vocabulary_size, device) if dev else text
    with torch.random.fork_rng(_generators(device)), _all_trained(context):
        torch.manual_seed(seed)
        head = nn.Linear(context.dim, vocabulary_size, device=device)
        both = nn.ModuleList([context, head])
        perplexities = [_perplexity(context, head, judged, batch_size)]
        best, best_state = 0, copy.deepcopy(both.state_dict()) if dev else None
        evaluated = {round(steps * quarter / 4) for quarter in (1, 2, 3, 4)}
        for step, loss in enumerate(_updates(context, head, text, steps, lr, seed, batch_size), start=1):
            if on_progress is not None:
                on_progress(step, loss)
            if step in evaluated:
                perplexities.append(_perplexity(context, head, judged, batch_size))
                if not dev or perplexities[-1] < perplexities[best]:
                    best = len(perplexities) - 1
                    best_state = copy.deepcopy(both.state_dict()) if dev else None
        if best_state is not None:
            both.load_state_dict(best_state)
    return PretrainResult(tuple(perplexities), best, head)


def _updates(
    context: AdaptedContext, head: nn.Linear, text: _Text, steps: int, lr: float, seed: int, batch_size: int
) -> Iterator[float]:
    """Run the updates one by one; yields the loss of each."""
    weights = [p for p in (*context.parameters(), *head.parameters()) if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=lr, fused=True)
    warmup = max(1, steps // 10)
    for step, batch in enumerate(islice(_batches(text, batch_size, seed), steps), start=1):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(step / warmup, (steps - step + 1) / (steps - warmup + 1))
        context.train()
        with QuickDropout():
            loss = _token_losses(context, head, batch).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        yield loss.item()


def _token_losses(context: AdaptedContext, head: nn.Linear, text: _Text) -> Float[Tensor, " glosses"]:
    """-log P of every next gloss, including the ends of sentences."""
    logits = head(context(text.glosses, text.lengths))
    targets = next_tokens(text.glosses, text.lengths).flatten()
    losses = F.cross_entropy(logits.flatten(0, 1), targets, ignore_index=IGNORED, reduction="none")
    return losses[targets != IGNORED]


@torch.no_grad()
def _perplexity(context: AdaptedContext, head: nn.Linear, text: _Text, batch_size: int) -> float:
    context.eval()
    by_length = torch.argsort(text.lengths, stable=True).split(batch_size)
    total = sum(
        _token_losses(context, head, text.select(chosen)).double().sum().item() for chosen in by_length
    )
    return math.exp(min(total / (int(text.lengths.sum()) + len(text.lengths)), 700.0))


def _batches(text: _Text, batch_size: int, seed: int) -> Iterator[_Text]:
    """An endless sequence of batches, each sentence once per epoch."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(text.lengths), generator=generator).to(text.lengths.device)
        for chosen in order.split(batch_size):
            yield text.select(chosen)


def _padded(sentences: Sequence[Sequence[int]], vocabulary_size: int, device: torch.device) -> _Text:
    lengths = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
    flat = np.fromiter((index for sentence in sentences for index in sentence), np.int64, int(lengths.sum()))
    if flat.size and not 0 < flat.min() <= flat.max() < vocabulary_size:
        raise ValueError(f"token indices {flat.min()} to {flat.max()} of a vocabulary of {vocabulary_size}")
    table = np.full((len(lengths), int(lengths.max())), END, dtype=np.int64)
    table[np.arange(table.shape[1]) < lengths[:, None]] = flat
    return _Text(torch.from_numpy(table).to(device), torch.from_numpy(lengths).to(device))


@contextmanager
def _all_trained(context: AdaptedContext) -> Iterator[None]:
    """Make every weight but the gain trainable; restores flags, gain and mode afterwards."""
    mode, flags = context.training, [(weight, weight.requires_grad) for weight in context.parameters()]
    context.requires_grad_(True)
    context.adaptor.norm.requires_grad_(False)
    context.adaptor.reset_gain(1.0)
    try:
        yield
    finally:
        context.adaptor.reset_gain()
        for weight, flag in flags:
            weight.grad = None
            weight.requires_grad_(flag)
        context.train(mode)


def _generators(device: torch.device) -> list[int]:
    """The GPUs whose generators `torch.manual_seed` changes."""
    return list(range(torch.cuda.device_count())) if device.type == "cuda" else []
