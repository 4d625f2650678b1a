"""The files of an encoder-decoder's checkpoint: its sentencepiece models, their numbers, its languages.

The numbers of pieces are read here and not by transformers, whose tokenizers need other packages for it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from signkit.config.suggest import listed
from signkit.errors import UserError
from signkit.models.hub_checkpoint import config_of, folder_of, require
from signkit.models.seq2seq.configs import Seq2seqConfig
from signkit.text import subwords
from signkit.text.piece_model import of_bytes
from signkit.text.subwords import SPACE, Subwords

FILES = (
    "*config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "*.spm",
    "vocab.json",
    "tokenizer.json",
)
KINDS = ("mbart", "t5", "mt5", "umt5", "marian", "m2m_100")
"""The values of `model_type` that are read."""
OF_FAIRSEQ = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
"""The first numbers of checkpoints from fairseq; a piece has the number of its sentencepiece model plus 1."""
OF_BYTES = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {f"<0x{byte:02X}>": 3 + byte for byte in range(256)}
OF_BYTES |= {SPACE: OF_BYTES["<0x20>"], "<0x20>": 259}
"""The numbers of a ByT5. The byte of the blank is the piece that begins a word here; as a byte like others it
does not occur, and has the number of the first sentinel."""
LANGUAGE = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]+|__[a-z]{2,3}__|>>.+<<")
"""How checkpoints write languages: ``de_DE``, ``deu_Latn``, ``__de__``, ``>>deu<<``."""
LANGUAGES = {
    "MBartTokenizer": "mbart.tokenization_mbart",
    "MBart50Tokenizer": "mbart50.tokenization_mbart50",
    "NllbTokenizer": "nllb.tokenization_nllb",
    "M2M100Tokenizer": "m2m_100.tokenization_m2m_100",
}
"""Where transformers lists them, in the order of their numbers."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a text, as numbers of the checkpoint or of rows.

    Attributes:
        before, after: the tokens of a source.
        start: what the decoder reads before the first token of a text.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    start: tuple[int, ...]


