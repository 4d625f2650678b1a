"""N-gram language models: estimated as by KenLM's lmplz, stored as ARPA, queried by state and word."""

from signkit.lm.kneser_ney import estimate
from signkit.lm.ngram import NGram
from signkit.lm.perplexity import Perplexity, perplexity
from signkit.lm.store import load, save

__all__ = ["NGram", "Perplexity", "estimate", "load", "perplexity", "save"]
