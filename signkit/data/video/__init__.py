"""Clips of video, decoded when their frames are asked for: files by PyAV, pictures by Pillow."""

from signkit.data.video.open import load_video, open_clip

__all__ = ["load_video", "open_clip"]