@dataclass(frozen=True)
class Checkpoint:
    """A folder that transformers has saved.

    Attributes:
        folder: with the weights.
        config: the content of ``config.json``.
    """

    folder: Path
    config: Mapping[str, Any]

    @cached_property
    def models(self) -> tuple[Subwords, Subwords]:
        """The sentencepiece models of sources and of texts."""
        if self._of_bytes:
            model = of_bytes()
            return model, model
        names = [self.folder / name for name in self._model_files()]
        source = subwords.read(names[0])
        return source, subwords.read(names[1]) if names[1] != names[0] else source

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each piece, of the special tokens and of the languages."""
        if self._of_bytes:
            return OF_BYTES
        if self._kind == "marian" or (self.folder / "vocab.json").is_file():
            found = {str(piece): int(place) for piece, place in self._json("vocab.json").items()}
        elif self._fairseq:
            pieces = self._all_pieces()
            found = OF_FAIRSEQ | {piece: place + 1 for place, piece in enumerate(pieces) if place > 2}
        else:
            found = {piece: place for place, piece in enumerate(self._all_pieces())}
        return found | self._languages(found)

    @cached_property
    def languages(self) -> dict[str, int]:
        """The number of each language, by its name without the signs around it."""
        found = {name: place for name, place in self.numbers.items() if LANGUAGE.fullmatch(name)}
        return {name.strip("_<>"): place for name, place in found.items()}

    def special(self, name: str) -> int:
        """The number of the token ``eos``, ``pad`` or ``unk``.

        Raises:
            UserError: the checkpoint has none.
        """
        token = {"eos": "</s>", "pad": "<pad>", "unk": "<unk>"}[name]
        number = self.numbers.get(token) if name == "unk" else self.config.get(f"{name}_token_id")
        if number is None and (number := self.numbers.get(token)) is None:
            raise UserError(str(self.folder / "config.json"), f"has no {name}_token_id")
        return int(number)

    def frame(self, config: Seq2seqConfig) -> Frame:
        """What stands around sources and texts.

        Raises:
            UserError: a language is missing or unknown, or the checkpoint has none.
        """
        eos = self.special("eos")
        start = self.config.get("decoder_start_token_id")
        start = eos if start is None and self._fairseq else self.special("pad") if start is None else start
        source, target = (self._language(config, key) for key in ("source_language", "target_language"))
        words = config.prefix.split()
        prefix = tuple(
            self.numbers.get(piece, self.special("unk"))
            for word in words
            for piece in self.models[0].split(word)
        )
        if self._kind == "marian":
            return Frame((*target, *prefix), (eos,), (start,))
        if self._tokenizer == "MBartTokenizer":
            return Frame(prefix, (eos, *source), target)
        return Frame((*source, *prefix), (eos,), (start, *target))

    @property
    def _kind(self) -> str:
        return str(self.config["model_type"])

    @property
    def _of_bytes(self) -> bool:
        """Whether it is a ByT5, which has no sentencepiece model."""
        return self._tokenizer == "ByT5Tokenizer"

    @property
    def _fairseq(self) -> bool:
        return self._kind in ("mbart", "m2m_100")

    @cached_property
    def _tokenizer(self) -> str:
        """The name of its tokenizer."""
        given = self._json("tokenizer_config.json", {}).get("tokenizer_class") or self.config.get(
            "tokenizer_class"
        )
        many = "M2M100Tokenizer" if (self.folder / "vocab.json").is_file() else "NllbTokenizer"
        name = str(given or {"mbart": "MBartTokenizer", "m2m_100": many}.get(self._kind, ""))
        return name.removesuffix("Fast")

    def _model_files(self) -> tuple[str, str]:
        """The names of the sentencepiece models of sources and of texts.

        Raises:
            UserError: they are not there.
        """
        own = {"marian": ("source.spm", "target.spm")}
        one = "sentencepiece.bpe.model" if self._fairseq else "spiece.model"
        names = own.get(self._kind, (one, one))
        if lacking := [name for name in names if not (self.folder / name).is_file()]:
            there = sorted(
                p.name for p in self.folder.iterdir() if re.match("tokenizer|vocab|merges", p.name)
            )
            has = f"; there is {listed(there)}, which has no such model" if there else ""
            what = f"has no {lacking[0]} (the sentencepiece model of its tokenizer){has}"
            raise UserError(str(self.folder), what)
        return names

    def _all_pieces(self) -> tuple[str, ...]:
        """The pieces of the one sentencepiece model by number, special ones included."""
        return self.models[1].all_pieces

    def _json(self, name: str, default: Any = None) -> Any:
        path = self.folder / name
        if default is not None and not path.is_file():
            return default
        require(self.folder, (name,), "the numbers of its pieces")
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise UserError(str(path), "is not JSON") from error
        if not isinstance(content, dict):
            raise UserError(str(path), "is no JSON object")
        return content

    def _languages(self, numbers: Mapping[str, int]) -> dict[str, int]:
        """The numbers of its languages: as its own files say, or as transformers gives them out."""
        added = {
            str(each["content"]): int(each["id"])
            for each in self._json("tokenizer.json", {}).get("added_tokens", [])
        }
        decoder = self._json("tokenizer_config.json", {}).get("added_tokens_decoder", {})
        added |= {str(each["content"]): int(number) for number, each in decoder.items()}
        found = {name: number for name, number in added.items() if LANGUAGE.fullmatch(name)}
        if found or self._tokenizer not in LANGUAGES:
            return found
        module = import_module(f"transformers.models.{LANGUAGES[self._tokenizer]}")
        codes = module.FAIRSEQ_LANGUAGE_CODES
        if isinstance(codes, dict):
            codes = [f"__{code}__" for code in codes["m2m100"]]
        return {code: place for place, code in enumerate(codes, start=max(numbers.values()) + 1)}

    def _language(self, config: Seq2seqConfig, key: str) -> tuple[int, ...]:
        """The number of a language that the recipe names, if the checkpoint has languages."""
        name, where = str(getattr(config, key)), f"model.{key}"
        if not self.languages:
            if name:
                raise UserError(where, f"{self.folder} has no languages", "leave it out")
            return ()
        if self._kind == "marian" and key == "source_language":
            if name:
                raise UserError(where, f"{self.folder} names the language of the text only", "leave it out")
            return ()
        if name not in self.languages:
            what = f"{self.folder} has no language {name!r}" if name else f"{self.folder} needs one"
            raise UserError(where, what, f"it has {listed(sorted(self.languages))}")
        return (self.languages[name],)


def open_checkpoint(name: str) -> Checkpoint:
    """Look at a checkpoint by its folder or its name on the Hub.

    Raises:
        UserError: there is no such folder or name, or it is of another kind of model.
        OperationalError: the Hub cannot be reached.
    """
    folder = folder_of(name, "model.checkpoint", FILES)
    config = config_of(folder)
    kind, where = config["model_type"], str(folder / "config.json")
    if kind not in KINDS:
        architecture = next(iter(config.get("architectures") or ()), f"a model of type {kind!r}")
        if not config.get("is_encoder_decoder"):
            raise UserError(where, f"is of {architecture}, which is no encoder-decoder")
        raise UserError(where, f"is of {architecture}", f"one of {listed(KINDS)} can be read")
    return Checkpoint(folder, config)
