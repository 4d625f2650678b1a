"""Contexts: one vector for every history of glosses."""
