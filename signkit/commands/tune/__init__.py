"""`signkit tune`: search for the decoding settings that are best on dev."""
