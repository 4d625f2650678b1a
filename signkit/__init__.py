"""signkit: sign language to text. Encoders, context, transduction losses, decoding, scoring."""

__version__ = "0.1.0"
