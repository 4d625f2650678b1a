"""Words spelled from letters: the corpus `composed`."""
