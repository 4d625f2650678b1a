"""Recognition by segments: found first, then each is classified."""
