"""Landmarks of the signers of videos, by MediaPipe."""

TRACKED = ("holistic", "hands")
"""Landmark layouts that can be tracked in a video."""
TRACK = "track the signers with `signkit landmarks CLIPS --out FOLDER` and use its files (docs/landmarks.md)"
"""What to do with video where landmarks are wanted."""
