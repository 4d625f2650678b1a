"""The files in the folder of an exported model. This module does not import torch."""

MODEL, CONTEXT_MODEL, DECODER_MODEL = "model.onnx", "context.onnx", "decoder.onnx"
DESCRIPTION, GOLDEN, README = "model.json", "golden.json", "README.md"
LEXICON, LANGUAGE = "lexicon.txt", "language.json"
"""Of the page: a list of words, and a language model of characters."""
MAY_CHANGE = (README, LEXICON)
"""Those that a user may edit."""
