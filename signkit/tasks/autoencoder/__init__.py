"""Autoencoders whose latent vectors are classified."""
