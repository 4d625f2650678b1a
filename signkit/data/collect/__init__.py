"""Manifests of a folder's clips: what there is, what names, folders or annotations say of it, splits."""
