"""`signkit tune`: search for the decoding settings with the lowest error rate on dev."""
