"""`signkit tune`: the settings of decoding that make the fewest errors on dev."""
