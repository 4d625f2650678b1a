"""Clips of video, decoded when their frames are asked for: files by PyAV, pictures by Pillow."""

from signkit.data.video.open import open_clip

__all__ = ["open_clip"]
