"""Contexts: the glosses so far, read into one vector a history."""
