"""Scoring: alignments, error rates, protocols. No torch here."""
