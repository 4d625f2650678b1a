"""Losses: plain tensors in, one value a sample out. Nothing is imported here: options load without torch."""
