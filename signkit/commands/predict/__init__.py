"""`signkit predict`: clips in, glosses out; their times as captions, as ELAN's annotations, or burnt in."""
