"""`signkit translate`: glosses, or any written source, to sentences."""
