"""Corpora packed by `signkit data prepare`: WebDataset shards, or an mp4 file a clip, and an index."""
