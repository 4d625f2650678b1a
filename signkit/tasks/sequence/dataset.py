"""Datasets of attention models: clips, or written sources, with the texts to be written."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from signkit.config.recipe import AugmentConfig, Recipe
from signkit.data.examples import Examples, Reread
from signkit.data.pairs import Pairs, reader, source_of
from signkit.data.sampling import used_frames
from signkit.decode.configs import AttentionSearchConfig
from signkit.errors import UserError
from signkit.models.seq2seq.configs import Seq2seqConfig
from signkit.models.spec import SIGNAL, SOURCE, TEXT, SignalInput, Spec
from signkit.tasks.transcripts.least_frames import least_frames
from signkit.text.sources import encode_source, source_vocabulary, text_and_source
from signkit.text.targets import fewer_pieces, vocabulary_of
from signkit.train.task import Say
from signkit.types import WRITTEN, Corpus, Sample


def spec_of_sources(recipe: Recipe, corpus: Corpus, say: Say) -> Spec:
    """The specification of a model that reads written sources; the vocabularies are those of train."""
    train = corpus.split("train")
    sources = [source_of(sample) for sample in train]
    texts = [sample.reference for sample in train]
    if isinstance(recipe.model, Seq2seqConfig):
        from signkit.models.seq2seq.vocabularies import vocabularies_of  # imports transformers

        text, read = vocabularies_of(recipe.model, recipe.text, recipe.source, texts, sources)
        return Spec({SIGNAL: SignalInput(WRITTEN, len(read)), SOURCE: read}, {TEXT: text})
    shared = text_and_source(recipe.text, recipe.source, texts, sources, corpus.extra_text)
    vocabulary = shared or vocabulary_of(recipe.text, corpus)
    if note := fewer_pieces(vocabulary, recipe.text):
        say(note)
    source = shared or source_vocabulary(recipe.source, sources, recipe.text.algorithm)
    return Spec({SIGNAL: SignalInput(WRITTEN, len(source)), SOURCE: source}, {TEXT: vocabulary})


def evaluated(recipe: Recipe, samples: Sequence[Sample], spec: Spec) -> Examples | Pairs:
    """A dataset of samples as they are.

    Raises:
        UserError: `decode.readings` asks for several readings of the sources, and there are none.
    """
    if spec.source is not None:
        _check_readings(recipe, samples)
        return _pairs(recipe, samples, spec, training=False)
    return _clips(recipe, samples, spec)


def trained_on(
    recipe: Recipe, samples: Sequence[Sample], spec: Spec, model: Any, say: Say, *, longest: int
) -> Examples | Pairs:
    """A dataset of samples that are changed for training, without those whose texts have more than
    ``longest`` tokens, or whose sources are longer than `source.longest`.

    Raises:
        UserError: there are such samples and `train.too_long` is not ``skip``, or none is left.
    """
    samples = _writable(recipe, samples, spec, say, longest)
    if spec.source is not None:
        return _pairs(recipe, _readable(recipe, samples, spec, say), spec, training=True)
    least = None if model.output is None else _least_frames(recipe, samples, spec, model, say)
    return _clips(recipe, samples, spec, augment=recipe.augment, least=least, reread=_reread(recipe, spec))


def _pairs(recipe: Recipe, samples: Sequence[Sample], spec: Spec, *, training: bool) -> Pairs:
    assert spec.source is not None
    vocabulary, share = spec.vocabulary, recipe.text.sampling

    def draw(words: Sequence[str], rng: np.random.Generator) -> tuple[int, ...]:
        return vocabulary.drawn(words, share, rng)

    return Pairs(
        samples,
        read=reader(recipe.source, spec.source, training=training),
        encode=vocabulary.encode,
        draw=draw if training else None,
        seed=recipe.train.seed,
        longest=recipe.source.longest,
        readings=1 if training else cast(AttentionSearchConfig, recipe.decode).readings,
    )


def _check_readings(recipe: Recipe, samples: Sequence[Sample]) -> None:
    """Refuse several readings where dev or test, which are to be scored, have one each."""
    wanted = cast(AttentionSearchConfig, recipe.decode).readings
    if wanted == 1 or samples[0].split == "train":
        return
    if not any(each.reference for each in samples):  # plain sentences, to be translated
        return
    if not any(getattr(each.load(), "others", ()) for each in samples):
        what = f"is {wanted}, and the sources of {samples[0].split} have one reading each"
        raise UserError("decode.readings", what, "decode.nbest of a recogniser's run gives its corpus more")


def _clips(
    recipe: Recipe,
    samples: Sequence[Sample],
    spec: Spec,
    *,
    augment: AugmentConfig | None = None,
    least: Sequence[int] | None = None,
    reread: Reread | None = None,
) -> Examples:
    return Examples(
        samples,
        layout=spec.signal.layout,
        width=spec.signal.width,
        encode=spec.vocabulary.encode,
        landmarks=recipe.landmarks,
        video=recipe.video,
        sampling=recipe.sampling,
        augment=augment,
        least_frames=least,
        reread=reread,
        glosses=spec.glosses.encode if spec.glosses else None,
        seed=recipe.train.seed,
    )


def _reread(recipe: Recipe, spec: Spec) -> Reread | None:
    """How the pieces of a text are drawn in training, if they are."""
    vocabulary, share = spec.vocabulary, recipe.text.sampling
    if not share:
        return None
    return lambda tokens, rng: vocabulary.drawn(vocabulary.decode(tokens), share, rng)


def _writable(
    recipe: Recipe, samples: Sequence[Sample], spec: Spec, say: Say, longest: int
) -> Sequence[Sample]:
    """The samples whose texts have at most so many tokens.

    Raises:
        UserError: there are others and `train.too_long` is not ``skip``, or none is left.
    """
    fitting = [each for each in samples if len(spec.vocabulary.encode(each.reference)) <= longest]
    if len(fitting) < len(samples):
        what = f"{len(samples) - len(fitting)} targets of train are longer than decode.longest, {longest}"
        if not fitting:
            raise UserError("data", what, "raise it: none is left")
        if recipe.train.too_long == "refuse":
            raise UserError("data", what, "raise it, or leave them out by train.too_long: skip")
        say(f"left out of train: {what}")
    return fitting


def _readable(recipe: Recipe, samples: Sequence[Sample], spec: Spec, say: Say) -> Sequence[Sample]:
    """The samples whose sources are no longer than `source.longest`, if `train.too_long` is ``skip``."""
    if spec.source is None or recipe.train.too_long == "refuse":
        return samples
    source, longest = recipe.source, recipe.source.longest
    sizes = [len(encode_source(source_of(each), spec.source, source).tokens) for each in samples]
    fitting = [each for each, size in zip(samples, sizes, strict=True) if size <= longest]
    if len(fitting) < len(samples):
        short = len(samples) - len(fitting)
        say(f"left out of train: {short} sources of train are longer than source.longest, {longest}")
    return fitting


def _least_frames(recipe: Recipe, samples: Sequence[Sample], spec: Spec, model: Any, say: Say) -> list[int]:
    """The frames that the CTC head needs of each clip, below which augmentation does not shorten it. Clips
    that are too short as they are do not train the head."""
    encode, glosses = spec.vocabulary.encode, spec.glosses
    tokens = [glosses.encode(each.glosses) if glosses else encode(each.reference) for each in samples]
    least = [least_frames(model.encoder, "ctc", each) for each in tokens]
    frames = [used_frames(each.frames, recipe.sampling, each.fps) for each in samples]
    if short := sum(need > have for need, have in zip(least, frames, strict=True)):
        what = "clips of train have fewer chunks than CTC needs for their text"
        say(f"{short:,} of {len(samples):,} {what}: they train the decoder only")
    return [need if need <= have else 1 for need, have in zip(least, frames, strict=True)]
